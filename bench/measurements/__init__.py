"""The measurements: each prints what it found, and exits with 1 where that is not as it should be."""
