"""The engine's only source of time, handed to whatever needs it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Seconds since the Unix epoch, as `_ts` and TTL count them."""

    def now(self) -> float: ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> float:
        return time.time()


def utc(seconds: float) -> datetime:
    """The same moment as an aware datetime, as the query language's date functions want it."""
    return datetime.fromtimestamp(seconds, UTC)
