"""Lists, a page at a time, by an opaque continuation."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, Field

from functions.core.call import Call
from functions.core.operation import Query
from functions.core.problems import Problem
from models.core.document import Message

Item = TypeVar("Item")

PAGE = 50


class Paged(Query):
    """The query string of a list. A continuation belongs to the same filters: send them again with it."""

    limit: int = Field(default=PAGE, ge=1, le=100, description="Most items in a page")
    continuation: str | None = Field(
        default=None, description="From the page before", json_schema_extra={"pattern": "^[A-Za-z0-9_-]+={0,2}$"}
    )


class Page(Message, Generic[Item]):
    """One page of a list."""

    model_config = ConfigDict(json_schema_extra={"description": "One page of a list."})

    items: list[Item] = Field(description="As many as were asked for, or fewer on the last page")
    continuation: str | None = Field(description="Of the next page; null on the last")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """`UserSessionPage` of `Page[UserSession]`, as the description names it."""
        item: type = params[0]
        return f"{item.__name__}Page"


def signed_continuation(call: Call[None], continuation: str | None) -> str | None:
    """A database's continuation as the caller gets it: bound to the caller, the operation and its filters."""
    return None if continuation is None else signed(call, continuation)


def signed(call: Call[None], continuation: str) -> str:
    text = continuation.encode()
    return base64.urlsafe_b64encode(_mac(call, text) + text).decode()


def verified_continuation(call: Call[None]) -> str | None:
    """The database's continuation in the caller's query, None at the first page.

    Raises:
        Problem: 400, it is not one that was signed for this caller, operation and filters.
    """
    given = call.query.continuation
    if given is None:
        return None
    data = _decoded(given)
    if not hmac.compare_digest(data[:16], _mac(call, data[16:])):
        detail = "The continuation is not from a page of this list with these filters. Start again without it."
        raise Problem(400, "bad-continuation", "The continuation is not valid", detail)
    return data[16:].decode()


def _decoded(given: str) -> bytes:
    """What is signed; nothing, if it is not as `signed` writes it, down to the bits that base64 leaves unused."""
    try:
        data = base64.b64decode(given, altchars=b"-_", validate=True)
    except ValueError:
        return b""
    return data if base64.urlsafe_b64encode(data) == given.encode() else b""


def _mac(call: Call[None], text: bytes) -> bytes:
    key = call.services.settings.key_for("continuations")
    filters = call.query.model_dump_json(exclude={"continuation", "limit"})
    scope = f"continuation|{call.person.user_id}|{call.request.url.partition('?')[0]}|{filters}|".encode()
    return hmac.new(key, scope + text, hashlib.sha256).digest()[:16]
