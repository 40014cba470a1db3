"""Batches of turns: what goes wrong with some is no harm to the others."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from cosmos.chat.ingestion import Outcome, Submission
from cosmos.chat.turns import Recorded
from functions.composition import Store
from models.chat.interaction import Draft, Origin
from models.core.errors import NotFound
from models.core.identity import Person
from models.core.user_agent import Client
from tests.cosmos.conftest import NOW
from tests.models.examples import a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Unexpected(Exception):
    """Nothing that the code knows of."""


def a_submission(person: Person, session_id: str) -> Submission:
    origin = Origin(person.user_id, session_id, NOW, None, Client(), "hash")
    return Submission(person, Draft(str(uuid.uuid4()), a_turn(), origin), None)


def failing_for(store: Store, session_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recording turns of this session fails as nobody has thought of."""
    record = store.turns.record

    async def fails(user_id: str, of_session: str, drafts: Sequence[Draft], *more: Any) -> list[Recorded]:
        if of_session == session_id:
            raise Unexpected
        return await record(user_id, of_session, drafts, *more)

    monkeypatch.setattr(store.turns, "record", fails)


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.outcome if isinstance(one, Recorded) else type(one).__name__ for one in outcomes]


async def test_what_nobody_expects_fails_only_the_turns_of_its_session(
    store: Store, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = somebody_else(person)
    broken, sound = str(uuid.uuid4()), str(uuid.uuid4())
    batch = [a_submission(person, broken), a_submission(other, sound), a_submission(person, sound)]
    batch.append(a_submission(person, broken))
    with monkeypatch.context() as patched:
        failing_for(store, broken, patched)
        outcomes = await store.ingestion.ingest(batch, NOW)
    assert kinds(outcomes) == ["Unexpected", "created", "created", "Unexpected"]
    with pytest.raises(NotFound):
        await store.turns.read(person.user_id, batch[0].draft.interaction_id)
    again = await store.ingestion.ingest(batch, NOW)
    assert kinds(again) == ["created", "repeated", "repeated", "created"]


def somebody_else(person: Person) -> Person:
    """Of the same name."""
    return person.model_copy(update={"auth_id": str(uuid.uuid4()), "email": f"{uuid.uuid4().hex}@contoso.example"})
