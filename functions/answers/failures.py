"""What is told of an answer that there is not, or not yet, or not whole."""

from __future__ import annotations

from functions.answers.model import ModelFailed
from functions.answers.run import Run
from functions.core import problems
from functions.core.api import PREFIX
from functions.core.problem_types import TYPE_PREFIX
from functions.core.problems import Problem
from models.answers.answer import Answer
from models.answers.view import AnswerState, state_of
from models.core.errors import NotFound


def place_of(answer: Answer) -> str:
    """Where an answer is to be seen."""
    return f"/{PREFIX}sessions/{answer.session_id}/answers/{answer.answer_id}"


def running(answer: Answer) -> Problem:
    """Somebody makes it: the same request again gets what is recorded afterwards."""
    problem = problems.known("answer-running")
    problem.headers = {"Location": place_of(answer), "Retry-After": "2"}
    return problem


def outcome(run: Run) -> tuple[AnswerState | None, Problem | None]:
    """What became of an answer that this process made: what is recorded of it, and what went wrong."""
    if run.task.cancelled():  # the process ends: somebody else records what there is
        return None, problems.known("unavailable")
    try:
        result = run.task.result()
    except Exception as error:  # the boundary of the task: whatever happened is told to whoever looks on
        return None, problems.of(error)
    state = state_of(run.answer, result.turn.interaction, run.text) if result.turn else None
    if result.problem:
        return state, failed(run.answer.answer_id, result.problem)
    return state, None if state else problems.of(NotFound("session"))


def failed(answer_id: str, failure: ModelFailed) -> Problem:
    """Why there is no answer, or not the whole of it."""
    problem = problems.known(failure.slug)
    problem.extra = {"answer_id": answer_id} | ({"cause": TYPE_PREFIX + failure.cause} if failure.cause else {})
    if problem.status == 503:
        problem.headers = {"Retry-After": str(failure.retry_after or 10)}
    return problem
