"""A fortnight of made-up chat turns, to have something to look at after the first start."""
