"""Heartbeats: whether the change feeds go on, measured from outside of them.

A timer leaves a heartbeat in each container that has a feed, and the feed says that it has passed it. Until it has, the
timer leaves no other: a document that is written anew moves to the end of the feed, and one that is only slow would
never reach it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field

from models.core.document import Document
from models.core.values import Count, Timestamp

HEARTBEAT_ID = "heartbeat"

BEAT_EVERY = timedelta(minutes=2)
LONGEST_AGE = timedelta(minutes=5)
"""A feed that is behind for longer is told to staff."""

JITTER = timedelta(seconds=10)
"""Timers are not exact: a heartbeat that is nearly due is not put off by another minute."""

KEPT_SECONDS = 30 * 86_400
"""Without a write. Those of feeds that are switched off, and of ranges that were split, go by themselves."""


@dataclass(frozen=True)
class Feed:
    """One change feed.

    Attributes:
        name: Of the function that takes it.
        capability: That of which it runs.
    """

    name: str
    container: str
    capability: str


FEEDS = (
    Feed("fold_users", "users", "accounts"),
    Feed("fold_sessions", "user_sessions", "chat"),
    Feed("fold_interactions", "user_interactions", "chat"),
    Feed("fold_bookmarks", "user_bookmarks", "library"),
    Feed("fold_analytics", "user_analytics", "counting"),
)
"""All of them."""


def feeds_that_run(capabilities: Collection[str], optional: Collection[str]) -> list[Feed]:
    """The feeds that are supposed to run.

    Args:
        capabilities: Those of `optional` that are switched on.
        optional: The capabilities that can be switched off; the others are always there.
    """
    return [feed for feed in FEEDS if feed.capability in capabilities or feed.capability not in optional]


class Heartbeat(Document):
    """Left by a timer for one feed, in one physical partition of its container; it counts nowhere and is nobody's.

    `revision` counts the heartbeats. What the feed writes, `passed`, is not one of them.
    """

    kind: Literal["heartbeat"] = "heartbeat"
    ttl: int | None = KEPT_SECONDS

    feed: str = Field(description="The function that is to pass it")
    beat_at: Timestamp = Field(description="When the timer wrote it last")
    known_at: Timestamp = Field(description="When the last one was written that the timer has seen passed")
    passed: Count = Field(default=0, description="The revision that the feed has passed")

    @classmethod
    def first(cls, feed: str, partition: str, now: datetime) -> Self:
        """Nobody has looked until now."""
        return cls(
            id=HEARTBEAT_ID,
            partition_key=partition,
            feed=feed,
            beat_at=now,
            known_at=now - BEAT_EVERY,
        )

    @property
    def is_passed(self) -> bool:
        return self.passed >= self.revision

    def age(self, now: datetime) -> timedelta:
        """How far the feed may be behind: the time since the last heartbeat that it is known to have passed.

        One that is passed is followed by the next: if it is older than that, nobody has looked, such as while no app
        ran, and nothing is known of that time.
        """
        since = self._known_from(now) if self.is_passed else self.known_at
        return max(timedelta(0), now - since)

    def following(self, now: datetime) -> Self | None:
        """The next one; None while this one is not passed, or has just been left."""
        if not self.is_passed or now - self.beat_at < BEAT_EVERY - JITTER:
            return None
        beaten = {"revision": self.revision + 1, "beat_at": now, "known_at": self._known_from(now)}
        return self.model_copy(update=beaten)

    def _known_from(self, now: datetime) -> datetime:
        return max(self.beat_at, now - BEAT_EVERY)
