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
from models.counting.bucket import Bucket, Sums, bucket_id
from models.counting.bucket_document import BucketDocument
from models.counting.buckets import Buckets

BUCKETS_PER_PAGE = 400
ETAGS_PER_PAGE = 1000

AS_WRITTEN = frozenset({"last_updated", "told_revision", "counted_revision", "was_common"})
"""Fields that tell of the moment at which a rollup was written, or of before: they do not follow from its sums."""


@dataclass(frozen=True)
class ReadBucket:
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
    context: Any
    is_valid: bool
    misstated: tuple[str, ...]

    @classmethod
    def of(cls, buckets: Buckets, partition: str, item: Item) -> ReadBucket:
        bucket = Bucket.parse(item["id"].removeprefix(f"{partition}:"))
        context = buckets.kind_of(bucket).held(item)
        try:
            held = buckets.parsed(item)
        except ValidationError as error:
            fields = tuple(sorted({str(part["loc"][0]) for part in error.errors() if part["loc"]}))
            return cls(bucket, item["_etag"], _revision(item), _sums(item), None, None, context, False, fields)
        fields = _misstated(buckets, partition, bucket, held, context)
        first, last = held.first_activity, held.last_activity
        return cls(bucket, item["_etag"], held.revision, held.sums, first, last, context, True, fields)

    def narrower_than(self, first: datetime | None, last: datetime | None) -> list[str]:
        """Those of its two times that leave out some of what it counts, which is between `first` and `last`. None of a
        document that is not valid: neither is known."""
        times = {"first_activity": (self.first, first), "last_activity": (self.last, last)}
        return [name for name, (held, right) in times.items() if self.is_valid and self.sums and held != right]


async def read_buckets(container: ContainerProxy, buckets: Buckets, partition: str) -> AsyncIterator[ReadBucket]:
    """The buckets of a partition."""
    query = f"SELECT * FROM c WHERE {_of_kinds(buckets)}"  # noqa: S608  # constants
    async for page in pages_of(container, query, BUCKETS_PER_PAGE, partition):
        for item in page:
            yield ReadBucket.of(buckets, partition, item)


async def read_etags(container: ContainerProxy, buckets: Buckets, partition: str) -> dict[str, str]:
    """The ETags of the buckets of a partition, by name."""
    query = f"SELECT c.id, c._etag FROM c WHERE {_of_kinds(buckets)}"  # noqa: S608  # constants
    pages = pages_of(container, query, ETAGS_PER_PAGE, partition)
    return {item["id"].removeprefix(f"{partition}:"): item["_etag"] async for page in pages for item in page}


async def read_context(container: ContainerProxy, buckets: Buckets, partition: str, bucket: Bucket) -> Any:
    """The context that a partition knows of a bucket."""
    item = await read_or_none(container, bucket_id(partition, bucket), partition)
    return buckets.kind_of(bucket).held(item) if item else None


def _of_kinds(buckets: Buckets) -> str:
    return "c.kind IN (" + ", ".join(f"'{kind}'" for kind in buckets.by_kind) + ")"


def _misstated(buckets: Buckets, partition: str, bucket: Bucket, held: BucketDocument, context: Any) -> tuple[str, ...]:
    """Sums that no document can hold are told of by themselves: nothing follows from them."""
    never = datetime.min.replace(tzinfo=UTC)
    try:
        right = buckets.document_of(partition, bucket, held.balance, held.revision, never, context).body()
    except (KeyError, ValueError):
        return ()
    stored = held.body()
    names = (stored.keys() | right.keys()) - AS_WRITTEN
    wrong = {name for name in names if stored.get(name) != right.get(name)}
    return tuple(sorted(wrong.union(buckets.kind_of(bucket).lacking(partition, held, context))))


def _revision(item: Item) -> int:
    revision = item.get("revision")
    return revision if isinstance(revision, int) and revision > 0 else 1


def _sums(item: Item) -> Sums:
    sums: Any = item.get("sums")
    return {name: value for name, value in sums.items() if isinstance(value, int)} if isinstance(sums, dict) else {}
