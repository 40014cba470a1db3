from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import azure.functions as func
import httpx
import pytest

from local.functions.host import FunctionHost
from tests.local.functions.host_helpers import client_of


def app_of(handler: Any, route: str = "x", **options: Any) -> FunctionHost:
    app = func.FunctionApp()
    app.route(route=route, **options)(handler)
    return FunctionHost(app)


async def answer(host: FunctionHost, method: str, url: str, **options: Any) -> httpx.Response:
    async with client_of(host) as client:
        return await client.request(method, url, **options)


def echo(req: func.HttpRequest) -> func.HttpResponse:
    body = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "route_params": dict(req.route_params),
        "header": req.headers.get("X-Some-Header"),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(body), mimetype="application/json")


async def test_function_sees_the_request() -> None:
    headers = [("x-some-header", "a"), ("X-Some-Header", "b")]
    response = await answer(
        app_of(echo, "items/{id}"),
        "POST",
        "/api/items/A%20b?q=1&Q=2&empty=&t=%C3%A4+x",
        content="täxt",
        headers=headers,
    )
    assert response.json() == {
        "method": "POST",
        "url": "http://app/api/items/A%20b?q=1&Q=2&empty=&t=%C3%A4+x",
        "params": {"Q": "1,2", "t": "ä x"},
        "route_params": {"id": "A b"},
        "header": "a,b",
        "body": "täxt".encode().decode("latin-1"),
    }
    assert response.headers["content-type"] == "application/json"


async def test_encoded_slash_separates_no_segments() -> None:
    response = await answer(app_of(echo, "items/{id}"), "GET", "/api/items/a%2Fb%20c")
    assert response.json()["route_params"] == {"id": "a%2Fb c"}


async def test_json_form_and_files_are_parsed() -> None:
    def parse(req: func.HttpRequest) -> str:
        if req.form:
            upload = req.files["file"]
            try:
                return f"{req.form['name']} {upload.filename} {upload.read().decode()}"
            finally:
                upload.close()
        return str(req.get_json()["a"])

    host = app_of(parse)
    assert (await answer(host, "POST", "/api/x", json={"a": 5})).text == "5"
    upload = await answer(host, "POST", "/api/x", data={"name": "n"}, files={"file": ("f.txt", b"content")})
    assert upload.text == "n f.txt content"


async def test_invalid_json_is_the_functions_to_handle() -> None:
    def parse(req: func.HttpRequest) -> func.HttpResponse:
        try:
            req.get_json()
        except ValueError:
            return func.HttpResponse("bad", status_code=HTTPStatus.BAD_REQUEST)
        return func.HttpResponse("good")

    assert (await answer(app_of(parse), "POST", "/api/x", content="{")).status_code == 400


async def test_response_has_what_the_function_set() -> None:
    def respond(req: func.HttpRequest) -> func.HttpResponse:
        response = func.HttpResponse(b"\x00\x01", status_code=201, headers={"ETag": '"1"', "X-A": "b"}, mimetype="a/b")
        response.headers.add("Set-Cookie", "one=1; Path=/; HttpOnly")
        response.headers.add("Set-Cookie", "two=2; SameSite=Lax")
        return response

    response = await answer(app_of(respond), "GET", "/api/x")
    assert (response.status_code, response.content) == (201, b"\x00\x01")
    assert response.headers["etag"] == '"1"'
    assert response.headers["x-a"] == "b"
    assert response.headers["content-type"] == "a/b"
    assert "content-length" not in response.headers  # sent in chunks, as on the real host
    assert response.headers.get_list("set-cookie") == [
        "one=1; domain=; path=/; httponly",
        "two=2; domain=; path=; samesite=lax",
    ]


