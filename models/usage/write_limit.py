"""How much a user may write within a minute, whatever it is said to have cost.

The limits of a user are decided before a model is called; whoever records turns without asking is held by this one. It
is checked in the transaction that counts the turn. Servers are exempt: what they record has happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from pydantic import Field

from models.core.document import Message
from models.usage.windows import Clock

WRITTEN = "written"
"""The measure of a minute that counts it."""


class WriteLimit(Message):
    """What one user may record within a minute of UTC.

    A turn weighs its bytes, and at least its share of them: so either bound is reached alone, or both in part.
    """

    turns: int = Field(default=120, ge=1, le=1_000_000, description="Turns, if they are short")
    bytes: int = Field(default=4_000_000, ge=4_000_000, le=2**50, description="Bytes of their content as UTF-8 JSON")

    def for_limit(self, queries: int | None) -> WriteLimit:
        """At least as much as a user may ask, who has a limit of so many queries a minute."""
        if queries is None or queries <= self.turns:
            return self
        return WriteLimit.model_construct(turns=queries, bytes=self.bytes * queries // self.turns)

    def weight(self, size: int) -> int:
        """What a turn of so many bytes takes of `bytes`: all of it at most, so that any turn can be recorded."""
        return min(max(size, self.bytes // self.turns), self.bytes)


@dataclass(frozen=True)
class Writing:
    """What somebody is about to write, and how much there may be within the minute."""

    limit: WriteLimit
    size: int

    @property
    def weight(self) -> int:
        return self.limit.weight(self.size)

    def condition(self, clock: Clock) -> str:
        """What holds of the allowance `c` if it fits."""
        counter = f'c.used["{self.key(clock)}"]'
        return f"(NOT IS_DEFINED({counter}) OR {counter} <= {self.limit.bytes - self.weight})"

    def key(self, clock: Clock) -> str:
        """The counter in `used`."""
        return f"{clock.key('minute')}:{WRITTEN}"


def seconds_to_next_minute(clock: Clock) -> int:
    """At least 1."""
    return max(1, ceil((clock.end("minute") - clock.now).total_seconds()))
