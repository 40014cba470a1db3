"""Small documents for tests: everything given, so that a failure repeats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from models.chat.interaction import Draft, Origin, Turn, UserInteraction
from models.chat.session import UserSession
from models.core.identity import Person
from models.core.pseudonyms import Pseudonyms
from models.core.user_agent import Client
from models.core.write_policy import EVERYTHING, WritePolicy
from models.usage.pricing import PriceTable

TENANT = "72f988bf-0000-4000-8000-76696d617273"
ALICE = Person(
    tenant_id=TENANT,
    auth_id="11111111-1111-4111-8111-111111111111",
    email="alice@contoso.example",
    name="Alice Liddell",
    timezone="Asia/Kolkata",
)
SESSION_ID = "22222222-2222-4222-8222-222222222222"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PSEUDONYMS = Pseudonyms(b"a key for tests only")
PRICES = PriceTable({"test-model": {"input": "1", "cached_input": "0.5", "output": "2", "reasoning": "2"}})


def a_turn(**changes: Any) -> Turn:
    values: dict[str, Any] = {
        "user_query": "What is wisdom?",
        "response_text": "To know what one does not know.",
        "model_used": "test-model",
        "input_tokens": 100,
        "output_tokens": 50,
        "query_category": "philosophy",
        "personality_used": "socrates",
        "response_time_ms": 1200,
    }
    return Turn.model_validate(values | changes)


def an_interaction(
    interaction_id: str = "turn-1",
    timestamp: datetime = NOON,
    sequence: int = 1,
    revision: int = 1,
    policy: WritePolicy = EVERYTHING,
    **changes: Any,
) -> UserInteraction:
    origin = Origin(ALICE.user_id, SESSION_ID, timestamp, None, Client(), "hash", recorded_by="server")
    timezone = changes.pop("timezone", "Asia/Kolkata")
    stored = {name: changes.pop(name) for name in list(changes) if name not in Turn.model_fields}
    draft = Draft(interaction_id, a_turn(**changes), origin)
    interaction = draft.interaction(sequence, timezone, draft.cost(PRICES), policy)
    return interaction.model_copy(update={"revision": revision} | stored)


def a_session(revision: int = 1, **changes: Any) -> UserSession:
    values: dict[str, Any] = {
        "id": SESSION_ID,
        "partition_key": ALICE.user_id,
        "user_id": ALICE.user_id,
        "session_id": SESSION_ID,
        "start_time": NOON,
        "last_activity": NOON,
        "timezone": "Asia/Kolkata",
        "revision": revision,
    }
    return UserSession.model_validate(values | changes)
