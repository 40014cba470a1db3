"""A turn's way from its recording to the platform's month, step by step, with what each step asks of Cosmos DB.

The app's own code does the work; only the host is replaced, by reading the change feeds here: so that each step can be
measured by itself, and so that a feed's batch is exactly what it is said to be. What the host asks for besides, which
polls the feeds and writes its leases, depends on time and not on turns, and is not in it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.cosmos.aio import ContainerProxy, CosmosClient

from bench.simulation.stack import Stack
from cosmos.core.database import Database, Item
from functions.composition import Store
from local.provision import DATABASE, WELL_KNOWN_KEY
from models.core.pseudonyms import PLATFORM, Pseudonyms, is_platform
from models.counting.fold import Source
from models.usage.pricing import PriceTable

FEEDS = ("fold_interactions", "fold_sessions", "fold_bookmarks", "fold_analytics")
FEEDS_OFF = {f"AzureWebJobs.{function}.Disabled": "true" for function in (*FEEDS, "end_idle_sessions")}
"""Settings of a stack in which nothing is folded but here, and no session ends by itself."""

PSEUDONYMS = Pseudonyms(b"a key for benchmarks only")
BATCH = 200
"""As many changes at once as the app's triggers take."""

RECORDING = "POST: the turn's number and the allowance; then the turn"
SESSION = "the session's own changes: nothing new to count"
USER = "fold: the user's day, week, month, all time, day of UTC and session"
SHARD_TURN = "fold: the platform's shard, the turn's day and question"
SHARD_USER = "fold: shards, active and new users, cohorts"
WHOLE = "fold: the whole platform's days, months, cohorts"
TOTALS = "totals on the session and the profile"

Fold = Callable[..., Coroutine[Any, Any, None]]


@dataclass
class Spent:
    """What a step asked for. Bytes are those of the bodies, there and back."""

    requests: Counter[str] = field(default_factory=Counter)
    request_charge: float = 0.0
    bytes: int = 0

    @property
    def count(self) -> int:
        return self.requests.total()


_step: ContextVar[str] = ContextVar("step", default="")


@contextmanager
def step(name: str) -> Iterator[None]:
    """What is asked for meanwhile is counted under this name."""
    token = _step.set(name)
    try:
        yield
    finally:
        _step.reset(token)


class Meter:
    """Counts requests by the step they are made in. What the SDK looks up about the account is not counted."""

    def __init__(self) -> None:
        self.steps: dict[str, Spent] = {}
        self.seconds = 0.0

    def reset(self) -> None:
        self.steps, self.seconds = {}, 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - began

    def __call__(self, response: Any) -> None:
        """A hook of the SDK's client."""
        request, answer = response.http_request, response.http_response
        parts = request.url.split("?")[0].split("/")
        if "docs" not in parts:
            return
        spent = self.steps.setdefault(_step.get() or TOTALS, Spent())
        spent.requests[f"{parts[parts.index('colls') + 1]} {_kind(request)}"] += 1
        spent.request_charge += float(answer.headers.get("x-ms-request-charge", 0))
        spent.bytes += len(_encoded(request.body)) + len(answer.body())

    @property
    def total(self) -> Spent:
        total = Spent()
        for spent in self.steps.values():
            total.requests += spent.requests
            total.request_charge += spent.request_charge
            total.bytes += spent.bytes
        return total


def _kind(request: Any) -> str:
    if request.headers.get("x-ms-cosmos-is-batch-request"):
        return "batch"
    if request.headers.get("x-ms-documentdb-isquery") or request.headers.get("x-ms-documentdb-query"):
        return "query"
    return {"GET": "read", "POST": "create", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}[
        str(request.method)
    ]


def _encoded(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def staged(fold: Fold) -> Fold:
    """The app's own fold, saying which step of a turn's way each is."""

    async def named(partition: str, sources: Sequence[Source], now: datetime, again: bool = False) -> None:
        with step(_step.get() or _named(partition, sources)):
            await fold(partition, sources, now, again)

    return named


def _named(partition: str, sources: Sequence[Source]) -> str:
    periods = {bucket.period for source in sources for bucket in source.contributions}
    if partition == PLATFORM:
        return WHOLE
    if is_platform(partition):
        return SHARD_TURN if "question" in periods else SHARD_USER
    return USER


class Feed:
    """The changes of a container, range by range, from when it was last asked for."""

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container
        self._seen: dict[str, str] = {}

    async def skip(self) -> None:
        """Passes over what has changed until now."""
        self._seen = {}
        await self.batches()

    async def batches(self) -> list[list[Item]]:
        """Latest versions only, as the host gives them to a function: of one range, and no more than `BATCH`."""
        found = []
        async for feed_range in self._container.read_feed_ranges():
            changes = await self._changes(feed_range)
            found += [changes[start : start + BATCH] for start in range(0, len(changes), BATCH)]
        return found

    async def _changes(self, feed_range: dict[str, Any]) -> list[Item]:
        key = json.dumps(feed_range, sort_keys=True)
        if key in self._seen:
            rows = self._container.query_items_change_feed(continuation=self._seen[key])
        else:
            rows = self._container.query_items_change_feed(feed_range=feed_range, start_time="Now")
        changes = [item async for item in rows]
        self._seen[key] = self._container.client_connection.last_response_headers["etag"]
        return changes


class Cascade:
    """Records turns, and folds them until nothing is left to fold."""

    def __init__(self, meter: Meter, metered: Database, unmetered: Database) -> None:
        self.meter = meter
        self.store = Store.of(metered, PriceTable(), PSEUDONYMS)
        self.store.counters.fold = staged(self.store.counters.fold)  # type: ignore[method-assign]  # so it is named
        self._morning = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(days=1)
        self._asked = 0
        self._feeds = [
            Feed(container)
            for container in (unmetered.user_interactions, unmetered.user_sessions, unmetered.user_analytics)
        ]

    def moment(self) -> datetime:
        """When the next turn is asked: a minute or two after the last one, all on yesterday, in UTC and in India."""
        self._asked += 1
        return self._morning + timedelta(seconds=100 * self._asked + 7919 * self._asked % 90)

    async def skip(self) -> None:
        """Leaves what has changed until now as it is."""
        for feed in self._feeds:
            await feed.skip()

    async def settle(self) -> None:
        """Brings everything that has changed to where it counts, until nothing more changes."""
        folding, now = self.store.folding, datetime.now(UTC)
        changed = True
        while changed:
            turns, sessions, counted = [await feed.batches() for feed in self._feeds]
            changed = bool(turns or sessions or counted)
            with self.meter.timed():
                for batch in turns:
                    await folding.fold("user_interactions", batch, now)
                for batch in sessions:
                    with step(SESSION):
                        await folding.fold("user_sessions", batch, now)
                        await self.store.alerts.sessions(batch, now)
                for batch in counted:
                    await folding.fold("user_analytics", batch, now)


@asynccontextmanager
async def cascade(stack: Stack) -> AsyncIterator[Cascade]:
    """Over a stack whose feeds are off: see `FEEDS_OFF`."""
    meter = Meter()
    async with (
        CosmosClient(stack.cosmos_url, WELL_KNOWN_KEY, raw_response_hook=meter) as metered,
        CosmosClient(stack.cosmos_url, WELL_KNOWN_KEY) as unmetered,
    ):
        driven = Cascade(meter, Database.of(metered, DATABASE), Database.of(unmetered, DATABASE))
        await driven.skip()
        yield driven
