"""The operators of the language, as closures over their compiled operands."""

import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from .runtime import Evaluate, Frame
from .values import UNDEFINED, Value, compare, equals, freeze, number

_WORD: Final = 2**32
_NEVER: Final = re.compile(r"(?!)")
_LIKE_PARTS: Final = re.compile(r"%|_|\[\^?[^\]]+\]|.", re.DOTALL)


def binary(operator: str, left: Evaluate, right: Evaluate) -> Evaluate:
    """The closure of `left operator right`."""
    if operator in _ARITHMETIC:
        return _arithmetic(_ARITHMETIC[operator], left, right)
    if operator in _ORDERINGS:
        return _ordering(_ORDERINGS[operator], left, right)
    return _SPECIAL[operator](left, right)


def unary(operator: str, operand: Evaluate) -> Evaluate:
    """The closure of `operator operand`."""
    return _UNARY[operator](operand)


def negate(truth: Evaluate) -> Evaluate:
    """NOT: true and false swap, everything else gives undefined."""

    def evaluate(frame: Frame) -> Value:
        value = truth(frame)
        return (not value) if type(value) is bool else UNDEFINED

    return evaluate


def conjunction(operands: Sequence[Evaluate]) -> Evaluate:
    """AND: false if one is false, even if another is undefined."""

    def evaluate(frame: Frame) -> Value:
        result: Value = True
        for operand in operands:
            value = operand(frame)
            if value is False:
                return False
            if value is not True:
                result = UNDEFINED
        return result

    return evaluate


def disjunction(operands: Sequence[Evaluate]) -> Evaluate:
    """OR: true if one is true, even if another is undefined."""

    def evaluate(frame: Frame) -> Value:
        result: Value = False
        for operand in operands:
            value = operand(frame)
            if value is True:
                return True
            if value is not False:
                result = UNDEFINED
        return result

    return evaluate


def coalesce(left: Evaluate, right: Evaluate) -> Evaluate:
    """`??`: the right one where the left one is undefined. Null is a value."""

    def evaluate(frame: Frame) -> Value:
        value = left(frame)
        return right(frame) if value is UNDEFINED else value

    return evaluate


def conditional(test: Evaluate, then: Evaluate, otherwise: Evaluate) -> Evaluate:
    """`?:`: anything but true takes the second branch."""

    def evaluate(frame: Frame) -> Value:
        return then(frame) if test(frame) is True else otherwise(frame)

    return evaluate


def equal(left: Evaluate, right: Evaluate) -> Evaluate:
    """`=`: undefined only if either side is; values of different types are unequal."""

    def evaluate(frame: Frame) -> Value:
        one = left(frame)
        other = right(frame)
        if one is UNDEFINED or other is UNDEFINED:
            return UNDEFINED
        return equals(one, other)

    return evaluate


def unequal(left: Evaluate, right: Evaluate) -> Evaluate:
    """`!=`: undefined only if either side is; so `c.x != null` holds for every other value that is defined."""
    return negate(equal(left, right))


def contained(needle: Evaluate, items: Sequence[Evaluate]) -> Evaluate:
    """IN: whether the needle equals any of the items."""

    def evaluate(frame: Frame) -> Value:
        value = needle(frame)
        if value is UNDEFINED:
            return UNDEFINED
        for item in items:
            candidate = item(frame)
            if candidate is not UNDEFINED and equals(value, candidate):
                return True
        return False

    return evaluate


def contained_in_constants(needle: Evaluate, items: Sequence[Evaluate], slot: int) -> Evaluate:
    """IN with constants and parameters only: looked up in a set, which is made once in a run and kept in the slot."""

    def evaluate(frame: Frame) -> Value:
        value = needle(frame)
        if value is UNDEFINED:
            return UNDEFINED
        if frame[slot] is None:
            frame[slot] = {freeze(item(frame)) for item in items}
        return freeze(value) in frame[slot]

    return evaluate


def between(value: Evaluate, low: Evaluate, high: Evaluate) -> Evaluate:
    """BETWEEN: both bounds belong to the range."""
    return conjunction((binary(">=", value, low), binary("<=", value, high)))


