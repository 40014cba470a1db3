"""Recording turns, with a crash between any two requests."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
import pytest_asyncio

from cosmos.chat import turns
from cosmos.core.database import Database
from functions.composition import Store
from models.chat.interaction import Draft, Origin
from models.core.errors import NotFound
from models.core.identity import Person
from models.core.user_agent import Client
from tests.cosmos.conftest import NOW
from tests.models.examples import PRICES, PSEUDONYMS, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")


def drafts(user_id: str, session_id: str, *ids: str, **changes: Any) -> list[Draft]:
    turn = a_turn(**changes)
    request_hash = str(sorted(changes.items()))
    return [Draft(name, turn, Origin(user_id, session_id, NOW, None, Client(), request_hash)) for name in ids]


@pytest_asyncio.fixture(loop_scope="session")
async def session_id(store: Store, person: Person) -> str:
    name, user_id = str(uuid.uuid4()), person.user_id
    session = a_session(id=name, session_id=name, partition_key=user_id, user_id=user_id)
    return (await store.sessions.start(session)).session_id


async def test_turns_are_numbered_in_order(store: Store, person: Person, session_id: str) -> None:
    first = await store.turns.record(person.user_id, session_id, drafts(person.user_id, session_id, "a", "b"))
    second = await store.turns.record(person.user_id, session_id, drafts(person.user_id, session_id, "c"))
    numbers = [recorded.interaction.interaction_sequence for recorded in first + second]
    assert numbers == [1, 2, 3]
    stored = await store.turns.read(person.user_id, "b")
    assert stored == first[1].interaction


async def test_a_crash_after_the_number_was_taken_loses_nothing(
    store: Store, database: Database, person: Person, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = drafts(person.user_id, session_id, "a")

    class Crash(Exception):
        pass

    async def crash(*_: Any, **__: Any) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(store.turns, "_create", crash)
        with pytest.raises(Crash):
            await store.turns.record(person.user_id, session_id, turn)
    with pytest.raises(NotFound):
        await store.turns.read(person.user_id, "a")
    (again,) = await store.turns.record(person.user_id, session_id, turn)
    assert (again.outcome, again.interaction.interaction_sequence) == ("created", 2)
    (repeated,) = await store.turns.record(person.user_id, session_id, turn)
    assert (repeated.outcome, repeated.interaction) == ("repeated", again.interaction)
    session = await database.user_sessions.read_item(session_id, person.user_id)
    assert session["last_sequence"] == 2


async def test_the_same_turn_sent_twice_at_once_takes_one_number(
    store: Store, database: Database, person: Person, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", (0.01,) * 1000)  # for as long as the first needs
    other = Store.of(database, PRICES, PSEUDONYMS)
    create, look = store.turns._create, other.turns._stored
    claimed, looked = asyncio.Event(), asyncio.Event()

    async def create_late(*of: Any) -> Any:
        claimed.set()
        await looked.wait()
        return await create(*of)

    async def look_early(*of: Any) -> Any:
        found = await look(*of)
        looked.set()
        return found

    monkeypatch.setattr(store.turns, "_create", create_late)
    monkeypatch.setattr(other.turns, "_stored", look_early)
    turn = drafts(person.user_id, session_id, "a")
    first = asyncio.create_task(store.turns.record(person.user_id, session_id, turn))
    await claimed.wait()
    (second,) = await other.turns.record(person.user_id, session_id, turn)
    assert (await first)[0].outcome == "created"
    assert (second.outcome, second.interaction.interaction_sequence) == ("repeated", 1)
    (following,) = await other.turns.record(person.user_id, session_id, drafts(person.user_id, session_id, "b"))
    assert following.interaction.interaction_sequence == 2


async def test_a_group_that_is_partly_there_is_completed(store: Store, person: Person, session_id: str) -> None:
    user_id = person.user_id
    await store.turns.record(user_id, session_id, drafts(user_id, session_id, "b"))
    recorded = await store.turns.record(user_id, session_id, drafts(user_id, session_id, "a", "b", "c"))
    assert [(r.outcome, r.interaction.interaction_sequence) for r in recorded] == [
        ("created", 2),
        ("repeated", 1),
        ("created", 3),
    ]


async def test_an_id_that_comes_again_with_another_body_is_told(store: Store, person: Person, session_id: str) -> None:
    user_id = person.user_id
    await store.turns.record(user_id, session_id, drafts(user_id, session_id, "a"))
    (other,) = await store.turns.record(user_id, session_id, drafts(user_id, session_id, "a", user_query="What else?"))
    assert other.outcome == "reused"
    assert other.interaction.user_query == "What is wisdom?"


async def test_a_turn_that_was_stored_without_a_claim_is_not_stored_twice(
    store: Store, database: Database, person: Person, session_id: str
) -> None:
    user_id = person.user_id
    await store.turns.record(user_id, session_id, drafts(user_id, session_id, "a", "b"))
    for name in ("a", "b"):
        await database.user_sessions.delete_item(f"turn-{name}", user_id)
    recorded = await store.turns.record(user_id, session_id, drafts(user_id, session_id, "a", "b", "c"))
    assert [r.outcome for r in recorded] == ["repeated", "repeated", "created"]


async def test_a_session_of_somebody_else_does_not_exist(store: Store, person: Person, session_id: str) -> None:
    stranger = str(uuid.uuid4())
    with pytest.raises(NotFound):
        await store.turns.record(stranger, session_id, drafts(stranger, session_id, "a"))
    with pytest.raises(NotFound):
        await store.sessions.read(stranger, session_id)
