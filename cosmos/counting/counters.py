"""Container `user_analytics`: writes the fold, and reads rollups."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal
from weakref import WeakValueDictionary

from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from cosmos.core.database import Database
from cosmos.core.observer import NOBODY, Observer
from cosmos.core.paging import some_of
from cosmos.core.reading import read_or_none
from cosmos.core.status import OUTRUN, OUTRUN_OR_GONE, TOO_LARGE
from cosmos.core.swapping import ATTEMPTS, pause
from cosmos.counting.held import Held
from cosmos.counting.recent import Recent
from models.core.document import Document
from models.core.errors import Contention
from models.core.tombstone import is_tombstone
from models.counting.bucket import Balance, Bucket, bucket_id
from models.counting.buckets import Buckets
from models.counting.companion import NO_COMPANION, Companion
from models.counting.dead_letter import DeadLetter
from models.counting.fold import Source, buckets_of
from models.counting.ledger import LedgerEntry, ledger_id

SOURCES_PER_TRANSACTION = 32
OPERATIONS_PER_TRANSACTION = 100
"""What a transactional batch takes. A source writes its ledger entry and a few buckets."""


log = logging.getLogger(__name__)


class Counters:
    """Writes buckets with their ledger, what goes with them, and dead letters."""

    def __init__(
        self,
        database: Database,
        buckets: Buckets,
        companion: Companion = NO_COMPANION,
        observer: Observer = NOBODY,
    ) -> None:
        self._container = database.user_analytics
        self._buckets = buckets
        self._companion = companion
        self._observer = observer
        self._recent = Recent()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def is_erased(self, partition: str) -> bool:
        """Whether a tombstone bars a partition: where its companion was."""
        companion = self._companion.id_of(partition)
        item = await read_or_none(self._container, companion, partition) if companion else None
        return item is not None and is_tombstone(item)

    async def fold(self, partition: str, sources: Sequence[Source], now: datetime, again: bool = False) -> None:
        """Counts each source once, at its newest revision, whatever of them has been folded before.

        Of a user who is erased nothing is counted: a tombstone is where the companion was.

        One transactional batch for every `SOURCES_PER_TRANSACTION`, and one read before it unless this process wrote
        last what it starts from, however long the history is.

        Args:
            partition: Where they are counted: the user whose they are, or one of the platform's partitions.
            again: Whether a revision that has been applied is applied anew, in the place of what it counted.

        Raises:
            Contention: could not be written for other folders. What was written stays; call again with the same.
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again with the same.
        """
        async with self._turns.setdefault(partition, asyncio.Lock()):  # within a process nobody need lose
            for start in range(0, len(sources), SOURCES_PER_TRANSACTION):
                await self._fold_together(partition, sources[start : start + SOURCES_PER_TRANSACTION], now, again)

    async def bury(self, letter: DeadLetter) -> None:
        """Keeps a change that could not be folded, unless it is of a user who is erased.

        The log names the letter, and not what it is about.
        """
        if await self.is_erased(letter.partition_key):
            return
        await self._container.upsert_item(letter.body())
        log.error("dead letter: %s for a change of %s", letter.id, letter.source_container)
        self._observer.dead_letter(letter.source_container)

    async def _fold_together(self, partition: str, sources: Sequence[Source], now: datetime, again: bool) -> None:
        at_once, recent = not again, not again and self._may_go_by_recent(partition, sources)
        for lost in range(ATTEMPTS):
            await pause(lost)
            held = Held(partition, self._buckets, self._companion, recent, at_once)
            try:
                await self._hold(held, sources)
                if held.is_erased:
                    return
                outcome = held.outcome(sources, again)
                documents = held.documents(outcome, sources, now)
            except ValueError:
                if not (recent or at_once or await self._has_changed(held)):
                    raise
                # Either what is known here is out of date, or something is wrong with what counts in turn: then that
                # is told of by itself, when its own change comes.
                recent, at_once = False, at_once and recent
                continue
            if recent and not held.proves(outcome, documents, sources):
                recent = False
                continue
            if not outcome.entries:
                return
            came_to = await self._write(held, documents, sources)
            if came_to == "written":
                return
            if came_to == "too large" and len(sources) > 1:
                middle = len(sources) // 2
                await self._fold_together(partition, sources[:middle], now, again)
                await self._fold_together(partition, sources[middle:], now, again)
                return
            recent, at_once = False, at_once and came_to != "too large"
        raise Contention(f"the fold of {len(sources)} sources lost {ATTEMPTS} times")

    async def _write(
        self, held: Held, documents: Sequence[Document], sources: Sequence[Source]
    ) -> Literal["written", "outrun", "too large"]:
        """Writes a transaction, unless others have written meanwhile, or it has to be divided.

        Raises:
            azure.core.exceptions.AzureError: it can't be written.
        """
        if len(documents) > OPERATIONS_PER_TRANSACTION:
            return "too large"
        try:
            operations = [held.guarded(document) for document in documents]
            results = await self._container.execute_item_batch(operations, held.partition)
        except (CosmosBatchOperationError, CosmosHttpResponseError) as error:
            if error.status_code == TOO_LARGE and (held.at_once or len(sources) > 1):
                return "too large"
            if error.status_code not in (OUTRUN_OR_GONE if held.is_recent else OUTRUN):
                raise
            if held.is_recent and not _was_known(documents, error):
                self._recent.outrun(held.partition, held.etags)
            return "outrun"
        # Where a tombstone may be, what is known of a source is no proof: it is read when the source comes again.
        unproven = map(ledger_id, (source.key for source in sources) if self._companion.id_of(held.partition) else ())
        self._recent.keep(held.partition, documents, results, without=frozenset(unproven))
        return "written"

    def _may_go_by_recent(self, partition: str, sources: Iterable[Source]) -> bool:
        """Whether what this process knows of a partition may do: the transaction fails if that is out of date.

        Where a tombstone would bar the partition, only sources that change the companion are sure to meet it: those
        that are new in the ledger.
        """
        is_guarded = self._companion.id_of(partition) is None or any(
            source.context is not None and source.revision == 1 for source in sources
        )
        return is_guarded and not self._recent.is_shared(partition)

    async def _hold(self, held: Held, sources: Sequence[Source]) -> None:
        """Has a transaction know what it starts from.

        Raises:
            pydantic.ValidationError: something that is stored is not valid.
        """
        buckets = {bucket for source in sources for bucket in source.contributions}
        companion = self._companion.id_of(held.partition)
        # That there is no entry of a first revision need not be asked for: the transaction makes one, or fails.
        entries = {source.key for source in sources if not (held.is_recent and source.revision == 1)}
        read = self._reach(held, buckets)
        await self._read(held, {*map(ledger_id, entries), *read, *([companion] if companion else [])})
        earlier = buckets_of(sources, held.ledger()) - buckets
        if earlier:
            await self._read(held, self._reach(held, earlier) - read)

    def _reach(self, held: Held, buckets: Iterable[Bucket]) -> set[str]:
        """The ids of buckets, and of what they count in at once, with its ledger."""
        ids = set()
        for bucket in buckets:
            ids.add(bucket_id(held.partition, bucket))
            onward = self._buckets.onward(held.partition, bucket, 1, Balance()) if held.at_once else None
            if onward:
                ids.add(ledger_id(onward.key))
                ids.update(bucket_id(held.partition, further) for further in onward.contributions)
        return ids

    async def _has_changed(self, held: Held) -> bool:
        """Whether what was read is not what is there: two requests read it, and others may have written in between."""
        items = await some_of(self._container, held.etags, held.partition)
        return {item["id"]: item["_etag"] for item in items} != held.etags

    async def _read(self, held: Held, ids: Collection[str]) -> None:
        known = self._recent.known(held.partition, ids) if held.is_recent else {}
        for stored in known.values():
            held.take(stored)
        for item in await some_of(self._container, sorted(set(ids) - known.keys()), held.partition):
            held.add(item)


def _was_known(documents: Sequence[Document], error: Exception) -> bool:
    """Whether a transaction failed at the entry of a source that had been counted: nobody else need have written."""
    failed = error.error_index if isinstance(error, CosmosBatchOperationError) else None
    return failed is not None and isinstance(documents[failed], LedgerEntry) and documents[failed].revision == 1
