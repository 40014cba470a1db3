"""Container `user_analytics`: the documents that hold buckets, as they are stored: also those that are damaged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from azure.cosmos.aio import ContainerProxy
from pydantic import ValidationError

from cosmos.core.database import Item
from cosmos.core.paging import pages_of
from cosmos.core.reading import read_or_none
from models.analytics.question import Question
from models.core.pseudonyms import PLATFORM
from models.counting.bucket import Bucket, Sums, bucket_id
from models.counting.bucket_document import Counted
from models.counting.buckets import KINDS, document_of, parsed

BUCKETS_PER_PAGE = 400
ETAGS_PER_PAGE = 1000

AS_WRITTEN = frozenset({"last_updated", "told_revision", "was_common"})
"""Fields that tell of the moment at which a rollup was written, or of before: they do not follow from its sums."""


@dataclass(frozen=True)
class StoredBucket:
    """A bucket as it was read.

    Attributes:
        sums: Those that are whole numbers; none of a document without sums.
        first: None, too, of a document that is not valid. So is `last`.
        misstated: Fields that are not valid, or, of a valid document, that do not follow from its sums.
    """

    bucket: Bucket
    etag: str
    revision: int
    sums: Sums
    first: datetime | None
    last: datetime | None
    question: str | None
    is_valid: bool
    misstated: tuple[str, ...]

    @classmethod
    def of(cls, partition: str, item: Item) -> StoredBucket:
        bucket = Bucket.parse(item["id"].removeprefix(f"{partition}:"))
        try:
            held = parsed(item)
        except ValidationError as error:
            fields = tuple(sorted({str(part["loc"][0]) for part in error.errors() if part["loc"]}))
            question = item.get("question")
            text = question if isinstance(question, str) else None
            return cls(bucket, item["_etag"], _revision(item), _sums(item), None, None, text, False, fields)
        text = held.question if isinstance(held, Question) else None
        fields = _misstated(partition, bucket, held, text)
        first, last = held.first_activity, held.last_activity
        return cls(bucket, item["_etag"], held.revision, held.sums, first, last, text, True, fields)

    def narrower_than(self, first: datetime | None, last: datetime | None) -> list[str]:
        """Those of its two times that leave out some of what it counts, which is between `first` and `last`. None of a
        document that is not valid: neither is known."""
        times = {"first_activity": (self.first, first), "last_activity": (self.last, last)}
        return [name for name, (held, right) in times.items() if self.is_valid and self.sums and held != right]


_HOLD_BUCKETS = "c.kind IN (" + ", ".join(f"'{kind}'" for kind in KINDS) + ")"


async def stored_buckets(container: ContainerProxy, partition: str) -> AsyncIterator[StoredBucket]:
    """The buckets of a partition."""
    query = f"SELECT * FROM c WHERE {_HOLD_BUCKETS}"  # noqa: S608  # constants
    async for page in pages_of(container, query, BUCKETS_PER_PAGE, partition):
        for item in page:
            yield StoredBucket.of(partition, item)


async def stored_etags(container: ContainerProxy, partition: str) -> dict[str, str]:
    """The ETags of the buckets of a partition, by name."""
    query = f"SELECT c.id, c._etag FROM c WHERE {_HOLD_BUCKETS}"  # noqa: S608  # constants
    pages = pages_of(container, query, ETAGS_PER_PAGE, partition)
    return {item["id"].removeprefix(f"{partition}:"): item["_etag"] async for page in pages for item in page}


async def stored_question(container: ContainerProxy, partition: str, bucket: Bucket) -> str | None:
    """The text that a partition keeps of a question."""
    item = await read_or_none(container, bucket_id(partition, bucket), partition)
    return item.get("question") if item else None


def _misstated(partition: str, bucket: Bucket, held: Counted, question: str | None) -> tuple[str, ...]:
    """Sums that no document can hold are told of by themselves: nothing follows from them. The platform is told of
    common questions only, so it knows their texts."""
    never = datetime.min.replace(tzinfo=UTC)
    try:
        right = document_of(partition, bucket, held.balance, held.revision, never, question=question).body()
    except (KeyError, ValueError):
        return ()
    stored = held.body()
    names = (stored.keys() | right.keys()) - AS_WRITTEN
    wrong = {name for name in names if stored.get(name) != right.get(name)}
    if partition == PLATFORM and isinstance(held, Question) and held.frequency and not question:
        wrong.add("question")
    return tuple(sorted(wrong))


def _revision(item: Item) -> int:
    revision = item.get("revision")
    return revision if isinstance(revision, int) and revision > 0 else 1


def _sums(item: Item) -> Sums:
    sums: Any = item.get("sums")
    return {name: value for name, value in sums.items() if isinstance(value, int)} if isinstance(sums, dict) else {}
