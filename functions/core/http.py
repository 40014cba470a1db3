"""HTTP as this app knows it, and the one module that knows the types of `azurefunctions-extensions-http-fastapi`.

With that extension the worker serves HTTP itself, so that an answer may be sent while it is made. It is a switch for
the whole app: every HTTP function takes the extension's request, and gives one of its responses. `for_worker` makes
such a function of one that takes and gives the types of this module.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import azure.durable_functions as df
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request as WorkersRequest
from azurefunctions.extensions.http.fastapi import Response as WorkersResponse
from azurefunctions.extensions.http.fastapi import StreamingResponse as WorkersStream

EVENTS = "text/event-stream"
"""The media type of what is sent event by event."""

_COORDINATOR = "azure_functions_runtime.http_v2"
"""The module of the worker that keeps an entry for each request (its version 1.3.0)."""


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        url: Its path and query as they were sent.
        headers: By their names in lower case; the values of a repeated one joined by commas.
        route_params: By name.
    """

    method: str
    url: str
    headers: Headers
    route_params: Mapping[str, str]
    body: bytes


class Headers(dict[str, str]):
    """Headers of a request: found by their names in any case."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


@dataclass(frozen=True)
class Response:
    """What is answered: bytes, or what is still being made."""

    status: int
    headers: Mapping[str, str]
    content: bytes | AsyncIterator[bytes] = b""
    media_type: str | None = field(default=None)


Serve = Callable[[Request, func.Context, df.DurableOrchestrationClient | None], Awaitable[Response]]


def for_worker(serve: Serve) -> Callable[[WorkersRequest, func.Context], Awaitable[WorkersResponse]]:
    """The function that the worker calls for a request."""

    async def handle(req: WorkersRequest, context: func.Context) -> WorkersResponse:
        return _sent(await serve(await _received(req), context, None))

    return handle


def for_worker_with_client(
    serve: Serve,
) -> Callable[[WorkersRequest, func.Context, Any], Awaitable[WorkersResponse]]:
    """Likewise, with a client of the orchestrations."""

    async def handle(req: WorkersRequest, context: func.Context, client: Any) -> WorkersResponse:
        return _sent(await serve(await _received(req), context, client))

    return handle


async def _received(request: WorkersRequest) -> Request:
    headers = Headers()
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    path = (request.scope.get("raw_path") or quote(request.scope["path"]).encode()).decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return Request(
        method=request.method,
        url=f"{path}?{query}" if query else path,
        headers=headers,
        route_params=dict(request.path_params),
        body=await request.body(),
    )


def _sent(response: Response) -> WorkersResponse:
    content, headers = response.content, dict(response.headers)
    if isinstance(content, bytes):
        return _Whole(content, response.status, headers, response.media_type)
    return _Stream(content, response.status, headers, response.media_type)


class _Whole(WorkersResponse):  # type: ignore[misc]  # the extension has no types
    """An answer whose bytes are all there."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _forget(scope)
        await super().__call__(scope, receive, send)


class _Stream(WorkersStream):  # type: ignore[misc]  # likewise
    """An answer that is sent while it is made. If the client goes away, whatever makes it is cancelled."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _forget(scope)
        await super().__call__(scope, receive, send)


def _forget(scope: Any) -> None:
    """Has the worker's coordinator forget a request that is answered: it would keep its entry for ever."""
    worker = sys.modules.get(_COORDINATOR)
    if worker is None:
        return
    invocation_id = next((value for name, value in scope["headers"] if name == b"x-ms-invocation-id"), b"")
    worker.http_coordinator._context_references.pop(invocation_id.decode("latin-1"), None)
