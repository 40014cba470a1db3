"""Date and time functions, on UTC strings like "2020-07-09T23:20:13.4575530Z" with up to seven digits of fraction.

A tick is 100 ns, counted from the Unix epoch.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from ..runtime import Context
from ..values import UNDEFINED, Value, integer
from .registry import builtin

_TICKS_PER_SECOND: Final = 10_000_000
_TICKS_PER_DAY: Final = 86_400 * _TICKS_PER_SECOND
_TICKS_PER_MILLISECOND: Final = 10_000
_NANOSECONDS_PER_TICK: Final = 100
_MONTHS_PER_YEAR: Final = 12
_NOON: Final = 12
_EPOCH: Final = datetime(1970, 1, 1)
_TIME: Final = r"[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?"
_DATETIME: Final = re.compile(rf"(\d{{4}})-(\d{{2}})-(\d{{2}})(?:{_TIME})?Z?")

_PART_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "year": ("year", "yyyy", "yy"),
    "month": ("month", "mm", "m"),
    "day": ("day", "dd", "d"),
    "hour": ("hour", "hh"),
    "minute": ("minute", "mi", "n"),
    "second": ("second", "ss", "s"),
    "millisecond": ("millisecond", "ms"),
    "microsecond": ("microsecond", "mcs"),
    "nanosecond": ("nanosecond", "ns"),
}
_PARTS: Final = {name: part for part, names in _PART_NAMES.items() for name in names}
_SPECIFIER: Final = re.compile(r"\\(.)|yyyy|yy|MM?|dd?|HH?|hh?|mm?|ss?|tt|f{1,7}|F{1,7}", re.DOTALL)
_UNIT_TICKS: Final = {
    "day": _TICKS_PER_DAY,
    "hour": 3600 * _TICKS_PER_SECOND,
    "minute": 60 * _TICKS_PER_SECOND,
    "second": _TICKS_PER_SECOND,
    "millisecond": _TICKS_PER_MILLISECOND,
    "microsecond": 10,
}


def parse_ticks(text: str) -> int | None:
    """The ticks of a date and time string; None if it is none."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return None
    *numbers, fraction = match.groups(default="0")
    year, month, day, hour, minute, second = map(int, numbers)
    return _ticks_of(year, month, day, hour, minute, second, int(fraction.ljust(7, "0")))


def _ticks_of(year: int, month: int, day: int, hour: int, minute: int, second: int, fraction: int) -> int | None:
    try:
        moment = datetime(year, month, day, hour, minute, second)
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH) // timedelta(seconds=1) * _TICKS_PER_SECOND + fraction


def format_ticks(ticks: int) -> Value:
    """The string of a moment; UNDEFINED outside the years 1 to 9999."""
    seconds, fraction = divmod(ticks, _TICKS_PER_SECOND)
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return UNDEFINED
    return f"{moment.isoformat(timespec='seconds')}.{fraction:07d}Z"


