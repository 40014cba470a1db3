"""Array functions, and OBJECTTOARRAY."""

from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

from ..values import JSON, UNDEFINED, Value, equals, freeze, integer, is_number, number, sort_key
from .registry import builtin


@builtin("ARRAY_CONCAT", "aa*")
def _array_concat(*arrays: list[JSON]) -> Value:
    return [item for array in arrays for item in array]


@builtin("ARRAY_CONTAINS", "ad?b")
def _array_contains(array: list[JSON], wanted: JSON, partial: bool = False) -> Value:
    holds = _covers if partial else equals
    return any(holds(item, wanted) for item in array)


# What Azure's own rewriting calls it.
builtin("_TRY_ARRAY_CONTAINS", "ad?b")(_array_contains)


def _covers(item: JSON, wanted: JSON) -> bool:
    """Whether an object has at least the wanted properties, to any depth."""
    if type(item) is dict and type(wanted) is dict:
        return all(key in item and _covers(item[key], value) for key, value in wanted.items())
    return equals(item, wanted)


@builtin("ARRAY_CONTAINS_ANY", "au*")
def _array_contains_any(array: list[JSON], *wanted: Value) -> Value:
    """True if one is found; undefined rather than false if one of the others is undefined."""
    present = set(map(freeze, array))
    if any(freeze(value) in present for value in wanted):
        return True
    return UNDEFINED if UNDEFINED in wanted else False


@builtin("ARRAY_CONTAINS_ALL", "au*")
def _array_contains_all(array: list[JSON], *wanted: Value) -> Value:
    """False if one is not found; undefined rather than true if one of the others is undefined."""
    present = set(map(freeze, array))
    if any(value is not UNDEFINED and freeze(value) not in present for value in wanted):
        return False
    return UNDEFINED if UNDEFINED in wanted else True


@builtin("ARRAY_LENGTH", "a")
def _array_length(array: list[JSON]) -> Value:
    return len(array)


@builtin("ARRAY_SLICE", "an?n")
def _array_slice(array: list[JSON], start: float, length: float | None = None) -> Value:
    first = integer(start)
    count = len(array) if length is None else integer(length)
    if first is None or count is None:
        return UNDEFINED
    if first < 0:
        first = max(len(array) + first, 0)
    return array[first : first + max(count, 0)]


def _numeric(reduce: Callable[[list[float]], float], empty: Value) -> Callable[[list[JSON]], Value]:
    def evaluate(array: list[JSON]) -> Value:
        if not all(map(is_number, array)):
            return UNDEFINED
        return number(reduce(array)) if array else empty

    return evaluate


builtin("ARRAY_SUM", "a")(_numeric(sum, 0))
builtin("ARRAY_AVG", "a")(_numeric(lambda array: sum(array) / len(array), UNDEFINED))
builtin("ARRAY_MEDIAN", "a")(_numeric(median, UNDEFINED))


@builtin("ARRAY_MIN", "a")
def _array_min(array: list[JSON]) -> Value:
    return min(array, key=sort_key, default=UNDEFINED)


@builtin("ARRAY_MAX", "a")
def _array_max(array: list[JSON]) -> Value:
    return max(array, key=sort_key, default=UNDEFINED)


@builtin("CHOOSE", "nu*")
def _choose(position: float, *values: Value) -> Value:
    """The value at a position that counts from 1."""
    chosen = integer(position)
    return values[chosen - 1] if chosen is not None and 1 <= chosen <= len(values) else UNDEFINED


@builtin("OBJECTTOARRAY", "o?ss")
def _object_to_array(value: dict[str, JSON], key_name: str = "k", value_name: str = "v") -> Value:
    return [{key_name: key, value_name: item} for key, item in value.items()]


def _unique(values: Iterable[JSON]) -> dict[Any, JSON]:
    """The values by their canonical form, each the first time it occurs."""
    unique: dict[Any, JSON] = {}
    for value in values:
        unique.setdefault(freeze(value), value)
    return unique


@builtin("SETINTERSECT", "aa")
def _set_intersect(left: list[JSON], right: list[JSON]) -> Value:
    other = set(map(freeze, right))
    return [value for key, value in _unique(left).items() if key in other]


@builtin("SETUNION", "aa")
def _set_union(left: list[JSON], right: list[JSON]) -> Value:
    return list(_unique([*left, *right]).values())


@builtin("SETDIFFERENCE", "aa")
def _set_difference(left: list[JSON], right: list[JSON]) -> Value:
    other = set(map(freeze, right))
    return [value for key, value in _unique(left).items() if key not in other]


@builtin("SETEQUAL", "aa")
def _set_equal(left: list[JSON], right: list[JSON]) -> Value:
    return _unique(left).keys() == _unique(right).keys()
