"""HTTP streams: apps whose functions take the types of the extension for FastAPI, beside apps that do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import azure.functions as func
import httpx
import pytest
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, Response, StreamingResponse

from local.functions.errors import FunctionLoadError
from local.functions.host import FunctionHost
from tests.local.functions.host_helpers import client_of


def an_app() -> tuple[func.FunctionApp, list[str]]:
    """An app with streams, and what has become of its streams."""
    app, told = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS), list[str]()

    @app.route("echo/{name}")
    async def echo(req: Request) -> Response:
        body = (await req.body()).decode()
        said = {
            "name": req.path_params["name"],
            "query": dict(req.query_params),
            "body": body,
            "url": str(req.url.path),
        }
        return JSONResponse(said, 201, {"x-own": "1"})

    @app.route("stream")
    async def stream(req: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                for number in range(int(req.query_params["count"])):
                    yield b"%d\n" % number
                    await asyncio.sleep(0)
                if "wait" in req.query_params:
                    await asyncio.Event().wait()
                told.append("ended")
            finally:
                told.append("left")

        return StreamingResponse(pieces(), media_type="text/event-stream")

    @app.route("plain")
    async def plain(req: Request) -> dict:  # type: ignore[type-arg]  # the worker takes no generic ones
        return {"answer": 42}

    @app.route("sync")
    def sync(req: Request) -> str:
        return "text"

    @app.route("fails")
    async def fails(req: Request) -> Response:
        raise ValueError("as it happens")

    return app, told


async def test_requests_and_responses_are_those_of_the_extension() -> None:
    app, _ = an_app()
    async with FunctionHost(app) as host, client_of(host) as client:
        answer = await client.post("/api/Echo/a%20b?x=1", content=_in_chunks())
        assert (answer.status_code, answer.headers["x-own"]) == (201, "1")
        assert answer.json() == {"name": "a b", "query": {"x": "1"}, "body": "in chunks", "url": "/api/Echo/a b"}
        assert (await client.get("/api/plain")).json() == {"answer": 42}
        assert (await client.get("/api/sync")).json() == "text"
        failed = await client.get("/api/fails")
        assert (failed.status_code, failed.text) == (500, "Internal Server Error")
        assert (await client.get("/api/other")).status_code == 404


async def _in_chunks() -> AsyncIterator[bytes]:
    yield b"in "
    yield b"chunks"


async def test_a_stream_is_sent_as_it_comes_and_ends_with_its_client() -> None:
    app, told = an_app()
    async with FunctionHost(app) as host:
        messages: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        gone, scope = asyncio.Event(), _scope("/api/stream", b"count=3&wait")
        body: list[MutableMapping[str, Any]] = [{"type": "http.request"}]

        async def receive() -> MutableMapping[str, Any]:
            if not body:
                await gone.wait()
            return body.pop() if body else {"type": "http.disconnect"}

        serving = asyncio.create_task(host(scope, receive, messages.put))
        start = await messages.get()
        assert (b"content-type", b"text/event-stream; charset=utf-8") in start["headers"]
        assert [(await messages.get())["body"] for _ in range(3)] == [b"0\n", b"1\n", b"2\n"]
        gone.set()
        await serving
    assert told == ["left"]


def _scope(path: str, query: bytes) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", b"app"), (b"content-length", b"0")],
    }


async def test_a_whole_stream_comes_to_its_client() -> None:
    app, told = an_app()
    async with FunctionHost(app) as host, client_of(host) as client:
        answer = await client.get("/api/stream?count=200")
    assert answer.text == "".join(f"{number}\n" for number in range(200))
    assert told == ["ended", "left"]


def test_all_functions_of_an_app_have_streams_or_none() -> None:
    app, _ = an_app()

    @app.route("old")
    async def old(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse()

    with pytest.raises(FunctionLoadError, match=r"old.*does not match its Python annotation"):
        FunctionHost(app)


async def test_an_app_without_streams_is_served_beside_one_with_them() -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("old")
    async def old(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(req.get_body() or b"empty")

    async with FunctionHost(app) as host, client_of(host) as client:
        assert isinstance(client, httpx.AsyncClient)
        assert (await client.post("/api/old", content=_in_chunks())).text == "empty"
