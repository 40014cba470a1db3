"""What users save."""
