"""What is counted of users and of the platform, as it is shown."""
