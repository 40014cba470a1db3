"""Engines to test against: in a thread of the test, or in a process that can be killed."""

import base64
import hmac
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey
from azure.cosmos.aio import ContainerProxy as AsyncContainerProxy
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

from local.cosmosdb.auth import EMULATOR_KEY
from local.cosmosdb.server import serve_in_thread

REPOSITORY = Path(__file__).parents[3]


class SettableClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def now(self) -> float:
        return self.seconds


class SignedClient:
    """Requests as an SDK signs them, without the SDK's own opinions."""

    def __init__(self, url: str, key: str = EMULATOR_KEY) -> None:
        self._http = httpx.Client(base_url=url)
        self._key = base64.b64decode(key)

    def __call__(
        self, method: str, path: str, body: Any = None, date: str | None = None, **headers: str
    ) -> httpx.Response:
        """`headers` are written with underscores; those without `x_ms_` keep their plain name."""
        segments = [segment for segment in path.split("/") if segment]
        is_feed = len(segments) % 2 == 1
        kind = segments[-1 if is_feed else -2] if segments else ""
        link = "/".join(segments[:-1] if is_feed else segments)
        if kind == "offers" and not is_feed:
            link = segments[-1].lower()
        date = date or formatdate(usegmt=True)
        payload = f"{method.lower()}\n{kind}\n{link}\n{date.lower()}\n\n"
        signature = base64.b64encode(hmac.digest(self._key, payload.encode(), "sha256")).decode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"authorization": quote(f"type=master&ver=1.0&sig={signature}", safe=""), "x-ms-date": date}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self._http.request(method, path, content=content, headers=sent)

    def close(self) -> None:
        self._http.close()


@contextmanager
def engine_process(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """An engine in a process of its own: its URL and the process, which ends with the context at the latest."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local.cosmosdb", "--port", "0", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process.stdout.readline().strip().rsplit(" ", 1)[-1].rstrip("/"), process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


EngineProcess = Callable[..., AbstractContextManager[tuple[str, subprocess.Popen[str]]]]


@pytest.fixture
def start_engine() -> EngineProcess:
    return engine_process


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def url(clock: SettableClock) -> Iterator[str]:
    """An engine of the test's own, in memory, with four ranges to a container and the test's clock."""
    with serve_in_thread(clock=clock) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[CosmosClient]:
    with CosmosClient(url, EMULATOR_KEY) as client:
        yield client


@pytest.fixture
def database(client: CosmosClient) -> DatabaseProxy:
    return client.create_database("store")


@pytest.fixture
def container(database: DatabaseProxy) -> ContainerProxy:
    """Partitioned by `/pk`; TTL by item."""
    return database.create_container("items", PartitionKey("/pk"), default_ttl=-1)


@pytest.fixture
async def async_container(url: str, container: ContainerProxy) -> AsyncIterator[AsyncContainerProxy]:
    """The same container through the asynchronous SDK."""
    async with AsyncCosmosClient(url, EMULATOR_KEY) as client:
        yield client.get_database_client("store").get_container_client("items")


@pytest.fixture
def signed() -> type[SignedClient]:
    return SignedClient


@pytest.fixture
def raw(url: str) -> Iterator[SignedClient]:
    client = SignedClient(url)
    yield client
    client.close()
