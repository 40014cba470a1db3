"""Prices, limits, allowances and alerts."""
