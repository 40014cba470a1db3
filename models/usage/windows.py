"""The windows that use is counted in: they follow from the clock, and nothing resets them.

The minute is UTC's; the day and the month are those of the user's own calendar, by the profile's `counting_zone`. A
window is named by its local date, so that somebody who moves to another zone gets no date twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.accounts.limits import WINDOWS
from models.core.calendar import day_bounds, day_of, month_bounds
from models.core.limits import Window

MINUTES_KEPT = timedelta(minutes=10)
"""Minutes that are over are kept this long: the alerts are raised from the change feed, some time later."""


@dataclass(frozen=True)
class Clock:
    """An instant, and the time zone of the user whose day it is then."""

    now: datetime
    zone: str = "UTC"

    def key(self, window: Window) -> str:
        """The name of the current window: `minute:2026-11-20T12:03`, `day:2026-11-20` or `month:2026-11`."""
        if window == "minute":
            return f"minute:{_minute(self.now)}"
        day = day_of(self.now, self.zone).isoformat()
        return f"day:{day}" if window == "day" else f"month:{day[:7]}"

    def start(self, window: Window) -> datetime:
        """The first instant of the current window."""
        return self._bounds(window)[0]

    def end(self, window: Window) -> datetime:
        """The first instant after the current window."""
        return self._bounds(window)[1]

    def _bounds(self, window: Window) -> tuple[datetime, datetime]:
        if window == "minute":
            start = self.now.astimezone(UTC).replace(second=0, microsecond=0)
            return start, start + timedelta(minutes=1)
        key = self.key(window).partition(":")[2]
        return day_bounds(key, self.zone) if window == "day" else month_bounds(key, self.zone)

    def current(self, moment: datetime) -> list[str]:
        """The names of the current windows that an instant falls in. What is yet to come counts as now."""
        then = Clock(min(moment, self.now), self.zone)
        return [self.key(window) for window in WINDOWS if then.key(window) == self.key(window)]


def is_over(key: str, now: datetime) -> bool:
    """Whether a window can be forgotten: it is over in every time zone, and, of a minute, has been for a while."""
    window, _, start = key.partition(":")
    if window == "minute":
        return start < _minute(now - MINUTES_KEPT)
    oldest = (now - timedelta(days=1)).astimezone(UTC).date().isoformat()
    return start < oldest[: len(start)]


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
