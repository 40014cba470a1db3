"""Compares users' rollups with the ledger and with the source documents, and repairs what differs.

It runs beside the live fold. A rollup is judged only if it was not written while its ledger entries were read: the fold
writes both in one transaction, so that an ETag which has not changed proves that the entries have not, either. What is
repaired is guarded by that same ETag; sources are folded as the change feed folds them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosResourceExistsError
from pydantic import ValidationError

from cosmos.analytics import Analytics
from cosmos.containers import retention_seconds
from cosmos.database import Database, Item
from cosmos.folding import turn_source
from cosmos.paging import page_of
from cosmos.reading import read_or_none
from models.bookmark import bookmark_of
from models.bucket import Balance, Bucket, Sums, bucket_id
from models.buckets import document_of
from models.contribution import of_bookmark, of_day, of_session
from models.drift import Bounds, BucketDrift, Standing, Tally, UserDrift, compare, standing
from models.fold import Source
from models.interaction import UserInteraction
from models.ledger import LedgerEntry, ledger_id
from models.risk.window import RiskWindow, risk_window_id
from models.session import UserSession

DOCUMENTS_PER_PAGE = 100
"""Of turns and sessions: that many are held at a time, however many a user has."""

ENTRIES_PER_PAGE = 1000
PASSES = 3
"""How often rollups are read again that were written meanwhile."""

FINE = ("session", "daily")
"""Periods that count turns and sessions. The others count days."""

SLACK = timedelta(days=2)
"""Before documents expire: the user's days are not those of UTC, and a rebuild takes its time."""

NEVER = 100 * 365 * 86400
"""Seconds that stand for no expiry."""

ROLLUPS = (
    "SELECT c.id, c._etag, c.revision, c.analytics_period, c.period_key, c.sums, c.first_activity, c.last_activity "
    "FROM c WHERE c.kind IN ('rollup', 'presence')"
)
LEDGER = "SELECT c.applied, c.ttl FROM c WHERE c.kind = 'ledger'"


@dataclass(frozen=True)
class _Held:
    """A rollup as it was read."""

    bucket: Bucket
    etag: str
    revision: int
    sums: Sums
    first: datetime
    last: datetime

    @classmethod
    def of(cls, item: Item) -> _Held:
        return cls(
            Bucket(item["analytics_period"], item["period_key"]),
            item["_etag"],
            item["revision"],
            item["sums"],
            datetime.fromisoformat(item["first_activity"]),
            datetime.fromisoformat(item["last_activity"]),
        )


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


Page = list[Source | None]
"""Sources that are held at a time; None for a document that can't be read."""

Pages = AsyncIterator[Page]


