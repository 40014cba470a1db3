"""The profile, made at the first sign-in, and the dashboard."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest

from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_profile_is_made_at_the_first_sign_in(api: httpx.AsyncClient, alice: Headers, an_email: str) -> None:
    answers = await asyncio.gather(*(api.get("/me", headers=alice) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    profile = answers[0].json()
    assert (profile["email"], profile["name"], profile["given_name"]) == (an_email, "Alice Liddell", "Alice")
    assert profile["account_status"] == "active"
    assert "admin_notes" not in profile
    assert {answer.json()["created_at"] for answer in answers} == {profile["created_at"]}


async def test_a_profile_follows_the_token(api: httpx.AsyncClient, sign_in: SignIn, an_email: str) -> None:
    before = (await api.get("/me", headers=sign_in(an_email, name="Alice"))).json()
    renamed = (await api.get("/me", headers=sign_in(an_email, name="Alice P.", roles=["Vimarsh.Admin"]))).json()
    assert (renamed["name"], renamed["is_admin"]) == ("Alice P.", True)
    assert renamed["revision"] == before["revision"] + 1
    demoted = (await api.get("/me", headers=sign_in(an_email, name="Alice P."))).json()
    assert demoted["is_admin"] is False


async def test_somebody_new_has_an_empty_dashboard(api: httpx.AsyncClient, alice: Headers) -> None:
    board = (await api.get("/me/dashboard", headers=alice)).json()
    assert (board["as_of"], board["total_interactions"]) == (None, 0)


async def test_turns_reach_the_dashboard_the_profile_and_the_session(
    api: httpx.AsyncClient, alice: Headers, drained: Drain
) -> None:
    session_id = await a_session(api, alice)
    path = f"/sessions/{session_id}/interactions"
    turns = [a_turn(user_rating=4), a_turn(user_rating=5, was_shared=True), a_turn(personality_used="buddha")]
    recorded = [(await api.post(path, json=turn, headers=alice)).json() for turn in turns]
    await drained()
    board = (await api.get("/me/dashboard", headers=alice)).json()
    cost = sum(turn["cost_nano_usd"] for turn in recorded) / 1e9
    assert board["total_interactions"] == 3
    assert board["total_tokens"] == 3600
    assert board["total_cost_usd"] == cost
    assert board["learning_growth_metrics"]["favorite_personality"] == "socrates"
    assert board["interaction_quality"]["avg_rating"] == 4.5
    assert board["interaction_quality"]["return_rate"] == 1.0
    profile = (await api.get("/me", headers=alice)).json()
    assert (profile["total_queries"], profile["total_tokens_used"], profile["total_sessions"]) == (3, 3600, 1)
    assert profile["total_cost_usd"] == cost
    assert profile["last_activity"] == recorded[-1]["timestamp"]


@pytest.mark.parametrize("path", ["/me", "/me/dashboard"])
async def test_an_application_has_no_profile(api: httpx.AsyncClient, chat_server: Headers, path: str) -> None:
    answer = await api.get(path, headers=chat_server)
    assert answer.status_code == 403


async def test_alive_needs_no_token(api: httpx.AsyncClient) -> None:
    answer = await api.get("/health", headers={"x-request-id": "given-1"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["x-request-id"] == "given-1"


async def test_a_request_id_that_is_not_plain_is_replaced(api: httpx.AsyncClient) -> None:
    answer = await api.get("/health", headers={"x-request-id": "a b\tc"})
    assert uuid.UUID(answer.headers["x-request-id"])