@pytest.mark.parametrize(
    ("returned", "status", "body", "content_type"),
    [
        ("täxt", 200, "täxt".encode(), "text/plain; charset=utf-8"),
        (func.HttpResponse("ä", charset="latin-1"), 200, b"\xe4", "text/plain; charset=latin-1"),
        (func.HttpResponse(), 200, b"", "text/plain; charset=utf-8"),
        (func.HttpResponse("x", headers={"Content-Type": "a/c"}), 200, b"x", "a/c"),
        (func.HttpResponse("gone", status_code=410), 410, b"gone", "text/plain; charset=utf-8"),
        (func.HttpResponse("no body", status_code=204), 204, b"", "text/plain; charset=utf-8"),
    ],
)
async def test_returned_value_becomes_the_response(returned: Any, status: int, body: bytes, content_type: str) -> None:
    def respond(req: func.HttpRequest):  # type: ignore[no-untyped-def]
        return returned

    response = await answer(app_of(respond), "GET", "/api/x")
    assert (response.status_code, response.content) == (status, body)
    assert response.headers["content-type"] == content_type


@pytest.mark.parametrize("returned", [None, 5, {"a": 1}, func.HttpResponse("x", headers={"X-A": "日本"})])
async def test_what_cannot_be_sent_is_a_failure(returned: Any, caplog: pytest.LogCaptureFixture) -> None:
    def respond(req: func.HttpRequest):  # type: ignore[no-untyped-def]
        return returned

    response = await answer(app_of(respond), "GET", "/api/x")
    assert (response.status_code, response.content) == (500, b"")
    assert "Executed 'Functions.respond' (Failed" in caplog.text


async def test_failure_is_an_empty_500_and_a_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(req: func.HttpRequest) -> str:
        raise KeyError("the reason")

    response = await answer(app_of(fail), "GET", "/api/x")
    assert (response.status_code, response.content) == (500, b"")
    assert "Executed 'Functions.fail' (Failed, Id=" in caplog.text
    assert "KeyError: 'the reason'" in caplog.text
    assert "local/functions/" not in caplog.text.replace(__file__, "")


async def test_each_invocation_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await answer(app_of(echo), "GET", "/api/x")
    lines = [record.getMessage() for record in caplog.records if record.name == "Function.echo"]
    assert len(lines) == 1
    assert lines[0].startswith("Executed 'Functions.echo' (Succeeded, Id=")
    assert lines[0].endswith("ms)")


@pytest.mark.parametrize("url", ["/api/y", "/x", "/admin/nothing", "/_local/nothing"])
async def test_unknown_path_is_a_404(url: str) -> None:
    assert (await answer(app_of(echo), "GET", url)).status_code == 404


async def test_other_method_is_a_404_as_on_azure() -> None:
    host = app_of(echo, methods=["GET"])
    assert (await answer(host, "POST", "/api/x")).status_code == 404
    assert (await answer(host, "GET", "/api/x")).status_code == 200


async def test_body_above_the_limit_is_a_500_as_on_the_real_host() -> None:
    app = func.FunctionApp()
    app.route(route="x")(echo)
    host = FunctionHost(app, settings={"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000"})
    assert (await answer(host, "POST", "/api/x", content=b"a" * 1000)).status_code == 200
    assert (await answer(host, "POST", "/api/x", content=b"a" * 1001)).status_code == 500


async def test_body_without_a_length_reaches_the_function_empty_as_on_the_real_host() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"def"

    assert (await answer(app_of(echo), "POST", "/api/x", content=chunks())).json()["body"] == ""


async def test_http_function_is_retried() -> None:
    calls: list[tuple[str, int]] = []

    def fail_twice(req: func.HttpRequest, context: func.Context) -> str:
        calls.append((context.invocation_id, context.retry_context.retry_count))
        if len(calls) < 3:
            raise KeyError("not yet")
        return "done"

    app = func.FunctionApp()
    app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")(app.route(route="x")(fail_twice))
    assert (await answer(FunctionHost(app), "GET", "/api/x")).text == "done"
    assert [count for _, count in calls] == [0, 1, 2]
    assert len({invocation_id for invocation_id, _ in calls}) == 1


async def test_generic_trigger_without_an_output_answers_204() -> None:
    app = func.FunctionApp()

    @app.generic_trigger(arg_name="req", type="httpTrigger", route="x")
    def silent(req: func.HttpRequest) -> None:
        pass

    assert (await answer(FunctionHost(app), "GET", "/api/x")).status_code == 204


