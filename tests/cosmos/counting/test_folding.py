"""The fold over the real engine: repeated, reordered, concurrent and interrupted deliveries end in the same totals."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseError

from cosmos.core.database import Database, Item
from cosmos.core.paging import some_of
from cosmos.counting.counters import Counters
from functions.composition import Store
from models.analytics.contribution import of_interaction
from models.analytics.rollup import Rollup
from models.chat.interaction import UserInteraction
from models.core.errors import Contention
from models.core.identity import Person
from models.core.tombstone import Tombstone
from models.counted import BUCKETS
from models.counting.bucket import Balance, Bucket, bucket_id
from models.counting.fold import Source
from models.risk.companion import windows
from models.risk.thresholds import RiskSettings
from models.risk.window import risk_window_id
from tests.cosmos.conftest import NOW
from tests.models.examples import PSEUDONYMS, a_session, an_interaction

pytestmark = pytest.mark.asyncio(loop_scope="session")

Fold = Callable[[list[Item]], Awaitable[None]]


def turns(person: Person, count: int, seed: int = 7) -> list[Item]:
    """Turns of three weeks, some of them in two revisions, as the change feed gives them."""
    chance = random.Random(seed)
    items = []
    for number in range(count):
        turn = an_interaction(f"turn-{number}", NOW - timedelta(hours=chance.randrange(500)), number + 1)
        turn = turn.model_copy(update={"user_id": person.user_id, "partition_key": person.user_id})
        items.append(turn.body() | {"_etag": "x", "_lsn": number})
        if chance.random() < 0.3:
            edited = turn.model_copy(update={"revision": 2, "user_rating": chance.randint(1, 5), "was_shared": True})
            items.append(edited.body() | {"_etag": "y", "_lsn": count + number})
    return items


def recount(person: Person, items: list[Item]) -> dict[str, int]:
    """All-time sums of the newest revisions, counted without the fold's help."""
    newest: dict[str, UserInteraction] = {}
    for item in sorted(items, key=lambda item: item["revision"]):
        newest[item["id"]] = UserInteraction.parse(item)
    total: Counter[str] = Counter()
    days = set()
    asked = Counter((turn.session_id, turn.query_category) for turn in newest.values())
    total.update(f"deep_dive:{topic}" for (_, topic), turns in asked.items() if turns >= 3)
    for turn in newest.values():
        for bucket, sums in of_interaction(turn).contributions.items():
            if bucket.period == "daily":
                total.update(sums)
                days.add(date.fromisoformat(bucket.key))
    weeks = Counter("week:{}-W{:02}".format(*day.isocalendar()) for day in days)
    return dict(total) | {"active_days": len(days)} | weeks


async def fold_all(store: Store, database: Database, person: Person, now: Any = NOW) -> dict[str, int]:
    """Brings the user's days into all time, and returns its sums."""
    query = "SELECT * FROM c WHERE c.kind IN ('rollup', 'presence')"
    for _ in range(2):  # the days, and then what counts them
        pages = database.user_analytics.query_items(query, partition_key=person.user_id)
        await store.folding.fold("user_analytics", [item async for item in pages], now)
    rollup = await store.rollups.rollup(person.user_id, Bucket("all_time"))
    assert rollup is not None
    return rollup.sums


async def test_a_fold_of_many_turns_equals_a_recount(store: Store, database: Database, person: Person) -> None:
    items = turns(person, 120)
    await store.folding.fold("user_interactions", items, NOW)
    assert await fold_all(store, database, person) == recount(person, items)


