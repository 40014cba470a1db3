"""Lists of turns, and how much of them is read."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import pytest_asyncio

import cosmos.chat.history
from cosmos.chat.history import TURNS_PER_REQUEST
from cosmos.core.paging import page_of
from functions.composition import Store
from models.chat.feedback import FeedbackChanges
from models.core.identity import Person
from models.core.revisions import Revisions
from tests.cosmos.chat.test_turns import drafts
from tests.cosmos.conftest import NOW
from tests.models.examples import a_session

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def session_id(store: Store, person: Person) -> str:
    """A session of 60 turns, each with as many tokens."""
    name, user_id = str(uuid.uuid4()), person.user_id
    await store.sessions.start(a_session(id=name, session_id=name, partition_key=user_id, user_id=user_id))
    ids = [f"turn-{number}" for number in range(60)]
    await store.turns.record(user_id, name, drafts(user_id, name, *ids, user_query="Why?", output_tokens=91))
    return name


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that are sent."""
    sent: list[str] = []
    real = page_of

    async def counted(container: Any, query: str, *arguments: Any) -> Any:
        sent.append(query)
        return await real(container, query, *arguments)

    monkeypatch.setattr(cosmos.chat.history, "page_of", counted)
    return sent


@pytest.mark.parametrize(
    ("max_tokens", "until", "turns", "last", "pages"),
    [
        (50, None, 0, 60, 1),
        (1000, None, 10, 60, 1),
        (100 * TURNS_PER_REQUEST - 1, None, TURNS_PER_REQUEST - 1, 60, 1),
        (100 * TURNS_PER_REQUEST, None, TURNS_PER_REQUEST, 60, 2),
        (1000, 20, 10, 20, 1),
        (200_000, 20, 20, 20, 1),
        (200_000, None, 60, 60, 3),
    ],
)
async def test_a_context_reads_no_more_pages_than_it_needs(
    store: Store,
    person: Person,
    session_id: str,
    requests: list[str],
    max_tokens: int,
    until: int | None,
    turns: int,
    last: int,
    pages: int,
) -> None:
    context = await store.history.context(person.user_id, session_id, max_tokens, until)
    assert (context.turns, context.until, len(requests)) == (turns, last, pages)


async def test_a_session_of_somebody_else_has_no_turns(store: Store, session_id: str) -> None:
    stranger = str(uuid.uuid4())
    assert await store.history.of_session(stranger, session_id, 10, None) == ([], None)
    assert (await store.history.context(stranger, session_id, 1000, None)).messages == []


async def test_feedback_on_a_turn_does_not_move_it(store: Store, person: Person, session_id: str) -> None:
    before, _ = await store.history.of_session(person.user_id, session_id, 100, None)
    await store.turns.give_feedback(person.user_id, "turn-7", Revisions.of(1), FeedbackChanges(user_rating=5), NOW)
    after, _ = await store.history.of_session(person.user_id, session_id, 100, None)
    assert [turn.id for turn in before] == [turn.id for turn in after]
    assert [turn.revision for turn in after] == [2 if turn.id == "turn-7" else 1 for turn in before]
