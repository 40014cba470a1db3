"""Sessions: ended by hand or for idleness, while turns go on being recorded."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

import cosmos.chat.sessions
from cosmos.chat.sessions import Sessions
from cosmos.core.database import Database
from cosmos.core.patching import edit
from functions.composition import Store
from models.analytics.rollup import Rollup
from models.chat.session import SessionChanges, UserSession
from models.core.errors import Contention, NotFound, Stale
from models.core.identity import Person
from models.core.revisions import Revisions
from models.counting.bucket import Balance, Bucket
from tests.cosmos.chat.test_turns import drafts
from tests.cosmos.conftest import NOW
from tests.models.examples import a_session

pytestmark = pytest.mark.asyncio(loop_scope="session")

END = SessionChanges(is_active=False)


async def started(store: Store, person: Person, **changes: Any) -> UserSession:
    name, user_id = str(uuid.uuid4()), person.user_id
    session = a_session(id=name, session_id=name, partition_key=user_id, user_id=user_id, **changes)
    return await store.sessions.start(session)


def once_before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, happens: Callable[[], Awaitable[Any]]) -> None:
    """Lets something happen before the first call of a function."""
    real, pending = getattr(owner, name), [happens]

    async def delayed(*arguments: Any) -> Any:
        if pending:
            await pending.pop()()
        return await real(*arguments)

    monkeypatch.setattr(owner, name, delayed)


def recording(store: Store, session: UserSession) -> Callable[[], Awaitable[Any]]:
    turn = drafts(session.user_id, session.id, str(uuid.uuid4()))
    return lambda: store.turns.record(session.user_id, session.id, turn)


async def test_a_turn_of_an_active_session_does_not_count_its_revision(store: Store, person: Person) -> None:
    session = await started(store, person)
    await recording(store, session)()
    assert (await store.sessions.read(session.user_id, session.id)).revision == 1


async def test_a_turn_that_was_recorded_before_does_not_reopen_a_session(store: Store, person: Person) -> None:
    session = await started(store, person)
    record = recording(store, session)
    await record()
    ended = await store.sessions.edit(session.user_id, session.id, Revisions.of(1), END)
    (repeated,) = await record()
    assert repeated.outcome == "repeated"
    assert await store.sessions.read(session.user_id, session.id) == ended


async def test_a_turn_that_comes_while_its_session_is_ended_counts_in_the_duration(
    store: Store, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour_ago = NOW - timedelta(hours=1)
    session = await started(store, person, start_time=hour_ago, last_activity=hour_ago)
    once_before(monkeypatch, cosmos.chat.sessions, "edit", recording(store, session))
    ended = await store.sessions.edit(session.user_id, session.id, Revisions.of(1), END)
    assert (ended.is_active, ended.duration_seconds, ended.last_sequence) == (False, 3600, 1)


async def test_an_edit_that_comes_first_makes_the_other_stale(
    store: Store, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await started(store, person)

    async def end() -> None:
        monkeypatch.undo()
        await store.sessions.edit(session.user_id, session.id, Revisions.of(1), END)

    once_before(monkeypatch, cosmos.chat.sessions, "edit", end)
    with pytest.raises(Stale):
        await store.sessions.edit(session.user_id, session.id, Revisions.of(1), SessionChanges(timezone="Europe/Paris"))


async def test_an_edit_that_always_loses_to_turns_may_be_tried_again(
    store: Store, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await started(store, person)

    async def overtaken(*arguments: Any) -> Any:
        await recording(store, session)()
        return await edit(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(cosmos.chat.sessions, "edit", overtaken)
        with pytest.raises(Contention):
            await store.sessions.edit(session.user_id, session.id, Revisions.of(1), END)
    assert (await store.sessions.edit(session.user_id, session.id, Revisions.of(1), END)).is_active is False


async def test_a_turn_whose_session_is_always_ended_and_reopened_may_be_tried_again(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await started(store, person)
    container = store.turns._sessions
    real, others = container.execute_item_batch, Sessions(database)

    async def overtaken(operations: Any, user_id: str) -> Any:
        current = await others.read(user_id, session.id)
        flipped = [{"op": "set", "path": "/is_active", "value": not current.is_active}]
        await container.patch_item(session.id, user_id, flipped)
        return await real(operations, user_id)

    record = recording(store, session)
    with monkeypatch.context() as patched:
        patched.setattr(container, "execute_item_batch", overtaken)
        with pytest.raises(Contention):
            await record()
    (recorded,) = await record()
    assert (recorded.outcome, recorded.interaction.interaction_sequence) == ("created", 1)


async def end_all(sessions: Sessions) -> int:
    total, continuation = await sessions.end_idle(NOW - timedelta(minutes=30), 2)
    while continuation:
        ended, continuation = await sessions.end_idle(NOW - timedelta(minutes=30), 2, continuation)
        total += ended
    return total


async def test_all_idle_sessions_are_ended_page_by_page(store: Store, person: Person) -> None:
    times = [NOW - timedelta(minutes=minutes) for minutes in (90, 60, 45, 31, 10)]
    idle = [await started(store, person, start_time=times[0], last_activity=time) for time in times]
    assert await end_all(store.sessions) >= 4
    ended = [await store.sessions.read(person.user_id, session.id) for session in idle]
    assert [session.is_active for session in ended] == [False, False, False, False, True]
    assert [session.duration_seconds for session in ended] == [None, 1800, 2700, 3540, None]
    assert {session.revision for session in ended[:4]} == {2}
    assert await end_all(store.sessions) == 0


async def test_a_turn_that_comes_while_its_session_is_found_idle_keeps_it_open(
    store: Store, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = NOW - timedelta(hours=1)
    session = await started(store, person, start_time=long_ago, last_activity=long_ago)
    once_before(monkeypatch, store.sessions, "_end", recording(store, session))
    await end_all(store.sessions)
    read = await store.sessions.read(session.user_id, session.id)
    assert (read.is_active, read.last_sequence, read.revision) == (True, 1, 1)


def the_totals(session: UserSession, sums: dict[str, int], *span: datetime, revision: int = 1) -> Rollup:
    bucket = Bucket("session", session.id)
    return Rollup.of(session.user_id, bucket, Balance(sums, min(span), max(span)), revision, NOW)


@pytest.mark.parametrize(("is_active", "quality"), [(True, "unknown"), (False, "poor")])
async def test_the_quality_of_a_session_that_has_ended_follows_its_totals(
    store: Store, person: Person, is_active: bool, quality: str
) -> None:
    session = await started(store, person)
    if not is_active:
        session = await store.sessions.edit(session.user_id, session.id, Revisions.of(1), END)
    await store.totals.of_session(the_totals(session, {"interactions": 2, "rating:1": 2}, NOW))
    read = await store.sessions.read(session.user_id, session.id)
    assert (read.total_queries, read.session_quality, read.revision) == (2, quality, session.revision)


@pytest.mark.parametrize("is_active", [True, False])
async def test_turns_tell_the_span_of_their_session_in_whatever_order_they_came(
    store: Store, person: Person, is_active: bool
) -> None:
    session = await started(store, person)
    if not is_active:
        session = await store.sessions.edit(session.user_id, session.id, Revisions.of(1), END)
    first, last = NOW - timedelta(minutes=20), NOW + timedelta(minutes=10)
    await store.totals.of_session(the_totals(session, {"interactions": 2}, last, first))
    read = await store.sessions.read(session.user_id, session.id)
    assert (read.start_time, read.last_activity) == (first, last)
    assert read.duration_seconds == (None if is_active else 1800)
    assert read.end_time == (None if is_active else last)
    assert read.revision == session.revision + 1


async def test_what_a_crash_left_out_is_made_good_when_the_totals_are_set_again(
    store: Store, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await started(store, person)
    totals = the_totals(session, {"interactions": 1}, NOW + timedelta(hours=1))

    class Crash(Exception):
        pass

    async def crash(*_: Any) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(store.totals, "_settle", crash)
        with pytest.raises(Crash):
            await store.totals.of_session(totals)
    assert (await store.sessions.read(session.user_id, session.id)).last_activity == NOW
    await store.totals.of_session(totals)
    assert (await store.sessions.read(session.user_id, session.id)).last_activity == NOW + timedelta(hours=1)


async def test_a_session_that_ends_while_its_totals_are_set_gets_its_duration(
    store: Store, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await started(store, person)
    once_before(
        monkeypatch,
        store.totals,
        "_settle",
        lambda: store.sessions.edit(session.user_id, session.id, Revisions.of(1), END),
    )
    await store.totals.of_session(the_totals(session, {"interactions": 1}, NOW + timedelta(hours=1)))
    read = await store.sessions.read(session.user_id, session.id)
    assert (read.is_active, read.duration_seconds) == (False, 3600)


@pytest.mark.parametrize("overtaken", ["edit", "_settle"])
async def test_totals_that_are_set_while_its_quality_is_worked_out_are_those_that_tell_it(
    store: Store, person: Person, monkeypatch: pytest.MonkeyPatch, overtaken: str
) -> None:
    """Ended by hand with totals that are not the newest any more, or settled by them."""
    session = await started(store, person)
    if overtaken == "_settle":
        session = await store.sessions.edit(session.user_id, session.id, Revisions.of(1), END)

    async def rated() -> None:
        monkeypatch.undo()
        await store.totals.of_session(the_totals(session, {"interactions": 2, "rating:1": 2}, NOW, revision=2))

    place = cosmos.chat.sessions if overtaken == "edit" else store.totals
    once_before(monkeypatch, place, overtaken, rated)
    if overtaken == "edit":
        await store.sessions.edit(session.user_id, session.id, Revisions.of(1), END)
    else:
        await store.totals.of_session(the_totals(session, {"interactions": 2, "rating:5": 2}, NOW))
    read = await store.sessions.read(session.user_id, session.id)
    assert (read.is_active, read.user_satisfaction_ratings, read.session_quality) == (False, [1, 1], "poor")


async def test_totals_that_always_lose_to_edits_are_set_again(
    store: Store, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await started(store, person)
    totals = the_totals(session, {"interactions": 1}, NOW + timedelta(hours=1))
    real = UserSession.settled

    def stale(self: UserSession, first: datetime, last: datetime) -> UserSession:
        self.revision += 1  # as if it had been read before an edit
        return real(self, first, last)

    with monkeypatch.context() as patched:
        patched.setattr(UserSession, "settled", stale)
        with pytest.raises(Contention):
            await store.totals.of_session(totals)
    await store.totals.of_session(totals)
    assert (await store.sessions.read(session.user_id, session.id)).last_activity == NOW + timedelta(hours=1)


async def test_totals_of_a_session_that_is_gone_are_nobodys(store: Store, database: Database, person: Person) -> None:
    session = await started(store, person)
    totals = the_totals(session, {"interactions": 1}, NOW + timedelta(hours=1))
    await database.user_sessions.delete_item(session.id, session.user_id)
    await store.totals.of_session(totals)
    await store.totals._settle(session, totals)
    with pytest.raises(NotFound):
        await store.sessions.read(session.user_id, session.id)
