"""Rebuilding over the real engine: damage of any kind is found exactly, and repaired, also beside the live fold."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cosmos.core.database import Database, Item
from functions.composition import Store
from models.core.identity import Person
from models.counting.bucket import Bucket
from tests.cosmos.conftest import NOW
from tests.cosmos.counting.test_folding import fold_all, recount, turns
from tests.models.examples import a_session

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def recorded(store: Store, database: Database, person: Person, count: int = 120) -> list[Item]:
    """Turns of three weeks and a session: stored, folded up to all time."""
    items = turns(person, count)
    newest = {item["id"]: item for item in items}
    await asyncio.gather(*(database.user_interactions.create_item(plain(item)) for item in newest.values()))
    other = "33333333-3333-4333-8333-333333333333"  # than that of the turns, whose totals would change it
    session = a_session(id=other, session_id=other, user_id=person.user_id, partition_key=person.user_id)
    await database.user_sessions.create_item(session.body())
    await store.folding.fold("user_interactions", items, NOW)
    await store.folding.fold("user_sessions", [session.body()], NOW)
    await fold_all(store, database, person)
    return items


def plain(item: Item) -> Item:
    return {name: value for name, value in item.items() if not name.startswith("_")}


async def rollups(database: Database, person: Person) -> dict[str, Item]:
    query = "SELECT * FROM c WHERE c.kind IN ('rollup', 'presence')"
    pages = database.user_analytics.query_items(query, partition_key=person.user_id)
    return {item["id"].removeprefix(f"{person.user_id}:"): item async for item in pages}


async def sums(database: Database, person: Person) -> dict[str, Any]:
    return {name: item["sums"] for name, item in (await rollups(database, person)).items()}


async def test_what_the_fold_wrote_has_no_drift(store: Store, database: Database, person: Person) -> None:
    items = await recorded(store, database, person)
    found = await store.rebuilding.rebuild(person.user_id, False, NOW)
    stored = await rollups(database, person)
    days = sum(name.startswith("daily") for name in stored)
    assert (found.drifted, found.sources_behind, found.sources_wrong, found.unsettled) == ([], 0, 0, 0)
    assert found.buckets == len(stored)
    counted_again = days + sum(name.startswith(("presence", "monthly", "all_time", "session")) for name in stored)
    assert found.sources == 120 + 1 + counted_again
    assert (await sums(database, person))["all_time"]["interactions"] == recount(person, items)["interactions"]


async def test_ten_damaged_rollups_are_found_exactly_and_repaired(
    store: Store, database: Database, person: Person
) -> None:
    await recorded(store, database, person)
    before = await rollups(database, person)
    names = sorted(name for name in before if name.startswith("daily"))[2:8]
    names += ["all_time", *(next(name for name in before if name.startswith(p)) for p in ("weekly", "session"))]
    for number, name in enumerate(names):
        item = before[name] | {"sums": before[name]["sums"] | {"tokens": number, "nonsense": 1}}
        await database.user_analytics.replace_item(item["id"], item)
    month = next(name for name in before if name.startswith("monthly"))
    await database.user_analytics.delete_item(before[month]["id"], person.user_id)
    for repair in (False, True):
        found = await store.rebuilding.rebuild(person.user_id, repair, NOW)
        assert sorted(drift.bucket for drift in found.drifted) == sorted([*names, month])
        assert [drift.bucket for drift in found.drifted if drift.is_missing] == [month]
        assert {drift.repaired for drift in found.drifted} == {repair}
    after = await rollups(database, person)
    assert {name: item["sums"] for name, item in after.items()} == {n: item["sums"] for n, item in before.items()}
    for field in ("first_activity", "last_activity", "total_interactions", "period_start"):
        assert after[month][field] == before[month][field]
    assert all(after[name]["revision"] > before[name]["revision"] for name in names)
    assert (await store.rebuilding.rebuild(person.user_id, False, NOW)).drifted == []


async def test_rollups_that_say_what_does_not_follow_from_their_sums_are_found_and_repaired(
    store: Store, database: Database, person: Person
) -> None:
    await recorded(store, database, person)
    before = await rollups(database, person)
    day, presence = (next(name for name in before if name.startswith(kind)) for kind in ("daily", "presence"))
    week, month = (next(name for name in before if name.startswith(kind)) for kind in ("weekly", "monthly"))
    damage: dict[str, Item] = {
        day: {"total_cost_usd": 1e6, "personality_usage": {}},
        presence: {"turns": 0},
        week: {"first_activity": None},
        month: {"last_activity": before[month]["first_activity"]},
        "all_time": {"total_interactions": 1},
    }
    for name, wrong in damage.items():
        item = before[name] | wrong
        await database.user_analytics.replace_item(item["id"], item)
    for repair in (False, True):
        found = await store.rebuilding.rebuild(person.user_id, repair, NOW)
        assert {
            drift.bucket: set(wrong) <= set(drift.fields) for drift in found.drifted for wrong in [damage[drift.bucket]]
        } == dict.fromkeys(damage, True)
        assert all(not drift.measures and drift.repaired == repair for drift in found.drifted)
    after = await rollups(database, person)
    for name in damage:
        written = {"revision", "told_revision", "counted_revision", "last_updated"}
        assert {f: v for f, v in plain(after[name]).items() if f not in written} == {
            f: v for f, v in plain(before[name]).items() if f not in written
        }
    assert (await store.rebuilding.rebuild(person.user_id, False, NOW)).drifted == []


async def test_rollups_that_are_not_valid_any_more_are_repaired_from_the_ledger(
    store: Store, database: Database, person: Person
) -> None:
    await recorded(store, database, person)
    before = await rollups(database, person)
    day, month = (next(name for name in before if name.startswith(kind)) for kind in ("daily", "monthly"))
    broken = {
        day: {field: value for field, value in before[day].items() if field != "sums"},
        month: before[month] | {"sums": "none", "period_key": 7},
        "all_time": before["all_time"] | {"total_tokens": "many", "invented": True},
    }
    for item in broken.values():
        await database.user_analytics.replace_item(item["id"], item)
    found = await store.rebuilding.rebuild(person.user_id, False, NOW)
    assert {drift.bucket: drift.fields for drift in found.drifted} == {
        day: ["sums"],
        month: ["period_key", "sums"],
        "all_time": ["invented", "total_tokens"],
    }
    assert found.sources_wrong == found.sources_behind == 0
    repaired = await store.rebuilding.rebuild(person.user_id, True, NOW)
    assert {drift.bucket: drift.repaired for drift in repaired.drifted} == dict.fromkeys(broken, True)
    after = await rollups(database, person)
    for field in ("sums", "first_activity", "last_activity", "total_tokens", "period_start"):
        assert {name: after[name][field] for name in broken} == {name: before[name][field] for name in broken}
    assert (await store.rebuilding.rebuild(person.user_id, False, NOW)).drifted == []


async def test_source_whose_ledger_entry_is_lost_is_counted_once(
    store: Store, database: Database, person: Person
) -> None:
    await recorded(store, database, person)
    before = await sums(database, person)
    await database.user_analytics.delete_item("ledger:interaction:turn-3", person.user_id)
    found = await store.rebuilding.rebuild(person.user_id, True, NOW)
    assert len(found.drifted) == 3  # its day, its session, and its day of UTC
    assert found.sources_behind >= 1 + 1  # the turn, and its day after the repair, and what counts that
    assert await sums(database, person) == before
    clean = await store.rebuilding.rebuild(person.user_id, False, NOW)
    assert (clean.drifted, clean.sources_behind) == ([], 0)


async def test_source_that_was_never_folded_is_folded(store: Store, database: Database, person: Person) -> None:
    items = await recorded(store, database, person)
    more = [item for item in turns(person, 130) if int(item["id"].removeprefix("turn-")) >= 120]
    for item in {item["id"]: item for item in more}.values():
        await database.user_interactions.create_item(plain(item))
    await store.rebuilding.rebuild(person.user_id, True, NOW)
    total = (await sums(database, person))["all_time"]
    assert total["interactions"] == recount(person, [*items, *more])["interactions"] == 130
    assert total["tokens"] == recount(person, [*items, *more])["tokens"]


async def test_source_that_was_counted_otherwise_is_counted_anew(
    store: Store, database: Database, person: Person
) -> None:
    await recorded(store, database, person)
    before = await sums(database, person)
    entry = await database.user_analytics.read_item("ledger:interaction:turn-5", person.user_id)
    for name, applied in entry["applied"].items():  # as if an earlier version had not counted tokens
        tokens = applied.pop("tokens", 0)
        rollup = await database.user_analytics.read_item(f"{person.user_id}:{name}", person.user_id)
        rollup["sums"]["tokens"] = rollup["sums"].get("tokens", 0) - tokens
        await database.user_analytics.replace_item(rollup["id"], rollup)
    await database.user_analytics.replace_item(entry["id"], entry)
    assert (await store.rebuilding.rebuild(person.user_id, False, NOW)).sources_wrong >= 1
    await store.rebuilding.rebuild(person.user_id, True, NOW)
    assert await sums(database, person) == before


async def test_repair_beside_the_live_fold_loses_and_doubles_nothing(
    store: Store, database: Database, person: Person
) -> None:
    items = turns(person, 90)
    newest = {item["id"]: item for item in items}
    await asyncio.gather(*(database.user_interactions.create_item(plain(item)) for item in newest.values()))

    async def fold() -> None:
        for start in range(0, len(items), 10):
            await store.folding.fold("user_interactions", items[start : start + 10], NOW)
            await fold_all(store, database, person)

    async def rebuild() -> None:
        for _ in range(3):
            await store.rebuilding.rebuild(person.user_id, True, NOW)

    await asyncio.gather(fold(), rebuild(), rebuild())
    assert await fold_all(store, database, person) == recount(person, items)
    assert (await store.rebuilding.rebuild(person.user_id, False, NOW)).drifted == []


@pytest.mark.parametrize(("times", "unsettled"), [(1, False), (100, True)])
async def test_rollup_that_is_written_meanwhile_is_compared_again_or_not_judged(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch, times: int, unsettled: bool
) -> None:
    await recorded(store, database, person)
    real, left = store.rebuilding._tally, times

    async def busy(user_id: str, level: Any) -> Any:
        nonlocal left
        found = await real(user_id, level)
        if left:
            left -= 1
            item = await database.user_analytics.read_item(f"{user_id}:all_time", user_id)
            await database.user_analytics.replace_item(item["id"], item)
        return found

    monkeypatch.setattr(store.rebuilding, "_tally", busy)
    found = await store.rebuilding.rebuild(person.user_id, True, NOW)
    assert (found.drifted, found.unsettled) == ([], int(unsettled))


async def test_rollups_of_what_is_not_kept_any_more_are_left_alone(
    store: Store, database: Database, person: Person
) -> None:
    await recorded(store, database, person)
    stored = await rollups(database, person)
    day = next(name for name in stored if name.startswith("daily"))
    damaged = stored[day] | {"sums": {"tokens": 1}}
    await database.user_analytics.replace_item(damaged["id"], damaged)
    found = await store.rebuilding.rebuild(person.user_id, True, NOW + timedelta(days=1000))
    assert found.expired == sum(name.startswith(("daily", "session", "presence")) for name in stored)
    assert (await sums(database, person))[day] == {"tokens": 1}


async def test_users_are_counted_and_listed_page_by_page(store: Store, database: Database, person: Person) -> None:
    await store.users.writer(person, NOW, NOW)
    listed: list[str] = []
    continuation: str | None = None
    while True:
        page, continuation = await store.rebuilding.users(2, continuation)
        assert len(page) <= 2
        listed += page
        if continuation is None:
            break
    assert person.user_id in listed
    assert len(listed) == len(set(listed))
    assert await store.rebuilding.count_users() >= 1


async def test_who_goes_by_the_revision_of_all_time_sees_that_a_month_was_repaired(
    store: Store, database: Database, person: Person
) -> None:
    await recorded(store, database, person)
    before = await rollups(database, person)
    name = next(name for name in before if name.startswith("monthly"))
    damaged = plain(before[name]) | {"sums": before[name]["sums"] | {"tokens": 1}}
    await database.user_analytics.replace_item(damaged["id"], damaged)
    found = await store.rebuilding.rebuild(person.user_id, True, NOW)
    assert [drift.repaired for drift in found.drifted] == [True]
    after = await rollups(database, person)
    assert after["all_time"]["revision"] == before["all_time"]["revision"] + 1
    assert after["all_time"]["sums"] == before["all_time"]["sums"]


@pytest.mark.parametrize("impossible", [2**53, 9.7e18, 10**20])
async def test_a_rollup_with_impossible_sums_is_read_again_and_repaired(
    store: Store, database: Database, person: Person, impossible: float
) -> None:
    """As they were before token counts had a bound: too large for a document that says what it holds."""
    await recorded(store, database, person, 20)
    before = (await rollups(database, person))["all_time"]
    wrong = {"sums": before["sums"] | {"tokens": impossible, "cost_nano_usd": impossible}, "total_tokens": impossible}
    await database.user_analytics.replace_item(before["id"], before | wrong)
    read = await store.rollups.rollup(person.user_id, Bucket("all_time"))
    assert read is not None
    assert (read.total_tokens, read.sums["cost_nano_usd"]) == (2**53 - 1, 2**53 - 1)
    found = await store.rebuilding.rebuild(person.user_id, True, NOW)
    assert [(drift.bucket, drift.repaired) for drift in found.drifted] == [("all_time", True)]
    assert (await sums(database, person))["all_time"] == before["sums"]
