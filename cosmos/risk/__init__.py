"""Abuse: what a user's recent turns look like to the rules, what that adds up to, and what follows from it."""
