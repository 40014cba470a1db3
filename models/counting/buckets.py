"""Kinds of buckets, each declared once: which document holds them, what it is made of, and what counts them in turn.

The live fold, the rebuild and repricing go by these declarations, and know none of them: `models/counted.py` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.counting.bucket import PERIODS, Balance, Bucket, Sums
from models.counting.bucket_document import BucketDocument
from models.counting.fold import PartitionedSource, Source

NOTHING: Mapping[Bucket, Sums] = {}


def _as_told(told: Any, before: Any) -> Any:
    return told


def _nothing(item: Mapping[str, Any]) -> Any:
    return None


def _nowhere(partition: str, bucket: Bucket, context: Any, names: Any) -> str | None:
    return None


def _no_field(partition: str, document: Any, context: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class BucketKind:
    """One kind of document that holds buckets.

    Attributes:
        model: The document.
        periods: What it holds buckets of.
        of: The document that says what a bucket holds: of its partition, the bucket, its balance, its revision, the
            time, and its context.
        of_documents: Those of its periods in which documents are counted at once. The others count buckets.
        bounds: When a period began and ends by the calendar of a time zone, of periods that have a calendar.
        counts: What one is in turn, as a source: where that counts, and what.
        at_once: By period, what one is as a source of other buckets of its own partition, which don't count in turn:
            they are counted in the same transaction. Of a partition, the bucket, its revision, and its balance, of
            which the key and the buckets don't depend; None where it counts in none.
        told: What others count of one, of the periods in `telling`: while it stays the same, they need not be written.
        telling: See `told`.
        context: What a document is made with: of what its sources say, and the one that it takes the place of.
        held: The context that a stored one has, valid or not.
        elsewhere: The partition in which a context that is lacking may be found.
        lacking: Fields that are wrong though they follow from the sums and the context.
        reread: Periods whose repair is to be seen in another bucket's revision, which its readers go by.
    """

    model: type[BucketDocument]
    periods: tuple[str, ...]
    of: Callable[[str, Bucket, Balance, int, datetime, Any], BucketDocument]
    of_documents: frozenset[str] = frozenset()
    bounds: Mapping[str, Callable[[str, str], tuple[datetime, datetime]]] = field(default_factory=dict)
    counts: Callable[[Any, Any], list[PartitionedSource]] | None = None
    at_once: Mapping[str, Callable[[str, Bucket, int, Balance], Source | None]] = field(default_factory=dict)
    told: Callable[[Any], Mapping[Bucket, Sums]] = lambda document: NOTHING
    telling: frozenset[str] = frozenset()
    context: Callable[[Any, Any], Any] = _as_told
    held: Callable[[Mapping[str, Any]], Any] = _nothing
    elsewhere: Callable[[str, Bucket, Any, Any], str | None] = _nowhere
    lacking: Callable[[str, Any, Any], tuple[str, ...]] = _no_field
    reread: Mapping[str, Bucket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        PERIODS.update(self.periods)

    @property
    def name(self) -> str:
        return str(self.model.model_fields["kind"].default)


class Buckets:
    """All kinds of buckets."""

    def __init__(self, kinds: Iterable[BucketKind]) -> None:
        self.by_kind = {kind.name: kind for kind in kinds}
        self._by_period = {period: kind for kind in self.by_kind.values() for period in kind.periods}

    @property
    def counted_again(self) -> tuple[str, ...]:
        """The kinds of documents that are sources themselves."""
        return tuple(name for name, kind in self.by_kind.items() if kind.counts)

    def kind_of(self, bucket: Bucket) -> BucketKind:
        return self._by_period[bucket.period]

    def parsed(self, item: Mapping[str, Any]) -> BucketDocument:
        """The document that holds a bucket, as Cosmos DB returned it.

        Raises:
            KeyError: it is of a kind that holds none.
            pydantic.ValidationError: it is not valid.
        """
        return self.by_kind[item["kind"]].model.parse(dict(item))

    def sources(self, document: BucketDocument, names: Any) -> list[PartitionedSource]:
        """What a bucket is as a source; nothing, if nothing is counted of it."""
        counts = self.by_kind[document.kind].counts
        return counts(document, names) if counts else []

    def onward(self, partition: str, bucket: Bucket, revision: int, balance: Balance) -> Source | None:
        """What a bucket is as a source of others that are counted in the same transaction; None of most."""
        source = self.kind_of(bucket).at_once.get(bucket.period)
        return source(partition, bucket, revision, balance) if source else None

    def document_of(
        self, partition: str, bucket: Bucket, balance: Balance, revision: int, now: datetime, context: Any = None
    ) -> BucketDocument:
        """The document that says what a bucket holds.

        Args:
            partition: A user's id, or another partition that counts.
            context: What its kind makes it with, besides the balance.

        Raises:
            pydantic.ValidationError: the balance can't be, as one below zero.
        """
        return self.kind_of(bucket).of(partition, bucket, balance, revision, now, context)

    def following(self, document: BucketDocument, before: BucketDocument | None) -> BucketDocument:
        """The document with the revision at which it last told something new, given the one that it takes the place of.

        What is counted of most buckets rarely changes with them: a user is new once, and active once a month. So
        whoever counts it need not be written to.
        """
        kind = self.by_kind[document.kind]
        if document.analytics_period not in kind.telling:
            return document
        if before is not None:
            is_same, since = kind.told(before) == kind.told(document), before.told_revision
        else:
            is_same, since = not kind.told(document), 0
        return document.model_copy(update={"told_revision": since if is_same else document.revision})

    def told_anew(self, document: BucketDocument) -> BucketDocument:
        """The document, telling again whatever it tells: of one that takes the place of a wrong one."""
        if document.analytics_period not in self.by_kind[document.kind].telling:
            return document
        return document.model_copy(update={"told_revision": document.revision})

    def is_of_documents(self, name: str) -> bool:
        """Whether documents are counted at once in the bucket of this name."""
        period = name.partition(":")[0]
        return period in self._by_period and period in self._by_period[period].of_documents

    def began(self, bucket: Bucket) -> datetime | None:
        """When a bucket of a calendar began, if it were one of UTC."""
        bounds = self.kind_of(bucket).bounds.get(bucket.period)
        return bounds(bucket.key, "UTC")[0] if bounds else None
