"""Serves the HTTP functions of an app. Access keys (auth levels) are not asked for, as in `func start`."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from azure.functions.http import HttpRequest

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
from local.functions.binding_data import http_data
from local.functions.context import NO_TRACE, TraceContext
from local.functions.delivery import deliver
from local.functions.http_messages import EMPTY_RESPONSE, NO_CONTENT, build_request, encode_response
from local.functions.http_streams import request_of, response_of
from local.functions.indexing import IndexedFunction
from local.functions.invocation import NO_DATA, Convert, Invoker, Outcome
from local.functions.routing import Router

DEFAULT_BODY_LIMIT = 104_857_600
"""Bytes; the real host's, which the setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT changes."""

Response = tuple[int, Headers, bytes]
_PLAIN = (b"content-type", b"text/plain; charset=utf-8")


class HttpTrigger:
    """An ASGI application of the app's HTTP functions.

    404 for a request that no route takes, 500 without a body for a function that fails or a body above the limit. A
    body without `Content-Length` (in chunks) is not read, and the function gets an empty one, unless the app has HTTP
    streams switched on.
    """

    def __init__(
        self,
        functions: Iterable[IndexedFunction],
        prefix: str,
        invoker: Invoker,
        body_limit: int = DEFAULT_BODY_LIMIT,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        self.router = Router(functions, prefix)
        self._invoker = invoker
        self._body_limit = body_limit
        self._own_headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.router.find(scope["method"], scope["path"])
        if found is None:
            await respond(send, 404, [])
            return
        route, route_parameters = found
        try:
            is_read = route.function.streams or _has_length(scope)
            body = await read_body(scope, receive, self._body_limit) if is_read else b""
            request = build_request(scope, route_parameters, body)
        except BodyTooLargeError:
            await respond(send, 500, [(b"connection", b"close")])
            return
        except UnicodeDecodeError:
            await respond(send, 400, [(b"connection", b"close")])
            return
        except ClientGoneError:
            return
        if route.function.streams:
            await self._stream(route.function, request, scope, receive, send)
            return
        outcome = await self._run(route.function, request, lambda: request, _respond_with)
        status, headers, content = outcome.value if outcome.error is None else (500, [], b"")
        await respond(send, status, [*headers, *self._own_headers], content)

    async def _stream(
        self, function: IndexedFunction, request: HttpRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Runs a function that takes an extension's request, and then the response that it gives."""
        path, body = urlsplit(request.url).path, request.get_body()

        def given() -> Any:
            return request_of(scope, receive, path, request.route_params, body)

        outcome = await self._run(function, request, given, lambda _function, value, _outputs: response_of(value))
        if outcome.error is not None:
            await respond(send, 500, [_PLAIN, *self._own_headers], b"Internal Server Error")
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._own_headers]}
            await send(message)

        await outcome.value(scope, receive, with_headers)

    async def _run(
        self, function: IndexedFunction, request: HttpRequest, given: Callable[[], Any], convert: Convert
    ) -> Outcome:
        return await deliver(
            self._invoker,
            function,
            given,
            function.retry,
            None,
            trace=_trace(request.headers) if function.wants_context else NO_TRACE,
            data=http_data(function.name, request) if function.inputs else NO_DATA,
            convert=convert,
        )


def _has_length(scope: Scope) -> bool:
    return any(name == b"content-length" for name, _ in scope["headers"])


def _respond_with(function: IndexedFunction, value: Any, outputs: Mapping[str, Any]) -> Response:
    """The response that a function gives by returning it, or through the `func.Out` of its HTTP output binding.

    With an output that was not set it is an empty 200, without such a binding a 204, as on the real host.
    """
    if function.returns is not None and function.returns.type == "http":
        return encode_response(value)
    held = [outputs[binding.name] for binding in function.outputs if binding.type == "http"]
    if not held:
        return NO_CONTENT
    return next((encode_response(value) for value in held if value is not None), EMPTY_RESPONSE)


def _trace(headers: Mapping[str, str]) -> TraceContext:
    return TraceContext(headers.get("traceparent", ""), headers.get("tracestate", ""))
