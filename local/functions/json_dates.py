"""Strings that look like dates, as the real host rewrites them in the documents of triggers and bindings.

The host reads documents with Newtonsoft's default settings, which take such a string for a date, nested ones and texts
that people typed too, and writes it again: `10:00:00.500000Z` becomes `10:00:00.5Z`, `10:00:00.000Z` becomes
`10:00:00Z`, another offset becomes that of the host (on Azure UTC, `+00:00`), `/Date(1)/` becomes ISO. Names of
properties stay. Source: `DateTimeUtils` and `DateTimeParser` of Newtonsoft.Json.
"""

import re
from datetime import UTC, datetime, timedelta

_TEXT = re.compile(r'(?<!\\)"(\d{4}-\d\d-\d\dT[0-9:.Zz+\-]{8,29}|/Date\([+\-\d]+\)/)"(?!\s*:)')
_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)T(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,7}))?"
    r"(?:(?P<utc>[Zz])|(?P<sign>[+\-])(?P<zone_hour>\d\d)(?::?(?P<zone_minute>\d\d))?)?"
)
_TICKS = re.compile(r"/Date\((?P<milliseconds>-?\d+)(?P<zone>[+\-]\d{2}(?:\d{2})?)?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rewrite_dates(text: str) -> str:
    """JSON with the strings of it that look like dates rewritten."""
    return _TEXT.sub(lambda match: f'"{_rewrite(match[1])}"', text)


def _rewrite(text: str) -> str:
    try:
        iso = _ISO.fullmatch(text)
        if iso is not None:
            return _rewrite_iso(iso)
        ticks = _TICKS.fullmatch(text)
        if ticks is not None:
            moment = _EPOCH + timedelta(milliseconds=int(ticks["milliseconds"]))
            return _write(moment, f"{moment.microsecond:06}0", "+00:00" if ticks["zone"] else "Z")
    except (ValueError, OverflowError):
        return text
    return text


def _rewrite_iso(parts: re.Match[str]) -> str:
    """Raises `ValueError` for a day or a time that does not exist, `OverflowError` for one that is out of range."""
    hour, minute, second = (int(parts[name]) for name in ("hour", "minute", "second"))
    fraction = (parts["fraction"] or "").ljust(7, "0")
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second or int(fraction))):
        raise ValueError("no time of a day")
    moment = datetime.fromisoformat(parts["day"]) + timedelta(hours=hour, minutes=minute, seconds=second)
    if parts["utc"]:
        return _write(moment, fraction, "Z")
    if not parts["sign"]:
        return _write(moment, fraction, "")
    offset = timedelta(hours=int(parts["zone_hour"]), minutes=int(parts["zone_minute"] or 0))
    return _write(moment - offset if parts["sign"] == "+" else moment + offset, fraction, "+00:00")


def _write(moment: datetime, fraction: str, zone: str) -> str:
    shown = fraction.rstrip("0")
    return f"{moment.replace(microsecond=0, tzinfo=None).isoformat()}{'.' if shown else ''}{shown}{zone}"
