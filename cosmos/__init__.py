"""Persistence: the one client, the containers, and what reads and writes each of them."""
