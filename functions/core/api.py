"""What every HTTP operation has in common: it is described once, and that description is served.

A module of routes makes a `Routes`, and describes each operation where its handler stands. `Routes.blueprint` registers
them with Azure Functions: it authorises the caller, parses the body, calls the handler, and writes the answer.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Unpack
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel, ValidationError

from functions.core import problems
from functions.core.answers import Kept, answered, refused, streamed
from functions.core.bodies import parsed
from functions.core.call import Call, groups_of, uuid_of
from functions.core.deciding import at_the_door, in_organization
from functions.core.etags import content_etag
from functions.core.http import Request, Response, Serve, for_worker, for_worker_with_client
from functions.core.operation import Handler, Operation, Options, Query, Reply
from functions.core.problems import GivenUp, Problem
from functions.core.services import Services, services, wrong_settings
from functions.core.telemetry import parent_of
from functions.core.tokens import Caller
from models.core.fields import own_fields
from models.core.rights import Action, Place, Source

PREFIX = "api/"
"""Where every operation is. It is here and not in host.json, because the host takes no route that begins with `admin`,
whatever prefix it puts before it."""

BY_RIGHT = frozenset({Source.TOKEN, Source.ORGANIZATION})
"""Whoever acts by one of these on what is not their own needs an account that is active, to read it, too."""

LONGEST_SECONDS = 25
"""A request is given up after that, and may be sent again. Erasures count on it: what a request has found to be there
when it began, it does not write for longer than this afterwards. See `ERASURE_SETTLE_SECONDS`."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")

log = logging.getLogger(__name__)


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
        action: Action,
        returns: type[BaseModel] | None,
        **options: Unpack[Options],
    ) -> Callable[[Handler], Handler]:
        """Registers a handler for an `Operation` of these fields."""

        def register(handler: Handler) -> Handler:
            of_route: dict[str, Any] = {"handler": handler, "method": method, "path": path, "summary": summary}
            self.operations.append(Operation(**of_route, action=action, returns=returns, **options))
            return handler

        return register

    def blueprint(self) -> Any:
        blueprint = df.Blueprint()
        for operation in self.operations:
            serve = _server(operation)
            handle: Any
            if operation.durable:
                handle = blueprint.durable_client_input(client_name="client")(for_worker_with_client(serve))
            else:
                handle = for_worker(serve)
            route = blueprint.route(
                PREFIX + operation.path,
                methods=operation.methods,
                auth_level=func.AuthLevel.ANONYMOUS,
                trigger_arg_name="req",
            )
            blueprint.function_name(operation.name)(route(handle))
        return blueprint


def _server(operation: Operation) -> Serve:
    async def serve(request: Request, context: func.Context, durable: df.DurableOrchestrationClient | None) -> Response:
        return await _served(operation, request, context, durable)

    return serve


async def _served(
    operation: Operation,
    request: Request,
    context: func.Context,
    durable: df.DurableOrchestrationClient | None,
) -> Response:
    started = time.perf_counter()
    request_id = correlation_id(request)
    if wrong := wrong_settings():
        return await refused(request, problems.misconfigured(wrong), request_id)
    telemetry, route = services().telemetry, f"/{PREFIX}{operation.path}"
    problem: Problem | None = None
    with telemetry.operation(operation.name, str(request.method), route, parent_of(context)) as answering:
        try:
            answer = await _answer(operation, request, request_id, durable)
            response = await _response(operation, answer, request, request_id)
            answering.answered(response.status, None)
        except Exception as error:  # the boundary: whatever happened becomes an answer here
            problem = problems.of(error)
            response = await refused(request, problem, request_id)
            answering.answered(problem.status, problem.slug)
    milliseconds = (time.perf_counter() - started) * 1000
    told = f" {problem.slug}" if problem else ""
    level = logging.WARNING if problem and problem.status < 500 else logging.INFO  # others are logged already
    log.log(level, "%s %s %d%s %.1f ms", request_id, operation.name, response.status, told, milliseconds)
    return response


async def _answer(
    operation: Operation, request: Request, request_id: str, durable: df.DurableOrchestrationClient | None
) -> BaseModel | Reply:
    shared = services()
    action = operation.action
    caller = None if action.anyone else await shared.tokens.caller(request.headers.get("Authorization"))
    now = datetime.now(UTC)
    source, place = at_the_door(action, caller, now), None
    if source is None:
        source, place = await _as_member(operation, request, shared, caller, now)
    query, body = _query(operation, request), parsed(operation, request)
    store = await shared.store() if caller else None
    if store and caller and caller.person and not operation.after_deletion:
        await store.callers.check_not_deleted(caller.person.user_id)
    actions = (action, *operation.also)
    call: Call[Any] = Call(shared, store, request, body, query, now, caller, request_id, actions, place, durable)
    if source in BY_RIGHT and call.of_person:
        await call.writer()
    if operation.takes_key:
        _ = call.idempotency_key  # refused where it is malformed, also by what is repeatable without it
    async with given_up_after(operation.longest_seconds or LONGEST_SECONDS):
        return await operation.handler(call)


@asynccontextmanager
async def given_up_after(seconds: float) -> AsyncIterator[None]:
    """Around what must not take longer.

    Raises:
        GivenUp: it did.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise GivenUp from None


async def _as_member(
    operation: Operation, request: Request, shared: Services, caller: Caller | None, now: datetime
) -> tuple[Source, Place]:
    """By what somebody may do something in the organization of the path: known before anything else is looked at."""
    if caller is None or caller.person is None:
        raise RuntimeError("only people are members")
    store = await shared.store()
    if not operation.after_deletion:
        await store.callers.check_not_deleted(caller.person.user_id)
    organization_id = uuid_of(request, "organization_id")
    places = partial(store.place, groups=groups_of(caller, request, shared))
    return await in_organization(operation.action, caller, organization_id, places, now)


def _query(operation: Operation, request: Request) -> Query | None:
    """The parsed query string. Read from the URL: `params` lacks empty values, and joins those of a repeated name.

    What anyone may call takes any, if it reads none: probes and browsers add what they like.
    """
    if operation.query is None and operation.action.anyone:
        return None
    sent = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    repeated = sorted({name for name, _ in sent if [other for other, _ in sent].count(name) > 1})
    if repeated:
        raise problems.not_valid({f"/query/{name}": "Input should be sent once" for name in repeated})
    try:
        return (operation.query or Query).model_validate(dict(sent))
    except ValidationError as error:
        raise problems.invalid(error, within="/query") from None


async def _response(operation: Operation, answer: BaseModel | Reply, request: Request, request_id: str) -> Response:
    reply = answer if isinstance(answer, Reply) else Reply(answer)
    headers = {"x-request-id": request_id} | reply.headers
    if isinstance(reply.content, AsyncIterator):
        return streamed(headers, reply.content)
    content = _content(operation, reply)
    etag = reply.etag
    if operation.hashed and content is not None:
        etag = content.etag if isinstance(content, Kept) else content_etag(content)
    if etag:
        headers["ETag"] = etag
    return await answered(request, reply.status or operation.status, headers, content, operation.media_type)


def _content(operation: Operation, reply: Reply) -> bytes | Kept | None:
    content = reply.content
    if isinstance(content, AsyncIterator):
        raise TypeError("what is streamed has no content yet")
    if isinstance(content, BaseModel):
        shown = set(own_fields(type(content))) if operation.own else None
        content = content.model_dump_json(include=shown, by_alias=True)
    return content.encode() if isinstance(content, str) else content


def correlation_id(request: Request) -> str:
    """The caller's own id for the request, if it is a plain one; else a new one."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid4())
