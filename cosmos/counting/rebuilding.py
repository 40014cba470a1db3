"""Compares the rollups of users and of the platform with the ledger and their sources, and repairs what differs.

It runs beside the live fold. A rollup is judged only if it was not written while its ledger entries were read: the fold
writes both in one transaction, so that an ETag which has not changed proves that the entries have not, either. What is
repaired is guarded by that same ETag; sources are folded as the change feed folds them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from azure.cosmos.aio import ContainerProxy

from cosmos.core.containers import retention_seconds
from cosmos.core.database import Database, Item
from cosmos.core.paging import page_of, pages_of
from cosmos.core.patching import patch_if
from cosmos.core.swapping import Outrun, write_over
from cosmos.counting.bucket_documents import ReadBucket, read_buckets, read_context, read_etags
from cosmos.counting.counters import Counters
from cosmos.counting.sources import Sources
from models.core.pseudonyms import is_platform
from models.counting.bucket import Balance, Bucket, bucket_id
from models.counting.drift import Bounds, BucketDrift, Standing, Tally, UserDrift, compare, standing
from models.counting.fold import PartitionedSource, Source
from models.counting.ledger import LedgerEntry, ledger_id

DOCUMENTS_PER_PAGE = 100
"""Of turns and sessions: that many are held at a time, however many a user has."""

ENTRIES_PER_PAGE = 1000
PASSES = 3
"""How often rollups are read again that were written meanwhile."""

SLACK = timedelta(days=2)
"""Before documents expire: the user's days are not those of UTC, and a rebuild takes its time."""

NEVER = 100 * 365 * 86400
"""Seconds that stand for no expiry."""

SESSIONS, DAYS = "c.analytics_period = 'session'", "c.analytics_period = 'daily'"
LONGER = "c.analytics_period NOT IN ('session', 'daily')"
"""Which of a user's buckets are counted again: in days, in what counts days, and by the platform."""

LEDGER = "SELECT c.applied, c.ttl FROM c WHERE c.kind = 'ledger'"


@dataclass(frozen=True)
class _Level:
    """Buckets that are compared together.

    Attributes:
        has: Whether a bucket of this name is one of them.
        container: The one whose retention their sources have.
    """

    has: Callable[[str], bool]
    container: str


@dataclass(frozen=True)
class _Work:
    """What to rebuild, and how."""

    partition: str
    repair: bool
    now: datetime
    forgetting: bool


@dataclass
class _Sources:
    """How the sources of some buckets stand, and what times they count."""

    count: int
    behind: int
    wrong: int
    unreadable: int
    bounds: Bounds


@dataclass
class _Buckets:
    """What became of the buckets that were compared."""

    compared: set[str]
    drifted: list[BucketDrift]
    expired: int
    unsettled: int


Page = list[list[PartitionedSource] | None]
"""The sources that some documents are; None for a document that can't be read."""

Pages = AsyncIterator[Page]


