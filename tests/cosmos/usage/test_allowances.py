"""Admissions and turns over the engine: from two processes at once, from clients that crash, and from somebody new."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from cosmos.core.database import Database, connect
from cosmos.usage.allowances import create_allowance
from functions.composition import Store
from models.accounts.limits import Limits
from models.analytics.contribution import day_bucket
from models.chat.interaction import Draft, Origin
from models.core.errors import Contention, MadeByServer, TooManyTurns
from models.core.identity import Person
from models.core.user_agent import Client
from models.counting.bucket import Bucket
from models.usage.allowance import ALLOWANCE_ID, AdmissionRequest, Admitted, Allowance, Refused, Spent, settle
from models.usage.windows import Clock
from models.usage.write_limit import WriteLimit
from tests.cosmos.conftest import DATABASE, NOW
from tests.models.examples import PRICES, PSEUDONYMS, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLOCK = Clock(NOW, "Asia/Kolkata")
TEN_MINUTES = timedelta(minutes=10)
COST = 200_000
"""Nano-dollars of a turn of the tests: 100 input tokens and 50 output tokens of `test-model`."""


def a_request(name: str | None = None, tokens: int = 150, cost: int = COST) -> AdmissionRequest:
    return AdmissionRequest(name or str(uuid.uuid4()), tokens, cost, TEN_MINUTES, "hash")


def drafts(user_id: str, session_id: str, *names: str, at: datetime = NOW, **changes: Any) -> list[Draft]:
    origin = Origin(user_id, session_id, at, None, Client(), "hash")
    return [Draft(name, a_turn(**changes), origin) for name in names]


@pytest_asyncio.fixture(loop_scope="session")
async def session_id(store: Store, person: Person) -> str:
    name, user_id = str(uuid.uuid4()), person.user_id
    session = a_session(id=name, session_id=name, partition_key=user_id, user_id=user_id)
    return (await store.sessions.start(session)).session_id


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(settings: dict[str, str]) -> AsyncIterator[Store]:
    """Another process: with a client of its own."""
    async with connect(settings["COSMOS"]) as client:
        yield Store.of(Database.of(client, DATABASE), PRICES, PSEUDONYMS)


async def test_of_200_at_once_a_budget_for_50_admits_50(store: Store, elsewhere: Store, person: Person) -> None:
    limits: Limits = {("day", "cost_nano_usd"): 50 * COST + COST // 2, ("month", "queries"): 1000}
    decisions = await asyncio.gather(
        *(
            (store, elsewhere)[number % 2].allowances.reserve(person.user_id, a_request(), limits, CLOCK)
            for number in range(200)
        )
    )
    assert sum(isinstance(decision, Admitted) for decision in decisions) == 50
    assert sum(isinstance(decision, Refused) for decision in decisions) == 150
    allowance = await store.allowances.read(person.user_id)
    assert allowance.reserved("cost_nano_usd", NOW) == 50 * COST


async def test_admissions_hold_while_turns_are_recorded(
    store: Store, elsewhere: Store, person: Person, session_id: str
) -> None:
    user_id = person.user_id
    limits: Limits = {("day", "tokens"): 20 * 150}

    async def admit_and_record(number: int) -> bool:
        here = (store, elsewhere)[number % 2]
        request = a_request()
        if isinstance(await here.allowances.reserve(user_id, request, limits, CLOCK), Refused):
            return False
        turn = drafts(user_id, session_id, f"turn-{number}", admission_id=request.admission_id)
        await here.turns.record(user_id, session_id, turn, CLOCK)
        return True

    outcomes = await asyncio.gather(*(admit_and_record(number) for number in range(60)))
    allowance = await store.allowances.read(user_id)
    assert outcomes.count(True) == 20
    assert (allowance.used_in(CLOCK, "day", "tokens"), allowance.reserved("tokens", NOW)) == (3000, 0)


async def test_a_reservation_of_a_crashed_client_frees_itself(store: Store, person: Person) -> None:
    limits: Limits = {("day", "queries"): 1}

    async def reserve(after: timedelta) -> Admitted | Refused:
        clock = Clock(NOW + after, CLOCK.zone)
        return await store.allowances.reserve(person.user_id, a_request(), limits, clock)

    assert isinstance(await reserve(timedelta()), Admitted)
    assert isinstance(await reserve(TEN_MINUTES - timedelta(seconds=1)), Refused)
    assert isinstance(await reserve(TEN_MINUTES), Admitted)


async def test_a_request_that_is_repeated_makes_one_reservation(store: Store, elsewhere: Store, person: Person) -> None:
    request = a_request()
    limits: Limits = {("day", "queries"): 3}
    decisions = await asyncio.gather(
        *((store, elsewhere)[n % 2].allowances.reserve(person.user_id, request, limits, CLOCK) for n in range(10))
    )
    assert [decision for decision in decisions if isinstance(decision, Refused)] == []
    assert (await store.allowances.read(person.user_id)).reserved("queries", NOW) == 1


async def test_releasing_is_repeatable(store: Store, person: Person) -> None:
    request = a_request()
    await store.allowances.release(person.user_id, request.admission_id, "user")
    await store.allowances.reserve(person.user_id, request, {}, CLOCK)
    for _ in range(2):
        await store.allowances.release(person.user_id, request.admission_id, "user")
    assert (await store.allowances.read(person.user_id)).reservations == {}


async def test_the_first_turn_of_somebody_without_an_allowance_makes_it(
    store: Store, person: Person, session_id: str
) -> None:
    user_id = person.user_id
    turns = [drafts(user_id, session_id, name) for name in "abcd"]
    recorded = await asyncio.gather(*(store.turns.record(user_id, session_id, turn, CLOCK) for turn in turns))
    assert sorted(outcome.interaction.interaction_sequence for (outcome,) in recorded) == [1, 2, 3, 4]
    assert (await store.allowances.read(user_id)).used_in(CLOCK, "day", "queries") == 4


async def test_a_new_profile_comes_with_its_allowance(store: Store, database: Database, person: Person) -> None:
    await store.users.ensure(person, NOW, NOW)
    item = await database.user_sessions.read_item(ALLOWANCE_ID, person.user_id)
    assert item["ttl"] == -1
    assert Allowance.parse(item) == Allowance.of(person.user_id)


async def test_what_is_written_equals_the_rule(
    store: Store, database: Database, person: Person, session_id: str
) -> None:
    user_id = person.user_id
    admissions = [str(uuid.uuid4()) for _ in range(30)]
    turns = [
        *(drafts(user_id, session_id, name, admission_id=name)[0] for name in admissions),
        *drafts(user_id, session_id, "unpriced", model_used="nobody-knows"),
        *drafts(user_id, session_id, "yesterday", at=NOW - timedelta(days=1)),
        *drafts(user_id, session_id, "last-year", at=NOW - timedelta(days=365)),
    ]
    await store.turns.record(user_id, session_id, turns, CLOCK)
    costs = [draft.cost(PRICES).cost_nano_usd for draft in turns]
    spent = [
        Spent(draft.origin.timestamp, 150, cost, draft.turn.admission_id)
        for draft, cost in zip(turns, costs, strict=True)
    ]
    expected = settle(Allowance.of(user_id), spent, CLOCK)
    assert await store.allowances.read(user_id) == expected
    assert expected.used_in(CLOCK, "day", "queries") == 31
    assert expected.used_in(CLOCK, "month", "cost_nano_usd") == 31 * COST
    assert expected.used_in(CLOCK, "month", "unpriced") == 1
    assert len(expected.settled) == 30


async def test_a_turn_is_counted_once_whatever_crashes_and_repeats(
    store: Store, person: Person, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = person.user_id

    class Crash(Exception):
        pass

    async def crash(*_: Any, **__: Any) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(store.turns, "_create", crash)
        with pytest.raises(Crash):
            await store.turns.record(user_id, session_id, drafts(user_id, session_id, "a", "b"), CLOCK)
    for names in ("a", "abc", "abc", "dcba"):
        recorded = await store.turns.record(user_id, session_id, drafts(user_id, session_id, *names), CLOCK)
        assert [outcome.interaction.id for outcome in recorded] == list(names)
    used = await store.allowances.read(user_id)
    assert used.used_in(CLOCK, "day", "queries") == 4
    assert used.used_in(CLOCK, "day", "tokens") == 600


async def test_allowance_and_rollups_agree_after_a_mixed_run(
    store: Store, elsewhere: Store, database: Database, person: Person, session_id: str
) -> None:
    user_id = person.user_id
    limits: Limits = {("minute", "queries"): 1000}

    async def act(number: int) -> None:
        here, request = (store, elsewhere)[number % 2], a_request()
        await here.allowances.reserve(user_id, request, limits, CLOCK)
        if number % 5 == 0:
            await here.allowances.release(user_id, request.admission_id, "user")
            return
        settles = {"admission_id": request.admission_id} if number % 3 else {}
        model = {"model_used": "nobody-knows"} if number % 7 == 0 else {}
        at = NOW - timedelta(hours=number % 60)
        turn = drafts(user_id, session_id, f"turn-{number}", at=at, output_tokens=number, **settles, **model)
        await asyncio.gather(*(here.turns.record(user_id, session_id, turn, CLOCK) for _ in range(1 + number % 2)))

    await asyncio.gather(*(act(number) for number in range(60)))
    query = "SELECT * FROM c WHERE c.kind = 'interaction'"
    items = [item async for item in database.user_interactions.query_items(query, partition_key=user_id)]
    await store.folding.fold("user_interactions", items, NOW)
    days = database.user_analytics.query_items("SELECT * FROM c WHERE c.kind = 'rollup'", partition_key=user_id)
    await store.folding.fold("user_analytics", [item async for item in days], NOW)
    allowance = await store.allowances.read(user_id)
    names = {
        "queries": "interactions",
        "tokens": "tokens",
        "cost_nano_usd": "cost_nano_usd",
        "unpriced": "unpriced",
    }
    for window, bucket in (("day", day_bucket(NOW, CLOCK.zone)), ("month", Bucket("monthly", "2026-11"))):
        rollup = await store.rollups.rollup(user_id, bucket)
        assert rollup is not None
        key = CLOCK.key(window)  # type: ignore[arg-type]  # one of the windows
        used = {name: allowance.used[f"{key}:{name}"] for name in names}
        assert used == {name: rollup.sums[measure] for name, measure in names.items()}


async def test_a_group_as_large_as_may_be_fits_one_transaction(store: Store, person: Person, session_id: str) -> None:
    names = [str(uuid.uuid4()) for _ in range(80)]
    user_id = person.user_id
    turns = [drafts(user_id, session_id, name, admission_id=name)[0] for name in names]
    turns[-1] = drafts(user_id, session_id, "unpriced", model_used="nobody-knows", admission_id=names[-1])[0]
    recorded = await store.turns.record(user_id, session_id, turns, CLOCK)
    assert [outcome.interaction.interaction_sequence for outcome in recorded] == list(range(1, 81))
    assert len((await store.allowances.read(user_id)).settled) == 80


async def test_an_admission_that_always_loses_is_an_error(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = person.user_id
    await create_allowance(database.user_sessions, user_id)
    real = store.allowances._written

    async def overtaken(*arguments: Any) -> bool:
        increment = [{"op": "incr", "path": "/used/day:2020-01-01:queries", "value": 1}]
        await database.user_sessions.patch_item(ALLOWANCE_ID, user_id, increment)
        return await real(*arguments)

    monkeypatch.setattr(store.allowances, "_written", overtaken)
    with pytest.raises(Contention):
        await store.allowances.reserve(user_id, a_request(), {}, CLOCK)
    assert (await store.allowances.read(user_id)).reservations == {}


async def recorded(
    store: Store, user_id: str, session_id: str, at: datetime, count: int, turns: int = 5, **changes: Any
) -> int:
    """How many of so many turns of a user are taken, sent one after the other."""
    taken = 0
    for _ in range(count):
        draft = drafts(user_id, session_id, str(uuid.uuid4()), at=at, **changes)
        try:
            await store.turns.record(user_id, session_id, draft, Clock(at), writing=WriteLimit(turns=turns))
        except TooManyTurns as error:
            assert error.retry_after == 60 - at.second
        else:
            taken += 1
    return taken


MONTHLY: Limits = {("month", "cost_nano_usd"): 10**9}


async def test_a_ceiling_holds_by_turns_and_by_bytes_and_begins_anew_each_minute(
    store: Store, elsewhere: Store, person: Person, session_id: str
) -> None:
    user_id, minute = person.user_id, timedelta(minutes=1)
    assert await recorded(store, user_id, session_id, NOW, 8) == 5
    assert await recorded(elsewhere, user_id, session_id, NOW, 2) == 0  # another process knows nothing of it
    assert await recorded(store, user_id, session_id, NOW + minute, 3) == 3
    long: dict[str, Any] = {"turns": 50, "response_text": "x" * 199_000}
    assert await recorded(store, user_id, session_id, NOW + 2 * minute, 22, **long) == 20
    draft = drafts(user_id, session_id, *(f"server-{number}-{user_id}" for number in range(30)), at=NOW)
    (first, *_) = await store.turns.record(user_id, session_id, draft, Clock(NOW))
    assert first.outcome == "created"
    assert (await store.sessions.read(user_id, session_id)).last_sequence == 5 + 3 + 20 + 30


async def test_of_many_at_once_the_ceiling_takes_as_many_as_it_says(
    store: Store, elsewhere: Store, person: Person, session_id: str
) -> None:
    one_by_one = [recorded(process, person.user_id, session_id, NOW, 1) for process in (store, elsewhere) * 15]
    assert sum(await asyncio.gather(*one_by_one)) == 5
    allowance = await store.allowances.read(person.user_id)
    assert allowance.used_in(Clock(NOW), "minute", "queries") == 5


async def test_an_account_whose_use_has_grown_beyond_any_number_is_read_and_brought_back_by_its_limits(
    store: Store, database: Database, person: Person, session_id: str
) -> None:
    user_id = person.user_id
    await store.turns.record(user_id, session_id, drafts(user_id, session_id, f"turn-{user_id}"), CLOCK)
    path = f"/used/{CLOCK.key('month')}:cost_nano_usd"
    beyond = [{"op": "incr", "path": path, "value": 2**53 - 1} for _ in range(3)]
    await database.user_sessions.patch_item(ALLOWANCE_ID, user_id, beyond)
    assert (await store.allowances.read(user_id)).used_in(CLOCK, "month", "cost_nano_usd") == 2**53 - 1
    assert isinstance(await store.allowances.reserve(user_id, a_request(), MONTHLY, CLOCK), Refused)
    lifted: Limits = {("minute", "queries"): 30}  # as by `PUT /api/admin/users/{user_id}/limits`
    assert isinstance(await store.allowances.reserve(user_id, a_request(), lifted, CLOCK), Admitted)
    await store.turns.record(user_id, session_id, drafts(user_id, session_id, f"next-{user_id}"), CLOCK)


async def test_nobody_but_a_server_releases_what_a_server_reserved(store: Store, person: Person) -> None:
    request = replace(a_request(), made_by="server")
    await store.allowances.reserve(person.user_id, request, {}, CLOCK)
    with pytest.raises(MadeByServer):
        await store.allowances.release(person.user_id, request.admission_id, "user")
    await store.allowances.release(person.user_id, request.admission_id, "server")
    await store.allowances.release(person.user_id, request.admission_id, "user")  # it is gone
    assert (await store.allowances.read(person.user_id)).reservations == {}
