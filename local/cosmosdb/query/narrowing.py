"""The part of a WHERE clause that an index serves: a document that it leaves out need not be loaded.

Served are comparisons of an indexed path with what is constant: `=`, `<`, `<=`, `>`, `>=`, IN, BETWEEN, a path that
is a boolean, IS_DEFINED, IS_NULL, STARTSWITH that minds case, and ARRAY_CONTAINS of whole elements; ANDs of which some
are, and ORs of which all are. What is negated is not. Source: "Indexing in Azure Cosmos DB", index seek and scan.
"""

from collections.abc import Callable, Iterator
from typing import Final

from . import nodes
from .nodes import Expression
from .paths import document_path
from .pinning import is_constant

Indexed = Callable[[str], bool]
"""Whether the values at a path like "/a/b" are indexed; those of an array are at "/a/[]"."""

_COMPARISONS: Final = frozenset({"=", "<", "<=", ">", ">="})
_CALLS: Final = {"IS_DEFINED": ("", 0), "IS_NULL": ("", 0), "STARTSWITH": ("", 1), "ARRAY_CONTAINS": ("/[]", 1)}
"""What is below the path that a call asks about, and how many constants it takes besides."""


def served(filter_: Expression, alias: str, indexed: Indexed) -> Expression | None:
    """What is true of each document, bound to `alias`, that passes the filter, and that an index can tell of all.

    None if it can tell nothing.
    """
    match filter_:
        case nodes.Logical(operator, operands):
            parts = [part for operand in operands if (part := served(operand, alias, indexed)) is not None]
            is_enough = bool(parts) if operator == "AND" else len(parts) == len(operands)
            return nodes.Logical(operator, tuple(parts)) if is_enough else None
    return filter_ if any(_is_served(*pair, alias, indexed) for pair in _compared(filter_)) else None


def _compared(filter_: Expression) -> Iterator[tuple[Expression, str, tuple[Expression, ...]]]:
    """What may be a path, what is below it (of an array: "/[]"), and what it is compared with."""
    match filter_:
        case nodes.Binary(operator, left, right) if operator in _COMPARISONS:
            yield from ((left, "", (right,)), (right, "", (left,)))
        case nodes.In(needle, items, False):
            yield needle, "", items
        case nodes.Between(value, low, high, False):
            yield value, "", (low, high)
        case nodes.Call(name, (operand, *others), False) if name.upper() in _CALLS:
            below, most = _CALLS[name.upper()]
            if len(others) == most:
                yield operand, below, tuple(others)
        case nodes.Member() | nodes.Index():
            yield filter_, "", ()


def _is_served(operand: Expression, below: str, others: tuple[Expression, ...], alias: str, indexed: Indexed) -> bool:
    path = document_path(operand, alias)
    return path is not None and indexed(path + below) and all(map(is_constant, others))
