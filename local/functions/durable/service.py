"""Durable functions of one host: the hub, the HTTP API on a port of its own for the app's client, what the app gets.

As with the real extension, the client in the app reaches the API over a socket that is there for it alone; the same API
answers on the host's own port, for the URLs in status responses.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from local.functions.durable.api import PREFIX, DurableApi, client_payload
from local.functions.durable.hub import TaskHub
from local.functions.indexing import CLIENT, IndexedFunction
from local.functions.invocation import Invoker
from local.functions.kestrel import KEEP_ALIVE_SECONDS

_SDK_SESSION = "azure.durable_functions.models.utils.http_utils"


class _Server(uvicorn.Server):
    """Leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class DurableService:
    """Runs between `start()` and `finish_stop()`, on the event loop; `data` is the folder for the state."""

    def __init__(self, functions: Iterable[IndexedFunction], invoker: Invoker, data: Path | None) -> None:
        self.hub = TaskHub(functions, invoker, data)
        self.api = DurableApi(self.hub)
        self._payload: str | None = None
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self._payload = client_payload(f"http://127.0.0.1:{listening.getsockname()[1]}{PREFIX}")
        config = uvicorn.Config(
            self.api,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]), name="durable HTTP API")
        self.hub.start()

    def begin_stop(self) -> None:
        self.hub.begin_stop()

    async def finish_stop(self) -> None:
        if self._server is not None and self._serving is not None:
            await close_client_session()
            self._server.should_exit = self._server.force_exit = True
            await self._serving
        await self.hub.finish_stop()

    def inputs(self, function: IndexedFunction) -> dict[str, Any]:
        """The values of a function's `durable_client_input` parameters; raises `RuntimeError` before the start."""
        values = inputs_of(self._payload, function)
        if values and self._payload is None:
            raise RuntimeError("Durable clients are available once the host has been started.")
        return values


def inputs_of(payload: str | None, function: IndexedFunction) -> dict[str, Any]:
    """`payload` for each of a function's `durable_client_input` parameters."""
    return {binding.name: payload for binding in function.inputs if binding.type == CLIENT}


async def close_client_session() -> None:
    """The app's client keeps one HTTP session per process, which belongs to the event loop that ends with this host."""
    module = sys.modules.get(_SDK_SESSION)
    if module is not None:
        await module._close_session()
        vars(module)["_session_lock"] = asyncio.Lock()
