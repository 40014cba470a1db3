"""Sessions, and the turns recorded in them."""

from __future__ import annotations

import uuid

from pydantic import Field

from functions.api import Call, Routes, content_hash
from models.document import Message
from models.errors import KeyReused
from models.identity import request_id_of
from models.interaction import Draft, Origin, Turn, UserInteraction
from models.session import UserSession
from models.values import TimeZone

routes = Routes()


class NewSession(Message):
    """What the client says of a session that starts."""

    timezone: TimeZone | None = Field(default=None, description="IANA time zone; the profile's if absent, else UTC")


@routes.operation("POST", "sessions", summary="Start a session", body=NewSession, returns=UserSession, status=201)
async def start_session(call: Call[NewSession]) -> UserSession:
    profile = await call.writer()
    key = call.idempotency_key
    session_id = request_id_of(profile.id, "sessions", key) if key else str(uuid.uuid4())
    client = call.client
    session = UserSession(
        id=session_id,
        partition_key=profile.id,
        user_id=profile.id,
        session_id=session_id,
        start_time=call.now,
        last_activity=call.now,
        timezone=call.body.timezone or profile.timezone or "UTC",
        user_agent=call.user_agent and call.user_agent[:512],
        ip_address=call.hashed_address,
        device_type=client.device_type,
        browser=client.browser,
        platform=client.platform,
        request_hash=content_hash(call.body),
    )
    return await call.store.sessions.start(session)


@routes.operation(
    "POST",
    "sessions/{session_id}/interactions",
    summary="Record a finished turn",
    body=Turn,
    returns=UserInteraction,
    status=201,
)
async def record_interaction(call: Call[Turn]) -> UserInteraction:
    profile = await call.writer()
    session_id = call.uuid("session_id")
    key = call.idempotency_key
    draft = Draft(
        interaction_id=request_id_of(profile.id, f"sessions/{session_id}", key) if key else str(uuid.uuid4()),
        turn=call.body,
        origin=Origin(
            user_id=profile.id,
            session_id=session_id,
            timestamp=call.now,
            ip_address=call.hashed_address,
            client=call.client,
            request_hash=content_hash(call.body),
        ),
    )
    (recorded,) = await call.store.turns.record(profile.id, session_id, [draft])
    if recorded.outcome == "reused":
        raise KeyReused
    return recorded.interaction