class Rebuilding:
    """The rollups of one user, or of one of the platform's partitions, at a time.

    Safe to be interrupted anywhere and to be called again.
    """

    def __init__(self, database: Database, counters: Counters, sources: Sources) -> None:
        self._database = database
        self._container = database.user_analytics
        self._counters = counters
        self._sources = sources
        self._kinds = sources.buckets
        self._of_documents = _Level(self._kinds.is_of_documents, "user_interactions")
        self._of_buckets = _Level(lambda name: not self._kinds.is_of_documents(name), "user_analytics")

    async def count_users(self) -> int:
        """How many there are, by a query of all partitions."""
        query = "SELECT VALUE COUNT(1) FROM c WHERE c.kind = 'profile'"
        counts: list[int] = [count async for count in self._database.users.query_items(query)]  # type: ignore[misc]
        return sum(counts)

    async def users(self, limit: int, continuation: str | None) -> tuple[list[str], str | None]:
        """The ids of some users, and where the next are."""
        query = "SELECT c.id FROM c WHERE c.kind = 'profile'"
        rows, following = await page_of(self._database.users, query, {}, limit, continuation, None)
        return [row["id"] for row in rows], following

    async def partitions(
        self, limit: int, continuation: dict[str, Any] | None
    ) -> tuple[list[str], dict[str, Any] | None]:
        """Some of all there is to rebuild, and where the next are: the users, and then the platform's partitions."""
        start = (continuation or {}).get("platform")
        if start is None:
            users, following = await self.users(limit, (continuation or {}).get("users"))
            return users, {"users": following} if following else {"platform": 0}
        end = start + limit
        return self._sources.platform[start:end], {"platform": end} if end < len(self._sources.platform) else None

    async def rebuild(self, partition: str, repair: bool, now: datetime, forgetting: bool = False) -> UserDrift:
        """Compares the rollups of a user, or of one of the platform's partitions; repairs them if told to.

        Of a user first what counts documents, then what counts days, and at last what the platform counts of the user.

        Args:
            forgetting: Whether rollups are compared, too, that count what is not kept any more. Repairing takes it out.

        Raises:
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again.
            Contention: others write the same documents all the while; call again.
        """
        work = _Work(partition, repair, now, forgetting)
        if is_platform(partition):
            levels = [await self._level(work, OF_PLATFORM, lambda: self._counted(partition))]
        else:
            documents, fine = await self._level(work, self._of_documents, lambda: self._documents(partition))
            wrong = _wrong(fine)
            days, coarse = await self._level(work, self._of_buckets, lambda: self._counted(partition, wrong, DAYS))
            wrong |= _wrong(coarse)
            others = await self._level(work, ELSEWHERE, lambda: self._counted(partition, wrong, LONGER))
            levels = [(documents, fine), (days, coarse), others]
        return UserDrift(
            user_id=partition,
            buckets=sum(len(buckets.compared) for _, buckets in levels),
            drifted=[drift for _, buckets in levels for drift in buckets.drifted],
            unsettled=sum(buckets.unsettled for _, buckets in levels),
            expired=sum(buckets.expired for _, buckets in levels),
            sources=sum(sources.count for sources, _ in levels),
            sources_behind=sum(sources.behind for sources, _ in levels),
            sources_wrong=sum(sources.wrong for sources, _ in levels),
            sources_unreadable=sum(sources.unreadable for sources, _ in levels),
        )

    async def _level(self, work: _Work, level: _Level, sources: Callable[[], Pages]) -> tuple[_Sources, _Buckets]:
        """Buckets first, sources then: what a source changes is right only on top of a bucket that is right."""
        found = await self._check_sources(work.partition, sources())
        buckets = await self._check_buckets(work, level, found.bounds)
        is_sound = not buckets.unsettled and all(drift.repaired for drift in buckets.drifted)
        if work.repair and is_sound and found.behind + found.wrong:
            async for page in sources():
                to_fold = defaultdict(list)
                for partition, source, stands in await self._stand(page):
                    if stands is not Standing.APPLIED:
                        to_fold[partition].append(source)
                for partition, behind in to_fold.items():
                    await self._counters.fold(partition, behind, work.now, again=True)
        return found, buckets

    async def _documents(self, user_id: str) -> Pages:
        """The user's bookmarks, turns and sessions, and what sessions hold, some at a time."""
        for kind in self._sources.rebuilt:
            container: ContainerProxy = getattr(self._database, kind.model.container)
            query = f"SELECT * FROM c WHERE c.kind = '{kind.name}'"  # noqa: S608  # a declared kind
            async for page in pages_of(container, query, DOCUMENTS_PER_PAGE, user_id):
                yield [self._read(item) for item in page]
        async for counted in self._counted(user_id, which=SESSIONS):
            yield counted

    async def _counted(self, partition: str, without: Collection[str] = (), which: str = "true") -> Pages:
        """The buckets that are sources themselves, some at a time; those that a condition holds for."""
        kinds = ", ".join(f"'{kind}'" for kind in self._kinds.counted_again)
        query = f"SELECT * FROM c WHERE c.kind IN ({kinds}) AND {which}"  # noqa: S608  # constants
        async for page in pages_of(self._container, query, DOCUMENTS_PER_PAGE, partition):
            sound = [item for item in page if item["id"].removeprefix(f"{partition}:") not in without]
            yield [self._read(item) for item in sound]

    async def _check_sources(self, partition: str, pages: Pages) -> _Sources:
        found = _Sources(0, 0, 0, 0, Bounds())
        async for page in pages:
            found.unreadable += page.count(None)
            found.count += sum(1 for placed in page if placed)
            for where, source, stands in await self._stand(page):
                if where == partition and stands is not Standing.BEHIND:
                    found.bounds.add(source)
                found.behind += stands is Standing.BEHIND
                found.wrong += stands is Standing.WRONG
        return found

    async def _stand(self, page: Page) -> list[tuple[str, Source, Standing]]:
        """How the sources of a page stand where they count; without those that can't be read."""
        placed = [one for sources in page for one in sources or []]
        keys = [(ledger_id(source.key), partition) for partition, source in placed]
        entries = await self._container.read_items(keys) if keys else []
        ledger = {
            (item["partition_key"], entry.source): entry.as_applied
            for item, entry in ((item, LedgerEntry.parse(item)) for item in entries)
        }
        return [
            (partition, source, standing(source, ledger.get((partition, source.key)))) for partition, source in placed
        ]

    async def _check_buckets(self, work: _Work, level: _Level, bounds: Bounds) -> _Buckets:
        found = _Buckets(set(), [], 0, 0)
        settled: set[str] = set()
        for _ in range(PASSES):
            before = await self._buckets(work.partition, level)
            tally, shortest = await self._tally(work.partition, level)
            after = await read_etags(self._container, self._kinds, work.partition)
            oldest = work.now - timedelta(seconds=shortest) + SLACK
            found.unsettled = 0
            names = before.keys() | filter(level.has, after) | tally.buckets()
            for name in sorted(names - settled):
                held = before.get(name)
                if (held and held.etag) != after.get(name):
                    found.unsettled += 1
                    continue
                settled.add(name)
                first, last = bounds.around(name, held.first, held.last) if held else bounds.of(name)
                began = first or self._kinds.began(Bucket.parse(name))
                if began and began < oldest and not work.forgetting:
                    found.expired += 1
                    continue
                found.compared.add(name)
                misstated = (*held.misstated, *held.narrower_than(first, last)) if held else ()
                drift = compare(work.partition, name, held.sums if held else None, tally.of(name), misstated)
                if drift is not None:
                    expected = Balance(tally.of(name), first, last).settled()
                    fixed = work.repair and await self._replace(work, held, Bucket.parse(name), expected)
                    found.drifted.append(drift.model_copy(update={"repaired": fixed}))
            if not found.unsettled:
                break
        return found

    async def _replace(self, work: _Work, held: ReadBucket | None, bucket: Bucket, balance: Balance) -> bool:
        """Writes a rollup in the place of the one that was read; False if that has been written meanwhile, or the user
        is being erased.

        Its revision counts on, so that whatever counts days or totals takes the difference from the change feed.
        """
        revision = held.revision + 1 if held else 1
        if await self._counters.is_erased(work.partition):
            return False
        kind, context = self._kinds.kind_of(bucket), held.context if held else None
        if elsewhere := kind.elsewhere(work.partition, bucket, context, self._sources.names):
            context = await read_context(self._container, self._kinds, elsewhere, bucket)
        document = self._kinds.document_of(work.partition, bucket, balance, revision, work.now, context)
        body = self._kinds.told_anew(document).body()
        try:
            await write_over(self._container, body, held.etag if held else None)
        except Outrun:
            return False
        if reread := kind.reread.get(bucket.period):
            await self._count_revision(work.partition, reread)
        return True

    async def _count_revision(self, partition: str, bucket: Bucket) -> None:
        """Tells readers who go by the revision of all time that a month has changed, as with every fold."""
        change = [{"op": "incr", "path": "/revision", "value": 1}]
        await patch_if(self._container, bucket_id(partition, bucket), partition, change, "true")

    async def _buckets(self, partition: str, level: _Level) -> dict[str, ReadBucket]:
        stored = read_buckets(self._container, self._kinds, partition)
        return {held.bucket.name: held async for held in stored if level.has(held.bucket.name)}

    def _read(self, item: Item) -> list[PartitionedSource] | None:
        """The sources that a document is; None of what the fold has put aside as a dead letter."""
        try:
            return self._sources.of(item)
        except (KeyError, ValueError, OverflowError):
            return None

    async def _tally(self, partition: str, level: _Level) -> tuple[Tally, int]:
        """What the ledger has applied to the buckets, and the seconds after which the first of its entries expires."""
        tally, shortest = Tally(), retention_seconds(level.container) or NEVER
        async for page in pages_of(self._container, LEDGER, ENTRIES_PER_PAGE, partition):
            for entry in page:
                applied = {name: sums for name, sums in entry["applied"].items() if level.has(name)}
                if applied:
                    tally.add(applied)
                    ttl = entry.get("ttl") or NEVER
                    shortest = min(shortest, ttl if ttl > 0 else NEVER)
        return tally, shortest


def _wrong(buckets: _Buckets) -> set[str]:
    """Those that stay wrong: what they count in turn is not to be judged by."""
    return {drift.bucket for drift in buckets.drifted if not drift.repaired}


OF_PLATFORM = _Level(lambda bucket: True, "user_interactions")
ELSEWHERE = _Level(lambda bucket: False, "user_analytics")
"""None of the partition's own buckets: sources that count in others."""
