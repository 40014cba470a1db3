"""What went wrong, told without what it was about: for logs, which must hold nothing personal.

The message of an exception may quote anything: pydantic quotes the value that is wrong, and Cosmos DB the query, the
document or its id. So an exception is told by its type, by where it was raised, and by the status of an answer.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

from azure.core.exceptions import HttpResponseError

FRAMES = 12
"""Of each exception the innermost calls, which are those that tell."""

P = ParamSpec("P")
R = TypeVar("R")


class FunctionFailed(Exception):
    """A function of the app failed; the message is what `told` says."""


def told(error: BaseException) -> str:
    """An exception and its causes, each with its type and where it was raised, and without its message."""
    return "\nbecause of ".join(_one(each) for each in _chain(error))


def named(error: BaseException) -> str:
    """An exception and its causes by their types alone, in one line: where a stack would tell nothing new."""
    return ", because of ".join(_name(each) for each in _chain(error))


def private(run: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Of a function that the host calls, and whose failures it logs: they are told as `told` does.

    The boundary of what is not HTTP: everything that is raised is raised again, as `FunctionFailed`.
    """

    @wraps(run)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await run(*args, **kwargs)
        except Exception as error:  # the boundary to the host
            raise FunctionFailed(told(error)) from None

    return guarded


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _one(error: BaseException) -> str:
    lines = traceback.format_list(traceback.extract_tb(error.__traceback__)[-FRAMES:])
    return f"{_name(error)}\n{''.join(lines)}".rstrip()


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}{_status(error)}"


def _status(error: BaseException) -> str:
    """Of an answer of Azure's: its status, and the id by which its support finds the request."""
    if not isinstance(error, HttpResponseError):
        return ""
    activity = getattr(error.response, "headers", {}).get("x-ms-activity-id")
    return f" {error.status_code}" + (f" (activity {activity})" if activity else "")
