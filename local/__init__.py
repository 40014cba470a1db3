"""Azure on a laptop: Cosmos DB, the Functions host, a token issuer, and the commands that run them."""