class Rebuilding:
    """One user's rollups at a time. Safe to be interrupted anywhere and to be called again."""

    def __init__(self, database: Database, analytics: Analytics) -> None:
        self._database = database
        self._container = database.user_analytics
        self._analytics = analytics

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

    async def rebuild(self, user_id: str, repair: bool, now: datetime, forgetting: bool = False) -> UserDrift:
        """Compares a user's rollups, turns and sessions first and then their days; repairs them if told to.

        Args:
            forgetting: Whether rollups are compared, too, that count what is not kept any more. Repairing takes it out.

        Raises:
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again.
            Contention: others write the same documents all the while; call again.
        """
        documents, fine = await self._level(user_id, True, lambda: self._documents(user_id), repair, now, forgetting)
        wrong_days = {drift.bucket for drift in fine.drifted if not drift.repaired}
        days, coarse = await self._level(
            user_id, False, lambda: self._days(user_id, wrong_days), repair, now, forgetting
        )
        return UserDrift(
            user_id=user_id,
            buckets=len(fine.compared) + len(coarse.compared),
            drifted=[*fine.drifted, *coarse.drifted],
            unsettled=fine.unsettled + coarse.unsettled,
            expired=fine.expired + coarse.expired,
            sources=documents.count + days.count,
            sources_behind=documents.behind + days.behind,
            sources_wrong=documents.wrong + days.wrong,
            sources_unreadable=documents.unreadable,
        )

    async def _level(
        self, user_id: str, fine: bool, sources: Callable[[], Pages], repair: bool, now: datetime, forgetting: bool
    ) -> tuple[_Sources, _Buckets]:
        """Buckets first, sources then: what a source changes is right only on top of a bucket that is right."""
        found = await self._check_sources(user_id, sources())
        buckets = await self._check_buckets(user_id, fine, found.bounds, repair, now, forgetting)
        is_sound = not buckets.unsettled and all(drift.repaired for drift in buckets.drifted)
        if repair and is_sound and found.behind + found.wrong:
            async for page in sources():
                to_fold = [
                    source for source, stands in await self._stand(user_id, page) if stands is not Standing.APPLIED
                ]
                await self._analytics.fold(user_id, to_fold, now, again=True)
        return found, buckets

    async def _documents(self, user_id: str) -> Pages:
        """The user's bookmarks, turns and sessions, some at a time."""
        kinds: tuple[tuple[ContainerProxy, str, Callable[[Item], Source]], ...] = (
            (self._database.user_bookmarks, "bookmark", lambda item: of_bookmark(bookmark_of(item))),
            (self._database.user_bookmarks, "deleted_bookmark", lambda item: of_bookmark(bookmark_of(item))),
            (self._database.user_interactions, "interaction", lambda item: turn_source(UserInteraction.parse(item))),
            (self._database.user_sessions, "session", lambda item: of_session(UserSession.parse(item))),
        )
        for container, kind, source in kinds:
            query = f"SELECT * FROM c WHERE c.kind = '{kind}'"  # noqa: S608  # one of the kinds above
            async for page in _pages(container, query, DOCUMENTS_PER_PAGE, user_id):
                yield [_read(source, item) for item in page]

    async def _days(self, user_id: str, without: set[str]) -> Pages:
        query = f"{ROLLUPS} AND c.analytics_period = 'daily'"
        async for page in _pages(self._container, query, DOCUMENTS_PER_PAGE, user_id):
            held = [_Held.of(item) for item in page]
            yield [
                of_day(day.bucket.key, bucket_id(user_id, day.bucket), day.revision, day.sums, day.first, day.last)
                for day in held
                if day.bucket.name not in without
            ]

    async def _check_sources(self, user_id: str, pages: Pages) -> _Sources:
        found = _Sources(0, 0, 0, 0, Bounds())
        async for page in pages:
            found.unreadable += page.count(None)
            for source, stands in await self._stand(user_id, page):
                found.count += 1
                found.bounds.add(source)
                found.behind += stands is Standing.BEHIND
                found.wrong += stands is Standing.WRONG
        return found

    async def _stand(self, user_id: str, page: Page) -> list[tuple[Source, Standing]]:
        """How the sources of a page stand; without those that can't be read."""
        sources = [source for source in page if source is not None]
        keys = [(ledger_id(source.key), user_id) for source in sources]
        entries = [LedgerEntry.parse(item) for item in await self._container.read_items(keys)] if keys else []
        ledger = {entry.source: entry.as_applied for entry in entries}
        return [(source, standing(source, ledger.get(source.key))) for source in sources]

    async def _check_buckets(
        self, user_id: str, fine: bool, bounds: Bounds, repair: bool, now: datetime, forgetting: bool
    ) -> _Buckets:
        found = _Buckets(set(), [], 0, 0)
        settled: set[str] = set()
        for _ in range(PASSES):
            before = await self._rollups(user_id, fine)
            tally, shortest = await self._tally(user_id, fine)
            after = await self._rollups(user_id, fine)
            oldest = now - timedelta(seconds=shortest) + SLACK
            found.unsettled = 0
            for name in sorted((before.keys() | after.keys() | tally.buckets()) - settled):
                held, later = before.get(name), after.get(name)
                if (held and held.etag) != (later and later.etag):
                    found.unsettled += 1
                    continue
                settled.add(name)
                times = (held.first, held.last) if held else bounds.of(name)
                if times and times[0] < oldest and not forgetting:
                    found.expired += 1
                    continue
                found.compared.add(name)
                drift = compare(user_id, name, held.sums if held else None, tally.of(name))
                if drift is not None:
                    expected = self._expected(name, held, tally.of(name), bounds)
                    fixed = repair and expected is not None and await self._replace(user_id, held, expected, now)
                    found.drifted.append(drift.model_copy(update={"repaired": fixed}))
            if not found.unsettled:
                break
        return found

    def _expected(self, name: str, held: _Held | None, sums: Sums, bounds: Bounds) -> tuple[Bucket, Balance] | None:
        """What the bucket should hold; None if there is nothing that tells its time."""
        times = (held.first, held.last) if held else bounds.of(name)
        return (Bucket.parse(name), Balance(sums, *times)) if times else None

    async def _replace(self, user_id: str, held: _Held | None, expected: tuple[Bucket, Balance], now: datetime) -> bool:
        """Writes a rollup in the place of the one that was read; False if that has been written meanwhile.

        Its revision counts on, so that whatever counts days or totals takes the difference from the change feed.
        """
        bucket, balance = expected
        window = await read_or_none(self._container, risk_window_id(user_id), user_id)
        findings = RiskWindow.parse(window).findings.values() if window else ()
        body = document_of(user_id, bucket, balance, held.revision + 1 if held else 1, now, findings).body()
        try:
            if held is None:
                await self._container.create_item(body)
            else:
                await self._container.replace_item(
                    body["id"], body, etag=held.etag, match_condition=MatchConditions.IfNotModified
                )
        except (CosmosAccessConditionFailedError, CosmosResourceExistsError):
            return False
        return True

    async def _rollups(self, user_id: str, fine: bool) -> dict[str, _Held]:
        rollups: dict[str, _Held] = {}
        async for page in _pages(self._container, ROLLUPS, ENTRIES_PER_PAGE, user_id):
            for held in map(_Held.of, page):
                if (held.bucket.period in FINE) is fine:
                    rollups[held.bucket.name] = held
        return rollups

    async def _tally(self, user_id: str, fine: bool) -> tuple[Tally, int]:
        """What the ledger has applied to the buckets, and the seconds after which the first of its entries expires."""
        kept = retention_seconds("user_interactions" if fine else "user_analytics")
        tally, shortest = Tally(), kept or NEVER
        async for page in _pages(self._container, LEDGER, ENTRIES_PER_PAGE, user_id):
            for entry in page:
                applied = {name: sums for name, sums in entry["applied"].items() if _is_fine(name) is fine}
                if applied:
                    tally.add(applied)
                    ttl = entry.get("ttl") or NEVER
                    shortest = min(shortest, ttl if ttl > 0 else NEVER)
        return tally, shortest


def _read(source: Callable[[Item], Source], item: Item) -> Source | None:
    """None for what the fold has put aside as a dead letter."""
    try:
        return source(item)
    except ValidationError:
        return None


def _is_fine(bucket: str) -> bool:
    return bucket.partition(":")[0] in FINE


async def _pages(container: ContainerProxy, query: str, limit: int, user_id: str) -> AsyncIterator[Iterable[Item]]:
    continuation: str | None = None
    while True:
        rows, continuation = await page_of(container, query, {}, limit, continuation, user_id)
        yield rows
        if continuation is None:
            return