def like(value: Evaluate, pattern: Evaluate, escape: str | None) -> Evaluate:
    """LIKE: `%` any characters, `_` any one, `[a-f]` and `[^a-f]` sets; case matters."""

    def evaluate(frame: Frame) -> Value:
        text = value(frame)
        wanted = pattern(frame)
        if type(text) is not str or type(wanted) is not str:
            return UNDEFINED
        return like_pattern(wanted, escape).fullmatch(text) is not None

    return evaluate


@lru_cache(maxsize=256)
def like_pattern(pattern: str, escape: str | None) -> re.Pattern[str]:
    """The regular expression of a LIKE pattern. A set with a range from right to left matches nothing."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern[at] == escape and at + 1 < len(pattern):
            parts.append(re.escape(pattern[at + 1]))
            at += 2
            continue
        match = _LIKE_PARTS.match(pattern, at)
        assert match is not None  # the last alternative takes any character
        parts.append(_like_part(match[0]))
        at = match.end()
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:
        return _NEVER


def _like_part(part: str) -> str:
    if part == "%":
        return ".*"
    if part == "_":
        return "."
    if len(part) == 1:
        return re.escape(part)
    inverted = part.startswith("[^") and part != "[^]"
    members = part[2:-1] if inverted else part[1:-1]
    return ("[^" if inverted else "[") + re.sub(r"([\\\[&~|^])", r"\\\1", members) + "]"


def _arithmetic(operation: Callable[[float, float], float], left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(frame: Frame) -> Value:
        one = left(frame)
        other = right(frame)
        if type(one) not in _NUMERIC or type(other) not in _NUMERIC:
            return UNDEFINED
        return number(operation(one, other))

    return evaluate


def _ordering(holds: Callable[[int], bool], left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(frame: Frame) -> Value:
        order = compare(left(frame), right(frame))
        return UNDEFINED if order is None else holds(order)

    return evaluate


def _concatenate(left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(frame: Frame) -> Value:
        one = left(frame)
        other = right(frame)
        return one + other if type(one) is str and type(other) is str else UNDEFINED

    return evaluate


def _on_number(operation: Callable[[float], float]) -> Callable[[Evaluate], Evaluate]:
    def build(operand: Evaluate) -> Evaluate:
        def evaluate(frame: Frame) -> Value:
            value = operand(frame)
            return number(operation(value)) if type(value) in _NUMERIC else UNDEFINED

        return evaluate

    return build


def _divide(left: float, right: float) -> float:
    if right == 0:
        return math.nan if left == 0 or left != left else math.copysign(math.inf, left) * math.copysign(1.0, right)
    return left / right


def _remainder(left: float, right: float) -> float:
    """The remainder with the sign of the dividend, as in C and JavaScript."""
    if right == 0 or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


def to_int32(value: float) -> int:
    """The number as a 32-bit integer, the way JavaScript's bitwise operators take it."""
    if not math.isfinite(value):
        return 0
    low = int(value) % _WORD
    return low - _WORD if low >= _WORD // 2 else low


def _bitwise(operation: Callable[[int, int], int]) -> Callable[[float, float], float]:
    return lambda left, right: to_int32(operation(to_int32(left), to_int32(right)))


_NUMERIC: Final = frozenset({int, float})

_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divide,
    "%": _remainder,
    "&": _bitwise(lambda left, right: left & right),
    "|": _bitwise(lambda left, right: left | right),
    "^": _bitwise(lambda left, right: left ^ right),
    "<<": _bitwise(lambda left, right: left << (right & 31)),
    ">>": _bitwise(lambda left, right: left >> (right & 31)),
    ">>>": lambda left, right: (to_int32(left) % _WORD) >> (to_int32(right) & 31),
}

_ORDERINGS: Final[dict[str, Callable[[int], bool]]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}

_SPECIAL: Final[dict[str, Callable[[Evaluate, Evaluate], Evaluate]]] = {
    "=": equal,
    "!=": unequal,
    "??": coalesce,
    "||": _concatenate,
}

_UNARY: Final[dict[str, Callable[[Evaluate], Evaluate]]] = {
    "NOT": negate,
    "-": _on_number(lambda value: -value),
    "+": _on_number(lambda value: value),
    "~": _on_number(lambda value: ~to_int32(value)),
}
