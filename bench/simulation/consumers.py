"""Processes that read the change feeds and fold them, as the app's triggers do, and are killed now and then."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from azure.core.exceptions import AzureError

from bench.simulation.fault_injection import Killed, UnreliableTransport
from bench.simulation.history import NOW
from cosmos.core.database import Database, Item, connect
from cosmos.counting.folding import Folding
from functions.composition import Store
from local.functions.change_feed import FeedRange, read_page, split_continuation
from local.functions.feed_options import BEGINNING
from models.core.errors import Contention, Stale
from models.core.pseudonyms import Pseudonyms
from models.usage.pricing import PriceTable

PSEUDONYMS = Pseudonyms(b"of the benchmark alone")
LARGEST_PAGE = 20
EVERYTHING = FeedRange("", "FF")
Places = dict[FeedRange, str | None]
"""How far the ranges of a feed have been read."""


T = TypeVar("T")
Fold = Callable[[Folding, Iterable[Item]], Awaitable[None]]
FEEDS: dict[str, Fold] = {
    "user_interactions": lambda folding, items: folding.fold("user_interactions", items, NOW),
    "user_sessions": lambda folding, items: folding.fold("user_sessions", items, NOW),
    "user_bookmarks": lambda folding, items: folding.fold("user_bookmarks", items, NOW),
    "user_analytics": lambda folding, items: folding.fold("user_analytics", items, NOW),
}
"""What is done with the changes of each container."""


@dataclass
class Weather:
    """What the folders have in common: whether it is still stormy, and what happened to them."""

    connection: str
    database: str
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    happened: Counter[str] = field(default_factory=Counter)


class Folder:
    """One process, in several lives. It remembers where it was in the feeds, though not always the last place."""

    def __init__(self, weather: Weather, seed: int) -> None:
        self._weather = weather
        self._chance = random.Random(seed)
        self._places: dict[str, list[Places]] = {feed: [{EVERYTHING: None}] for feed in FEEDS}
        self._seen: dict[str, list[Item]] = {feed: [] for feed in FEEDS}

    async def run(self) -> None:
        """Until it has been calm for long enough to see that nothing is left."""
        while True:
            dies_at = None if self._weather.calm.is_set() else self._chance.randrange(20, 200)
            transport = UnreliableTransport(dies_at, answered=self._chance.random() < 0.5)
            try:
                async with connect(self._weather.connection, transport) as client:
                    database = Database.of(client, self._weather.database)
                    await self._live(database, Store.of(database, PriceTable(), PSEUDONYMS).folding)
                    break
            except* Killed:
                self._weather.happened["kills"] += 1
            for places in self._places.values():  # the last checkpoints may not have been written
                del places[1 + self._chance.randrange(len(places)) :]

    async def _live(self, database: Database, folding: Folding) -> None:
        """All feeds at once, each page by page, until they were read to their end in calm weather."""
        while True:
            was_calm = self._weather.calm.is_set()
            async with asyncio.TaskGroup() as group:
                steps = [group.create_task(self._step(database, folding, feed)) for feed in FEEDS]
            if was_calm and not any(step.result() for step in steps):
                return

    async def _step(self, database: Database, folding: Folding, feed: str) -> bool:
        """Reads a page of each range and folds it, as often as it takes; whether there was any."""
        found = False
        for part, place in self._places[feed][-1].items():
            size = self._chance.randint(1, LARGEST_PAGE)
            page = await self._insist(partial(read_page, getattr(database, feed), part, place, BEGINNING, size))
            batch = self._muddled(feed, page.documents)
            if batch:
                await self._insist(partial(FEEDS[feed], folding, batch))
                self._weather.happened["batches"] += 1
                found = True
            places = {other: held for other, held in self._places[feed][-1].items() if other != part}
            self._places[feed].append(places | dict(split_continuation(page.continuation)))
        return found

    def _muddled(self, feed: str, documents: list[Item]) -> list[Item]:
        """What was delivered, and while it is stormy also what was delivered long ago, twice, and in any order."""
        self._seen[feed] += documents
        if self._weather.calm.is_set() or not documents:
            return documents
        stale = self._chance.sample(self._seen[feed], min(3, len(self._seen[feed])))
        return self._chance.sample([*documents, *stale], len(documents) + len(stale))

    async def _insist(self, work: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await work()
            except (AzureError, Contention, Stale):
                self._weather.happened["retries"] += 1
