"""Starting sessions and recording turns, over HTTP."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest

from tests.functions.calls import Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Mobile Safari/537.36"
)


async def test_a_session_knows_the_client_but_not_its_address(api: httpx.AsyncClient, alice: Headers) -> None:
    client = {"User-Agent": PHONE, "X-Forwarded-For": "203.0.113.7:51234"}
    answer = await api.post("/sessions", json={}, headers=alice | client)
    session = answer.json()
    assert answer.status_code == 201
    assert (session["device_type"], session["platform"]) == ("mobile", "android")
    assert session["is_active"] is True
    assert session["timezone"] == "UTC"
    assert session["ip_address"]
    assert "203.0.113" not in answer.text


async def test_a_turn_is_recorded_and_completed(api: httpx.AsyncClient, alice: Headers) -> None:
    session_id = await a_session(api, alice)
    turn = a_turn(cached_input_tokens=10, reasoning_tokens=5, citations_provided=["Apology"])
    answer = await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice | {"User-Agent": PHONE})
    interaction = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert interaction["interaction_sequence"] == 1
    assert interaction["timezone"] == "Asia/Kolkata"
    assert interaction["total_tokens"] == 1215
    assert interaction["cost_usd"] > 0
    assert interaction["user_query_language"] == "en"
    assert interaction["device_type"] == "mobile"
    assert {name: interaction[name] for name in turn} == turn


async def test_the_same_key_and_body_give_the_same_answer(api: httpx.AsyncClient, alice: Headers) -> None:
    key = alice | {"Idempotency-Key": str(uuid.uuid4())}
    first, second = [await api.post("/sessions", json={}, headers=key) for _ in range(2)]
    assert first.json() == second.json()
    path = f"/sessions/{first.json()['session_id']}/interactions"
    answers = await asyncio.gather(*(api.post(path, json=a_turn(), headers=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    other = await api.post(path, json=a_turn(), headers=alice)
    assert other.json()["id"] != answers[0].json()["id"]


async def test_the_same_key_with_another_body_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    key = alice | {"Idempotency-Key": "a key"}
    session = await api.post("/sessions", json={}, headers=key)
    again = await api.post("/sessions", json={"timezone": "Europe/Paris"}, headers=key)
    assert (again.status_code, again.json()["type"]) == (422, "urn:vimarsh:problem:key-reused")
    path = f"/sessions/{session.json()['session_id']}/interactions"
    await api.post(path, json=a_turn(), headers=key)
    reused = await api.post(path, json=a_turn(user_query="Something else?"), headers=key)
    assert (reused.status_code, reused.json()["type"]) == (422, "urn:vimarsh:problem:key-reused")


async def test_64_concurrent_turns_get_the_numbers_1_to_64(api: httpx.AsyncClient, alice: Headers) -> None:
    session_id = await a_session(api, alice)
    path = f"/sessions/{session_id}/interactions"
    answers = await asyncio.gather(*(api.post(path, json=a_turn(), headers=alice) for _ in range(64)))
    assert sorted(answer.json()["interaction_sequence"] for answer in answers) == list(range(1, 65))


@pytest.mark.parametrize("session_id", ["33333333-3333-4333-8333-333333333333", "not-a-uuid"])
async def test_a_session_that_does_not_exist_is_not_found(
    api: httpx.AsyncClient, alice: Headers, session_id: str
) -> None:
    answer = await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:vimarsh:problem:not-found")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_somebody_elses_session_is_not_found(api: httpx.AsyncClient, alice: Headers, sign_in: SignIn) -> None:
    session_id = await a_session(api, alice)
    mallory = sign_in(f"{uuid.uuid4().hex}@contoso.example")
    answer = await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=mallory)
    assert answer.status_code == 404


async def test_unknown_and_wrong_fields_are_named(api: httpx.AsyncClient, alice: Headers) -> None:
    session_id = await a_session(api, alice)
    turn = a_turn(colour="blue", input_tokens="many")
    answer = await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice)
    problem = answer.json()
    assert answer.status_code == 422
    assert {error["pointer"] for error in problem["errors"]} == {"/colour", "/input_tokens"}
    assert "many" not in answer.text


@pytest.mark.parametrize(
    ("content", "status"), [(b"{", 400), (b"\xff\xfe", 400), (b"[]", 422), (b"null", 422), (b"", 422)]
)
async def test_what_is_not_a_turn_is_refused(
    api: httpx.AsyncClient, alice: Headers, content: bytes, status: int
) -> None:
    session_id = await a_session(api, alice)
    answer = await api.post(f"/sessions/{session_id}/interactions", content=content, headers=alice)
    assert answer.status_code == status, answer.text


async def test_a_body_that_is_too_large_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    answer = await api.post("/sessions", content=b" " * 1_000_001, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:vimarsh:problem:too-large")


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_too_long_or_empty_is_refused(api: httpx.AsyncClient, alice: Headers, key: str) -> None:
    answer = await api.post("/sessions", json={}, headers=alice | {"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:vimarsh:problem:bad-request")
