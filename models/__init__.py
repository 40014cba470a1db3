"""The domain: documents, messages and the pure rules on them. No I/O, no clock, no environment."""
