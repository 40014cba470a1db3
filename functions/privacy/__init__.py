"""Consent, retention, export, erasure and audit."""
