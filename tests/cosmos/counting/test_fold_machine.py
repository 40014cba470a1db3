"""Any interleaving of redelivery, duplicates, stale revisions, edits, two processes and a crash between two requests.

It ends in totals that equal a recount of the sources: a state machine over the real engine.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cachetools import TTLCache
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bench.recount.buckets import differing, recount, stored
from bench.simulation.consumers import FEEDS, PSEUDONYMS
from bench.simulation.fault_injection import Killed, UnreliableTransport
from bench.simulation.history import NOW, history
from cosmos.core.database import Database, Item, connect
from cosmos.counting.recent import Recent
from functions.composition import Store
from local.cosmosdb.server import serve_in_thread
from local.provision import WELL_KNOWN_KEY, Account, provision, read_definitions
from models.counted import BUCKETS
from models.usage.pricing import PriceTable

CONTAINERS = Path(__file__).parents[3] / "cosmos" / "containers.json"
USERS, TURNS = 2, 24
LEVELS = 8
"""More than there are steps from a turn to the platform's month."""

batches = st.lists(st.integers(0, 10**6), min_size=1, max_size=12)
"""What a batch of the feed has in it, each by some number among all that can come."""

requests = st.integers(1, 14)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_in_thread(partitions=2) as url:
        yield url


def trusting() -> Recent:
    """What a process knows that goes by it again, however often it turned out to be out of date."""
    recent = Recent()
    recent._shared = TTLCache(1, 0)
    return recent


class FoldMachine(RuleBasedStateMachine):
    """Documents are written, and processes are given some of what has been written, in any revision that there was."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = f"fold-{uuid.uuid4()}"
        with Account(self.url) as account:
            provision(account, read_definitions(CONTAINERS), self.database)
        self.to_come: list[tuple[str, Item]] = []
        self.written: list[tuple[str, Item]] = []
        self.derived: list[Item] = []
        self.recent = [trusting(), Recent()]

    @initialize(seed=st.integers(0, 10**6))
    def begin(self, seed: int) -> None:
        self.to_come = [(document.container, document.body()) for document in history(seed, USERS, TURNS).writes]
        self.write(8)

    @precondition(lambda self: self.to_come)
    @rule(count=st.integers(1, 8))
    def write(self, count: int) -> None:
        self.written += self.to_come[:count]
        del self.to_come[:count]

    @rule(batch=batches)
    def deliver(self, batch: list[int]) -> None:
        self.runner.run(self.fold(self.chosen(batch), UnreliableTransport()))

    @rule(batch=batches, dies_at=requests, answered=st.booleans())
    def deliver_to_one_that_dies(self, batch: list[int], dies_at: int, answered: bool) -> None:
        self.runner.run(self.fold(self.chosen(batch), UnreliableTransport(dies_at, answered)))

    @rule(batch=batches, other=batches, new=st.integers(2, 10), held_at=requests)
    def deliver_to_two(self, batch: list[int], other: list[int], new: int, held_at: int) -> None:
        """The one is held up between two of its requests, for the other to do all that it has to.

        Both have something to do: each gets some of what is new, beside what has been before.
        """
        before = len(self.written)
        self.write(new)
        fresh = list(range(before, len(self.written)))
        transport = UnreliableTransport(held_at=held_at, meanwhile=self.doing([*fresh[1::2], *other]))
        self.runner.run(self.fold(self.chosen([*fresh[::2], *batch]), transport))

    @rule()
    def look(self) -> None:
        """What is counted by now may be delivered later."""
        self.derived += [item for item in self.runner.run(self.counted()) if item not in self.derived]

    @precondition(lambda self: self.derived)
    @rule(batch=batches, other=batches, held_at=requests, dies_at=st.none() | requests, answered=st.booleans())
    def deliver_what_was_counted(
        self, batch: list[int], other: list[int], held_at: int, dies_at: int | None, answered: bool
    ) -> None:
        """Also in revisions that are not the newest any more."""
        transport = UnreliableTransport(dies_at, answered, held_at, self.doing(other))
        items = [self.derived[number % len(self.derived)] for number in batch]
        self.runner.run(self.fold({"user_analytics": items}, transport))

    def chosen(self, batch: list[int]) -> dict[str, list[Item]]:
        feeds = defaultdict(list)
        for number in batch:
            feed, item = self.written[number % len(self.written)]
            feeds[feed].append(item)
        return feeds

    def doing(self, batch: list[int]) -> Callable[[], Awaitable[None]]:
        async def meanwhile() -> None:
            await self.fold(self.chosen(batch), UnreliableTransport(), process=1)

        return meanwhile

    async def fold(self, feeds: dict[str, list[Item]], transport: UnreliableTransport, process: int = 0) -> None:
        """What a process does with a batch of each feed, until it is done or dead. It knows what it has written."""
        try:
            async with connect(f"AccountEndpoint={self.url}/;AccountKey={WELL_KNOWN_KEY};", transport) as client:
                store = Store.of(Database.of(client, self.database), PriceTable(), PSEUDONYMS)
                store.counters._recent = self.recent[process]
                for feed, items in feeds.items():
                    await FEEDS[feed](store.folding, items)
        except Killed:
            assert transport.is_dead
            self.recent[process] = trusting()

    async def counted(self) -> list[Item]:
        async with connect(f"AccountEndpoint={self.url}/;AccountKey={WELL_KNOWN_KEY};") as client:
            container = Database.of(client, self.database).user_analytics
            items = [dict(item) async for item in container.read_all_items()]
        assert [item for item in items if item["kind"] == "dead_letter"] == []
        return [item for item in items if item["kind"] in BUCKETS.by_kind]

    async def settle(self) -> list[Any]:
        """The newest of everything is delivered, and then what is older; the places that differ from a recount.

        So a stale revision comes last, as it may when a lease moves.
        """
        newest = {(item["partition_key"], item["id"]): number for number, (_, item) in enumerate(self.written)}
        await self.fold(self.chosen(list(newest.values())), UnreliableTransport())
        await self.fold(
            self.chosen([n for n in range(len(self.written)) if n not in newest.values()]), UnreliableTransport()
        )
        counted: list[Item] = []
        for _ in range(LEVELS):
            before, counted = counted, await self.counted()
            if counted == before:
                break
            await self.fold({"user_analytics": counted}, UnreliableTransport())
        await self.fold(
            {"user_analytics": [item for item in self.derived if item not in counted]}, UnreliableTransport()
        )
        expected = recount([item for _, item in self.written], PSEUDONYMS, NOW)
        return differing(expected, stored(await self.counted()))

    def teardown(self) -> None:
        try:
            if self.written:
                assert self.runner.run(self.settle()) == []
        finally:
            self.runner.close()
            with Account(self.url) as account:
                account.send("DELETE", "dbs", f"dbs/{self.database}")


def test_totals_equal_a_recount_whatever_happens(url: str) -> None:
    FoldMachine.url = url
    run_state_machine_as_test(
        FoldMachine,
        settings=settings(
            max_examples=6, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
