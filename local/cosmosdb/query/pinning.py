"""What a WHERE clause pins paths of a document to, so that not everything has to be read.

A filter is taken as a disjunction of conjunctions of `path = value`. What can't be put that way pins nothing, so the
result may allow more than the filter does, but never less.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, Final, TypeAlias

from . import nodes
from .nodes import Expression
from .paths import document_path, walk
from .values import JSON, Parameters, freeze

Conjunction: TypeAlias = dict[str, JSON]
"""Values by path, "/a/b"."""

Constant: TypeAlias = Callable[[Expression, Parameters], Any]
"""Evaluates an expression without names."""

_MOST_ALTERNATIVES: Final = 10_000
_ANYTHING: Final[list[Conjunction]] = [{}]
_SCALARS: Final = (type(None), bool, int, float, str)


class Pins:
    """The pins of one filter over the documents bound to `alias`, under given parameters."""

    def __init__(self, alias: str, parameters: Parameters, constant: Constant) -> None:
        self._alias = alias
        self._parameters = parameters
        self._constant = constant

    def alternatives(self, filter_: Expression | None) -> list[Conjunction]:
        """The conjunctions of which at least one holds for each document that passes; none if no document can."""
        match filter_:
            case nodes.Logical(operator, operands):
                return reduce(_both if operator == "AND" else _either, map(self.alternatives, operands))
            case nodes.Binary("=", left, right):
                return self._equality(left, (right,)) or self._equality(right, (left,)) or _ANYTHING
            case nodes.In(needle, items, False):
                return self._equality(needle, items) or _ANYTHING
            case nodes.Literal(bool() as value):
                return _ANYTHING if value else []
            case nodes.Unary("NOT", operand) if path := document_path(operand, self._alias):
                return [{path: False}]
            case nodes.Call(name, arguments, False):
                return self._call(name.upper(), arguments) or _ANYTHING
            case nodes.Member() | nodes.Index() if path := document_path(filter_, self._alias):
                return [{path: True}]
        return _ANYTHING

    def _call(self, name: str, arguments: Sequence[Expression]) -> list[Conjunction]:
        match name, arguments:
            case "IS_NULL", (operand,) if path := document_path(operand, self._alias):
                return [{path: None}]
            case "IS_BOOL", (operand,) if path := document_path(operand, self._alias):
                return [{path: False}, {path: True}]
            case "ARRAY_CONTAINS" | "_TRY_ARRAY_CONTAINS", (array, operand) if is_constant(array):
                values = self._constant(array, self._parameters)
                if isinstance(values, list):
                    return self._equality(operand, [nodes.Literal(value) for value in values])
        return []

    def _equality(self, operand: Expression, candidates: Sequence[Expression]) -> list[Conjunction]:
        """The alternatives of an operand that equals one of the candidates; none if that pins nothing."""
        path = document_path(operand, self._alias)
        if path is None or not all(map(is_constant, candidates)):
            return []
        values = [self._constant(candidate, self._parameters) for candidate in candidates]
        if not all(isinstance(value, _SCALARS) for value in values):
            return []
        return [{path: value} for value in values]


def is_constant(expression: Expression) -> bool:
    """Whether it reads nothing but parameters."""
    return not any(isinstance(node, nodes.Name | nodes.Call | nodes.Subquery) for node in walk(expression))


def _either(left: list[Conjunction], right: list[Conjunction]) -> list[Conjunction]:
    if {} in left or {} in right or len(left) + len(right) > _MOST_ALTERNATIVES:
        return _ANYTHING
    return left + right


def _both(left: list[Conjunction], right: list[Conjunction]) -> list[Conjunction]:
    if len(left) * len(right) > _MOST_ALTERNATIVES:
        return min(left, right, key=len)
    return [one | other for one in left for other in right if _agree(one, other)]


def _agree(one: Conjunction, other: Conjunction) -> bool:
    return all(freeze(one[path]) == freeze(other[path]) for path in one.keys() & other.keys())


def pinned_keys(alternatives: list[Conjunction], paths: Sequence[str]) -> list[list[JSON]] | None:
    """The partition key values, or prefixes of them, that the alternatives name; None if one of them names none."""
    keys: dict[object, list[JSON]] = {}
    for alternative in alternatives:
        key = list(_prefix(alternative, paths))
        if not key:
            return None
        keys.setdefault(freeze(key), key)
    return list(keys.values())


def _prefix(alternative: Conjunction, paths: Sequence[str]) -> Iterator[JSON]:
    for path in paths:
        if path not in alternative:
            return
        yield alternative[path]


def pinned_paths(alternatives: list[Conjunction]) -> dict[str, list[JSON]]:
    """The paths that every alternative names, each with the values they name. Empty without alternatives."""
    if not alternatives:
        return {}
    common = set.intersection(*(set(alternative) for alternative in alternatives))
    values = {path: {freeze(alternative[path]): alternative[path] for alternative in alternatives} for path in common}
    return {path: list(values[path].values()) for path in sorted(common)}
