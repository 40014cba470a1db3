"""A small history of some users: turns, sessions and bookmarks, many of them in several revisions."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from models.chat.interaction import Draft, Origin, Turn, UserInteraction
from models.chat.session import UserSession
from models.core.document import Document
from models.core.identity import Person
from models.core.user_agent import Client
from models.library.bookmark import DeletedBookmark, UserBookmark
from models.usage.pricing import PriceTable

TENANT = "72f988bf-0000-4000-8000-76696d617273"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""When it is read: after all that is in it."""

DAYS = 20
ZONES = ("Asia/Kolkata", "America/New_York", "UTC")
CATEGORIES = ("philosophy", "science", "history")
MODELS = ("gpt-4o-mini", "gpt-4o", "a-model-without-a-price")
QUESTIONS = ("What is wisdom?", "what is  wisdom", "Why is the sky blue?", "Who was Ashoka?", "How do I say thank you?")


@dataclass
class History:
    """People, and the documents that are written for them, in an order in which they may be written."""

    people: list[Person] = field(default_factory=list)
    writes: list[Document] = field(default_factory=list)


def history(seed: int, users: int, turns: int) -> History:
    """The same for the same seed."""
    chance = random.Random(seed)
    made = History([_person(chance) for _ in range(users)])
    lives: list[list[Document]] = []
    for person in made.people:
        sessions = [_session(person, chance) for _ in range(2)]
        lives += [[session, _ended(session, chance)] for session in sessions]
        for number in range(turns // users):
            turn = _turn(person, chance.choice(sessions), number, chance)
            lives.append([turn, *_edits(turn, chance)])
            if chance.random() < 0.3:
                lives.append(_bookmarked(turn, chance))
    while lives:
        life = chance.choice(lives)
        made.writes.append(life.pop(0))
        lives = [life for life in lives if life]
    return made


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _person(chance: random.Random) -> Person:
    name = f"user-{chance.getrandbits(48):012x}"
    zone = chance.choice(ZONES)
    return Person(tenant_id=TENANT, auth_id=_uuid(chance), email=f"{name}@contoso.example", name=name, timezone=zone)


def _session(person: Person, chance: random.Random) -> UserSession:
    session_id, start = _uuid(chance), NOW - timedelta(minutes=chance.randrange(60, DAYS * 24 * 60))
    return UserSession(
        id=session_id,
        partition_key=person.user_id,
        user_id=person.user_id,
        session_id=session_id,
        start_time=start,
        last_activity=start,
        timezone=person.timezone or "UTC",
    )


def _ended(session: UserSession, chance: random.Random) -> UserSession:
    seconds = chance.randrange(10, 3000)
    changes = {"revision": 2, "end_time": NOW, "duration_seconds": seconds, "is_active": False}
    return session.model_copy(update=changes)


def _turn(person: Person, session: UserSession, number: int, chance: random.Random) -> UserInteraction:
    turn = Turn(
        user_query=chance.choice(QUESTIONS),
        response_text="An answer.",
        query_category=chance.choice(CATEGORIES),
        personality_used=chance.choice(("socrates", "krishna")),
        model_used=chance.choice(MODELS),
        input_tokens=chance.randrange(2000),
        output_tokens=chance.randrange(500),
        response_time_ms=chance.randrange(5000),
        citations_provided=chance.sample(["Gita", "Apology", "Optics"], chance.randrange(3)),
    )
    at = session.start_time + timedelta(minutes=chance.randrange(40))
    origin = Origin(person.user_id, session.session_id, at, None, Client(), "hash")
    draft = Draft(f"turn-{number}", turn, origin)
    return draft.interaction(number + 1, session.timezone, draft.cost(PriceTable()))


def _edits(turn: UserInteraction, chance: random.Random) -> list[Document]:
    """Feedback, a bookmark's mark, another price; one that moves the turn to another topic."""
    edits: list[Document] = []
    while chance.random() < 0.4:
        change: dict[str, Any] = chance.choice(
            [
                {"user_rating": chance.randint(1, 5)},
                {"was_shared": True},
                {"was_bookmarked": True},
                {"cost_nano_usd": chance.randrange(10**6)},
                {"query_category": chance.choice(CATEGORIES)},
            ]
        )
        turn = turn.model_copy(update={**change, "revision": turn.revision + 1})
        edits.append(turn)
    return edits


def _bookmarked(turn: UserInteraction, chance: random.Random) -> list[Document]:
    bookmark = UserBookmark.of(turn, min(NOW, turn.timestamp + timedelta(minutes=chance.randrange(1, 3000))))
    return [bookmark, DeletedBookmark.of(bookmark, NOW)] if chance.random() < 0.4 else [bookmark]
