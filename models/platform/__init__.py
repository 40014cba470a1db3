"""The platform as a whole, without naming any user: days and months of UTC, common questions, growth."""
