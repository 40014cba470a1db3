"""The built-in functions of the query language, one module for each family in Azure's documentation."""

from . import arrays, dates, fulltext, items, mathematics, spatial, strings, typechecks, vectors
from .registry import FUNCTIONS, compile_call

__all__ = [
    "FUNCTIONS",
    "arrays",
    "compile_call",
    "dates",
    "fulltext",
    "items",
    "mathematics",
    "spatial",
    "strings",
    "typechecks",
    "vectors",
]
