"""Time zones as browsers and systems name them, brought to the names that the IANA gives them."""

from __future__ import annotations

import re
import zoneinfo
from functools import cache

from tzlocal.windows_tz import win_tz

_RENAMED = {
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "America/Indianapolis": "America/Indiana/Indianapolis",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Europe/Kiev": "Europe/Kyiv",
    "Etc/UTC": "UTC",
}
"""Names in Unicode's table that the IANA has replaced."""

_OFFSET = re.compile(r"(?:utc|gmt|z)?(?:([+-])0?(\d{1,2})(?::?00)?)?")
_MOST_HOURS = {"+": 14, "-": 12}


@cache
def zones() -> frozenset[str]:
    """The IANA zones, and none of the names that mean something else on each machine."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "posixrules"})


def nearest_zone(name: str) -> str | None:
    """The IANA zone that is meant by a name: in any case, one of Windows, or whole hours from UTC. None if none is.

    `Etc/Unknown`, which browsers tell where they can't, is none.
    """
    if name in zones():
        return name
    plain = name.strip().removeprefix(":")
    return _spelled().get(plain.replace(" ", "_").casefold()) or _windows().get(plain.casefold()) or _offset(plain)


@cache
def _spelled() -> dict[str, str]:
    return {zone.casefold(): zone for zone in sorted(zones())}


@cache
def _windows() -> dict[str, str]:
    """Windows' names, by Unicode's table."""
    return {name.casefold(): _RENAMED.get(zone, zone) for name, zone in win_tz.items()}


def _offset(name: str) -> str | None:
    """`UTC+3` is `Etc/GMT-3`: the IANA's signs are those of POSIX."""
    found = _OFFSET.fullmatch(name.casefold().replace(" ", ""))
    if not name or not found:
        return None
    sign, hours = found[1], int(found[2] or 0)
    if not hours:
        return "UTC"
    return f"Etc/GMT{'-' if sign == '+' else '+'}{hours}" if hours <= _MOST_HOURS[sign] else None
