"""Query strings, of operations that read one and of those that do not."""

from __future__ import annotations

import httpx
import pytest

from tests.functions.calls import Headers

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/me"), ("GET", "/me/dashboard"), ("POST", "/sessions"), ("GET", "/bookmarks")]
)
async def test_a_parameter_that_nothing_reads_is_refused(
    api: httpx.AsyncClient, alice: Headers, method: str, path: str
) -> None:
    answer = await api.request(method, path, params={"colour": "", "limits": "3"}, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:invalid")
    assert [part["pointer"] for part in answer.json()["errors"]] == ["/query/colour", "/query/limits"]


async def test_a_parameter_is_sent_once(api: httpx.AsyncClient, alice: Headers) -> None:
    answer = await api.get("/bookmarks?tag=a&limit=1&tag=b", headers=alice)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "/query/tag", "detail": "Input should be sent once"}]


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json"])
async def test_probes_and_browsers_add_what_they_like(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path, params={"colour": "blue"})).status_code == 200
