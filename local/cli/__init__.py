"""The commands of `python -m local`: one module each."""
