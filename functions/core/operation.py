"""What an operation is: one description, by which it is served and documented."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypedDict

from pydantic import BaseModel, ConfigDict

from functions.core.answers import Kept
from functions.core.call import Call
from models.core.rights import Action

MAX_BODY_BYTES = 1_000_000


@dataclass(frozen=True)
class Reply:
    """An answer that says more than its content. Text is sent as it is. Without content it has none, or is 304.

    What comes bit by bit are server-sent events.
    """

    content: BaseModel | str | Kept | AsyncIterator[bytes] | None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = None


class Query(BaseModel):
    """Base of the query strings that operations take. Each value comes as text; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Handler = Callable[[Call[Any]], Awaitable[BaseModel | Reply]]


@dataclass(frozen=True)
class Header:
    """A header that an operation takes, besides those that all take."""

    name: str
    description: str
    schema: dict[str, Any]
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation. Its handler's name is that of its function, and its id in the description.

    Attributes:
        path: Below the API's prefix, such as `sessions/{session_id}`.
        action: What it does, by which it is decided who may call it. Where that depends on more than the token, the
            handler decides again, by `Call.check`, once it knows what the action is done to.
        returns: The model of the answer, None for an answer without content.
        also: Further actions that the handler decides about, where some do more than others.
        status: Of the answer, unless the handler's `Reply` says otherwise.
        problems: Slugs of `PROBLEM_TYPES` that are particular to this operation: those that follow from who may
            call it and from what it takes are known.
        own: Whether it answers whose the document is: with the fields of `returns` that are marked as shown. Staff is
            answered with all.
        max_bytes: A larger body is refused with 413.
        read: Makes the body's model of JSON, where it is not just validated.
        headers: Further headers it takes.
        answer_headers: Headers that its answer carries, by their names in `RESPONSE_HEADERS`, besides those that follow
            from the rest.
        if_match: Whether it takes an ETag, by `Call.expected_revisions`.
        etag: Whether its answer carries one that the handler gives.
        hashed: Whether its answer carries one that is a hash of it: of what is large, changes seldom and is not edited.
        media_type: Of the answer.
        parts: Models of what its body holds, and is checked one by one.
        repeatable: Whether a POST may be sent again as it is: it takes no Idempotency-Key then.
        durable: Whether the handler starts or looks at orchestrations, by `Call.durable`.
        after_deletion: Whether somebody may call it whose account is deleted.
        longest_seconds: After which it is given up; None for what a request may take. A handler that may take longer
            writes nothing that an erasure would have to wait for: see `LONGEST_SECONDS`.
        or_accepted: Whether it may be answered with 202, and the same content, before it is done.
        streams: Whether it is answered with server-sent events, and 200, to who accepts these.
    """

    handler: Handler
    method: str
    path: str
    summary: str
    returns: type[BaseModel] | None
    action: Action
    also: tuple[Action, ...] = ()
    body: type[BaseModel] | None = None
    query: type[Query] | None = None
    status: int = 200
    problems: tuple[str, ...] = ()
    own: bool = False
    max_bytes: int = MAX_BODY_BYTES
    read: Callable[[Any], BaseModel] | None = None
    headers: tuple[Header, ...] = ()
    answer_headers: tuple[str, ...] = ()
    if_match: bool = False
    etag: bool = False
    hashed: bool = False
    media_type: str = "application/json"
    parts: tuple[type[BaseModel], ...] = ()
    repeatable: bool = False
    durable: bool = False
    after_deletion: bool = False
    longest_seconds: float | None = None
    or_accepted: bool = False
    streams: bool = False

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def methods(self) -> list[str]:
        """What it answers: HEAD, too, wherever GET is."""
        return ["GET", "HEAD"] if self.method == "GET" else [self.method]

    @property
    def takes_key(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return self.method == "POST" and not self.repeatable


class Options(TypedDict, total=False):
    """What need not be said of an operation: the fields of `Operation` that have a default."""

    also: tuple[Action, ...]
    body: type[BaseModel] | None
    query: type[Query] | None
    status: int
    problems: tuple[str, ...]
    own: bool
    max_bytes: int
    read: Callable[[Any], BaseModel] | None
    headers: tuple[Header, ...]
    answer_headers: tuple[str, ...]
    if_match: bool
    etag: bool
    hashed: bool
    media_type: str
    parts: tuple[type[BaseModel], ...]
    repeatable: bool
    durable: bool
    after_deletion: bool
    longest_seconds: float | None
    or_accepted: bool
    streams: bool