async def test_client_that_leaves_before_its_request_is_complete_starts_nothing() -> None:
    calls: list[str] = []

    def note(req: func.HttpRequest) -> str:
        calls.append("called")
        return ""

    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/api/x", "query_string": b"", "scheme": "http"}
    scope["headers"] = [(b"content-length", b"2")]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        calls.append(message["type"])

    await app_of(note)(scope, receive, send)
    assert calls == []


async def test_function_answers_through_an_output_parameter() -> None:
    def respond(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
        if req.params:
            res.set(func.HttpResponse("set", status_code=202))

    host = app_of(respond, binding_arg_name="res")
    assert (await answer(host, "GET", "/api/x?a=1")).status_code == 202
    unset = await answer(host, "GET", "/api/x")
    assert (unset.status_code, unset.content) == (200, b"")


async def test_async_functions_run_on_the_loop_and_others_in_threads() -> None:
    app = func.FunctionApp()

    @app.route(route="async")
    async def on_loop(req: func.HttpRequest) -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    @app.route(route="sync")
    def in_thread(req: func.HttpRequest) -> str:
        return threading.current_thread().name

    host = FunctionHost(app)
    assert (await answer(host, "GET", "/api/async")).text == threading.current_thread().name
    assert (await answer(host, "GET", "/api/sync")).text.startswith("function")


async def test_one_thread_runs_one_function_at_a_time() -> None:
    running, most = 0, 0

    def count(req: func.HttpRequest) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        threading.Event().wait(0.01)
        running -= 1
        return ""

    app = func.FunctionApp()
    app.route(route="x")(count)
    host = FunctionHost(app, settings={"PYTHON_THREADPOOL_THREAD_COUNT": "1"})
    async with client_of(host) as client:
        await asyncio.gather(*(client.get("/api/x") for _ in range(5)))
    assert most == 1


async def test_context_tells_about_the_invocation() -> None:
    def tell(req: func.HttpRequest, context: func.Context) -> str:
        retry = context.retry_context
        parts = [context.function_name, context.trace_context.trace_parent, retry.retry_count, retry.max_retry_count]
        assert context.invocation_id == context.thread_local_storage.invocation_id  # type: ignore[attr-defined]
        assert context.function_directory.endswith("functions")
        return ",".join(map(str, parts))

    response = await answer(app_of(tell), "GET", "/api/x", headers={"traceparent": "00-1-2-01"})
    assert response.text == "tell,00-1-2-01,0,0"


async def test_asgi_app_is_served() -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": f"asgi {scope['path']}".encode()})

    async def through(req: func.HttpRequest, context: func.Context):  # type: ignore[no-untyped-def]
        middleware = func.AsgiMiddleware(inner)  # type: ignore[no-untyped-call]
        return await middleware.handle_async(req, context)

    host = app_of(through, "{*path}")
    assert (await answer(host, "GET", "/api/a/b")).text == "asgi /api/a/b"


async def test_route_prefix_and_route_default_to_api_and_the_functions_name() -> None:
    app = func.FunctionApp()
    app.route()(echo)
    assert (await answer(FunctionHost(app), "GET", "/api/echo")).status_code == 200


async def test_disabled_function_is_not_served() -> None:
    app = func.FunctionApp()
    app.route(route="x")(echo)
    host = FunctionHost(app, settings={"AzureWebJobs.echo.Disabled": "true"})
    assert (await answer(host, "GET", "/api/x")).status_code == 404
    assert host.disabled == ["echo"]


async def test_host_says_that_it_runs_and_what_it_serves() -> None:
    async with app_of(echo, "items/{id}", methods=["GET"]) as host, client_of(host) as client:
        status = (await client.get("/admin/host/status")).json()
        assert status["state"] == "Running"
        assert status["id"] == host.instance
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/_local/feeds")).json() == {"feeds": []}
        (function,) = (await client.get("/admin/functions")).json()
        assert function["name"] == "echo"
        assert function["config"]["bindings"][0]["route"] == "items/{id}"
        assert function["config"]["bindings"][0]["methods"] == ["GET"]
        assert function["invoke_url_template"] == f"{client.base_url}/api/items/{{id}}"
        assert (await client.post("/admin/functions/echo")).status_code == 400
        assert (await client.post("/admin/functions/nothing")).status_code == 404
