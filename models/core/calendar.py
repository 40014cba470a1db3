"""Days, weeks and months by the calendar of a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Bounds = tuple[datetime, datetime]
"""The first instant of something, and the first one after it, in UTC."""


def day_of(moment: datetime, timezone: str) -> date:
    """The calendar day at an instant."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def day_bounds(day: str, timezone: str) -> Bounds:
    """Of a day such as `2026-11-20`."""
    start = date.fromisoformat(day)
    return _bounds(start, start + timedelta(days=1), timezone)


def week_bounds(week: str, timezone: str) -> Bounds:
    """Of an ISO week such as `2026-W47`."""
    start = date.fromisoformat(f"{week}-1")
    return _bounds(start, start + timedelta(days=7), timezone)


def month_bounds(month: str, timezone: str) -> Bounds:
    """Of a month such as `2026-11`."""
    start = date.fromisoformat(f"{month}-01")
    return _bounds(start, (start + timedelta(days=31)).replace(day=1), timezone)


def _bounds(start: date, end: date, timezone: str) -> Bounds:
    zone = ZoneInfo(timezone)
    first, after = (datetime.combine(day, time.min, zone).astimezone(UTC) for day in (start, end))
    return first, after
