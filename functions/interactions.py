"""The turns of a session: recorded, read in order, and as the context of the next one."""

from __future__ import annotations

import uuid

from functions.api import Call, Reply, Routes, content_hash, revision_etag
from models.errors import KeyReused
from models.identity import request_id_of
from models.interaction import Draft, Origin, Turn, UserInteraction

routes = Routes()


@routes.operation(
    "POST",
    "sessions/{session_id}/interactions",
    summary="Record a finished turn",
    body=Turn,
    returns=UserInteraction,
    status=201,
    errors=(404,),
    etag=True,
)
async def record_interaction(call: Call[Turn]) -> Reply:
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
    return Reply(recorded.interaction, etag=revision_etag(recorded.interaction))
