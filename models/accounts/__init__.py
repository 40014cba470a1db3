"""Who the user is, and what staff do to an account."""
