"""Container `user_analytics`: writes the fold, and reads rollups."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from weakref import WeakValueDictionary

from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from cosmos.core.database import Database, Item
from cosmos.core.observer import NOBODY, Observer
from cosmos.core.paging import some_of
from cosmos.core.reading import read_or_none
from cosmos.core.status import OUTRUN, OUTRUN_OR_GONE, TOO_LARGE
from cosmos.core.swapping import ATTEMPTS, pause
from cosmos.counting.recent import Recent
from models.core.document import Document
from models.core.errors import Contention
from models.core.pseudonyms import is_platform
from models.core.tombstone import is_tombstone
from models.counting.bucket import Balance, Bucket, bucket_id
from models.counting.bucket_document import BucketDocument
from models.counting.buckets import Buckets
from models.counting.companion import NO_COMPANION, Companion
from models.counting.dead_letter import DeadLetter
from models.counting.fold import Applied, Outcome, Source, buckets_of, fold
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

        One read and one transactional batch for every `SOURCES_PER_TRANSACTION`, however long the history is.

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
        for lost in range(ATTEMPTS):
            await pause(lost)
            held = await self._held(partition, sources, recent=lost == 0 and not again and is_platform(partition))
            if held.is_erased:
                return
            outcome = fold(sources, held.ledger(again), held.balances())
            if not outcome.entries:
                return
            try:
                operations = held.operations(outcome, sources, now)
            except ValueError:
                if await self._has_changed(held):
                    continue
                raise
            came_to = await self._write(held, operations, len(sources) == 1)
            if came_to == "written":
                return
            if came_to == "too large":
                middle = len(sources) // 2
                await self._fold_together(partition, sources[:middle], now, again)
                await self._fold_together(partition, sources[middle:], now, again)
                return
        raise Contention(f"the fold of {len(sources)} sources lost {ATTEMPTS} times")

    async def _write(
        self, held: _Held, operations: Sequence[Any], is_one_source: bool
    ) -> Literal["written", "outrun", "too large"]:
        """Writes a transaction, unless others have written meanwhile, or it has to be divided.

        Raises:
            azure.core.exceptions.AzureError: it can't be written.
        """
        if len(operations) > OPERATIONS_PER_TRANSACTION:
            return "too large"
        try:
            results = await self._container.execute_item_batch(operations, held.partition)
        except (CosmosBatchOperationError, CosmosHttpResponseError) as error:
            if error.status_code == TOO_LARGE and not is_one_source:
                return "too large"
            if error.status_code not in (OUTRUN_OR_GONE if held.is_recent else OUTRUN):
                raise
            if held.is_recent:
                self._recent.outrun(held.partition, held.etags)
            return "outrun"
        if is_platform(held.partition):
            self._recent.written(held.partition, results)
        return "written"

    async def _held(self, partition: str, sources: Sequence[Source], recent: bool) -> _Held:
        """What a transaction starts from.

        Args:
            recent: Whether what this process knows of it will do: the transaction fails if that is out of date.
        """
        held = _Held(partition, recent, self._buckets, self._companion)
        buckets = {bucket for source in sources for bucket in source.contributions}
        entries = [ledger_id(source.key) for source in sources]
        companion = self._companion.id_of(partition)
        await self._read(held, [*entries, *_ids(partition, buckets), *([companion] if companion else [])])
        earlier = buckets_of(sources, held.ledger()) - buckets
        if earlier:
            await self._read(held, _ids(partition, earlier))
        return held

    async def _has_changed(self, held: _Held) -> bool:
        """Whether what was read is not what is there: two requests read it, and others may have written in between."""
        items = await some_of(self._container, held.etags, held.partition)
        return {item["id"]: item["_etag"] for item in items} != held.etags

    async def _read(self, held: _Held, ids: Sequence[str]) -> None:
        known = self._recent.known(held.partition, ids) if held.is_recent else {}
        read = await some_of(self._container, [item_id for item_id in ids if item_id not in known], held.partition)
        for item in (*known.values(), *read):
            held.add(item)


def _ids(partition: str, buckets: Iterable[Bucket]) -> list[str]:
    return [bucket_id(partition, bucket) for bucket in buckets]


class _Held:
    """The ledger entries, the buckets and the companion that a transaction starts from, with their ETags."""

    def __init__(self, partition: str, is_recent: bool, buckets: Buckets, companion: Companion) -> None:
        self.partition = partition
        self.is_recent = is_recent
        self._buckets = buckets
        self._companion = companion
        self._entries: dict[str, LedgerEntry] = {}
        self._documents: dict[Bucket, BucketDocument] = {}
        self._beside: Document | None = None
        self.is_erased = False
        self.etags: dict[str, str] = {}

    def add(self, item: Item) -> None:
        self.etags[item["id"]] = item["_etag"]
        if item["kind"] in self._buckets.by_kind:
            document = self._buckets.parsed(item)
            self._documents[document.bucket] = document
        elif item["kind"] == "ledger":
            entry = LedgerEntry.parse(item)
            self._entries[entry.source] = entry
        elif is_tombstone(item):
            self.is_erased = True
        else:
            self._beside = self._companion.parse(item)

    def ledger(self, again: bool = False) -> dict[str, Applied]:
        """The entries by source; `again` makes them look one revision older, so that the same revision is new."""
        older = 1 if again else 0
        entries = {source: entry.as_applied for source, entry in self._entries.items()}
        return {source: replace(entry, revision=entry.revision - older) for source, entry in entries.items()}

    def balances(self) -> dict[Bucket, Balance]:
        return {bucket: counted.balance for bucket, counted in self._documents.items()}

    def operations(self, outcome: Outcome, sources: Collection[Source], now: datetime) -> list[Any]:
        """The transaction: every document it changes is guarded by the ETag it was read with, or must be new."""
        documents: list[Document] = []
        beside = self._companion.after(self.partition, self._beside, self._new_contexts(sources))
        if beside is not None and beside is not self._beside:
            documents.append(beside)
        for source, applied in outcome.entries.items():
            known = self._entries.get(source)
            documents.append(LedgerEntry.of(self.partition, source, applied, known.revision + 1 if known else 1))
        contexts = {bucket: source.context for source in sources for bucket in source.contributions}
        for bucket, balance in outcome.balances.items():
            before = self._documents.get(bucket)
            revision = before.revision + 1 if before else 1
            context = self._buckets.kind_of(bucket).context(contexts.get(bucket), before)
            document = self._buckets.document_of(self.partition, bucket, balance, revision, now, context)
            documents.append(self._buckets.following(document, before))
        return [self._guarded(document) for document in documents]

    def _new_contexts(self, sources: Iterable[Source]) -> list[Any]:
        """Of the sources that are new in the ledger, each once: what is edited later has been looked at before."""
        new = {source.key: source.context for source in sources if source.key not in self._entries}
        return [context for context in new.values() if context is not None]

    def _guarded(self, document: Document) -> Any:
        etag = self.etags.get(document.id)
        if etag is None:
            return ("create", (document.body(),))
        return ("replace", (document.id, document.body()), {"if_match_etag": etag})
