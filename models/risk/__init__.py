"""Abuse: what a user's recent turns look like to six rules, what that adds up to, and what follows from it."""
