"""Looks every minute whether the change feeds go on: see `models.jobs.heartbeat`.

Feeds are measured from outside: one that stands still says nothing itself, and nothing else does, either. What is
told is told by every run, so that alerts can ask for its absence, too.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from cosmos.jobs.heartbeats import Heartbeats
from functions.core.settings import CAPABILITIES, Settings
from functions.jobs.watching import Watch
from models.jobs.heartbeat import LONGEST_AGE, Feed, feeds_that_run

REFRESHED_AT_MINUTE = 0
"""Once an hour it is asked anew which physical partitions there are: they split now and then."""

log = logging.getLogger(__name__)


def feeds_of(settings: Settings) -> list[Feed]:
    """The feeds that are supposed to run with these settings."""
    return feeds_that_run(settings.capabilities, CAPABILITIES)


async def look_at_feeds(run: Watch) -> None:
    """Tells how far each feed that is supposed to run may be behind.

    Raises:
        azure.core.exceptions.AzureError: not every feed could be looked at.
    """
    results = await asyncio.gather(
        *(_look_at(feed, run) for feed in feeds_of(run.services.settings)), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _look_at(feed: Feed, run: Watch) -> None:
    heartbeats = (await run.services.store())[Heartbeats]
    try:
        await heartbeats.look(feed, run.now, refresh=run.now.minute == REFRESHED_AT_MINUTE)
    finally:  # one that can't be looked at grows older, too
        _tell(feed, heartbeats.known_age(feed, run.now), run)


def _tell(feed: Feed, age: timedelta | None, run: Watch) -> None:
    if age is None:
        return
    run.services.telemetry.feed_age(feed.name, age.total_seconds())
    if age > LONGEST_AGE:
        log.error("a feed stands still: %s, for %.0f seconds", feed.name, age.total_seconds())
