"""The turns of a session: recorded, read in order, and as the context of the next one."""

from __future__ import annotations

import uuid
from functools import partial

from pydantic import Field

from cosmos.chat.history import History
from cosmos.chat.names import PlatformNames
from cosmos.chat.sessions import Sessions
from cosmos.chat.turns import Turns
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.etags import revision_etag
from functions.core.openapi_parts import RATE_LIMIT
from functions.core.operation import Query, Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from functions.usage.bounds import check_tokens
from models.accounts.limits import effective
from models.chat.actions import READ_TURNS, RECORD_TURNS
from models.chat.context import Context
from models.chat.interaction import Draft, Origin, Turn, UserInteraction
from models.chat.reporting import reported
from models.core.errors import KeyReused
from models.core.identity import request_id_of
from models.core.write_policy import Privacy
from models.usage.pricing import PriceTable
from models.usage.rate_limit import rate_limit_headers
from models.usage.windows import Clock

routes = Routes()

MAX_TURN_BYTES = 4_000_000
"""The longest texts, each character escaped as half a pair of surrogates."""


class ContextQuery(Query):
    """How much of a session a model is to be given, and up to which point."""

    max_tokens: int = Field(default=4000, ge=1, le=200_000, description="Budget of all messages together")
    until: int | None = Field(
        default=None,
        ge=1,
        le=2**53 - 1,
        description="Sequence number of the last turn to look at; the newest if absent",
    )


@routes.operation(
    "POST",
    "sessions/{session_id}/interactions",
    summary="Record a finished turn",
    action=RECORD_TURNS,
    body=Turn,
    returns=UserInteraction,
    status=201,
    problems=("too-many-turns", "consent-required"),
    answer_headers=RATE_LIMIT,
    etag=True,
    max_bytes=MAX_TURN_BYTES,
    read=partial(reported, Turn),
)
async def record_interaction(call: Call[Turn]) -> Reply:
    """A session that has ended goes on with it: it is active again, without an end.

    No usage is lost for what is odd: `adjusted` of the answer names each field that was not valid as it was sent, and
    what was done. Only what can't be counted is refused.
    """
    profile, privacy = await writer(call), call.services[Privacy]
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
            request_hash=privacy.hash_of(call.body.model_dump_json()),
            traceparent=call.services.telemetry.traceparent,
            recorded_by="user",
            unvouched=tuple(call.store[PlatformNames].unknown(call.body.names(call.services[PriceTable]), call.now)),
        ),
    )
    check_tokens(draft.usage.total, call.services.settings.max_tokens_per_turn)
    clock, policy = Clock(call.now, profile.counting_zone), profile.write_policy(privacy)
    limits = effective(call.services.settings.limits, profile.limit_override, call.now)
    writing = call.services.settings.write_limit.for_limit(limits.get(("minute", "queries")))
    (recorded,) = await call.store[Turns].record(profile.id, session_id, [draft], clock, policy, writing)
    if recorded.outcome == "reused":
        raise KeyReused
    headers = rate_limit_headers(recorded.allowance, limits, clock)
    return Reply(recorded.interaction, etag=revision_etag(recorded.interaction), headers=headers)


@routes.operation(
    "GET",
    "sessions/{session_id}/interactions",
    summary="A session's turns, in order",
    action=READ_TURNS,
    query=Paged,
    returns=Page[UserInteraction],
)
async def list_session_interactions(call: Call[None]) -> Page[UserInteraction]:
    user_id, session_id = call.person.user_id, call.uuid("session_id")
    continuation = verified_continuation(call)
    turns, following = await call.store[History].of_session(user_id, session_id, call.query.limit, continuation)
    if not turns and continuation is None:
        await call.store[Sessions].read(user_id, session_id)  # tells an empty session from none
    return Page(items=turns, continuation=signed_continuation(call, following))


@routes.operation(
    "GET",
    "sessions/{session_id}/context",
    summary="A session's last turns that fit a budget of tokens, ready to send to a model",
    action=READ_TURNS,
    query=ContextQuery,
    returns=Context,
)
async def get_session_context(call: Call[None]) -> Context:
    """Texts are estimated from their letters; a response counts at least the output tokens its model said it had.

    `until` of the answer pins the point in the session: sent with a later request, also from another device, it gives
    the same messages, whatever was recorded since.
    """
    user_id, session_id = call.person.user_id, call.uuid("session_id")
    query: ContextQuery = call.query
    context = await call.store[History].context(user_id, session_id, query.max_tokens, query.until)
    if context.until is None:
        await call.store[Sessions].read(user_id, session_id)  # tells an empty session from none
    return context