async def test_what_a_process_knows_to_be_applied_is_not_looked_for_again(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []
    fold = store.counters.fold

    async def noting(partition: str, sources: Sequence[Source], now: datetime) -> None:
        asked.extend((partition, source.revision) for source in sources)
        await fold(partition, sources, now)

    monkeypatch.setattr(store.counters, "fold", noting)
    (first,) = (item for item in turns(person, 1) if item["revision"] == 1)
    second = first | {"revision": 2, "user_rating": 5}
    await store.folding.fold("user_interactions", [second], NOW)
    assert {revision for _, revision in asked} == {2}
    asked.clear()
    await store.folding.fold("user_interactions", [second, first], NOW)
    assert asked == []
    later = second | {"revision": 3, "user_rating": 1}
    await store.folding.fold("user_interactions", [later], NOW)
    assert {revision for _, revision in asked} == {3}
    assert await fold_all(store, database, person) == recount(person, [first, second, later])


async def test_a_document_that_is_made_anew_is_counted_anew(store: Store, database: Database, person: Person) -> None:
    """Its revisions begin again, when it and its entry in the ledger had expired."""
    (first,) = (item for item in turns(person, 1) if item["revision"] == 1)
    old = first | {"revision": 3, "_rid": "before"}
    await store.folding.fold("user_interactions", [old], NOW)
    pages = database.user_analytics.query_items("SELECT c.id FROM c", partition_key=person.user_id)
    for row in [row async for row in pages]:
        await database.user_analytics.delete_item(row["id"], person.user_id)
    await store.folding.fold("user_interactions", [first | {"_rid": "after"}], NOW)
    assert await fold_all(store, database, person) == recount(person, [first])


async def test_what_could_not_be_written_is_given_again(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = turns(person, 3)

    async def failing(*_: object) -> None:
        raise ServiceResponseError("the database is out of order")

    with monkeypatch.context() as patched:
        patched.setattr(store.counters, "fold", failing)
        with pytest.raises(ServiceResponseError):
            await store.folding.fold("user_interactions", items, NOW)
    await store.folding.fold("user_interactions", items, NOW)
    assert await fold_all(store, database, person) == recount(person, items)


async def test_repeated_and_shuffled_deliveries_change_nothing(
    store: Store, database: Database, person: Person
) -> None:
    items = turns(person, 40)
    chance = random.Random(3)
    for _ in range(4):
        await store.folding.fold("user_interactions", chance.sample(items, len(items)), NOW)
        await fold_all(store, database, person)
    assert await fold_all(store, database, person) == recount(person, items)


async def test_two_folders_at_once_count_once(store: Store, database: Database, person: Person) -> None:
    items = turns(person, 60)
    other = Store.of(database, store.turns._prices, PSEUDONYMS)
    chance = random.Random(5)
    work = [
        folder.folding.fold("user_interactions", chance.sample(items, 40), NOW)
        for folder in (store, other)
        for _ in range(3)
    ]
    await asyncio.gather(*work, store.folding.fold("user_interactions", items, NOW))
    assert await fold_all(store, database, person) == recount(person, items)


async def test_a_fold_that_is_cut_off_anywhere_is_made_good(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request fails once, half of them after they have been carried out; the batch is given again each time."""
    items = turns(person, 80)
    container = database.user_analytics
    chance = random.Random(11)
    cut = 0

    def unreliable(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def request(*arguments: Any, **options: Any) -> Any:
            nonlocal cut
            lost = chance.random()
            if lost < 0.2:
                cut += 1
                raise ServiceResponseError("cut off before")
            answer = await real(*arguments, **options)
            if lost < 0.4:
                cut += 1
                raise ServiceResponseError("cut off after")
            return answer

        return request

    with monkeypatch.context() as patched:
        for name in ("execute_item_batch", "read_items"):
            patched.setattr(container, name, unreliable(getattr(container, name)))
        for start in range(0, len(items), 5):
            while True:
                try:
                    await store.folding.fold("user_interactions", items[start : start + 5], NOW)
                    break
                except ServiceResponseError:
                    continue
    assert cut > 10
    assert await fold_all(store, database, person) == recount(person, items)


async def test_sessions_count_once_and_their_duration_when_they_end(
    store: Store, database: Database, person: Person
) -> None:
    of: dict[str, Any] = {"user_id": person.user_id, "partition_key": person.user_id}
    started = a_session(**of).body()
    patched = started | {"last_sequence": 9}
    ended = a_session(**of, revision=2, end_time=NOW, duration_seconds=600, is_active=False).body()
    claim = {"id": "turn-x", "partition_key": person.user_id, "kind": "turn_claim"}
    for batch in ([started, claim], [patched, started], [ended, patched]):
        await store.folding.fold("user_sessions", batch, NOW)
    sums = await fold_all(store, database, person)
    assert (sums["sessions"], sums["ended_sessions"], sums["session_seconds"]) == (1, 1, 600)


async def test_a_change_that_can_not_be_counted_is_put_aside_and_holds_up_nothing(
    store: Store, database: Database, person: Person
) -> None:
    good, bad = turns(person, 2)[:2]
    bad = bad | {"id": "bad", "input_tokens": "a secret", "kind": "interaction"}
    await store.folding.fold("user_interactions", [bad, good, bad], NOW)
    query = "SELECT * FROM c WHERE c.kind = 'dead_letter'"
    letters = [item async for item in database.user_analytics.query_items(query, partition_key=person.user_id)]
    assert [(letter["source_id"], letter["source_container"]) for letter in letters] == [("bad", "user_interactions")]
    assert "input_tokens" in letters[0]["error"]
    assert "a secret" not in str(letters)
    assert (await fold_all(store, database, person))["interactions"] == 1


async def test_a_difference_whose_rollup_is_gone_is_not_counted_and_holds_up_nothing(
    store: Store, database: Database, person: Person
) -> None:
    first, other = (item for item in turns(person, 2, seed=1) if item["revision"] == 1)
    await store.folding.fold("user_interactions", [first, other], NOW)
    query = "SELECT c.id FROM c WHERE c.kind = 'rollup' OR STARTSWITH(c.id, 'ledger:rollup:')"
    for rollup in [item async for item in database.user_analytics.query_items(query, partition_key=person.user_id)]:
        await database.user_analytics.delete_item(rollup["id"], person.user_id)
    cheaper = first | {"revision": 2, "total_tokens": 1, "input_tokens": 1, "output_tokens": 0}
    new = other | {"id": "turn-new"}
    await store.folding.fold("user_interactions", [cheaper, new], NOW)
    query = "SELECT c.source_id FROM c WHERE c.kind = 'dead_letter'"
    letters = [item async for item in database.user_analytics.query_items(query, partition_key=person.user_id)]
    assert letters == []
    assert (await fold_all(store, database, person))["interactions"] == 1
    found = await store.rebuilding.rebuild(person.user_id, False, NOW)
    assert {drift.bucket.partition(":")[0] for drift in found.drifted} >= {"daily", "session"}


@pytest.mark.parametrize("period", ["daily", "session", "all_time", None])
async def test_a_rollup_that_can_not_be_read_is_put_aside_and_holds_up_nothing(
    store: Store, database: Database, person: Person, period: str | None
) -> None:
    damaged = {"id": f"{person.user_id}:x", "partition_key": person.user_id, "kind": "rollup"}
    window = {"id": "w", "partition_key": person.user_id, "kind": "risk_window", "suspected": True}
    await store.folding.fold(
        "user_analytics", [damaged | ({"analytics_period": period} if period else {}), window], NOW
    )
    query = "SELECT c.source_id FROM c WHERE c.kind = 'dead_letter'"
    letters = [item async for item in database.user_analytics.query_items(query, partition_key=person.user_id)]
    assert {letter["source_id"] for letter in letters} == {damaged["id"], "w"}


async def test_totals_that_come_late_do_not_replace_newer_ones(
    store: Store, database: Database, person: Person
) -> None:
    await store.users.ensure(person, NOW, NOW)
    items = turns(person, 6)
    await store.folding.fold("user_interactions", items[:2], NOW)
    await fold_all(store, database, person)
    old = await store.rollups.rollup(person.user_id, Bucket("all_time"))
    await store.folding.fold("user_interactions", items, NOW)
    sums = await fold_all(store, database, person)
    await fold_all(store, database, person)
    assert old is not None
    await store.totals.of_user(old)
    profile = await store.users.find(person.user_id)
    assert profile is not None
    assert profile.total_queries == sums["interactions"] == 6


async def test_a_fold_that_always_loses_is_an_error_and_not_a_loss(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, other = store.counters._hold, Counters(database, BUCKETS, windows(RiskSettings()))

    async def overtaken(held: Any, sources: Any) -> None:
        await real(held, sources)
        newer = an_interaction(f"other-{random.random()}")
        await other.fold(person.user_id, [of_interaction(newer)], NOW)

    monkeypatch.setattr(store.counters, "_hold", overtaken)
    with pytest.raises(Contention):
        await store.counters.fold(person.user_id, [of_interaction(an_interaction())], NOW)


async def test_what_is_known_of_the_platform_need_not_be_read_and_does_no_harm_when_it_is_out_of_date(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition, bucket = "platform-of-this-test", Bucket("utc_daily", "2031-01-03")
    read: list[list[str]] = []

    async def noting(container: Any, ids: list[str], partition_key: str) -> list[Item]:
        read.append(ids)
        return await some_of(container, ids, partition_key)

    monkeypatch.setattr("cosmos.counting.counters.some_of", noting)

    def turn(name: str, revision: int = 1) -> Source:
        return Source(f"{bucket.key}-{name}", revision, {bucket: {"interactions": revision}}, NOW, NOW)

    here, elsewhere = store.counters, Counters(database, BUCKETS, windows(RiskSettings()))
    await here.fold(partition, [turn("a")], NOW)
    read.clear()
    await here.fold(partition, [turn("a", 2)], NOW)
    assert read == [[]]  # both the ledger's entry and the bucket are known

    await elsewhere.fold(partition, [turn("a", 3), turn("b")], NOW)
    read.clear()
    await here.fold(partition, [turn("a", 4)], NOW)
    assert len(read) == 2  # nothing, and then all of it: somebody else had written
    await here.fold(partition, [turn("a", 5)], NOW)
    assert len(read[-1]) == 2  # who meets others reads for a while

    other = Counters(database, BUCKETS, windows(RiskSettings()))
    await other.fold(partition, [turn("c")], NOW)
    item_id = bucket_id(partition, bucket)
    await database.user_analytics.delete_item(item_id, partition)
    await other.fold(partition, [turn("d")], NOW)  # begins anew, as with what has expired
    item = await database.user_analytics.read_item(item_id, partition)
    assert item["sums"]["interactions"] == 1


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What folds have asked for, each time: the ids without their partition."""
    asked: list[list[str]] = []

    async def noting(container: Any, ids: list[str], partition_key: str) -> list[Item]:
        if ids:
            asked.append([item_id.removeprefix(f"{partition_key}:") for item_id in ids])
        return await some_of(container, ids, partition_key)

    monkeypatch.setattr("cosmos.counting.counters.some_of", noting)
    return asked


async def user_sums(store: Store, person: Person, *buckets: Bucket) -> list[int]:
    rollups = [await store.rollups.rollup(person.user_id, bucket) for bucket in buckets]
    return [rollup.sums.get("interactions", 0) if rollup else 0 for rollup in rollups]


async def test_a_turn_is_counted_in_all_of_its_users_periods_by_one_transaction_that_nothing_was_read_for(
    store: Store, database: Database, person: Person, read: list[list[str]]
) -> None:
    user_id, counters = person.user_id, store.counters
    periods = [Bucket("daily", "2026-11-20"), Bucket("weekly", "2026-W47"), Bucket("monthly", "2026-11")]
    first, second, third, fourth = (
        of_interaction(an_interaction(f"turn-{number}", datetime(2026, 11, 20, 6, number, tzinfo=UTC)))
        for number in range(4)
    )
    await counters.fold(user_id, [first], NOW)
    read.clear()
    await counters.fold(user_id, [second], NOW)
    assert read == []
    assert await user_sums(store, person, *periods, Bucket("all_time")) == [2, 2, 2, 2]

    day = await database.user_analytics.read_item(bucket_id(user_id, periods[0]), user_id)
    assert day["counted_revision"] == day["revision"] == 2
    await store.folding.fold("user_analytics", [day], NOW)
    assert read == []  # that its week knows of it, the day says

    elsewhere = Counters(database, BUCKETS, windows(RiskSettings()))
    await elsewhere.fold(user_id, [second, third], NOW)  # delivered again, to another process
    await counters.fold(user_id, [third, fourth], NOW)
    assert await user_sums(store, person, *periods, Bucket("all_time")) == [4, 4, 4, 4]
    read.clear()
    await counters.fold(user_id, [fourth], NOW)
    assert len(read) == 1  # that it was counted is not taken from what is known here


async def test_one_who_goes_by_what_they_know_meets_the_tombstone(
    store: Store, database: Database, person: Person
) -> None:
    user_id = person.user_id
    await store.counters.fold(user_id, [of_interaction(an_interaction("turn-0"))], NOW)
    window = risk_window_id(user_id)
    await database.user_analytics.upsert_item(Tombstone.over(None, window, user_id, str(uuid.UUID(int=1)), NOW).body())
    before = await store.rollups.rollup(user_id, Bucket("all_time"))
    await store.counters.fold(user_id, [of_interaction(an_interaction("turn-1"))], NOW)
    assert await store.rollups.rollup(user_id, Bucket("all_time")) == before
    entries = database.user_analytics.query_items("SELECT c.id FROM c WHERE c.kind = 'ledger'", partition_key=user_id)
    assert not [item async for item in entries if item["id"].endswith("turn-1")]


async def test_what_is_wrong_with_a_week_does_not_hold_up_its_days(
    store: Store, database: Database, person: Person
) -> None:
    user_id, week = person.user_id, Bucket("weekly", "2026-W47")
    wrong = {"id": bucket_id(user_id, week), "partition_key": user_id, "kind": "rollup", "sums": "none"}
    await database.user_analytics.create_item(wrong)
    turn = turns(person, 1, seed=3)[0] | {"timestamp": "2026-11-20T06:00:00.000000Z"}
    await store.folding.fold("user_interactions", [turn], NOW)
    query = "SELECT * FROM c WHERE c.kind IN ('rollup', 'dead_letter') AND c.id != @week"
    parameters: list[dict[str, object]] = [{"name": "@week", "value": wrong["id"]}]
    found = [
        item async for item in database.user_analytics.query_items(query, parameters=parameters, partition_key=user_id)
    ]
    assert {item.get("analytics_period") for item in found} == {"daily", "session"}
    await store.folding.fold("user_analytics", [item for item in found if item["analytics_period"] == "daily"], NOW)
    letters = database.user_analytics.query_items("SELECT * FROM c WHERE c.kind = 'dead_letter'", partition_key=user_id)
    assert [letter["source_id"].split(":")[1] async for letter in letters] == ["daily"]


async def test_what_is_too_large_for_one_transaction_is_counted_in_turn(
    store: Store, database: Database, person: Person, read: list[list[str]]
) -> None:
    user_id, moment = person.user_id, datetime(2026, 11, 20, 6, tzinfo=UTC)
    periods = [Bucket("weekly", "2026-W47"), Bucket("monthly", "2026-11"), Bucket("all_time")]
    for period in periods:
        sums = {f"unknown:{number:0200}": 1 for number in range(4000)}
        large = Rollup.of(user_id, period, Balance(sums, moment, moment), 1, NOW)
        await database.user_analytics.create_item(large.body())
    await store.counters.fold(user_id, [of_interaction(an_interaction("turn-0", moment))], NOW)
    day = await database.user_analytics.read_item(bucket_id(user_id, Bucket("daily", "2026-11-20")), user_id)
    assert day["counted_revision"] == 0
    assert await user_sums(store, person, *periods) == [0, 0, 0]
