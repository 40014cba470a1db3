"""Heartbeats over the real engine: one in each physical partition, passed or not, and counted nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from azure.core.exceptions import AzureError
from azure.cosmos.aio import CosmosClient

from cosmos.core.database import Database, Item
from cosmos.jobs.heartbeats import Heartbeats
from functions.composition import Store
from local.cosmosdb.server import serve_in_thread
from local.provision import DATABASE, WELL_KNOWN_KEY, Account, provision, read_definitions
from models.jobs.heartbeat import FEEDS, LONGEST_AGE, Feed
from tests.conftest import ROOT
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS

pytestmark = pytest.mark.asyncio(loop_scope="session")

MINUTE = timedelta(minutes=1)
USERS = FEEDS[0]


@pytest.fixture
def url() -> Iterator[str]:
    """An engine of one's own, whose partitions can be split."""
    with serve_in_thread(partitions=2, fault_injection=True) as url:
        made(url)
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def database(url: str) -> AsyncIterator[Database]:
    async with CosmosClient(url, WELL_KNOWN_KEY) as client:
        yield Database.of(client, DATABASE)


@pytest.fixture
def heartbeats(database: Database) -> Heartbeats:
    return Heartbeats(database)


def made(url: str) -> None:
    with Account(url) as account:
        provision(account, read_definitions(ROOT / "cosmos" / "containers.json"))


def deleted(url: str) -> None:
    with Account(url) as account:
        for container in read_definitions(ROOT / "cosmos" / "containers.json"):
            account.send("DELETE", "colls", f"dbs/{DATABASE}/colls/{container['id']}")


async def left(database: Database, feed: Feed) -> list[Item]:
    found: Any = getattr(database, feed.container).query_items("SELECT * FROM c WHERE c.kind = 'heartbeat'")
    return [item async for item in found]


async def test_one_is_left_in_each_physical_partition_and_follows_once_it_is_passed(
    database: Database, heartbeats: Heartbeats
) -> None:
    for feed in FEEDS:
        assert await heartbeats.age(feed, NOW) is None
        await asyncio.gather(heartbeats.look(feed, NOW), heartbeats.look(feed, NOW))
        items = await left(database, feed)
        assert len(items) == 2
        await heartbeats.passed(feed, items)
        assert await heartbeats.look(feed, NOW + MINUTE) == MINUTE
        await heartbeats.look(feed, NOW + 2 * MINUTE)
        assert {(item["revision"], item["passed"]) for item in await left(database, feed)} == {(2, 1)}
        await heartbeats.passed(feed, await left(database, feed))
        assert await heartbeats.age(feed, NOW + 3 * MINUTE) == MINUTE


async def test_one_partition_that_stands_still_is_enough(database: Database, heartbeats: Heartbeats) -> None:
    await heartbeats.look(USERS, NOW)
    items = await left(database, USERS)
    await heartbeats.passed(USERS, items[:1])
    ages = []
    for minute in range(1, 7):
        ages.append(await heartbeats.look(USERS, NOW + minute * MINUTE))
        others = [item for item in await left(database, USERS) if item["partition_key"] != items[1]["partition_key"]]
        await heartbeats.passed(USERS, others)
    assert ages[-1] > LONGEST_AGE
    (still,) = [item for item in await left(database, USERS) if item["passed"] < item["revision"]]
    assert still["_etag"] == items[1]["_etag"], "it would never be reached if it moved to the end of the feed"
    await heartbeats.passed(USERS, [still])
    assert await heartbeats.look(USERS, NOW + 7 * MINUTE) <= 2 * MINUTE


async def test_passing_is_said_once_of_the_own_ones_and_of_nothing_else(
    database: Database, heartbeats: Heartbeats
) -> None:
    await heartbeats.look(USERS, NOW)
    items = await left(database, USERS)
    await heartbeats.passed(FEEDS[1], items)
    await heartbeats.passed(USERS, [{"kind": "profile", "id": "x"}, {"id": "y"}, items[0] | {"id": "gone"}])
    assert await left(database, USERS) == items
    await heartbeats.passed(USERS, items)
    passed = await left(database, USERS)
    await heartbeats.passed(USERS, passed)
    assert await left(database, USERS) == passed


async def test_partitions_that_were_split_have_one_each(url: str, database: Database, heartbeats: Heartbeats) -> None:
    await heartbeats.look(USERS, NOW)
    await heartbeats.passed(USERS, await left(database, USERS))
    body = {"database": DATABASE, "container": USERS.container}
    async with httpx.AsyncClient(base_url=url) as engine:
        (await engine.post("/_local/split", json=body)).raise_for_status()
    await heartbeats.look(USERS, NOW + MINUTE, refresh=True)
    assert len(await left(database, USERS)) == 3
    assert await heartbeats.look(USERS, NOW + 5 * MINUTE) > LONGEST_AGE


async def test_containers_that_are_gone_can_t_be_looked_at_and_made_anew_they_begin_anew(
    url: str, database: Database, heartbeats: Heartbeats
) -> None:
    await heartbeats.look(USERS, NOW)
    await heartbeats.passed(USERS, await left(database, USERS))
    deleted(url)
    with pytest.raises(AzureError):
        await heartbeats.look(USERS, NOW + MINUTE)
    assert await heartbeats.age(USERS, NOW + MINUTE) is None
    made(url)
    ages = [await heartbeats.look(USERS, NOW + minute * MINUTE) for minute in range(2, 8)]
    assert ages[0] <= LONGEST_AGE < ages[-1]
    await heartbeats.passed(USERS, await left(database, USERS))
    assert await heartbeats.look(USERS, NOW + 8 * MINUTE) <= LONGEST_AGE


async def test_a_heartbeat_counts_nowhere_is_mirrored_nowhere_and_is_no_dead_letter(
    database: Database, heartbeats: Heartbeats
) -> None:
    store = Store.of(database, PRICES, PSEUDONYMS)
    for feed in FEEDS:
        await heartbeats.look(feed, NOW)
    items = {feed.container: await left(database, feed) for feed in FEEDS}
    for container, found in items.items():
        await store.folding.fold("user_interactions", found, NOW)
        await store.folding.fold("user_sessions", found, NOW)
        await store.folding.fold("user_bookmarks", found, NOW)
        await store.folding.fold("user_analytics", found, NOW)
        await store.folding.fold(container, found, NOW)
        await store.mirroring.bring(container, found)
        await store.alerts.sessions(found, NOW)
        await store.reviews.set_helpful(found, NOW)
    for container in items:
        everything: Any = getattr(database, container).query_items("SELECT VALUE c.kind FROM c")
        assert [kind async for kind in everything] == ["heartbeat"] * 2
