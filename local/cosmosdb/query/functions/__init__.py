"""The built-in functions of the query language, one module for each family in Azure's documentation."""

from . import typechecks
from .registry import FUNCTIONS, compile_call

__all__ = ["FUNCTIONS", "compile_call", "typechecks"]
