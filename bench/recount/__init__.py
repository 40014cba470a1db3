"""The oracle: what must be stored and told, counted anew from what went in, and compared with what is."""
