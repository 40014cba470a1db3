"""What the host's tests share: small apps, clients for them, hosts in processes of their own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func
import httpx
from azure.cosmos.aio import ContainerProxy, DatabaseProxy

from local.functions.host import FunctionHost

ROOT = Path(__file__).parents[3]
KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="


def connection_string(url: str) -> str:
    return f"AccountEndpoint={url};AccountKey={KEY};"


@dataclass(frozen=True)
class Feed:
    """A database with a container to listen to, its leases, and the settings that a trigger names."""

    database: DatabaseProxy
    items: ContainerProxy
    leases: ContainerProxy
    settings: dict[str, str]

    async def write(self, *ids: str, pk: str = "p") -> None:
        for item_id in ids:
            await self.items.upsert_item({"id": item_id, "pk": pk})

    async def lease_documents(self) -> list[dict[str, Any]]:
        return [dict(lease) async for lease in self.leases.read_all_items()]


def feed_app(**options: Any) -> tuple[func.FunctionApp, Callable[..., Any]]:
    """An app, and the decorator that makes a function listen to `items` in the database of the settings, at once."""
    app = func.FunctionApp()
    defaults = {"feed_poll_delay": 20, "start_from_beginning": True, "lease_container_name": "leases"}
    decorator = app.cosmos_db_trigger(
        "docs",
        connection="COSMOS",
        database_name="%DATABASE%",
        container_name="items",
        **{**defaults, **options},
    )
    return app, decorator


def client_of(host: FunctionHost) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://app")


async def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Waits for a condition, sync or async, to be true; a test that waits in vain fails."""
    async with asyncio.timeout(seconds):
        while True:
            result = condition()
            if isinstance(result, Awaitable):
                result = await result
            if result:
                return
            await asyncio.sleep(0.01)


async def until_drained(host: FunctionHost) -> None:
    async def is_drained() -> bool:
        return all(feed["lag"] == 0 for feed in await host.feeds())

    await until(is_drained)


@dataclass(frozen=True)
class HostProcess:
    """A host in a process of its own; `log` is a file with all that it prints."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def host_command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "local.functions", "--app", str(folder), "--port", "0", *arguments]


@contextmanager
def host_process(folder: Path, *arguments: str, settings: dict[str, str] | None = None) -> Iterator[HostProcess]:
    """A host of the app in `folder`, that answers on a free port; killed at the end if it still runs."""
    log = folder / f"host-{os.urandom(4).hex()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            host_command(folder, *arguments),
            cwd=ROOT,
            env={**os.environ, **(settings or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield HostProcess(process, _wait_for_url(process, log), log)
    finally:
        process.kill()
        process.wait(30)


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    with httpx.Client() as client:
        for _ in range(600):
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text("utf-8"))
            if found and _answers(client, found[0]):
                return found[0]
            if process.poll() is not None:
                break
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
    raise AssertionError(f"the host did not start:\n{log.read_text('utf-8')}")


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return bool(client.get(f"{url}/admin/host/status").json()["state"] == "Running")
    except httpx.TransportError:
        return False
