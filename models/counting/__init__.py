"""Counting exactly once: buckets, the fold, its ledger, and their reconciliation."""
