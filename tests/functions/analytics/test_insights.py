"""What the user's rollups tell them: the dashboard, analytics over time, recommendations."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn, asked
from tests.functions.chat.test_ingest import an_item, ingest

pytestmark = pytest.mark.asyncio(loop_scope="session")


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


async def test_a_dashboard_that_has_not_changed_is_one_read_and_not_sent(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, cosmos_url: str
) -> None:
    path = f"/sessions/{await a_session(api, alice)}/interactions"
    empty = await api.get("/me/dashboard", headers=alice)
    turn = (await api.post(path, json=a_turn(), headers=alice)).json()
    await drained()
    first = await api.get("/me/dashboard", headers=alice | {"If-None-Match": empty.headers["etag"]})
    assert (first.status_code, first.json()["total_interactions"]) == (200, 1)
    known = alice | {"If-None-Match": first.headers["etag"]}
    async with httpx.AsyncClient(base_url=cosmos_url) as engine:
        await engine.delete("/_local/requests")
        again = await api.get("/me/dashboard", headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert await asked(engine, "user_analytics") == [("user_analytics", "read", 1)]
    rated = await api.patch(f"/interactions/{turn['id']}", json={"user_rating": 2}, headers=alice | {"If-Match": '"1"'})
    assert rated.status_code == 200
    await drained()
    changed = await api.get("/me/dashboard", headers=known)
    assert (changed.status_code, changed.json()["interaction_quality"]["avg_rating"]) == (200, 2)


async def test_analytics_that_have_not_changed_are_not_sent(
    api: httpx.AsyncClient, alice: Headers, drained: Drain
) -> None:
    path = f"/sessions/{await a_session(api, alice)}/interactions"
    first = await api.get("/me/analytics", headers=alice)
    known = alice | {"If-None-Match": first.headers["etag"]}
    await drained()
    await api.post(path, json=a_turn(), headers=alice)
    await drained()
    changed = await api.get("/me/analytics", headers=known)
    assert changed.status_code == 200
    again = await api.get("/me/analytics", headers=alice | {"If-None-Match": changed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def analytics(api: httpx.AsyncClient, headers: Headers, **query: str) -> dict[str, Any]:
    answer = await api.get("/me/analytics", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def comparable(sums: dict[str, int]) -> dict[str, int]:
    """Without what only some periods know: days, which days of UTC they are on; all time, which weeks had turns."""
    return {measure: value for measure, value in sums.items() if not measure.startswith(("address:", "week:"))}


async def test_the_days_of_a_range_sum_to_the_range(
    api: httpx.AsyncClient, chat_server: Headers, sign_in: SignIn, an_email: str, drained: Drain
) -> None:
    """The user's zone is 5:30 ahead: what is asked at 20:00 counts on the next day."""
    times = ["2026-09-30T20:00:00Z", "2026-10-01T12:00:00Z", "2026-10-05T03:00:00Z", "2026-10-31T20:00:00Z"]
    session_id = str(uuid.uuid4())
    items = [an_item(an_email, session_id, timestamp=time, user_rating=n) for n, time in enumerate(times, 1)]
    await ingest(api, chat_server, *items)
    await drained()
    alice = sign_in(an_email)
    days = await analytics(api, alice, **{"from": "2026-10-01", "to": "2026-10-31"})
    assert [(day["period_key"], day["total_interactions"]) for day in days["items"]] == [
        ("2026-10-01", 2),
        ("2026-10-05", 1),
    ]
    assert (days["total"]["total_interactions"], days["total"]["active_days"]) == (3, 2)
    assert days["total"]["avg_response_rating"] == 2
    months = await analytics(api, alice, period="monthly", **{"from": "2026-10-15", "to": "2026-10-16"})
    assert [month["period_key"] for month in months["items"]] == ["2026-10"]
    assert months["items"][0]["sums"] == comparable(days["total"]["sums"]) | {"active_days": 2}
    weeks = await analytics(api, alice, period="weekly", **{"from": "2026-10-01", "to": "2026-11-01"})
    assert [week["period_key"] for week in weeks["items"]] == ["2026-W40", "2026-W41", "2026-W44"]
    whole = await analytics(api, alice, period="all_time")
    assert whole["items"][0]["sums"] == whole["total"]["sums"]
    assert comparable(whole["total"]["sums"]) == weeks["total"]["sums"]
    assert (whole["first_day"], whole["total"]["active_days"]) == (None, 3)


async def test_today_is_the_users_own(api: httpx.AsyncClient, alice: Headers, drained: Drain) -> None:
    turn = await api.post(f"/sessions/{await a_session(api, alice)}/interactions", json=a_turn(), headers=alice)
    etag = (await api.get("/me", headers=alice)).headers["etag"]
    await api.patch("/me", json={"timezone": "Asia/Kolkata"}, headers=alice | {"If-Match": etag})
    await drained()
    answer = await analytics(api, alice)
    assert [day["sums"]["tokens"] for day in answer["items"]] == [turn.json()["total_tokens"]]
    assert answer["last_day"] == answer["items"][0]["period_key"]


async def test_somebody_new_has_no_analytics(api: httpx.AsyncClient, alice: Headers) -> None:
    for period in ("daily", "weekly", "monthly", "all_time"):
        answer = await analytics(api, alice, period=period)
        assert (answer["items"], answer["total"]["total_tokens"]) == ([], 0)
    assert (await api.get("/me/recommendations", headers=alice)).json() == {"as_of": None, "items": []}


async def test_other_peoples_turns_are_not_counted(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn, drained: Drain
) -> None:
    await api.post(f"/sessions/{await a_session(api, alice)}/interactions", json=a_turn(), headers=alice)
    await drained()
    mallory = sign_in(f"{uuid.uuid4().hex}@contoso.example")
    assert (await analytics(api, mallory))["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"period": "hourly"},
        {"from": "2026-10-02", "to": "2026-10-01"},
        {"from": "2025-01-01", "to": "2026-01-02"},
        {"period": "all_time", "from": "2026-01-01"},
        {"from": "2026-10-01T00:00:00Z"},
        {"from": "1790000000"},
        {"to": "2026-02-30"},
        {"to": "9999-12-31"},
    ],
)
async def test_a_range_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, alice: Headers, query: dict[str, str]
) -> None:
    answer = await api.get("/me/analytics", params=query, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:invalid")


async def test_recommendations_say_why(api: httpx.AsyncClient, alice: Headers, drained: Drain) -> None:
    session_id = await a_session(api, alice)
    for _ in range(2):
        await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)
    await drained()
    answer = (await api.get("/me/recommendations", headers=alice)).json()
    assert answer["as_of"]
    assert answer["items"] == [
        {
            "rule": "another_personality",
            "text": "Ask another personality than socrates, and compare the answers.",
            "reason": "All 2 of your questions went to socrates.",
        }
    ]
    board = (await api.get("/me/dashboard", headers=alice)).json()
    assert board["personalized_suggestions"] == [item["text"] for item in answer["items"]]


@pytest.mark.parametrize("path", ["/me/dashboard", "/me/analytics", "/me/recommendations"])
async def test_insights_are_for_people_who_are_signed_in(
    api: httpx.AsyncClient, chat_server: Headers, path: str
) -> None:
    nobody = await api.get(path)
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    assert (await api.get(path, headers=chat_server)).status_code == 403
