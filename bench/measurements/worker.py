"""The app in the worker's own library, which runs it on Azure: does it start, answer, stream, and keep nothing?

    python -m bench worker [--requests 100000]

What is driven is `azure-functions-runtime`, with messages as the host sends them, and HTTP as the host passes it on:
by the worker's own server. It needs Python 3.13, which is what is deployed. Exits with 1 if anything else comes out.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
import time
import uuid
from importlib import import_module
from pathlib import Path
from string import Template
from types import SimpleNamespace
from typing import Any

import httpx

from bench.simulation.stack import ROOT, local_stack
from local.cli.app_settings import TEMPLATE
from local.entra.identity import API_CLIENT_ID, TENANT_ID

AT_ONCE = 20
PARTS = 10
MOST_GROWTH_MIB = 20.0
"""Of the process, from the first tenth of the requests to the last."""

HOST_ADDRESS = "127.0.0.1"


class _Message:
    """A message of the host's protocol: it has whatever fields it is made with."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class _Messages:
    """All kinds of messages, and the enumerations that the worker looks at."""

    BindingInfo = type("BindingInfo", (_Message,), {"undefined": 0, "out": 1, "inout": 2})
    StatusResult = type("StatusResult", (_Message,), {"Failure": 0, "Success": 1})

    def __getattr__(self, name: str) -> type[_Message]:
        return type(name, (_Message,), {})


class _Data:
    """A value of a kind."""

    def __init__(self, kind: str, value: Any) -> None:
        self._kind = kind
        setattr(self, kind, value)

    def WhichOneof(self, _name: str) -> str:  # noqa: N802  # as protocol buffers call it
        return self._kind


class Worker:
    """The worker's library, with the app."""

    def __init__(self) -> None:
        self._library = import_module("azure_functions_runtime.handle_event")
        self._functions: dict[str, str] = {}
        self._http = httpx.AsyncClient()

    @property
    def kept(self) -> int:
        """Requests that its coordinator knows."""
        return len(import_module("azure_functions_runtime.http_v2").http_coordinator._context_references)

    async def start(self) -> None:
        properties = {"host": HOST_ADDRESS, "protos": _Messages()}
        init = SimpleNamespace(capabilities={}, function_app_directory=str(ROOT))
        request = SimpleNamespace(request=SimpleNamespace(worker_init_request=init), properties=properties)
        began = time.perf_counter()
        answer = _succeeded(await self._library.worker_init_request(request))
        found = (await self._library.functions_metadata_request(None)).function_metadata_results
        print(f"started in {time.perf_counter() - began:.2f} s, with {len(found)} functions")
        self._functions = {function.name: function.function_id for function in found}
        limits = httpx.Limits(max_keepalive_connections=0)
        transport = httpx.AsyncHTTPTransport(retries=10, limits=limits)  # its server begins to listen by and by
        self._http = httpx.AsyncClient(base_url=answer.capabilities["HttpUri"], timeout=60, transport=transport)

    async def call(
        self, name: str, method: str, path: str, parameters: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, list[bytes]]:
        """A request as the host has it: told to the worker, and passed on to its server. Its status and its pieces."""
        invocation_id = str(uuid.uuid4())
        http = SimpleNamespace(
            method=method, url=path, headers=headers, body=_Data("bytes", b""), params=parameters, query={}
        )
        trigger = _Data("data", _Data("http", {}))
        trigger.__dict__.update(name="req", data=_Data("http", http))
        invocation = SimpleNamespace(
            invocation_id=invocation_id,
            function_id=self._functions[name],
            input_data=[trigger],
            trigger_metadata={},
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        request = SimpleNamespace(request=SimpleNamespace(invocation_request=invocation))
        running = asyncio.create_task(self._library.invocation_request(request))
        passed_on = headers | {"x-ms-invocation-id": invocation_id}
        async with self._http.stream(method, path, headers=passed_on, content=body) as answer:
            pieces = [piece async for piece in answer.aiter_raw()]
        _succeeded(await running)
        return answer.status_code, pieces


def _succeeded(message: Any) -> Any:
    if message.result.status != _Messages.StatusResult.Success:  # type: ignore[attr-defined]
        raise RuntimeError(f"the worker says: {vars(message.result.exception)}")
    return message


def _mebibytes() -> float:
    """Of this process, in memory."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(token: str, requests: int) -> int:
    worker, wrong = Worker(), 0
    await worker.start()
    signed = {"authorization": f"Bearer {token}"}
    status, made = await worker.call("start_session", "POST", "/api/sessions", {}, signed, b"{}")
    session = {"session_id": json.loads(b"".join(made))["session_id"]}
    path = f"/api/sessions/{session['session_id']}/answers"
    streaming = signed | {"accept": "text/event-stream"}
    streamed, events = await worker.call("make_answer", "POST", path, session, streaming, b'{"question": "Why?"}')
    print(f"an answer in {len(events)} pieces")
    wrong += (status, streamed) != (201, 200) or len(events) < 5 or b"event: recorded" not in events[-1]
    nothing = await worker.call("zz_unmatched", "GET", "/api/nothing", {"path": "nothing"}, {}, b"")
    wrong += nothing[0] != 404
    return 1 if wrong or not await _bounded(worker, requests) else 0


async def _bounded(worker: Worker, requests: int) -> bool:
    """Whether many requests leave nothing behind."""
    slots, sizes = asyncio.Semaphore(AT_ONCE), list[float]()

    async def once() -> None:
        async with slots:
            await worker.call("get_health", "GET", "/api/health", {}, {}, b"")

    for part in range(1, PARTS + 1):
        began = time.perf_counter()
        for _ in range(requests // PARTS // AT_ONCE):
            await asyncio.gather(*(once() for _ in range(AT_ONCE)))
        gc.collect()
        sizes.append(_mebibytes())
        each = 1000 * (time.perf_counter() - began) * PARTS / requests
        print(f"{part * requests // PARTS:>8} requests: {sizes[-1]:.1f} MiB, {worker.kept} kept, {each:.2f} ms each")
    return worker.kept == 0 and sizes[-1] - sizes[0] < MOST_GROWTH_MIB


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench worker", description="The app in the worker's library.")
    parser.add_argument("--requests", type=int, default=10_000)
    arguments = parser.parse_args()
    if sys.version_info < (3, 13):
        print("the worker's library needs Python 3.13: nothing was measured")
        return 0
    logging.disable(logging.ERROR)  # its server tells of each request, and of its own end
    with local_stack() as stack:
        ports = {"COSMOS_PORT": stack.cosmos_url, "ENTRA_PORT": stack.entra_url}
        values = {name: url.rsplit(":", 1)[1] for name, url in ports.items()}
        values |= {"ENTRA_TENANT": TENANT_ID, "ENTRA_AUDIENCE": API_CLIENT_ID, "DATA": "unused"}
        template = Template((ROOT / TEMPLATE).read_text("utf-8"))
        os.environ.update(json.loads(template.substitute(values))["Values"])
        who = {"email": "worker@contoso.example"}
        token = httpx.post(f"{stack.entra_url}/_local/token", json=who).raise_for_status().json()["access_token"]
        return asyncio.run(measure(token, arguments.requests))


if __name__ == "__main__":
    sys.exit(main())
