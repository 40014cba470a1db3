"""The page that shows the API, and what every answer carries besides its content."""

from __future__ import annotations

import base64
import hashlib
import re

import httpx
import pytest

from tests.functions.calls import Headers

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_page_needs_nothing_from_elsewhere(api: httpx.AsyncClient) -> None:
    answer = await api.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "./openapi.json" in answer.text
    assert re.findall(r"(?:src|href|url\()=?[\"']?((?:https?:)?//[^\"')\s]+)", answer.text) == []


@pytest.mark.parametrize(("tag", "directive"), [("script", "script-src"), ("style", "style-src")])
async def test_the_page_runs_its_own_script_and_style_only(api: httpx.AsyncClient, tag: str, directive: str) -> None:
    answer = await api.get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert policy[directive] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert re.search(r"<[^>]*\s(?:on\w+|style)=", answer.text) is None


@pytest.mark.parametrize("path", ["/health", "/me", "/sessions", "/openapi.json", "/nowhere"])
async def test_every_answer_carries_the_security_headers(api: httpx.AsyncClient, alice: Headers, path: str) -> None:
    answer = await api.get(path, headers=alice)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert answer.headers["x-request-id"]


async def test_personal_data_is_not_cached(api: httpx.AsyncClient, alice: Headers) -> None:
    for path in ("/me", "/sessions", "/bookmarks"):
        assert (await api.get(path, headers=alice)).headers["cache-control"] == "no-store"
    assert (await api.get("/docs")).headers["cache-control"] == "public, max-age=300"


async def test_an_unknown_path_is_a_problem(api: httpx.AsyncClient) -> None:
    answer = await api.get("/no/such/thing", headers={"x-request-id": "given-1"})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (404, "urn:vimarsh:problem:not-found")
    assert (answer.headers["content-type"], problem["request_id"]) == ("application/problem+json", "given-1")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/me", "DELETE, GET, HEAD, PATCH"),
        ("PUT", "/sessions/33333333-3333-4333-8333-333333333333", "GET, HEAD, PATCH"),
        ("POST", "/Health/", "GET, HEAD"),
    ],
)
async def test_a_known_path_with_another_method_says_which_it_takes(
    api: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await api.request(method, path)
    assert (answer.status_code, answer.json()["type"]) == (405, "urn:vimarsh:problem:method-not-allowed")
    assert answer.headers["allow"] == allowed
