"""The app's own client of durable functions, through the SDK, and the HTTP API around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest
from azure.durable_functions.models.utils import http_utils

from local.functions.errors import AppLoadError
from local.functions.host import FunctionHost
from tests.local.functions.durable_helpers import activity, durable_host, orchestrator
from tests.local.functions.host_helpers import client_of

Steps = Generator[Any, Any, Any]


@pytest.fixture(autouse=True)
async def own_session(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The SDK keeps one HTTP session for the process, bound to one event loop; each test has a loop of its own."""
    monkeypatch.setattr(http_utils, "_client_session", None)
    monkeypatch.setattr(http_utils, "_session_lock", asyncio.Lock())
    yield
    await http_utils._close_session()


def app_with_client(method: Any) -> df.DFApp:
    """An app whose route `do` calls `method(client, request)`, with an orchestrator that waits for `go`."""
    app = df.DFApp()

    @activity(app, "text")
    async def echo(text: str) -> str:
        return text

    @orchestrator(app)
    def waiting(context: df.DurableOrchestrationContext) -> Steps:
        context.set_custom_status({"step": 1})
        yield context.call_activity("echo", "x")
        answer = yield context.wait_for_external_event("go")
        return {"input": context.get_input(), "answer": answer}

    async def do(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        answer = await method(client, req)
        if isinstance(answer, func.HttpResponse):
            return answer
        return func.HttpResponse(json.dumps(answer), mimetype="application/json")

    app.route(route="do")(app.durable_client_input(client_name="client")(do))
    return app


async def test_a_connection_that_the_client_keeps_is_not_closed_under_its_hands() -> None:
    """What is sent by one that is closed at that moment is lost."""

    async def method(client: df.DurableOrchestrationClient, req: func.HttpRequest) -> Any:
        return await client.start_new("waiting")

    async with FunctionHost(app_with_client(method)) as host:
        async with client_of(host) as http:
            assert (await http.get("/api/do")).status_code == 200
        client, server = http_utils._client_session, host.durable and host.durable._server
        assert client is not None
        assert server
        connector: Any = client.connector
        assert connector._keepalive_timeout < server.config.timeout_keep_alive


async def test_client_starts_looks_at_and_signals_an_instance() -> None:
    async def method(client: df.DurableOrchestrationClient, req: func.HttpRequest) -> Any:
        match req.params["step"]:
            case "start":
                return await client.start_new("waiting", "the-one", {"size": 3})
            case "status":
                status = await client.get_status("the-one", show_input=True, show_history=True)
                return [status.runtime_status.value, status.custom_status, status.output, status.input_]
            case "event":
                return await client.raise_event("the-one", "go", {"by": "me"})
            case _:
                return bool(await client.get_status("nobody"))

    async with FunctionHost(app_with_client(method)) as host, client_of(host) as http:

        async def step(name: str) -> Any:
            return (await http.get("/api/do", params={"step": name})).json()

        assert await step("nobody") is False
        assert await step("start") == "the-one"
        assert host.durable is not None
        status = await step("status")
        assert status[0] in ("Pending", "Running")
        assert status[3] == '{"size": 3}'
        await step("event")
        while (status := await step("status"))[0] != "Completed":
            assert status[0] in ("Pending", "Running")
    assert status[1] == {"step": 1}
    # a client of the SDK sends JSON in a JSON string, and the event's text is what the orchestrator gets, as on Azure
    assert status[2] == {"input": {"size": 3}, "answer": '{"by": "me"}'}


async def test_client_lists_terminates_and_purges() -> None:
    async def method(client: df.DurableOrchestrationClient, req: func.HttpRequest) -> Any:
        for name in ("a-1", "a-2", "b-1"):
            await client.start_new("waiting", name)
        await client.terminate("a-1", "no longer needed")
        running = await client.get_status_by(runtime_status=[df.OrchestrationRuntimeStatus.Terminated])
        prefixed = await client.get_status_by(instance_id_prefix="a-")
        ended = await client.get_status("a-1")
        try:
            await client.purge_instance_history("a-2")
        except Exception as refused:  # the SDK raises nothing narrower
            active = "412" in str(refused)
        purged = await client.purge_instance_history("a-1")
        left = await client.get_status_all()
        return {
            "terminated": [status.instance_id for status in running],
            "prefixed": sorted(status.instance_id for status in prefixed),
            "ended": [ended.runtime_status.value, ended.output],
            "purged": [active, purged.instances_deleted],
            "left": sorted(status.instance_id for status in left),
        }

    async with FunctionHost(app_with_client(method)) as host, client_of(host) as http:
        answer = (await http.get("/api/do")).json()
    assert answer == {
        "terminated": ["a-1"],
        "prefixed": ["a-1", "a-2"],
        "ended": ["Terminated", "no longer needed"],
        "purged": [True, 1],
        "left": ["a-2", "b-1"],
    }


async def test_start_of_an_unknown_orchestrator_or_an_active_instance_raises() -> None:
    async def method(client: df.DurableOrchestrationClient, req: func.HttpRequest) -> Any:
        errors = []
        await client.start_new("waiting", "same")
        for name, instance_id in (("missing", None), ("waiting", "same"), ("waiting", "@bad")):
            with pytest.raises(Exception) as raised:  # the SDK raises this type and no other
                await client.start_new(name, instance_id)
            errors.append(str(raised.value))
        return errors

    async with FunctionHost(app_with_client(method)) as host, client_of(host) as http:
        missing, active, bad = (await http.get("/api/do")).json()
    assert "'missing' doesn't exist" in missing
    assert "'same' is active already" in active
    assert "do not start with '@'" in bad


async def test_status_response_points_to_the_host_that_was_asked() -> None:
    async def method(client: df.DurableOrchestrationClient, req: func.HttpRequest) -> Any:
        return client.create_check_status_response(req, await client.start_new("waiting"))

    async with FunctionHost(app_with_client(method)) as host, client_of(host) as http:
        answer = await http.post("/api/do")
        urls = answer.json()
        assert answer.status_code == 202
        assert answer.headers["location"] == urls["statusQueryGetUri"]
        assert urls["statusQueryGetUri"].startswith("http://app/runtime/webhooks/durabletask/instances/")
        assert (await http.get(urls["statusQueryGetUri"])).status_code == 202
        terminate = urls["terminatePostUri"].replace("{text}", "enough")
        assert (await http.post(terminate)).status_code == 202
        ended = await http.get(urls["statusQueryGetUri"])
        assert (ended.status_code, ended.json()["output"]) == (200, "enough")
        assert (await http.post(terminate)).status_code == 410


async def test_suspended_instance_waits_until_it_is_resumed_and_can_be_restarted() -> None:
    async def method(client: df.DurableOrchestrationClient, req: func.HttpRequest) -> Any:
        return None

    async with durable_host(app_with_client(method)) as durable:
        instance = await durable.start("waiting", {"size": 1})
        await durable.until_custom_status(instance, {"step": 1})
        assert await durable.act(instance, "suspend?reason=pause") == 202
        assert await durable.act(instance, "raiseEvent/go", 1) == 202
        assert (await durable.status(instance))["runtimeStatus"] == "Suspended"
        assert await durable.act(instance, "resume?reason=on") == 202
        assert (await durable.end(instance))["output"] == {"input": {"size": 1}, "answer": 1}
        assert await durable.act(instance, "restart?restartWithNewInstanceId=false") == 202
        assert await durable.act(instance, "raiseEvent/go", 2) == 202
        assert (await durable.end(instance))["output"] == {"input": {"size": 1}, "answer": 2}
        assert await durable.act(instance, "rewind?reason=why") == 501


async def test_client_before_the_start_of_the_host_is_an_error() -> None:
    async def method(client: df.DurableOrchestrationClient, req: func.HttpRequest) -> Any:
        return None

    host = FunctionHost(app_with_client(method))
    async with client_of(host) as http:
        assert (await http.get("/api/do")).status_code == 500


async def test_state_belongs_to_one_host(tmp_path: Path) -> None:
    async def method(client: df.DurableOrchestrationClient, req: func.HttpRequest) -> Any:
        return None

    async with durable_host(app_with_client(method), tmp_path) as durable:
        await durable.start("waiting", instance_id="kept")
        with pytest.raises(AppLoadError, match="in use by another host"):
            FunctionHost(app_with_client(method), data=tmp_path)
    async with durable_host(app_with_client(method), tmp_path) as durable:
        assert await durable.act("kept", "raiseEvent/go", "again") == 202
        assert (await durable.end("kept"))["output"] == {"input": None, "answer": "again"}
