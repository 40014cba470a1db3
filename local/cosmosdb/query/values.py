"""The values of the query language: JSON plus *undefined*, their equality, order and canonical form."""

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

JSON: TypeAlias = Any
"""A parsed JSON value: None, bool, int, float, str, list or dict."""

Value: TypeAlias = Any
"""A JSON value or UNDEFINED."""


class Undefined(Enum):
    """The type of UNDEFINED, which is what a missing property evaluates to. It is not null."""

    UNDEFINED = "undefined"

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined.UNDEFINED

_EXACT_INTEGER = 2**53
_LARGEST_INTEGER = 2**63

# Undefined < null < booleans < numbers < strings < arrays < objects, in ORDER BY and in MIN and MAX.
_RANKS: dict[type, int] = {
    Undefined: 0,
    type(None): 1,
    bool: 2,
    int: 3,
    float: 3,
    str: 4,
    list: 5,
    dict: 6,
}
_NULL, _NUMBER, _STRING, _ARRAY, _OBJECT = 1, 3, 4, 5, 6


def is_number(value: Value) -> bool:
    """Whether the value is a JSON number. In Python a bool is an int, in JSON it is not a number."""
    kind = type(value)
    return kind is int or kind is float


def number(value: float) -> int | float:
    """The number as Cosmos DB keeps it: a double, which prints without a fraction if it has none (3.0 is 3)."""
    if type(value) is int:
        return value if -_EXACT_INTEGER <= value <= _EXACT_INTEGER else _as_double(value)
    if math.isfinite(value) and value == int(value) and abs(value) < _LARGEST_INTEGER:
        return int(value)
    return value


def _as_double(value: int) -> int | float:
    try:
        return number(float(value))
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def integer(value: Value) -> int | None:
    """The value as an int if it is a number without a fraction, else None."""
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    return None


def rank(value: Value) -> int:
    """The position of the value's type in the order of types, 0 for UNDEFINED to 6 for objects."""
    return _RANKS[type(value)]


def equals(left: Value, right: Value) -> bool:
    """Deep equality of two defined values. Values of different types differ; 1 equals 1.0 but not true."""
    kind = type(left)
    if kind is str or kind is type(None):
        return kind is type(right) and left == right
    if _RANKS[kind] != _RANKS[type(right)]:
        return False
    if kind is list:
        return len(left) == len(right) and all(map(equals, left, right))
    if kind is dict:
        return left.keys() == right.keys() and all(equals(value, right[key]) for key, value in left.items())
    return left == right  # type: ignore[no-any-return]


def freeze(value: Value) -> Any:
    """A hashable stand-in, equal for two values exactly if `equals` says so. For DISTINCT, GROUP BY and sets."""
    kind = type(value)
    if kind is bool:
        return (bool, value)
    if kind is list:
        return (list, tuple(map(freeze, value)))
    if kind is dict:
        return (dict, frozenset((key, freeze(item)) for key, item in value.items()))
    return value


def sort_key(value: Value) -> tuple[Any, ...]:
    """A key that sorts any two values: by type first, then by value. Arrays and objects have an order of their own."""
    position = _RANKS[type(value)]
    if position <= _NULL:
        return (position,)
    if position == _NUMBER:
        return (position, -math.inf) if value != value else (position, value)
    if position == _STRING:
        # By UTF-8 bytes, which is also the order of code points.
        return (position, value)
    if position == _ARRAY:
        return (position, tuple(map(sort_key, value)))
    if position == _OBJECT:
        return (position, tuple((key, sort_key(value[key])) for key in sorted(value)))
    return (position, value)


def compare(left: Value, right: Value) -> int | None:
    """Negative, zero or positive for two values of one comparable type; None where `<` and its kin are undefined.

    Source: Azure Cosmos DB, "Equality and comparison operators": across types, and for arrays and objects, the
    result is undefined. Two nulls are equal.
    """
    position = _RANKS[type(left)]
    if position != _RANKS[type(right)] or not _NULL <= position <= _STRING:
        return None
    if position == _NULL:
        return 0
    return int(left > right) - int(left < right)


def printable(value: JSON) -> JSON:
    """The value with infinities and NaN, which JSON does not have, as the strings that Cosmos DB prints for them."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else _printed(value)
    if kind is list:
        return [printable(item) for item in value]
    if kind is dict:
        return {key: printable(item) for key, item in value.items()}
    return value


def _printed(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


Parameters: TypeAlias = Mapping[str, JSON]
"""Values by "@name"."""
