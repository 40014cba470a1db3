"""What one turn asks of Cosmos DB, from its POST until the platform has counted it.

    python -m bench.turn_cost

Prints a Markdown table: step by step, for a lone turn (its user, session and question are known), and for each of 200
turns of 50 users that come within a second and are folded together.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Mapping, Sequence

from bench.cascade import (
    BATCH,
    FEEDS_OFF,
    RECORDING,
    SESSION,
    SHARD_TURN,
    SHARD_USER,
    TOTALS,
    USER_DAY,
    USER_WEEK,
    WHOLE,
    Cascade,
    Spent,
    cascade,
    step,
)
from bench.stack import local_stack
from local.entra.identity import TENANT_ID, oid_of
from models.chat.interaction import Draft, Origin, Turn
from models.chat.session import UserSession
from models.core.identity import Person
from models.core.user_agent import Client
from models.usage.windows import Clock

STEPS = (RECORDING, SESSION, USER_DAY, SHARD_TURN, USER_WEEK, SHARD_USER, WHOLE, TOTALS)
USERS = 50
QUESTIONS = 40
WARMING = 3
"""Turns of each user before anything is measured: with the third their session is a deep dive, which counts once."""

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


async def measure() -> tuple[dict[str, Spent], dict[str, Spent]]:
    """What a lone turn asks for, and what `BATCH` turns do, by step."""
    with local_stack(settings=FEEDS_OFF) as stack:
        async with cascade(stack) as driven:
            sessions = [await begin(driven, f"user{number}") for number in range(USERS)]
            for number in range(WARMING * USERS):
                await record(driven, sessions[number % USERS], number)
            await driven.settle()
            return await _measured(driven, sessions[:1], 1), await _measured(driven, sessions, BATCH)


async def _measured(driven: Cascade, sessions: Sequence[Session], turns: int) -> dict[str, Spent]:
    driven.meter.reset()
    await asyncio.gather(*(record(driven, sessions[number % len(sessions)], number) for number in range(turns)))
    await driven.settle()
    return driven.meter.steps


def table(lone: Mapping[str, Spent], busy: Mapping[str, Spent]) -> str:
    """Both as a Markdown table; the busy second's by turn."""
    lines = [
        f"| step | a lone turn | RU | each of {BATCH} in a second | RU |",
        "|---|---|---:|---:|---:|",
    ]
    for name in STEPS:
        alone, many = lone.get(name, Spent()), busy.get(name, Spent())
        requests = ", ".join(f"{count} {kind}" for kind, count in sorted(alone.requests.items())) or "none"
        each = f"{many.count / BATCH:.2f} | {many.request_charge / BATCH:.1f}"
        lines.append(f"| {name} | {requests} | {alone.request_charge:.1f} | {each} |")
    count, charge = _sums(lone)
    of_many, charge_of_many = _sums(busy)
    total = f"{of_many / BATCH:.2f} | {charge_of_many / BATCH:.1f}"
    lines.append(f"| in all | {count} requests | {charge:.1f} | {total} |")
    return "\n".join(lines)


def _sums(steps: Mapping[str, Spent]) -> tuple[int, float]:
    return sum(spent.count for spent in steps.values()), sum(spent.request_charge for spent in steps.values())


def main() -> int:
    print(table(*asyncio.run(measure())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
