"""The log of erasures in a container of blobs: Azure's own library before a server that answers as the service does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AioHttpTransport

from functions.privacy.blob_log import BlobLog
from functions.privacy.erasure_log import FolderLog, opened
from models.privacy.erasure_log import ANY_KEY, Entry

ACCOUNT = "https://stlog.blob.core.windows.net"
NOW = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)
NAMES_PER_PAGE = 2


class Blobs:
    """A container `erasures`, whose blobs can be made and not overwritten."""

    def __init__(self) -> None:
        self.names: dict[str, bytes] = {}
        self.lists: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer a-token"
        if request.method == "PUT":
            return await self._put(request)
        assert (request.path, request.query["restype"], request.query["comp"]) == ("/erasures", "container", "list")
        return self._list(request.query.get("prefix", ""), request.query.get("marker", ""))

    async def _put(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix("/erasures/")
        assert request.headers["If-None-Match"] == "*"
        if name in self.names:
            error = "<Error><Code>BlobAlreadyExists</Code><Message>It is there</Message></Error>"
            return web.Response(status=409, text=error, headers={"x-ms-error-code": "BlobAlreadyExists"})
        self.names[name] = await request.read()
        return web.Response(status=201, headers={"ETag": '"0x1"', "Last-Modified": "Tue, 01 Dec 2026 04:30:00 GMT"})

    def _list(self, prefix: str, marker: str) -> web.Response:
        self.lists.append(prefix)
        found = sorted(name for name in self.names if name.startswith(prefix) and name >= marker)
        page, rest = found[:NAMES_PER_PAGE], found[NAMES_PER_PAGE:]
        blobs = "".join(f"<Blob><Name>{name}</Name><Properties/></Blob>" for name in page)
        following = rest[0] if rest else ""
        inner = f"<Prefix>{prefix}</Prefix><Blobs>{blobs}</Blobs><NextMarker>{following}</NextMarker>"
        text = f'<?xml version="1.0"?><EnumerationResults ContainerName="erasures">{inner}</EnumerationResults>'
        return web.Response(text=text, content_type="application/xml")


class Identity:
    async def get_token(self, *_: Any, **__: Any) -> AccessToken:
        return AccessToken("a-token", 2**33)

    async def close(self) -> None:
        return


class ToServer(AioHttpTransport):  # type: ignore[misc]  # it is not exported with its type
    """Sends what is for the account to a server on this machine."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url.rstrip("/")

    async def send(self, request: Any, **options: Any) -> Any:
        request.url = request.url.replace(ACCOUNT, self._url)
        return await super().send(request, **options)


@pytest_asyncio.fixture
async def blobs() -> AsyncIterator[tuple[Blobs, BlobLog]]:
    blobs = Blobs()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", blobs.answer)
    async with TestServer(app) as server:
        log = BlobLog(f"{ACCOUNT}/erasures", Identity(), ToServer(str(server.make_url("/"))))
        yield blobs, log
        await log.close()


def entries(count: int) -> list[Entry]:
    ids = [f"{number:08x}-9f5e-4d0f-9c1d-76696d617273" for number in range(count)]
    return [Entry(NOW + timedelta(minutes=20 * number), each, ANY_KEY) for number, each in enumerate(ids)]


async def test_an_entry_is_an_empty_blob_that_is_made_once(blobs: tuple[Blobs, BlobLog]) -> None:
    container, log = blobs
    (entry,) = entries(1)
    await log.note(entry)
    await log.note(entry)
    assert container.names == {entry.name: b""}
    assert await log.has(entry)
    assert not await log.has(Entry(NOW, "ffffffff-9f5e-4d0f-9c1d-76696d617273", ANY_KEY))


async def test_entries_of_a_span_are_listed_by_the_hour_however_many_pages_they_take(
    blobs: tuple[Blobs, BlobLog],
) -> None:
    container, log = blobs
    noted = entries(12)
    for entry in reversed(noted):
        await log.note(entry)
    container.names["a file of somebody"] = b""
    assert await log.entries(noted[0].moment, noted[-2].moment) == noted[1:-1]
    assert set(container.lists) == {f"20261201T{hour:02}" for hour in range(4, 8)}


async def test_where_the_log_is_follows_from_its_place() -> None:
    assert isinstance(opened(".data/erasures"), FolderLog)
    log = opened(f"{ACCOUNT}/erasures")
    assert isinstance(log, BlobLog)
    await log.close()
