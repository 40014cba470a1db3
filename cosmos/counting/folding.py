"""From a batch of the change feed to the fold: what each change counts, and what becomes of those that can't."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError
from cachetools import LRUCache
from pydantic import ValidationError

from cosmos.core.database import Item
from cosmos.core.status import TOO_LARGE
from cosmos.counting.counters import Counters
from cosmos.counting.sources import Sources
from models.counting.dead_letter import DeadLetter
from models.counting.fold import Source

PARTITIONS_AT_ONCE = 8
SOURCES_REMEMBERED = 20_000


Reaction = Callable[[Item, datetime], Awaitable[None]]
"""What is done with each change of a kind of document, and when it came. May be repeated."""


class Folding:
    """Folds changes, each exactly once, whatever order they come in and however often.

    A change that can't be understood becomes a dead letter and does not hold up the others. An error of Cosmos DB is
    raised, for the whole batch to be given again: what was folded before it is not counted twice.
    """

    def __init__(self, counters: Counters, sources: Sources, reactions: Mapping[str, Reaction]) -> None:
        self._counters = counters
        self._sources = sources
        self._reactions = reactions
        self._applied: LRUCache[tuple[str, str, str | None], int] = LRUCache(SOURCES_REMEMBERED)

    async def fold(self, container: str, items: Iterable[Item], now: datetime) -> None:
        """Counts changes of a container where their kinds say, and brings what buckets say to where it is shown."""
        changes = list(items)
        await self._fold(container, [item for item in changes if self._sources.counts(item)], now)
        for kind, reaction in self._reactions.items():
            await self._pass_on(container, reaction, [item for item in changes if item.get("kind") == kind], now)

    async def _pass_on(self, container: str, work: Reaction, items: Iterable[Item], now: datetime) -> None:
        """Brings what analytics documents say to those that show it."""

        async def one(_: str, item: Item) -> None:
            try:
                await work(item, now)
            except (KeyError, ValueError, OverflowError) as error:
                await self._bury(container, item, error, now)

        await self._each(one, {f"{item['partition_key']}/{item['id']}": item for item in items})

    async def _fold(self, container: str, items: Iterable[Item], now: datetime) -> None:
        """Folds changes where they count: together with the others that count in the same partition."""
        by_partition: dict[str, list[tuple[Item, Source]]] = defaultdict(list)
        for item in items:
            try:
                for partition, source in self._sources.of(item):
                    if not self._is_applied(partition, item, source):
                        by_partition[partition].append((item, source))
            except (KeyError, ValueError, OverflowError) as error:
                await self._bury(container, item, error, now)

        async def fold_partition(partition: str, changes: list[tuple[Item, Source]]) -> None:
            try:
                await self._counters.fold(partition, [source for _, source in changes], now)
                self._remember(partition, changes)
            except (CosmosBatchOperationError, CosmosHttpResponseError, ValueError, OverflowError) as error:
                if isinstance(error, HttpResponseError) and error.status_code != TOO_LARGE:
                    raise
                if len(changes) == 1:
                    await self._bury(container, changes[0][0], error, now)
                else:  # to find out which of them it is
                    for change in changes:
                        await fold_partition(partition, [change])

        await self._each(fold_partition, by_partition)

    def _is_applied(self, partition: str, item: Item, source: Source) -> bool:
        """Whether it is known that a revision, or a later one, is in the ledger.

        Some buckets say so: what they count in was written with them. And what this process folded, it knows. Many
        changes of a document count nothing new: a session's, when a turn takes its number. What is in the ledger stays
        there for as long as the document does, and its revision only grows; so this holds for as long as the process
        lives, and spares the look. A document that is made anew begins anew: it has another `_rid`.
        """
        if partition == item["partition_key"] and item.get("counted_revision") == source.revision:
            return True
        return self._applied.get((partition, source.key, item.get("_rid")), 0) >= source.revision

    def _remember(self, partition: str, changes: Iterable[tuple[Item, Source]]) -> None:
        for item, source in changes:
            key = partition, source.key, item.get("_rid")
            self._applied[key] = max(source.revision, self._applied.get(key, 0))

    async def _bury(self, container: str, item: Item, error: Exception, now: datetime) -> None:
        await self._counters.bury(DeadLetter.of(container, item, _explain(error), now))

    async def _each(self, work: Callable[[str, Any], Any], of: Mapping[str, Any]) -> None:
        """`work` for each entry, some of them at once. All are tried before the first error is raised."""
        slots = asyncio.Semaphore(PARTITIONS_AT_ONCE)

        async def one(key: str, value: Any) -> None:
            async with slots:
                await work(key, value)

        results = await asyncio.gather(*(one(key, value) for key, value in of.items()), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result


def _explain(error: Exception) -> str:
    """The error without the values it is about: they may be personal."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
    if isinstance(error, KeyError):
        return f"{error.args[0]}: missing"
    if isinstance(error, HttpResponseError):
        return "too large to be folded"
    return f"can't be counted ({type(error).__name__})"
