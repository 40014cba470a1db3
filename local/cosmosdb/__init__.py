"""The Cosmos DB NoSQL REST protocol over SQLite."""
