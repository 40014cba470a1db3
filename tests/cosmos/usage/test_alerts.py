"""Alerts, raised from the changes of allowances: each once, whatever is delivered again, late, or by two at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cosmos.core.database import Database, Item
from functions.composition import Store
from models.accounts.limits import LimitTable
from models.core.identity import Person
from models.usage.allowance import ALLOWANCE_ID
from models.usage.windows import Clock
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMITS = LimitTable.model_validate({"day": {"tokens": 1000}})
DAY = Clock(NOW).key("day")


@pytest.fixture
def store(database: Database) -> Store:
    return Store.of(database, PRICES, PSEUDONYMS, LIMITS)


async def use(database: Database, person: Person, tokens: int, key: str = DAY) -> Item:
    """The allowance once more is used, as the change feed gives it."""
    increment = [{"op": "incr", "path": f"/used/{key}:tokens", "value": tokens}]
    return dict(await database.user_sessions.patch_item(ALLOWANCE_ID, person.user_id, increment))


async def alerts_of(database: Database, person: Person) -> list[tuple[str, int]]:
    query = "SELECT * FROM c WHERE c.kind = 'alert'"
    found = database.user_analytics.query_items(query, partition_key=person.user_id)
    return sorted([(item["window_key"], item["threshold"]) async for item in found])


async def test_each_threshold_is_told_once(store: Store, database: Database, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    raised: list[Any] = []
    for tokens in (499, 1, 299, 1, 150, 50, 9000):
        change = await use(database, person, tokens)
        for _ in range(2):
            await store.alerts.sessions([change, {"kind": "session", "id": "another"}], NOW)
        raised.append([threshold for _, threshold in await alerts_of(database, person)])
    assert raised == [[], [50], [50], [50, 80], [50, 80], [50, 80, 100], [50, 80, 100]]
    remembered = (await store.allowances.read(person.user_id)).alerts
    assert remembered == {f"{DAY}:tokens:{threshold}": NOW for threshold in (50, 80, 100)}
    item = await database.user_analytics.read_item(f"alert:{DAY}:tokens:80", person.user_id)
    assert (item["used"], item["limit"], item["ttl"]) == (800, 1000, 35 * 86_400)


async def test_alerts_of_a_change_that_is_out_of_date_are_remembered_with_the_next(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    change = await use(database, person, 500)
    newer = await use(database, person, 1)
    await asyncio.gather(store.alerts.sessions([change], NOW), store.alerts.sessions([change], NOW))
    assert (await store.allowances.read(person.user_id)).alerts == {}
    await store.alerts.sessions([newer], NOW)
    allowance = await store.allowances.read(person.user_id)
    assert (list(allowance.alerts), allowance.used[f"{DAY}:tokens"]) == ([f"{DAY}:tokens:50"], 501)
    assert await alerts_of(database, person) == [(DAY, 50)]


async def test_what_no_longer_counts_is_dropped_also_without_admissions(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    for number in range(64):
        assert len((await store.allowances.read(person.user_id)).used) == number
        change = await use(database, person, 1, f"minute:2026-11-20T10:{number:02}")
        await store.alerts.sessions([change], NOW)
    assert (await store.allowances.read(person.user_id)).used == {}


async def test_nothing_is_kept_about_somebody_without_a_profile(
    store: Store, database: Database, person: Person
) -> None:
    change = {"id": ALLOWANCE_ID, "partition_key": person.user_id, "kind": "allowance", "_etag": "x"}
    await store.alerts.sessions([change | {"used": {f"{DAY}:tokens": 5000}}], NOW)
    assert await alerts_of(database, person) == []


async def test_an_allowance_that_is_not_valid_does_not_hold_up_the_others(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    good = await use(database, person, 1000)
    await store.alerts.sessions([good | {"used": "much"}, good], NOW)
    assert await alerts_of(database, person) == [(DAY, 50), (DAY, 80), (DAY, 100)]
    letters = database.user_analytics.query_items(
        "SELECT * FROM c WHERE c.kind = 'dead_letter'", partition_key=person.user_id
    )
    assert [(letter["source_id"], letter["error"]) async for letter in letters] == [(ALLOWANCE_ID, "not valid: used")]


async def test_the_letter_of_an_allowance_stays_until_its_alerts_are_raised(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    change = await use(database, person, 600)
    broken = await database.user_sessions.replace_item(ALLOWANCE_ID, change | {"settled": "all"})
    await store.alerts.sessions([dict(broken)], NOW)
    letters = database.user_analytics.query_items(
        "SELECT VALUE c.id FROM c WHERE c.kind = 'dead_letter'", partition_key=person.user_id
    )
    [letter] = [str(name) async for name in letters]
    assert await store.dead_letters.redrive(person.user_id, letter, NOW) == "failed"
    await database.user_sessions.replace_item(ALLOWANCE_ID, change)
    assert await store.dead_letters.redrive(person.user_id, letter, NOW) == "folded"
    assert await alerts_of(database, person) == [(DAY, 50)]
    assert await store.dead_letters.redrive(person.user_id, letter, NOW) == "absent"
