"""Between the app's requests and responses and those of the extension that the worker serves HTTP by."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from azurefunctions.extensions.http.fastapi import Request as WorkersRequest

from functions.core import http


def a_request(body: bytes = b"", **scope: Any) -> WorkersRequest:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    base = {"type": "http", "method": "POST", "path": "/api/a b", "query_string": b"", "headers": [], "path_params": {}}
    return WorkersRequest(base | scope, receive)


async def echoed(request: WorkersRequest) -> tuple[http.Request, Any]:
    """The app's request, and what the worker is given."""
    seen: list[http.Request] = []

    async def serve(request: http.Request, _context: Any, _client: Any) -> http.Response:
        seen.append(request)
        return http.Response(202, {"x-own": "1"}, request.body, "application/json")

    response = await http.for_worker(serve)(request, SimpleNamespace())  # type: ignore[arg-type]
    return seen[0], response


async def test_a_request_comes_as_it_was_sent() -> None:
    sent = [(b"accept", b"a"), (b"x-forwarded-for", b"1"), (b"x-forwarded-for", b"2")]
    whole = a_request(b"{}", raw_path=b"/api/a%20b", query_string=b"x=%7B&y=", headers=sent, path_params={"id": "7"})
    request, response = await echoed(whole)
    assert (request.method, request.url, request.body) == ("POST", "/api/a%20b?x=%7B&y=", b"{}")
    assert (request.headers["Accept"], request.headers.get("X-Forwarded-For")) == ("a", "1,2")
    assert request.headers.get("Another", "none") == "none"
    assert request.route_params == {"id": "7"}
    assert (response.status_code, response.body, response.headers["x-own"]) == (202, b"{}", "1")
    assert response.headers["content-type"] == "application/json"


async def test_a_path_that_came_without_its_bytes_is_quoted() -> None:
    request, _ = await echoed(a_request())
    assert request.url == "/api/a%20b"


@pytest.mark.parametrize("is_stream", [False, True])
async def test_the_workers_coordinator_forgets_what_is_answered(
    monkeypatch: pytest.MonkeyPatch, is_stream: bool
) -> None:
    kept = {"one": object(), "another": object()}
    coordinator = SimpleNamespace(_context_references=kept)
    monkeypatch.setitem(sys.modules, http._COORDINATOR, SimpleNamespace(http_coordinator=coordinator))

    async def pieces() -> AsyncIterator[bytes]:
        yield b"1"

    async def serve(_request: http.Request, _context: Any, _client: Any) -> http.Response:
        return http.Response(200, {}, pieces() if is_stream else b"1")

    request = a_request(headers=[(b"x-ms-invocation-id", b"one")])
    response = await http.for_worker(serve)(request, SimpleNamespace())  # type: ignore[arg-type]
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = request.scope | {"asgi": {"spec_version": "2.4"}}
    await response(scope, request.receive, send)
    assert b"".join(message.get("body", b"") for message in sent) == b"1"
    assert set(kept) == {"another"}
