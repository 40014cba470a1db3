"""Recording turns and reading them back, over HTTP."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest

from tests.functions.calls import PHONE, Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
