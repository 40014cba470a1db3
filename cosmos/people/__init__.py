"""What people are to each other: children and their guardians."""
