"""The little of ASGI that the host needs: types, reading a body, sending a response."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_BODILESS = frozenset({204, 304})


class BodyTooLargeError(Exception):
    """The request's body exceeds the limit."""


class ClientGoneError(Exception):
    """The client disconnected before its request was complete."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body of a request, at most `limit` bytes; raises `BodyTooLargeError` or `ClientGoneError`."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise BodyTooLargeError
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLargeError
        return body
    chunks, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLargeError
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


async def respond(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    """Sends a whole response, an empty one with its length; a status that has no body gets none.

    A body without a `content-length` among `headers` is sent in chunks, as the real host does.
    """
    if status in _BODILESS:
        body = b""
    elif not body:
        headers = [*headers, (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, status: int, value: object) -> None:
    """Sends `value` as JSON."""
    await respond(send, status, [(b"content-type", b"application/json; charset=utf-8")], orjson.dumps(value))
