"""Answers: the whole of a turn on the server. Reserve, gather the context, call the model, stream, record, settle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from cosmos.answers.answers import Answers
from cosmos.chat.turns import Turns
from functions.accounts.signed_in import writer
from functions.answers.events import events_from_checkpoints, events_of
from functions.answers.failures import failed, outcome, place_of, running
from functions.answers.making import Making
from functions.answers.model import ModelFailed
from functions.answers.offers import Offers
from functions.answers.recording import settled
from functions.answers.run import Run
from functions.answers.runs import Runs
from functions.core.api import LONGEST_SECONDS, Routes, given_up_after
from functions.core.call import Call
from functions.core.openapi_parts import RATE_LIMIT
from functions.core.operation import Reply
from models.answers.actions import ANSWER, READ_ANSWERS, READ_MODELS, STOP_ANSWERS
from models.answers.answer import Answer
from models.answers.offer import ModelOffers
from models.answers.request import AnswerRequest
from models.answers.view import AnswerState, state_of
from models.chat.interaction import UserInteraction

routes = Routes()

WAITED_SECONDS = 200.0
"""For an answer as one JSON; after that its place is answered. The platform gives a request 230."""

ASKED_AGAIN_SECONDS = "2"
"""After which to look again for an answer that is being made."""


@routes.operation(
    "GET", "models", summary="The models that answers can be asked of", action=READ_MODELS, returns=ModelOffers
)
async def list_models(call: Call[None]) -> ModelOffers:
    """The default comes first. Where none is configured there is one that answers with a sample, and says so."""
    offers = call.services[Offers]
    offers.prepare()
    return ModelOffers(items=offers.shown(call.now))


@routes.operation(
    "POST",
    "sessions/{session_id}/answers",
    summary="Have a model answer a question, and record the turn",
    action=ANSWER,
    body=AnswerRequest,
    returns=AnswerState,
    status=201,
    or_accepted=True,
    streams=True,
    problems=(
        "limit-reached",
        "unpriced-model",
        "unknown-model",
        "too-long-for-model",
        "answer-refused",
        "answer-running",
        "answer-broken-off",
        "model-busy",
        "model-failed",
        "model-slow",
    ),
    answer_headers=RATE_LIMIT,
    longest_seconds=WAITED_SECONDS + LONGEST_SECONDS,
)
async def make_answer(call: Call[AnswerRequest]) -> Reply:
    """What the turn may take is reserved before the model is called, and settled by recording it.

    With `Accept: text/event-stream` it is answered with server-sent events: `admitted`, `delta` as the model speaks,
    `usage`, `recorded`, and `problem` if something goes wrong; a comment after 15 seconds of silence. Otherwise with
    the whole answer, once it is recorded; one that takes more than 200 seconds with 202, and is found at `Location`.

    The model is called once for one Idempotency-Key: the same request again follows the answer while it is made, as
    events, or gets 409 `answer-running`; afterwards it gets what was recorded. If the client goes away, the answer is
    finished and recorded all the same. The model is given no tools.
    """
    making = Making(call, await writer(call))
    async with given_up_after(LONGEST_SECONDS):
        begun = await making.begun()
        if isinstance(begun, Answer):
            return await _earlier(call, begun)
    if call.wants_events:
        headers = {"Location": place_of(begun.answer)} | making.headers(begun.allowance)
        return Reply(events_of(begun, call.request_id), headers=headers)
    return await _whole(begun, making)


@routes.operation(
    "GET",
    "sessions/{session_id}/answers/{answer_id}",
    summary="An answer, as far as it is",
    action=READ_ANSWERS,
    returns=AnswerState,
    streams=True,
)
async def get_answer(call: Call[None]) -> Reply:
    """`text` is what has come so far, some seconds old; it is there only with consent to texts, until the turn is.

    With `Accept: text/event-stream` the answer is followed to its end, by the same events as whoever asked for it gets,
    from `Last-Event-ID` on.
    """
    found = await call.store[Answers].read(call.person.user_id, call.uuid("session_id"), call.uuid("answer_id"))
    answer = await settled(call.services, call.store, found)
    if call.wants_events:
        return Reply(_followed(call, answer))
    headers = {"Retry-After": ASKED_AGAIN_SECONDS} if answer.lease_until else {}
    return Reply(state_of(answer, await _turn(call, answer)), headers=headers)


@routes.operation(
    "DELETE",
    "sessions/{session_id}/answers/{answer_id}",
    summary="Stop an answer; what has come of it is recorded",
    action=STOP_ANSWERS,
    returns=None,
    status=204,
)
async def stop_answer(call: Call[None]) -> Reply:
    """Whichever instance makes it stops within some seconds. One that has ended stays as it is."""
    user_id, session_id, answer_id = call.person.user_id, call.uuid("session_id"), call.uuid("answer_id")
    await call.store[Answers].ask_to_stop(user_id, session_id, answer_id, call.now)
    if run := call.services[Runs].find(answer_id):
        run.stop()
    return Reply(None)


async def _whole(run: Run, making: Making) -> Reply:
    """The answer once it is recorded; its place if that takes too long."""
    await asyncio.wait({run.task}, timeout=WAITED_SECONDS)
    place = {"Location": place_of(run.answer)}
    if not run.task.done():
        return Reply(state_of(run.answer, None, run.text), 202, place | {"Retry-After": ASKED_AGAIN_SECONDS})
    state, problem = outcome(run)
    if problem:
        raise problem
    turn = run.task.result().turn
    return Reply(state, headers=place | making.headers(turn.allowance if turn else None))


async def _earlier(call: Call[Any], answer: Answer) -> Reply:
    """What became of an answer that was asked for before, or becomes."""
    place = {"Location": place_of(answer)}
    if call.wants_events:
        return Reply(_followed(call, answer), headers=place)
    if answer.lease_until is not None:
        raise running(answer)
    if (ending := answer.ending) and ending.problem:
        raise failed(answer.answer_id, ModelFailed(ending.problem, cause=ending.cause))
    return Reply(state_of(answer, await _turn(call, answer)), headers=place)


def _followed(call: Call[Any], answer: Answer) -> AsyncIterator[bytes]:
    """The events of an answer that somebody makes, or made: from its process if that is this one."""
    known = call.last_event
    if run := call.services[Runs].find(answer.answer_id):
        return events_of(run, call.request_id, known)

    async def look() -> AnswerState:
        found = await call.store[Answers].read(answer.partition_key, answer.session_id, answer.answer_id)
        now = await settled(call.services, call.store, found)
        return state_of(now, await _turn(call, now))

    return events_from_checkpoints(answer, look, call.request_id, known)


async def _turn(call: Call[Any], answer: Answer) -> UserInteraction | None:
    if answer.status != "recorded":
        return None
    return await call.store[Turns].read(call.person.user_id, answer.answer_id)