def _moment(ticks: int) -> datetime:
    return _EPOCH + timedelta(seconds=ticks // _TICKS_PER_SECOND)


def _now_ticks(context: Context) -> int:
    return (context.now.astimezone(UTC).replace(tzinfo=None) - _EPOCH) // timedelta(microseconds=1) * 10


@builtin("NOW", contextual=True)
def _now(context: Context) -> Value:
    return format_ticks(_now_ticks(context))


@builtin("AGO", "sn", contextual=True)
def _ago(context: Context, part: str, amount: float) -> Value:
    return _add(part, -amount, format_ticks(_now_ticks(context)))


# A query is evaluated at one moment, so the "static" variants, which are that on purpose, are the same.
for _suffix in ("", "STATIC"):
    builtin(f"GETCURRENTDATETIME{_suffix}", contextual=True)(_now)
    builtin(f"GETCURRENTTICKS{_suffix}", contextual=True)(_now_ticks)
    builtin(f"GETCURRENTTIMESTAMP{_suffix}", contextual=True)(
        lambda context: _now_ticks(context) // _TICKS_PER_MILLISECOND
    )


@builtin("DATETIMEADD", "sns")
def _add(part: str, amount: float, text: str) -> Value:
    unit, count, ticks = _PARTS.get(part.lower()), integer(amount), parse_ticks(text)
    if unit is None or count is None or ticks is None:
        return UNDEFINED
    if unit in ("year", "month"):
        return _add_months(ticks, count * _MONTHS_PER_YEAR if unit == "year" else count)
    if unit == "nanosecond":
        return format_ticks(ticks + int(count / _NANOSECONDS_PER_TICK))
    return format_ticks(ticks + count * _UNIT_TICKS[unit])


def _add_months(ticks: int, months: int) -> Value:
    """The same day of another month, or its last day if it is shorter."""
    moment = _moment(ticks)
    year, month = divmod(moment.year * _MONTHS_PER_YEAR + moment.month - 1 + months, _MONTHS_PER_YEAR)
    rest = ticks % _TICKS_PER_DAY
    for day in range(moment.day, moment.day - 4, -1):
        start = _ticks_of(year, month + 1, day, 0, 0, 0, 0)
        if start is not None:
            return format_ticks(start + rest)
    return UNDEFINED


@builtin("DATETIMEDIFF", "sss")
def _difference(part: str, start: str, end: str) -> Value:
    """How many boundaries of the part lie between the two, negative if the end comes first."""
    unit, first, last = _PARTS.get(part.lower()), parse_ticks(start), parse_ticks(end)
    if unit is None or first is None or last is None:
        return UNDEFINED
    if unit == "year":
        return _moment(last).year - _moment(first).year
    if unit == "month":
        return _month_number(last) - _month_number(first)
    if unit == "nanosecond":
        return (last - first) * _NANOSECONDS_PER_TICK
    return last // _UNIT_TICKS[unit] - first // _UNIT_TICKS[unit]


def _month_number(ticks: int) -> int:
    moment = _moment(ticks)
    return moment.year * _MONTHS_PER_YEAR + moment.month


@builtin("DATETIMEPART", "ss")
def _part(part: str, text: str) -> Value:
    unit, ticks = _PARTS.get(part.lower()), parse_ticks(text)
    if unit is None or ticks is None:
        return UNDEFINED
    fraction = ticks % _TICKS_PER_SECOND
    match unit:
        case "millisecond" | "microsecond":
            return fraction // _UNIT_TICKS[unit]
        case "nanosecond":
            return fraction * _NANOSECONDS_PER_TICK
    return getattr(_moment(ticks), unit)


def _part_function(unit: str) -> Callable[[str], Value]:
    return lambda text: _part(unit, text)


for _unit in ("year", "month", "day"):
    builtin(_unit.upper(), "s")(_part_function(_unit))


@builtin("DATETIMEBIN", "ss?ns")
def _bin(text: str, part: str, size: float = 1, origin: str = "1970-01-01") -> Value:
    """The start of the bin that a moment falls into; bins have a size in parts and are counted from the origin."""
    unit, count = _PARTS.get(part.lower()), integer(size)
    ticks, start = parse_ticks(text), parse_ticks(origin)
    if unit is None or count is None or count <= 0 or ticks is None or start is None:
        return UNDEFINED
    if unit in ("year", "month"):
        months = count * _MONTHS_PER_YEAR if unit == "year" else count
        return _add_months(start, (_month_number(ticks) - _month_number(start)) // months * months)
    width = max(count // _NANOSECONDS_PER_TICK, 1) if unit == "nanosecond" else count * _UNIT_TICKS[unit]
    return format_ticks(start + (ticks - start) // width * width)


@builtin("DATETIMEFROMPARTS", "nnn?nnnn")
def _from_parts(*numbers: float) -> Value:
    parts = [integer(value) for value in numbers]
    if None in parts:
        return UNDEFINED
    year, month, day, hour, minute, second, fraction = (*parts, 0, 0, 0, 0)[:7]
    if not 0 <= (fraction or 0) < _TICKS_PER_SECOND:
        return UNDEFINED
    ticks = _ticks_of(year or 0, month or 0, day or 0, hour or 0, minute or 0, second or 0, fraction or 0)
    return UNDEFINED if ticks is None else format_ticks(ticks)


@builtin("DATETIMETOTICKS", "s")
def _to_ticks(text: str) -> Value:
    ticks = parse_ticks(text)
    return UNDEFINED if ticks is None else ticks


@builtin("DATETIMETOTIMESTAMP", "s")
def _to_timestamp(text: str) -> Value:
    ticks = parse_ticks(text)
    return UNDEFINED if ticks is None else ticks // _TICKS_PER_MILLISECOND


@builtin("TICKSTODATETIME", "n")
def _from_ticks(ticks: float) -> Value:
    whole = integer(ticks)
    return UNDEFINED if whole is None else format_ticks(whole)


@builtin("TIMESTAMPTODATETIME", "n")
def _from_timestamp(milliseconds: float) -> Value:
    whole = integer(milliseconds)
    return UNDEFINED if whole is None else format_ticks(whole * _TICKS_PER_MILLISECOND)


@builtin("DATETIMEFORMAT", "ss")
def _format(text: str, pattern: str) -> Value:
    """The moment by the specifiers of .NET: yyyy MM dd HH hh mm ss tt, f with and F without zeros at the end."""
    ticks = parse_ticks(text)
    if ticks is None:
        return UNDEFINED
    moment, fraction = _moment(ticks), f"{ticks % _TICKS_PER_SECOND:07d}"
    return _SPECIFIER.sub(lambda match: match[1] or _specified(match[0], moment, fraction), pattern)


def _specified(specifier: str, moment: datetime, fraction: str) -> str:
    size = len(specifier)
    match specifier[0]:
        case "f":
            return fraction[:size]
        case "F":
            return fraction[:size].rstrip("0")
        case "t":
            return "AM" if moment.hour < _NOON else "PM"
        case "y":
            return f"{moment.year:04d}"[-size:]
    values = {"M": moment.month, "d": moment.day, "H": moment.hour, "m": moment.minute, "s": moment.second}
    value = values.get(specifier[0], (moment.hour - 1) % _NOON + 1)
    return f"{value:0{size}d}"
