"""HTTP as clients and their tools speak it: HEAD, ETags, compression, bodies in chunks, and paths that are none."""

from __future__ import annotations

import gzip
import logging
import re
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from functions.core.answers import COMPRESSED_FROM, takes_gzip
from functions.core.operation import Operation
from local.functions.host import FunctionHost
from tests.functions.calls import Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def operations(host: FunctionHost) -> list[Operation]:
    from function_app import DESCRIBED  # needs the settings that `host` has read

    return [operation for routes in DESCRIBED for operation in routes.operations]


@pytest.fixture(scope="module")
def staff(sign_in: SignIn) -> Headers:
    return sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Admin", "Vimarsh.Moderator"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(host: FunctionHost) -> AsyncIterator[httpx.AsyncClient]:
    """Sends only the headers that a test names."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://app/api", timeout=30) as client:
        del client.headers["Accept-Encoding"]
        yield client


async def raw(client: httpx.AsyncClient, path: str, headers: Headers) -> tuple[httpx.Response, bytes]:
    """An answer and its bytes as they were sent."""
    async with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join([chunk async for chunk in answer.aiter_raw()])


def path_of(operation: Operation, organization_id: str | None = None) -> str:
    """A path that the operation takes, to things that do not exist, but for an organization that is named."""
    path = re.sub(r"\{organization_id[^}]*\}", organization_id or str(uuid.uuid4()), operation.path)
    return "/" + re.sub(r"\{[^}]+\}", str(uuid.uuid4()), path)


async def test_a_body_in_chunks_is_refused_by_whatever_reads_one(
    client: httpx.AsyncClient, staff: Headers, sign_in: SignIn, operations: list[Operation]
) -> None:
    reading = [operation for operation in operations if operation.body]
    server = sign_in(app=True, roles=sorted({role for operation in reading for role in operation.action.servers}))
    assert len(reading) > 10
    wanted = {"organization_type": "group", "name": uuid.uuid4().hex}
    own = (await client.post("/organizations", json=wanted, headers=staff)).json()["organization_id"]
    for operation in reading:

        async def chunks() -> AsyncIterator[bytes]:
            yield b'{"timezone": "Europe/Paris"}'

        who = server if operation.action.is_for_servers else staff
        answer = await client.request(operation.method, path_of(operation, own), content=chunks(), headers=who)
        assert (answer.status_code, answer.json()["type"]) == (411, "urn:vimarsh:problem:length-required"), (
            operation.name
        )


async def test_no_body_at_all_is_an_empty_one(client: httpx.AsyncClient, alice: Headers) -> None:
    assert (await client.post("/sessions", headers=alice)).status_code == 201


async def test_head_is_answered_as_get_without_content(
    client: httpx.AsyncClient, staff: Headers, operations: list[Operation]
) -> None:
    alike = ("content-type", "cache-control", "vary", "allow", "www-authenticate")
    for operation in operations:
        if operation.method == "GET":
            path = path_of(operation)
            get, head = await client.get(path, headers=staff), await client.head(path, headers=staff)
            assert (head.status_code, head.content) == (get.status_code, b""), path
            assert [head.headers.get(name) for name in alike] == [get.headers.get(name) for name in alike], path
            assert ("etag" in head.headers) == ("etag" in get.headers), path  # feeds may change what it names meanwhile


async def test_head_of_what_has_no_get_says_what_it_has(client: httpx.AsyncClient, alice: Headers) -> None:
    answer = await client.head("/admissions", headers=alice)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
async def test_what_does_not_change_is_sent_once(client: httpx.AsyncClient, path: str) -> None:
    first, content = await raw(client, path, PLAIN)
    small, compressed = await raw(client, path, GZIP)
    assert "content-encoding" not in first.headers
    assert small.headers["content-encoding"] == "gzip"
    assert all("Accept-Encoding" in answer.headers["vary"].split(", ") for answer in (first, small))
    assert gzip.decompress(compressed) == content
    assert len(compressed) < len(content) / 2
    assert first.headers["etag"] != small.headers["etag"]
    for given in (first.headers["etag"], small.headers["etag"]):
        for wanted in (PLAIN, GZIP):
            again, nothing = await raw(client, path, wanted | {"If-None-Match": f'"other", W/{given}'})
            assert (again.status_code, nothing) == (304, b"")
            assert again.headers["cache-control"] == "public, max-age=300"
    assert (await raw(client, path, {"If-None-Match": '"other"'}))[0].status_code == 200


async def test_what_is_edited_is_not_sent_again_and_is_edited_by_either_etag(
    client: httpx.AsyncClient, alice: Headers
) -> None:
    session_id = await a_session(client, alice)
    long = a_turn(response_text="To know what one does not know. " * 400)
    turn_id = (await client.post(f"/sessions/{session_id}/interactions", json=long, headers=alice)).json()["id"]
    path = f"/interactions/{turn_id}"
    plain, content = await raw(client, path, alice | PLAIN)
    small, compressed = await raw(client, path, alice | GZIP)
    assert gzip.decompress(compressed) == content
    assert [plain.headers["etag"], small.headers["etag"]] == ['"1"', '"1-gzip"']
    assert (await raw(client, path, alice | {"If-None-Match": '"1"'}))[0].status_code == 304
    assert (await raw(client, path, alice | {"If-None-Match": "*"}))[0].status_code == 304
    rated = await client.patch(path, json={"user_rating": 5}, headers=alice | {"If-Match": small.headers["etag"]})
    assert (rated.status_code, rated.headers["etag"]) == (200, '"2"')
    assert (await raw(client, path, alice | {"If-None-Match": '"1", "1-gzip"'}))[0].status_code == 200


async def test_small_answers_and_those_nobody_wants_compressed_are_sent_as_they_are(
    client: httpx.AsyncClient, alice: Headers
) -> None:
    small, content = await raw(client, "/health", GZIP)
    assert "content-encoding" not in small.headers
    assert len(content) <= COMPRESSED_FROM
    for wanted in ({}, PLAIN, {"Accept-Encoding": "gzip;q=0"}, {"Accept-Encoding": "br"}):
        assert "content-encoding" not in (await raw(client, "/openapi.json", wanted))[0].headers


async def test_an_export_is_compressed_too(client: httpx.AsyncClient, alice: Headers) -> None:
    session_id = await a_session(client, alice)
    for _ in range(4):
        await client.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)
    answer, content = await raw(client, "/me/export", alice | GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(content).startswith(b'{"record":"manifest"')


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("br, gzip;q=0.1", True),
        ("deflate, *;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip; q=0.000", False),
        ("gzip;q=much", False),
        ("identity", False),
        ("gzippy", False),
        ("", False),
        (None, False),
    ],
)
async def test_gzip_is_taken_by_who_says_so(header: str | None, expected: bool) -> None:
    assert takes_gzip(header) == expected


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@pytest.mark.parametrize("path", ["//me", "/me//", "/me//dashboard", "/sessions//x", "//", "/admin//users"])
async def test_an_empty_segment_is_no_path(client: httpx.AsyncClient, alice: Headers, method: str, path: str) -> None:
    answer = await client.request(method, f"http://app/api{path}", headers=alice)
    assert answer.status_code == 404


async def test_a_refusal_is_one_line_of_warning(
    client: httpx.AsyncClient, alice: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "functions"):
        for path, status in (("/sessions?limit=0", 422), (f"/sessions/{uuid.uuid4()}", 404)):
            caplog.clear()
            assert (await client.get(path, headers=alice)).status_code == status
            warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
            assert len(warnings) == 1
            assert "\n" not in warnings[0].getMessage()
            assert warnings[0].exc_info is None
