"""All five containers: heartbeats that a timer leaves, and that the feeds pass.

A container has physical partitions, and each has a feed of its own that may stand still by itself. So there is one
heartbeat in each: in a logical partition whose name is the first of a row of names that lies there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count, islice

from azure.core.exceptions import AzureError
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from cosmos.core.database import Database, Item
from cosmos.core.patching import patch_if, set_fields
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, write_over
from models.jobs.heartbeat import HEARTBEAT_ID, Feed, Heartbeat

AT_ONCE = 16
MOST_NAMES = 100_000
"""That are tried to find one in each physical partition: of 1,000 partitions about 7,000 are needed."""


class Heartbeats:
    """Leaves heartbeats and tells how old the newest one is that a feed has passed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names: dict[Feed, tuple[str, list[str]]] = {}
        self._known: dict[Feed, datetime] = {}

    async def look(self, feed: Feed, now: datetime, refresh: bool = False) -> timedelta:
        """How far a feed may be behind; leaves it the next heartbeats where it has passed those before.

        Args:
            refresh: Whether to ask anew which physical partitions there are.

        Raises:
            azure.core.exceptions.AzureError: it can't be told; the container may not be there.
        """
        try:
            age = await self._look(feed, now, refresh)
        except AzureError:  # with it the SDK forgets what it knew of a container that was deleted and made anew
            age = await self._look(feed, now, refresh=True)
        self._known[feed] = now - age
        return age

    def known_age(self, feed: Feed, now: datetime) -> timedelta | None:
        """How far a feed may be behind by what this process saw last; None if it has not seen it yet."""
        known = self._known.get(feed)
        return None if known is None else max(timedelta(0), now - known)

    async def age(self, feed: Feed, now: datetime) -> timedelta | None:
        """How far a feed may be behind, by what is there; None if nobody has looked yet, or its container is gone."""
        container, slots = self._container(feed), asyncio.Semaphore(AT_ONCE)

        async def one(partition: str) -> timedelta | None:
            async with slots:
                item = await read_or_none(container, HEARTBEAT_ID, partition, ["heartbeat"])
            return Heartbeat.parse(item).age(now) if item else None

        try:
            names = await self._partitions(container, feed, refresh=False)
            ages = await asyncio.gather(*map(one, names))
        except CosmosResourceNotFoundError:
            return None
        return max((age for age in ages if age is not None), default=None)

    async def passed(self, feed: Feed, items: Iterable[Item]) -> None:
        """Says of the heartbeats among changes that their feed has passed them. May be repeated.

        Raises:
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again.
        """
        container = self._container(feed)
        for item in items:
            if not (item.get("kind") == "heartbeat" and item["feed"] == feed.name):
                continue
            if item["passed"] < item["revision"]:
                said = set_fields({"passed": item["revision"]})
                # it may have expired, or its container was made anew
                await patch_if(container, item["id"], item["partition_key"], said, "true")

    async def _look(self, feed: Feed, now: datetime, refresh: bool) -> timedelta:
        container, slots = self._container(feed), asyncio.Semaphore(AT_ONCE)

        async def one(partition: str) -> timedelta:
            async with slots:
                return await _beat(container, feed, partition, now)

        names = await self._partitions(container, feed, refresh)
        return max(await asyncio.gather(*map(one, names)))

    def _container(self, feed: Feed) -> ContainerProxy:
        container: ContainerProxy = getattr(self._database, feed.container)
        return container

    async def _partitions(self, container: ContainerProxy, feed: Feed, refresh: bool) -> list[str]:
        """A logical partition in each physical one."""
        ranges = [found async for found in container.read_feed_ranges(force_refresh=refresh)]
        key = json.dumps(ranges)
        if self._names.get(feed, ("",))[0] != key:
            left, names = ranges, list[str]()
            for name in islice((f"~{feed.name}-{number}" for number in count()), MOST_NAMES):
                place = await container.feed_range_from_partition_key(name)
                others = [each for each in left if not await container.is_feed_range_subset(each, place)]
                if len(others) < len(left):
                    left = others
                    names.append(name)
                if not left:
                    break
            self._names[feed] = (key, names)
        return self._names[feed][1]


async def _beat(container: ContainerProxy, feed: Feed, partition: str, now: datetime) -> timedelta:
    """Leaves a heartbeat if it is time; how far the feed may be behind there."""
    item = await read_or_none(container, HEARTBEAT_ID, partition, ["heartbeat"])
    held = Heartbeat.parse(item) if item else Heartbeat.first(feed.name, partition, now)
    following = held.following(now)
    with suppress(Outrun):  # another one looks, too
        if item is None:
            await write_over(container, held.body(), None)
        elif following is not None:
            await write_over(container, following.body(), item["_etag"])
    return held.age(now)
