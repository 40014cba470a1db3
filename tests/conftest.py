"""The local stack, for tests that want real parts: one of each per test process, on free ports, gone at the end."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Template

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from local.cli.services import Service, stop, take_port, wait_until_healthy
from local.entra.identity import API_CLIENT_ID, TENANT_ID
from local.entra.server import serve_in_thread as serve_entra
from local.functions.host import FunctionHost
from local.functions.settings import read_local_settings
from local.functions.timer_trigger import TimerListener
from local.provision import PARTITIONS, Account, provision, read_definitions
from tests.described import as_described

# How fast an example runs says nothing about whether it is right.
hypothesis_settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("unhurried")

ROOT = Path(__file__).parent.parent
GUEST_TENANT = "4d5e0000-0000-4000-8000-76696d617273"
"""Its users may sign in, too. It is no home tenant: roles in its tokens count for nothing."""
UNKNOWN_TENANT = "11111111-2222-4333-8444-555555555555"
"""Its users may not."""
GUESTS_SERVER = "5e48e401-0000-4000-8000-76696d617273"
"""An application of the home tenant that is bound to the two others."""


@pytest.fixture(scope="session")
def cosmos_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The engine with the app's containers, in memory; a process of its own, which measuring coverage does not slow."""
    port = take_port(0, "--port")
    url = f"http://127.0.0.1:{port}"
    engine = Service(
        name="the engine",
        module="local.cosmosdb",
        arguments=["--memory", "--port", str(port), "--partitions", str(PARTITIONS)],
        health_url=f"{url}/_local/health",
        log=tmp_path_factory.mktemp("engine") / "log",
    )
    engine.start()
    try:
        wait_until_healthy([engine])
        with Account(url) as account:
            provision(account, read_definitions(ROOT / "cosmos" / "containers.json"))
        yield url
    finally:
        stop([engine])


@pytest.fixture(scope="session")
def entra_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the issuer keeps its key."""
    return tmp_path_factory.mktemp("entra")


@pytest.fixture(scope="session")
def entra_url(entra_data: Path) -> Iterator[str]:
    with serve_entra(data=entra_data) as url:
        yield url


@pytest.fixture(scope="session")
def settings(cosmos_url: str, entra_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The app's settings for this stack, from the template that everybody starts with; in the environment, too."""
    ports = {
        "COSMOS_PORT": cosmos_url.rstrip("/").rsplit(":", 1)[1],
        "ENTRA_PORT": entra_url.rstrip("/").rsplit(":", 1)[1],
        "ENTRA_TENANT": TENANT_ID,
        "ENTRA_AUDIENCE": API_CLIENT_ID,
        "DATA": tmp_path_factory.mktemp("data").as_posix(),
    }
    folder = tmp_path_factory.mktemp("settings")
    template = Template((ROOT / "local.settings.template.json").read_text("utf-8"))
    (folder / "local.settings.json").write_text(template.substitute(ports), "utf-8")
    values = dict(read_local_settings(folder).values)
    values |= {
        "ENTRA_TENANTS": json.dumps([TENANT_ID, GUEST_TENANT]),
        "APPLICATION_TENANTS": json.dumps({GUESTS_SERVER: [GUEST_TENANT, UNKNOWN_TENANT]}),
    }
    os.environ.update(values)
    return values


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def host(settings: dict[str, str]) -> AsyncIterator[FunctionHost]:
    """The app in the local host, with its change feeds running. Timers run when a test asks for it, and by no clock."""
    from functions.core.services import services  # reads the settings, which must be there first
    from functions.jobs import starting

    starting.START_SECONDS = 600.0  # a machine may be as slow as it likes
    host, stopped = FunctionHost(ROOT, settings=settings), datetime.now(UTC)
    for listener in host.listeners.values():
        if isinstance(listener, TimerListener):
            listener._clock = lambda: stopped
    async with host:
        yield host
    await services().close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def api(host: FunctionHost) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the app over ASGI, and holds its answers to its description."""
    from function_app import DESCRIBED  # needs the settings that `host` has read

    hooks = {"response": [as_described(operation for routes in DESCRIBED for operation in routes.operations)]}
    transport = httpx.ASGITransport(host)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://app/api", timeout=30, event_hooks=hooks
    ) as client:
        yield client


@pytest.fixture
def an_email() -> str:
    """Of somebody nobody has seen before."""
    return f"{uuid.uuid4().hex[:12]}@contoso.example"
