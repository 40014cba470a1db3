"""Answers: a turn whose model is called by this service."""
