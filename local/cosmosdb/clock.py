"""The engine's only source of time, handed to whatever needs it."""

import time
from datetime import UTC, datetime
from typing import Protocol

MAX_OFFSET = 1000 * 366 * 86400.0
"""In seconds: a thousand years."""


class Clock(Protocol):
    """Seconds since the Unix epoch, as `_ts` and TTL count them."""

    def now(self) -> float: ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> float:
        return time.time()


class AdjustableClock:
    """The machine's clock, moved forward: what is to expire in two years can be seen to do so now. Never goes back."""

    def __init__(self) -> None:
        self.offset = 0.0
        """Seconds ahead of the machine's clock."""

    def now(self) -> float:
        return time.time() + self.offset

    def move_to(self, offset: float) -> None:
        """Raises ValueError for an offset that is behind the present one, or beyond the calendar."""
        if not self.offset <= offset <= MAX_OFFSET:
            raise ValueError(f"The clock only goes forward, from {self.offset:g} s to at most {MAX_OFFSET:g} s ahead.")
        self.offset = offset


def utc(seconds: float) -> datetime:
    """The same moment as an aware datetime, as the query language's date functions want it."""
    return datetime.fromtimestamp(seconds, UTC)
