"""The query language of Azure Cosmos DB for NoSQL: parsed with a grammar, compiled to closures, planned."""

from .errors import QueryError
from .query import Query, compile_query, parameter_values
from .values import UNDEFINED

__all__ = ["UNDEFINED", "Query", "QueryError", "compile_query", "parameter_values"]
