"""The aggregate functions: COUNT, SUM, AVG, MIN, MAX, COUNTIF, MAKELIST and MAKESET.

Source: the baselines of Azure's emulator for aggregates over mixed types. None of them counts undefined.
"""

from collections.abc import Callable
from typing import Final, Protocol

from .values import UNDEFINED, Value, freeze, is_number, number, rank, sort_key

_COMPARABLE_RANKS: Final = range(1, 5)  # null, boolean, number, string


class Aggregate(Protocol):
    """An aggregate in the making: fed with a value for each row, then asked for the result."""

    def add(self, value: Value) -> None:
        """Takes the argument's value of one row."""

    def result(self) -> Value:
        """The aggregate of what was added."""


class _Count:
    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Value) -> None:
        if value is not UNDEFINED:
            self._count += 1

    def result(self) -> Value:
        return self._count


class _CountIf(_Count):
    def add(self, value: Value) -> None:
        if value is True:
            self._count += 1


class _Sum:
    """0 over nothing, undefined as soon as something that is not a number is among the values."""

    def __init__(self) -> None:
        self._sum: float = 0
        self._count = 0
        self._valid = True

    def add(self, value: Value) -> None:
        if is_number(value):
            self._sum += value
            self._count += 1
        elif value is not UNDEFINED:
            self._valid = False

    def result(self) -> Value:
        return number(self._sum) if self._valid else UNDEFINED


class _Average(_Sum):
    """Undefined over nothing, too."""

    def result(self) -> Value:
        return number(self._sum / self._count) if self._valid and self._count else UNDEFINED


class _Extreme:
    """The first or last in the order of types and values; undefined with an array or an object among them."""

    def __init__(self, sign: int) -> None:
        self._best: Value = UNDEFINED
        self._valid = True
        self._sign = sign

    def add(self, value: Value) -> None:
        if value is UNDEFINED:
            return
        if rank(value) not in _COMPARABLE_RANKS:
            self._valid = False
        elif self._best is UNDEFINED or self._is_better(value):
            self._best = value

    def _is_better(self, value: Value) -> bool:
        return sort_key(value) < sort_key(self._best) if self._sign < 0 else sort_key(value) > sort_key(self._best)

    def result(self) -> Value:
        return self._best if self._valid else UNDEFINED


class _List:
    def __init__(self) -> None:
        self._items: list[Value] = []

    def add(self, value: Value) -> None:
        if value is not UNDEFINED:
            self._items.append(value)

    def result(self) -> Value:
        return self._items


class _Set(_List):
    """Each value once, in the order in which they were first seen."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[object] = set()

    def add(self, value: Value) -> None:
        if value is not UNDEFINED and (key := freeze(value)) not in self._seen:
            self._seen.add(key)
            self._items.append(value)


AGGREGATES: Final[dict[str, Callable[[], Aggregate]]] = {
    "COUNT": _Count,
    "COUNTIF": _CountIf,
    "SUM": _Sum,
    "AVG": _Average,
    "MIN": lambda: _Extreme(-1),
    "MAX": lambda: _Extreme(1),
    "MAKELIST": _List,
    "MAKESET": _Set,
}
"""Makers of aggregates by the function's name in capitals. Each takes one argument."""

PLAN_NAMES: Final = {
    "COUNT": "Count",
    "COUNTIF": "CountIf",
    "SUM": "Sum",
    "AVG": "Average",
    "MIN": "Min",
    "MAX": "Max",
    "MAKELIST": "MakeList",
    "MAKESET": "MakeSet",
}
"""What the query plan calls them."""
