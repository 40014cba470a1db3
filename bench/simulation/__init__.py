"""Made use: populations, histories, a stack to play them on, callers, and a database and processes that fail."""
