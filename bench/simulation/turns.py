"""Turns that are recorded by the app's own code, and whose they are."""

from __future__ import annotations

import uuid

from bench.simulation.pipeline import RECORDING, Cascade, step
from local.entra.identity import TENANT_ID, oid_of
from models.chat.interaction import Draft, Origin, Turn
from models.chat.session import UserSession
from models.core.identity import Person
from models.core.user_agent import Client
from models.usage.windows import Clock

QUESTIONS = 40

Session = tuple[str, str]
"""A user's id, and the session's."""


async def begin(cascade: Cascade, name: str) -> Session:
    """Somebody new, with a session."""
    now, email = cascade.moment(), f"{name}@contoso.example"
    person = Person(tenant_id=TENANT_ID, auth_id=oid_of(email), email=email, name=name, timezone="Asia/Kolkata")
    profile = await cascade.store.users.ensure(person, now, now)
    session_id = str(uuid.uuid4())
    session = UserSession(
        id=session_id,
        partition_key=profile.id,
        user_id=profile.id,
        session_id=session_id,
        start_time=now,
        last_activity=now,
        timezone="Asia/Kolkata",
    )
    await cascade.store.sessions.start(session)
    return profile.id, session_id


async def record(cascade: Cascade, session: Session, number: int) -> None:
    """One turn, as `POST /api/sessions/{session_id}/interactions` records it."""
    now = cascade.moment()
    draft = Draft(str(uuid.uuid4()), a_turn(number), Origin(*session, now, None, Client(), "hash"))
    with step(RECORDING):
        await cascade.store.turns.record(*session, [draft], Clock(now, "Asia/Kolkata"))


def a_turn(number: int) -> Turn:
    """One of `QUESTIONS` questions with its answer."""
    return Turn(
        user_query=f"What is meant by teaching number {number % QUESTIONS} of the dialogues?",
        response_text="That one does not know what one has not asked. " * 20,
        query_category="philosophy",
        personality_used=("socrates", "buddha", "krishna")[number % 3],
        model_used="gpt-4o-mini",
        input_tokens=400 + number % 300,
        output_tokens=120,
        response_time_ms=700 + 13 * (number % 90),
    )
