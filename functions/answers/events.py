"""An answer as server-sent events, while it is made (WHATWG HTML, 9.2).

What sends them only looks on: the client may go away, which ends it and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress

from pydantic import BaseModel

from functions.answers.failures import failed, outcome
from functions.answers.model import ModelFailed
from functions.answers.run import Run
from functions.core import problems
from functions.core.problems import Problem
from models.answers.answer import CHECKPOINT_SECONDS, Answer
from models.answers.events import AnswerAdmitted, AnswerDelta, AnswerUsage
from models.answers.view import AnswerState

QUIET_SECONDS = 15.0
"""After so long without an event comes a comment: whatever is on the way takes a connection for dead otherwise."""

COMMENT = b": \n\n"

Looked = Callable[[], Awaitable[AnswerState]]
"""Reads an answer as it is now."""


def event(name: str, data: BaseModel | str, number: int | None = None) -> bytes:
    """One event. JSON has no line breaks, so its data is one line."""
    text = data if isinstance(data, str) else data.model_dump_json()
    numbered = "" if number is None else f"id: {number}\n"
    return f"event: {name}\n{numbered}data: {text}\n\n".encode()


async def events_of(run: Run, request_id: str, known: int = 0) -> AsyncIterator[bytes]:
    """What comes of an answer that this process makes, as soon as it comes.

    Args:
        known: Characters that the client has already.
    """
    yield event("admitted", AnswerAdmitted.of(run.answer))
    text = run.text
    taken, sent = len(run.pieces), min(known, len(text))
    if len(text) > sent:
        yield _delta(text[sent:], len(text))
    sent = len(text)
    while True:
        more = "".join(run.pieces[taken:])
        taken = len(run.pieces)
        if more:
            sent += len(more)
            yield _delta(more, sent)
        elif run.task.done():
            break
        elif not await _within(run.moved(), QUIET_SECONDS):
            yield COMMENT
    state, problem = outcome(run)
    for last in _told(state, problem, request_id):
        yield last


async def events_from_checkpoints(
    answer: Answer, look: Looked, request_id: str, known: int = 0
) -> AsyncIterator[bytes]:
    """What comes of an answer that another process makes, as far as that has stored it."""
    yield event("admitted", AnswerAdmitted.of(answer))
    sent, told = known, time.monotonic()
    while True:
        try:
            state = await look()
        except Exception as error:  # the boundary of what is sent: whatever happened is told, as everywhere
            yield problem_event(problems.of(error), request_id)
            return
        if state.status != "running":
            break
        if state.text and len(state.text) > sent:
            yield _delta(state.text[sent:], len(state.text))
            sent, told = len(state.text), time.monotonic()
        elif time.monotonic() - told > QUIET_SECONDS:
            yield COMMENT
            told = time.monotonic()
        await asyncio.sleep(CHECKPOINT_SECONDS)
    text = state.text or ""
    if state.interaction is not None and len(text) > sent:
        yield _delta(text[sent:], len(text))
    problem = failed(state.id, ModelFailed(state.problem, cause=state.cause)) if state.problem else None
    for last in _told(state if state.interaction else None, problem, request_id):
        yield last


def _told(state: AnswerState | None, problem: Problem | None, request_id: str) -> Iterator[bytes]:
    """The last events of an answer: what it took, what is recorded, and what went wrong."""
    if state is not None and state.interaction is not None:
        yield event("usage", AnswerUsage.of(state.interaction))
        yield event("recorded", state)
    if problem is not None:
        yield problem_event(problem, request_id)


def problem_event(problem: Problem, request_id: str) -> bytes:
    """A problem, with the body that it would have as an answer."""
    return event("problem", json.dumps(problem.body() | {"request_id": request_id}))


def _delta(text: str, number: int) -> bytes:
    return event("delta", AnswerDelta(text=text), number)


async def _within(waiting: Awaitable[None], seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await waiting
            return True
    return False
