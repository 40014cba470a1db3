"""Finished turns in batches, from a trusted server."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from cosmos.chat.ingestion import Ingestion, Outcome, Submission
from cosmos.chat.names import PlatformNames
from cosmos.chat.turns import Recorded
from functions.core import problems
from functions.core.api import Routes
from functions.core.call import Call, hashed_address
from functions.core.operation import Reply
from functions.core.problems import Problem
from functions.usage.bounds import check_tokens
from models.chat.actions import INGEST_TURNS
from models.chat.interaction import CLOCK_SKEW, Draft, IngestedTurn, Origin
from models.chat.reporting import reported
from models.core.document import Message
from models.core.nearest import Adjusted
from models.core.user_agent import parse_user_agent
from models.core.write_policy import Privacy
from models.usage.pricing import PriceTable

routes = Routes()

MAX_BATCH_BYTES = 32_000_000
MAX_ID_CHARACTERS = 128


class Batch(Message):
    """Up to 100 finished turns. Each is an `IngestedTurn`, checked on its own: a wrong one does not stop the others."""

    turns: list[Any] = Field(
        min_length=1, max_length=100, json_schema_extra={"items": {"$ref": "#/components/schemas/IngestedTurn"}}
    )


class ItemResult(Message):
    """What became of one turn. What is answered with 201 or 200 is durable."""

    id: str | None = Field(description="The turn's id, as it was sent")
    status: int = Field(description="201 recorded, 200 there already, else an error; 500 or 503: send it again")
    error: dict[str, Any] | None = Field(default=None, description="The problem, as in an error's body")
    adjusted: Adjusted = Field(
        default_factory=dict, description="What of it was not valid as it was sent: the field, and what was done"
    )


class BatchResult(Message):
    """What became of each turn, in the order sent."""

    items: list[ItemResult]


@routes.operation(
    "POST",
    "ingest/turns",
    summary="Record up to 100 finished turns, each answered with its own status",
    action=INGEST_TURNS,
    body=Batch,
    returns=BatchResult,
    status=207,
    max_bytes=MAX_BATCH_BYTES,
    parts=(IngestedTurn,),
    repeatable=True,
    read=Batch.model_validate,
)
async def ingest_turns(call: Call[Batch]) -> Reply:
    """May be sent again, also in part or in other batches: a turn is recorded once, by its `id`."""
    results: list[ItemResult | None] = []
    submissions: list[Submission] = []
    for item in call.body.turns:
        try:
            submissions.append(_submission(call, item))
            results.append(None)
        except Problem as problem:
            results.append(_failed(item.get("id") if isinstance(item, dict) else None, problem))
    outcomes = iter(await call.store[Ingestion].ingest(submissions, call.now))
    sent = iter(submissions)
    items = [result or _result(next(sent).draft, next(outcomes)) for result in results]
    return Reply(BatchResult(items=items))


def _submission(call: Call[Batch], item: Any) -> Submission:
    try:
        turn = reported(IngestedTurn, item)
    except ValidationError as error:
        raise problems.invalid(error) from None
    call.check_acts_for(turn.user.tenant_id)
    if turn.timestamp > call.now + CLOCK_SKEW:
        raise problems.not_valid({"/timestamp": "Input should not lie in the future"})
    origin = Origin(
        user_id=turn.user.user_id,
        session_id=turn.session_id,
        timestamp=turn.timestamp,
        ip_address=_address(call, turn),
        client=parse_user_agent(turn.user_agent),
        request_hash=call.services[Privacy].hash_of(turn.model_dump_json(exclude={"user"})),
        traceparent=call.services.telemetry.traceparent,
        recorded_by="server",
    )
    draft = Draft(turn.id, turn, origin)
    check_tokens(draft.usage.total, call.services.settings.max_tokens_per_turn)
    call.store[PlatformNames].learn(turn.names(call.services[PriceTable]))
    return Submission(turn.user, draft, turn.user_agent)


def _address(call: Call[Batch], turn: IngestedTurn) -> str | None:
    try:
        return hashed_address(turn.ip_address, call.services)
    except ValueError:
        turn.adjusted["ip_address"] = "left out: no IP address"
        return None


def _result(draft: Draft, outcome: Outcome) -> ItemResult:
    turn_id = draft.interaction_id
    if isinstance(outcome, Recorded):
        status = 201 if outcome.outcome == "created" else 200
        return ItemResult(id=turn_id, status=status, adjusted=draft.turn.adjusted)
    return _failed(turn_id, problems.of(outcome))


def _failed(turn_id: Any, problem: Problem) -> ItemResult:
    known = turn_id if isinstance(turn_id, str) and len(turn_id) <= MAX_ID_CHARACTERS else None
    return ItemResult(id=known, status=problem.status, error=problem.body())
