"""What the tests of durable functions share: a client of the durable HTTP API, and a host in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import httpx

from local.functions.host import FunctionHost
from tests.local.functions.host_helpers import client_of, until

WEBHOOKS = "/runtime/webhooks/durabletask"
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
ENDED = {"Completed", "Failed", "Terminated"}


@dataclass(frozen=True)
class Durable:
    """A client of the durable HTTP API."""

    http: httpx.AsyncClient

    async def start(self, name: str, content: Any = None, instance_id: str = "") -> str:
        answer = await self.http.post(f"{WEBHOOKS}/orchestrators/{name}/{instance_id}", json=content)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def status(self, instance_id: str, **query: str) -> dict[str, Any]:
        answer = await self.http.get(f"{WEBHOOKS}/instances/{instance_id}", params=query)
        assert answer.status_code in (200, 202), answer.text
        return dict(answer.json())

    async def act(self, instance_id: str, verb: str, content: Any = None) -> int:
        url = f"{WEBHOOKS}/instances/{instance_id}/{verb}"
        return (await self.http.post(url, json=content)).status_code

    async def end(self, instance_id: str) -> dict[str, Any]:
        """The status of an instance when it has ended."""

        async def has_ended() -> bool:
            return (await self.status(instance_id))["runtimeStatus"] in ENDED

        await until(has_ended)
        return await self.status(instance_id)

    async def run(self, name: str, content: Any = None) -> dict[str, Any]:
        return await self.end(await self.start(name, content))

    async def until_custom_status(self, instance_id: str, expected: Any) -> None:
        async def is_reached() -> bool:
            return bool((await self.status(instance_id))["customStatus"] == expected)

        await until(is_reached)


def activity(app: df.DFApp, parameter: str) -> Decorator:
    """The SDK's decorator, with a type."""
    decorate: Decorator = app.activity_trigger(input_name=parameter)
    return decorate


def orchestrator(app: df.DFApp) -> Decorator:
    """The SDK's decorator, with a type."""
    decorate: Decorator = app.orchestration_trigger(context_name="context")
    return decorate


@asynccontextmanager
async def durable_host(app: df.DFApp, data: Path | None = None) -> AsyncIterator[Durable]:
    async with FunctionHost(app, data=data) as host, client_of(host) as http:
        yield Durable(http)
