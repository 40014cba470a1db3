"""What every HTTP operation has in common: it is described once, and that description is served.

A module of routes makes a `Routes`, and describes each operation where its handler stands. `Routes.blueprint` registers
them with Azure Functions: it authorises the caller, parses the body, calls the handler, and writes the answer.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel, ConfigDict, ValidationError

from functions import problems
from functions.problems import Problem, forbidden
from functions.services import Services, Store, services
from functions.tokens import Caller
from models.addresses import client_address, hash_address
from models.document import Document
from models.errors import NotFound, Stale
from models.identity import Person
from models.profile import UserProfile
from models.user_agent import Client, parse_user_agent

PREFIX = "api/"
"""Where every operation is. It is here and not in host.json, because the host takes no route that begins with `admin`,
whatever prefix it puts before it."""

MAX_BODY_BYTES = 1_000_000
MAX_KEY_CHARACTERS = 255
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_REVISION = re.compile(r'"([1-9]\d{0,14})"')

log = logging.getLogger(__name__)

Body = TypeVar("Body")


class Access(Enum):
    """Who may call an operation."""

    ANYONE = "anyone"
    USER = "user"
    USER_OR_SERVER = "user or server"
    MODERATOR = "moderator"
    ADMIN = "admin"
    INGEST = "ingest"


ROLES = {
    Access.INGEST: {"Vimarsh.Ingest"},
    Access.MODERATOR: {"Vimarsh.Moderator", "Vimarsh.Admin"},
    Access.ADMIN: {"Vimarsh.Admin"},
}
"""The app roles, one of which an operation asks for."""


@dataclass(frozen=True)
class Reply:
    """An answer that says more than its content. Text is sent as it is."""

    content: BaseModel | str | None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = None


class Query(BaseModel):
    """Base of the query strings that operations take. Each value comes as text; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Call(Generic[Body]):
    """One request, authorised and parsed.

    Attributes:
        body: The parsed body; None for an operation without one.
        query: The parsed query string; None for an operation without one.
        now: When the request came in, in UTC.
        caller: None for an operation that anyone may call.
        request_id: As the answer and the log name the request.
        durable: Client of the orchestrations, for an operation that asks for it.
    """

    services: Services
    opened: Store | None
    request: func.HttpRequest
    body: Body
    query: Any
    now: datetime
    caller: Caller | None
    request_id: str
    durable: df.DurableOrchestrationClient | None = None

    @property
    def store(self) -> Store:
        if self.opened is None:
            raise RuntimeError("an operation that anyone may call has no database: it must answer without one")
        return self.opened

    @property
    def person(self) -> Person:
        if self.caller is None or self.caller.person is None:
            raise RuntimeError("only operations for users have a person")
        return self.caller.person

    @property
    def of_person(self) -> bool:
        """Whether a person calls, and not an application."""
        return self.caller is not None and self.caller.person is not None

    @property
    def is_admin(self) -> bool:
        return self.caller is not None and "Vimarsh.Admin" in self.caller.roles

    @property
    def is_service(self) -> bool:
        """Whether the account is a service's, whose use is not judged."""
        return self.caller is not None and "Vimarsh.Service" in self.caller.roles

    async def writer(self) -> UserProfile:
        """The profile of the user, who must be allowed to write."""
        issued = self.caller.issued if self.caller else self.now
        return await self.store.users.writer(self.person, self.now, issued, self.is_admin, self.is_service)

    def uuid(self, name: str) -> str:
        """A UUID of the path, in lower case; `name` is like `session_id`.

        Raises:
            NotFound: it is no UUID, so there is no such thing.
        """
        try:
            return str(UUID(self.request.route_params[name]))
        except ValueError:
            raise NotFound(name.removesuffix("_id")) from None

    @property
    def if_match(self) -> str:
        """The ETag that the caller has seen.

        Raises:
            Problem: 428, there is none.
        """
        etag: str | None = self.request.headers.get("If-Match")
        if not etag:
            detail = "Send the ETag of what you have read as If-Match, so that nobody's change is lost."
            raise Problem(428, "precondition-required", "If-Match is required", detail)
        return etag

    @property
    def expected_revision(self) -> int:
        """The revision that the caller has seen, of a document whose ETag is its revision.

        Raises:
            Problem: 428, there is none.
            Stale: it is not the ETag of any revision.
        """
        etag = _REVISION.fullmatch(self.if_match)
        if etag is None:
            raise Stale
        return int(etag[1])

    @property
    def idempotency_key(self) -> str | None:
        """The key that makes this request repeatable.

        Raises:
            Problem: 400, it is empty, too long or not printable.
        """
        key: str | None = self.request.headers.get("Idempotency-Key")
        if key is not None and not (0 < len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
            detail = f"Idempotency-Key must have 1 to {MAX_KEY_CHARACTERS} printable ASCII characters."
            raise Problem(400, "bad-request", "The request is malformed", detail)
        return key

    @property
    def user_agent(self) -> str | None:
        header: str | None = self.request.headers.get("User-Agent")
        return header

    @property
    def client(self) -> Client:
        return parse_user_agent(self.user_agent)

    @property
    def hashed_address(self) -> str | None:
        """Keyed hash of the address that the request came from, None where it is unknown."""
        return hashed_address(client_address(self.request.headers.get("X-Forwarded-For")), self.services)


Handler = Callable[[Call[Any]], Awaitable[BaseModel | Reply]]


@dataclass(frozen=True)
class Header:
    """A header that an operation takes, besides those that all take."""

    name: str
    description: str
    schema: dict[str, Any]
    required: bool = False


@dataclass(frozen=True)
class Operation:
    """The description of one operation, for serving it and for documenting it."""

    name: str
    method: str
    path: str
    summary: str
    access: Access
    body: type[BaseModel] | None
    query: type[Query] | None
    returns: type[BaseModel] | None
    status: int
    problems: tuple[str, ...]
    max_bytes: int
    handler: Handler
    headers: tuple[Header, ...]
    if_match: bool
    etag: bool
    media_type: str
    hidden: frozenset[str]
    durable: bool


class Routes:
    """The HTTP operations of one module."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def operation(
        self,
        method: str,
        path: str,
        *,
        summary: str,
        returns: type[BaseModel] | None,
        access: Access = Access.USER,
        body: type[BaseModel] | None = None,
        query: type[Query] | None = None,
        status: int = 200,
        problems: tuple[str, ...] = (),
        hidden: frozenset[str] = frozenset(),
        max_bytes: int = MAX_BODY_BYTES,
        headers: tuple[Header, ...] = (),
        if_match: bool = False,
        etag: bool = False,
        media_type: str = "application/json",
        durable: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Registers a handler; its name becomes the function's name and the operation's id.

        Args:
            path: Below `PREFIX`, such as `sessions/{session_id}`.
            returns: The model of the answer, None for an answer without content.
            status: Of the answer, unless the handler's `Reply` says otherwise.
            problems: Slugs of `PROBLEM_TYPES` that are particular to this operation: those that follow from who may
                call it and from what it takes are known.
            hidden: Fields of the answer that are not sent.
            max_bytes: A larger body is refused with 413.
            headers: Further headers it takes.
            if_match: Whether it takes an ETag, by `Call.if_match`.
            etag: Whether its answer carries one.
            media_type: Of the answer.
            durable: Whether the handler starts or looks at orchestrations, by `Call.durable`.
        """

        def register(handler: Handler) -> Handler:
            self.operations.append(
                Operation(
                    name=handler.__name__,
                    method=method,
                    path=path,
                    summary=summary,
                    access=access,
                    body=body,
                    query=query,
                    returns=returns,
                    status=status,
                    problems=problems,
                    max_bytes=max_bytes,
                    handler=handler,
                    headers=headers,
                    if_match=if_match,
                    etag=etag,
                    media_type=media_type,
                    hidden=hidden,
                    durable=durable,
                )
            )
            return handler

        return register

    def blueprint(self) -> Any:
        blueprint = df.Blueprint()
        for operation in self.operations:
            serve: Any = _server(operation)
            if operation.durable:
                serve = blueprint.durable_client_input(client_name="client")(_durable_server(operation))
            route = blueprint.route(
                PREFIX + operation.path,
                methods=[operation.method],
                auth_level=func.AuthLevel.ANONYMOUS,
                trigger_arg_name="req",
            )
            blueprint.function_name(operation.name)(route(serve))
        return blueprint


def content_hash(content: BaseModel, exclude: set[str] | None = None) -> str:
    """Hash of a parsed body: tells a repeated request from a key that is used again."""
    return sha256(content.model_dump_json(exclude=exclude).encode()).hexdigest()


def revision_etag(document: Document) -> str:
    """The ETag of a document that is written also by what its editors need not know of, such as counters.

    The database's own ETag changes with each of those writes; the revision does not.
    """
    return f'"{document.revision}"'


def hashed_address(address: str | None, shared: Services) -> str | None:
    if address is None:
        return None
    return hash_address(address, shared.settings.address_hash_key.get_secret_value().encode())


def _server(operation: Operation) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
    async def serve(req: func.HttpRequest) -> func.HttpResponse:
        return await _served(operation, req, None)

    return serve


def _durable_server(operation: Operation) -> Callable[[func.HttpRequest, Any], Awaitable[func.HttpResponse]]:
    async def serve(req: func.HttpRequest, client: Any) -> func.HttpResponse:
        return await _served(operation, req, client)

    return serve


async def _served(
    operation: Operation, request: func.HttpRequest, durable: df.DurableOrchestrationClient | None
) -> func.HttpResponse:
    started = time.perf_counter()
    request_id = correlation_id(request)
    try:
        response = _response(operation, await _answer(operation, request, request_id, durable), request_id)
    except Exception as error:  # the boundary: whatever happened becomes an answer here
        response = problems.of(error).response(request_id)
    milliseconds = (time.perf_counter() - started) * 1000
    log.info("%s %s %d %.1f ms", request_id, operation.name, response.status_code, milliseconds)
    return response


async def _answer(
    operation: Operation, request: func.HttpRequest, request_id: str, durable: df.DurableOrchestrationClient | None
) -> BaseModel | Reply:
    shared = services()
    caller = await _authorised(operation, request, shared)
    query, body = _query(operation, request), _parsed(operation, request)
    store = await shared.store() if caller else None
    if store and caller and caller.person:
        await store.users.check_not_deleted(caller.person.user_id)
    call: Call[Any] = Call(shared, store, request, body, query, datetime.now(UTC), caller, request_id, durable)
    if operation.method == "POST":
        _ = call.idempotency_key  # refused where it is malformed, also by what is repeatable without it
    return await operation.handler(call)


async def _authorised(operation: Operation, request: func.HttpRequest, shared: Services) -> Caller | None:
    if operation.access is Access.ANYONE:
        return None
    caller = await shared.tokens.caller(request.headers.get("Authorization"))
    needed = ROLES.get(operation.access)
    if operation.access is Access.USER_OR_SERVER and caller.person is None:
        needed = ROLES[Access.INGEST]
    if needed and not needed & caller.roles:
        raise forbidden(f"This needs the role {' or '.join(sorted(needed))}.")
    if operation.access not in (Access.INGEST, Access.USER_OR_SERVER) and caller.person is None:
        raise forbidden("This is for people who are signed in, not for applications.")
    if operation.access is Access.INGEST and caller.person is not None:
        raise forbidden("This is for applications, not for people who are signed in.")
    return caller


def _query(operation: Operation, request: func.HttpRequest) -> Query | None:
    """The parsed query string. Read from the URL: `params` lacks empty values, and joins those of a repeated name."""
    if operation.query is None:
        return None
    sent = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    repeated = sorted({name for name, _ in sent if [other for other, _ in sent].count(name) > 1})
    if repeated:
        errors = [{"pointer": f"/query/{name}", "detail": "Input should be sent once"} for name in repeated]
        raise Problem(422, "invalid", "The content is not valid", "Not valid: the query string.", errors=errors)
    try:
        return operation.query.model_validate(dict(sent))
    except ValidationError as error:
        raise problems.invalid(error, within="/query") from None


def _parsed(operation: Operation, request: func.HttpRequest) -> BaseModel | None:
    if operation.body is None:
        return None
    raw = request.get_body()
    if len(raw) > operation.max_bytes:
        detail = f"The body has {len(raw)} bytes; at most {operation.max_bytes} are taken."
        raise Problem(413, "too-large", "The body is too large", detail)
    try:
        return operation.body.model_validate_json(raw or b"{}")
    except ValidationError as error:
        if error.errors(include_input=False)[0]["type"] == "json_invalid":
            raise Problem(400, "bad-request", "The request is malformed", "The body is not JSON.") from None
        raise problems.invalid(error) from None


def _response(operation: Operation, answer: BaseModel | Reply, request_id: str) -> func.HttpResponse:
    reply = answer if isinstance(answer, Reply) else Reply(answer)
    headers = problems.COMMON_HEADERS | {"x-request-id": request_id} | reply.headers
    if reply.etag:
        headers["ETag"] = reply.etag
    status = reply.status or operation.status
    if reply.content is None:
        return func.HttpResponse(status_code=status, headers=headers)
    text = reply.content
    if isinstance(text, BaseModel):
        text = text.model_dump_json(exclude=set(operation.hidden) or None)
    return func.HttpResponse(text, status_code=status, headers=headers, mimetype=operation.media_type)


def correlation_id(request: func.HttpRequest) -> str:
    """The caller's own id for the request, if it is a plain one; else a new one."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid4())
