"""Serves the HTTP functions of an app. Access keys (auth levels) are not asked for, as in `func start`."""

from collections.abc import Iterable, Mapping
from typing import Any

from local.functions.asgi import (
    BodyTooLargeError,
    ClientGoneError,
    Headers,
    Receive,
    Scope,
    Send,
    read_body,
    respond,
)
from local.functions.context import NO_TRACE, TraceContext
from local.functions.http_messages import EMPTY_RESPONSE, build_request, encode_response, request_path
from local.functions.indexing import IndexedFunction
from local.functions.invocation import NO_DATA, Invoker
from local.functions.routing import Router

DEFAULT_BODY_LIMIT = 104_857_600
"""Bytes; the real host's, which the setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT changes."""

Response = tuple[int, Headers, bytes]


class HttpTrigger:
    """An ASGI application of the app's HTTP functions.

    404 for a request that no route takes, 413 for a body above the limit, 500 without a body for a function that fails.
    """

    def __init__(
        self, functions: Iterable[IndexedFunction], prefix: str, invoker: Invoker, body_limit: int = DEFAULT_BODY_LIMIT
    ) -> None:
        self.router = Router(functions, prefix)
        self._invoker = invoker
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.router.find(scope["method"], request_path(scope))
        if found is None:
            await respond(send, 404, [])
            return
        try:
            body = await read_body(scope, receive, self._body_limit)
        except BodyTooLargeError:
            await respond(send, 413, [(b"connection", b"close")])
            return
        except ClientGoneError:
            return
        route, route_parameters = found
        status, headers, content = await self._run(route.function, scope, route_parameters, body)
        await respond(send, status, headers, content)

    async def _run(
        self, function: IndexedFunction, scope: Scope, route_parameters: Mapping[str, str], body: bytes
    ) -> Response:
        request = build_request(scope, route_parameters, body)
        outcome = await self._invoker.invoke(
            function,
            {function.trigger.name: request},
            trace=_trace(request.headers) if function.wants_context else NO_TRACE,
            data=_data(request.params, route_parameters) if function.inputs else NO_DATA,
            convert=_respond_with,
        )
        if outcome.error is not None:
            return 500, [], b""
        response: Response = outcome.value
        return response


def _respond_with(function: IndexedFunction, value: Any, outputs: Mapping[str, Any]) -> Response:
    """The response that a function gives by returning it, or through the `func.Out` of its HTTP output binding.

    Without such a binding, or with an output that was not set, it is an empty 200, as on the real host.
    """
    if function.returns is not None and function.returns.type == "http":
        return encode_response(value)
    for binding in function.outputs:
        if binding.type == "http" and outputs[binding.name] is not None:
            return encode_response(outputs[binding.name])
    return EMPTY_RESPONSE


def _data(query: Mapping[str, str], route_parameters: Mapping[str, str]) -> dict[str, str]:
    """What names in braces stand for in the properties of input bindings."""
    return {**{f"Query.{name}": value for name, value in query.items()}, **route_parameters}


def _trace(headers: Mapping[str, str]) -> TraceContext:
    return TraceContext(headers.get("traceparent", ""), headers.get("tracestate", ""))
