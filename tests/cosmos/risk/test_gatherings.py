"""Accounts at one address, over the real engine: seen together, exactly, whatever order things come in."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from cosmos.core.database import Database, Item
from functions.composition import Store
from models.core.identity import Person
from models.core.tombstone import is_tombstone
from models.risk.together import PATTERN
from models.risk.window import RiskWindow, risk_window_id
from tests.cosmos.conftest import NOW
from tests.models.examples import an_interaction
from tests.models.risk_turns import different_questions

pytestmark = pytest.mark.asyncio(loop_scope="session")

MORNING = datetime(2026, 3, 4, 7, tzinfo=UTC)


def people(person: Person, count: int) -> list[Person]:
    return [
        Person(tenant_id=person.tenant_id, auth_id=str(uuid.uuid4()), email=f"{n}{person.email}", name=f"P {n}")
        for n in range(count)
    ]


def turns_of(person: Person, count: int, address: str | None) -> list[Item]:
    """A day's turns, as the change feed gives them, in the hours between 7 and 22."""
    asked, chance = different_questions(count), random.Random(person.user_id)
    times = sorted(chance.uniform(0, 15 * 3600) for _ in asked)
    items = []
    for number, (seconds, query) in enumerate(zip(times, asked, strict=True)):
        turn = an_interaction(f"{person.user_id}-{number}", MORNING + timedelta(seconds=seconds), number + 1)
        whose = {"user_id": person.user_id, "partition_key": person.user_id, "timezone": "UTC"}
        what = {"ip_address": address, "user_query": query}
        items.append(turn.model_copy(update=whose | what).body())
    return items


async def settle(store: Store, database: Database) -> None:
    """What the change feed of `user_analytics` brings, of all that is there."""
    for _ in range(3):
        items = [item async for item in database.user_analytics.query_items("SELECT * FROM c")]
        random.Random(7).shuffle(items)
        await store.folding.fold("user_analytics", [item for item in items if not is_tombstone(item)], NOW)


async def gathered(database: Database, person: Person) -> tuple[int, int] | None:
    """How many accounts a person's finding tells of, and on how many turns of theirs."""
    item = await database.user_analytics.read_item(risk_window_id(person.user_id), person.user_id)
    found = RiskWindow.parse(item).findings.get("suspicious_patterns")
    if found is None:
        return None
    assert found.pattern == PATTERN
    return int(found.observed), found.turns


async def test_accounts_that_are_more_than_people_are_told(store: Store, database: Database, person: Person) -> None:
    ring, neighbour = (
        people(person, 6),
        Person(tenant_id=person.tenant_id, auth_id=str(uuid.uuid4()), email=f"n{person.email}", name="N"),
    )
    address = uuid.uuid4().hex
    items = [item for one in ring for item in turns_of(one, 62, address)] + turns_of(neighbour, 8, address)
    random.Random(3).shuffle(items)
    for who in (*ring, neighbour):
        await store.users.ensure(who, NOW, NOW)
    for start in range(0, len(items), 200):
        await store.folding.fold("user_interactions", items[start : start + 200], NOW)
        await settle(store, database)
    assert {await gathered(database, one) for one in ring} == {(6, 60)}
    assert await gathered(database, neighbour) is None
    profile = await store.users.find(ring[0].user_id)
    assert profile is not None
    assert (profile.abuse_flags, profile.risk_decision) == (["suspicious_patterns"], "flag"), "and it suspends nobody"


async def test_a_class_at_one_address_is_no_ring(store: Store, database: Database, person: Person) -> None:
    pupils, address = people(person, 8), uuid.uuid4().hex
    for pupil in pupils:
        await store.folding.fold("user_interactions", turns_of(pupil, 22, address), NOW)
    await settle(store, database)
    assert {await gathered(database, pupil) for pupil in pupils} == {None}
    query = "SELECT c.busy_accounts FROM c WHERE c.kind = 'address_day' AND ENDSWITH(c.id, @address)"
    parameters: list[dict[str, object]] = [{"name": "@address", "value": address[:12]}]
    rows = [row["busy_accounts"] async for row in database.user_analytics.query_items(query, parameters=parameters)]
    assert rows == [8]


async def test_an_address_names_nobody(store: Store, database: Database, person: Person) -> None:
    address = uuid.uuid4().hex
    await store.folding.fold("user_interactions", turns_of(person, 25, address), NOW)
    await settle(store, database)
    query = "SELECT * FROM c WHERE c.kind = 'address_day' AND ENDSWITH(c.id, @address)"
    parameters: list[dict[str, object]] = [{"name": "@address", "value": address[:12]}]
    (item,) = [row async for row in database.user_analytics.query_items(query, parameters=parameters)]
    assert item["partition_key"].startswith("platform-")
    assert person.user_id not in str(item)
    assert address not in str(item)
