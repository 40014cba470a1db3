"""A model that speaks OpenAI's chat completions, and says what it is told to."""
