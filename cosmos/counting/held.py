"""What a transaction of the fold starts from, what it comes to, and how its documents are guarded."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from cosmos.core.database import Item, Stored
from models.core.document import Document
from models.core.tombstone import is_tombstone
from models.counting.bucket import Balance, Bucket
from models.counting.bucket_document import BucketDocument
from models.counting.buckets import Buckets
from models.counting.companion import Companion
from models.counting.fold import Applied, Outcome, Source, fold
from models.counting.ledger import LedgerEntry


class Held:
    """The ledger entries, the buckets and the companion that a transaction starts from, with their ETags.

    Attributes:
        is_recent: Whether some of it is what this process wrote last, and was not read.
        at_once: Whether what counts in other buckets of the partition is counted there in the same transaction.
        is_erased: Whether a tombstone bars the partition.
    """

    def __init__(
        self, partition: str, buckets: Buckets, companion: Companion, is_recent: bool = False, at_once: bool = False
    ) -> None:
        self.partition = partition
        self.is_recent = is_recent
        self.at_once = at_once
        self.is_erased = False
        self.etags: dict[str, str] = {}
        self._buckets = buckets
        self._companion = companion
        self._entries: dict[str, LedgerEntry] = {}
        self._documents: dict[Bucket, BucketDocument] = {}
        self._beside: Document | None = None

    def add(self, item: Item) -> None:
        """Takes what was read.

        Raises:
            pydantic.ValidationError: it is not valid.
        """
        if is_tombstone(item):
            self.is_erased = True
            self.etags[item["id"]] = item["_etag"]
        elif item["kind"] in self._buckets.by_kind:
            self.take(Stored(self._buckets.parsed(item), item["_etag"]))
        elif item["kind"] == "ledger":
            self.take(Stored(LedgerEntry.parse(item), item["_etag"]))
        else:
            self.take(Stored(self._companion.parse(item), item["_etag"]))

    def take(self, known: Stored[Any]) -> None:
        """Takes a document."""
        document = known.document
        self.etags[document.id] = known.etag
        if isinstance(document, BucketDocument):
            self._documents[document.bucket] = document
        elif isinstance(document, LedgerEntry):
            self._entries[document.source] = document
        else:
            self._beside = document

    def ledger(self, again: bool = False) -> dict[str, Applied]:
        """The entries by source; `again` makes them look one revision older, so that the same revision is new."""
        older = 1 if again else 0
        entries = {source: entry.as_applied for source, entry in self._entries.items()}
        return {source: replace(entry, revision=entry.revision - older) for source, entry in entries.items()}

    def outcome(self, sources: Iterable[Source], again: bool) -> Outcome:
        """What has to be written of sources, and of what counts in turn what they are counted in."""
        ledger = self.ledger(again)
        balances = {bucket: counted.balance for bucket, counted in self._documents.items()}
        outcome = fold(sources, ledger, balances)
        if not self.at_once:
            return outcome
        changed = [
            self._buckets.onward(self.partition, bucket, self._revision(bucket), balance)
            for bucket, balance in outcome.balances.items()
        ]
        further = fold(filter(None, changed), ledger, balances | outcome.balances)
        return Outcome(outcome.entries | further.entries, outcome.balances | further.balances)

    def documents(self, outcome: Outcome, sources: Collection[Source], now: datetime) -> list[Document]:
        """What the transaction writes.

        Raises:
            ValueError: a bucket can't hold what it comes to.
        """
        documents: list[Document] = []
        beside = self._companion.after(self.partition, self._beside, self._new_contexts(sources))
        if beside is not None and beside is not self._beside:
            documents.append(beside)
        for source, applied in outcome.entries.items():
            known = self._entries.get(source)
            documents.append(LedgerEntry.of(self.partition, source, applied, known.revision + 1 if known else 1))
        contexts = {bucket: source.context for source in sources for bucket in source.contributions}
        for bucket, balance in outcome.balances.items():
            documents.append(self._document(bucket, balance, contexts.get(bucket), outcome, now))
        return documents

    def _document(self, bucket: Bucket, balance: Balance, told: Any, outcome: Outcome, now: datetime) -> BucketDocument:
        before, revision = self._documents.get(bucket), self._revision(bucket)
        context = self._buckets.kind_of(bucket).context(told, before)
        document = self._buckets.document_of(self.partition, bucket, balance, revision, now, context)
        document = self._buckets.following(document, before)
        onward = self._buckets.onward(self.partition, bucket, revision, balance) if self.at_once else None
        if onward is not None and onward.key in outcome.entries:
            return document.model_copy(update={"counted_revision": revision})
        return document

    def proves(self, outcome: Outcome, documents: Iterable[Document], sources: Iterable[Source]) -> bool:
        """Whether the transaction fails if anything that it goes by is out of date.

        So it must write the companion, which a tombstone may have replaced, and must not leave out a source as one
        that has been applied: the entry that says so may be gone.
        """
        companion = self._companion.id_of(self.partition)
        is_barred = companion is None or any(document.id == companion for document in documents)
        return is_barred and all(source.key in outcome.entries for source in sources)

    def guarded(self, document: Document) -> Any:
        """The operation that writes a document, if it is still as it was: under the ETag that is known, or new."""
        etag = self.etags.get(document.id)
        if etag is None:
            return ("create", (document.body(),))
        return ("replace", (document.id, document.body()), {"if_match_etag": etag})

    def _revision(self, bucket: Bucket) -> int:
        """The next of a bucket. One that is made anew goes on where what has counted it in turn has come to."""
        before = self._documents.get(bucket)
        if before:
            return before.revision + 1
        onward = self._buckets.onward(self.partition, bucket, 1, Balance()) if self.at_once else None
        counted = self._entries.get(onward.key) if onward else None
        return counted.source_revision + 1 if counted else 1

    def _new_contexts(self, sources: Iterable[Source]) -> list[Any]:
        """Of the sources that are new in the ledger, each once: what is edited later has been looked at before."""
        new = {source.key: source.context for source in sources if source.key not in self._entries}
        return [context for context in new.values() if context is not None]
