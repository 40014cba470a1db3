"""Mathematical functions. Results outside the real numbers are NaN, as in IEEE 754, not errors."""

import math
from collections.abc import Callable

from ..runtime import Context
from ..values import UNDEFINED, Value, integer, number
from .registry import builtin

_INT64 = 2**64
_INT64_SIGN = 2**63
_LARGEST_SHIFT = 64
_MOST_DIGITS = 300
_LARGEST_EXPONENT = 308


def _real(function: Callable[..., float]) -> Callable[..., Value]:
    """The function with NaN where it is not defined, and infinity where the result is too large."""

    def evaluate(*arguments: float) -> Value:
        try:
            return number(function(*arguments))
        except OverflowError:
            return math.inf
        except (ValueError, ZeroDivisionError):
            return math.nan

    return evaluate


def _log(value: float, base: float = math.e) -> float:
    if value == 0:
        return -math.inf
    return math.log(value) if base == math.e else math.log(value, base)


def _power(base: float, exponent: float) -> float:
    return math.inf if base == 0 and exponent < 0 else math.pow(base, exponent)


def _round(value: float, digits: int = 0) -> float:
    """Rounds half away from zero. A double has no more than 17 digits, so far ends of the scale change nothing."""
    if digits > _MOST_DIGITS:
        return value
    if digits < -_LARGEST_EXPONENT:
        return 0
    scale = 10.0**digits
    scaled = abs(value) * scale
    whole = math.floor(scaled)
    return math.copysign((whole + 1 if scaled - whole >= 0.5 else whole) / scale, value)


def _cotangent(value: float) -> float:
    return math.inf if value == 0 else 1 / math.tan(value)


def _sign(value: float) -> float:
    return (value > 0) - (value < 0)


_UNARY: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "ACOS": math.acos,
    "ASIN": math.asin,
    "ATAN": math.atan,
    "CEILING": math.ceil,
    "COS": math.cos,
    "COT": _cotangent,
    "DEGREES": math.degrees,
    "EXP": math.exp,
    "FLOOR": math.floor,
    "LOG10": lambda value: -math.inf if value == 0 else math.log10(value),
    "RADIANS": math.radians,
    "SIGN": _sign,
    "SIN": math.sin,
    "SQRT": math.sqrt,
    "SQUARE": lambda value: value * value,
    "TAN": math.tan,
    "TRUNC": math.trunc,
}
for _name, _function in _UNARY.items():
    builtin(_name, "n")(_real(_function))

builtin("ATN2", "nn")(_real(lambda y, x: math.atan2(y, x)))
builtin("LOG", "n?n")(_real(_log))
builtin("POWER", "nn")(_real(_power))


@builtin("ROUND", "n?n")
def _round_to(value: float, digits: float = 0) -> Value:
    places = integer(digits)
    if places is None or not math.isfinite(value):
        return UNDEFINED if places is None else value
    return number(_round(value, places))


@builtin("NUMBERBIN", "n?n")
def _number_bin(value: float, size: float = 1) -> Value:
    """The value rounded down to a multiple of the bin's size; towards positive infinity if the size is negative."""
    if size == 0 or not math.isfinite(value / size):
        return UNDEFINED
    return number(math.floor(value / size) * size)


@builtin("PI")
def _pi() -> Value:
    return math.pi


@builtin("RAND", contextual=True)
def _rand(context: Context) -> Value:
    return context.rng.random()


def _wrapped(value: int) -> int:
    """The value as a signed 64-bit integer."""
    low = value % _INT64
    return low - _INT64 if low >= _INT64_SIGN else low


def _on_integers(function: Callable[[int, int], int | None]) -> Callable[[float, float], Value]:
    def evaluate(left: float, right: float) -> Value:
        one, other = integer(left), integer(right)
        if one is None or other is None:
            return UNDEFINED
        result = function(_wrapped(one), _wrapped(other))
        return UNDEFINED if result is None else _wrapped(result)

    return evaluate


def _divided(left: int, right: int) -> int | None:
    """The quotient without its fraction, towards zero."""
    if right == 0:
        return None
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _modulo(left: int, right: int) -> int | None:
    quotient = _divided(left, right)
    return None if quotient is None else left - quotient * right


def _left_shift(left: int, right: int) -> int | None:
    return left << right if 0 <= right < _LARGEST_SHIFT else None


def _right_shift(left: int, right: int) -> int | None:
    return left >> right if 0 <= right < _LARGEST_SHIFT else None


_INTEGER: dict[str, Callable[[int, int], int | None]] = {
    "INTADD": lambda left, right: left + right,
    "INTSUB": lambda left, right: left - right,
    "INTMUL": lambda left, right: left * right,
    "INTDIV": _divided,
    "INTMOD": _modulo,
    "INTBITAND": lambda left, right: left & right,
    "INTBITOR": lambda left, right: left | right,
    "INTBITXOR": lambda left, right: left ^ right,
    "INTBITLEFTSHIFT": _left_shift,
    "INTBITRIGHTSHIFT": _right_shift,
}
for _name, _operation in _INTEGER.items():
    builtin(_name, "nn")(_on_integers(_operation))


@builtin("INTBITNOT", "n")
def _integer_not(value: float) -> Value:
    whole = integer(value)
    return UNDEFINED if whole is None else ~_wrapped(whole)
