"""The platform's insights and use, as admins read them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.functions.calls import Drain, Headers, SignIn
from tests.functions.chat.test_ingest import an_item, ingest

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in("root@contoso.example", roles=["Vimarsh.Admin"])


async def asked(
    api: httpx.AsyncClient, server: Headers, drained: Drain, query: str, users: int, time: str, **turn: Any
) -> None:
    """So many users ask something at a time."""
    for _ in range(users):
        email = f"{uuid.uuid4().hex[:12]}@contoso.example"
        await ingest(api, server, an_item(email, str(uuid.uuid4()), timestamp=time, user_query=query, **turn))
    await drained()


async def insights(api: httpx.AsyncClient, admin: Headers, **params: str) -> dict[str, Any]:
    answer = await api.get("/admin/insights", params=params, headers=admin)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_month_is_told_from_what_was_asked_in_it(
    api: httpx.AsyncClient, admin: Headers, chat_server: Headers, drained: Drain
) -> None:
    time, word = "2024-05-06T10:00:00Z", uuid.uuid4().hex
    await asked(api, chat_server, drained, f"What is {word}?", 3, time, user_rating=4, response_time_ms=1000)
    await asked(api, chat_server, drained, f"Who is {word}?", 2, time, response_quality="fallback")
    found = await insights(api, admin, month="2024-05")
    health = found["platform_health"]
    assert (found["month"], health["total_interactions"], health["active_users"]) == ("2024-05", 5, 5)
    assert health["error_rate"] == 0.4
    assert health["user_satisfaction"] == 4
    assert health["response_time_p95_ms"] == pytest.approx(1000, rel=0.01)
    assert found["growth_metrics"]["new_users_this_month"] == 5
    questions = {question["question"]: question for question in found["common_questions"]}
    asked_often = {"question": f"what is {word}", "askers": 3, "frequency": 3, "ratings": 3, "avg_rating": 4}
    assert questions[f"what is {word}"] == asked_often
    assert f"who is {word}" not in questions


async def test_use_over_time_is_told_by_what_is_asked_for(
    api: httpx.AsyncClient, admin: Headers, chat_server: Headers, drained: Drain
) -> None:
    await asked(
        api, chat_server, drained, "A?", 2, "2023-02-03T23:30:00Z", query_category="stars", model_used="nobody's"
    )
    await asked(api, chat_server, drained, "B?", 1, "2023-02-05T00:30:00Z", query_category="seas")
    range_ = {"from": "2023-02-01", "to": "2023-02-28"}
    answer = await api.get("/admin/analytics", params={"by": "category", **range_}, headers=admin)
    use = answer.json()
    assert [(item["period"], item["interactions"]) for item in use["items"]] == [("2023-02-03", 2), ("2023-02-05", 1)]
    groups = {group["value"]: group for group in use["total"]["groups"]}
    assert {value: group["interactions"] for value, group in groups.items()} == {"stars": 2, "seas": 1}
    assert (groups["stars"]["unpriced_interactions"], groups["stars"]["cost_usd"]) == (2, 0)
    assert use["total"]["cost_usd"] == pytest.approx(groups["seas"]["cost_usd"])
    months = await api.get("/admin/analytics", params={"by": "model", "interval": "month", **range_}, headers=admin)
    assert [(item["period"], item["interactions"]) for item in months.json()["items"]] == [("2023-02", 3)]
    assert months.json()["items"][0]["tokens"] == use["total"]["tokens"]


async def test_who_misuses_the_platform_is_told_with_evidence_and_cost(
    api: httpx.AsyncClient, admin: Headers, chat_server: Headers, drained: Drain, an_email: str
) -> None:
    session, month = str(uuid.uuid4()), datetime.now(UTC).strftime("%Y-%m")
    start = datetime.now(UTC).timestamp() - 7200
    times = (datetime.fromtimestamp(start + 20 * n, UTC).isoformat() for n in range(120))
    items = [an_item(an_email, session, timestamp=time, user_query="Say it again!") for time in times]
    for first in range(0, len(items), 60):
        await ingest(api, chat_server, *items[first : first + 60])
    await drained()
    me = (await api.get("/admin/users", params={"email": an_email}, headers=admin)).json()["items"][0]
    [user] = [user for user in (await insights(api, admin))["high_risk_users"] if user["user_id"] == me["id"]]
    assert "repetitive_queries" in user["red_flags"]
    assert {found["rule"] for found in user["evidence"]} == set(user["red_flags"])
    assert user["risk_score"] >= 30
    assert 0 < user["daily_query_count"] <= 120
    assert user["total_cost_usd"] >= user["cost_impact_usd"] >= 0
    assert month == (await insights(api, admin))["month"]


async def test_accounts_with_busy_days_are_listed_with_their_exact_cost_though_nothing_was_found(
    api: httpx.AsyncClient, admin: Headers, chat_server: Headers, drained: Drain
) -> None:
    busy, quiet = (f"{uuid.uuid4().hex[:12]}@contoso.example" for _ in range(2))
    sizes = {"2022-03-01": (20, 20), "2022-03-02": (40, 40), "2022-03-09": (500,)}
    turns = [(busy, day, tokens) for day, sizes_of in sizes.items() for tokens in sizes_of] + [(quiet, "2022-03-03", 9)]
    items = [
        an_item(email, str(uuid.uuid4()), timestamp=f"{day}T08:00:00Z")
        | {"model_used": "gpt-4o", "input_tokens": tokens, "output_tokens": 0}
        for email, day, tokens in turns
    ]
    await ingest(api, chat_server, *items)
    await drained()
    listed = (await api.get("/admin/busy-users", params={"month": "2022-03", "least": 2}, headers=admin)).json()[
        "items"
    ]
    [found] = listed
    del found["user_id"], found["risk_score_at"]
    assert found == {
        "account_status": "active",
        "peak_day": "2022-03-02",
        "peak_queries": 2,
        "busy_days": 2,
        "busy_queries": 4,
        "busy_cost_usd": 0.0003,
        "risk_score": 0,
        "red_flags": [],
    }


async def test_a_month_without_anything_is_empty(api: httpx.AsyncClient, admin: Headers) -> None:
    found = await insights(api, admin, month="2001-01")
    assert (found["as_of"], found["platform_health"]["total_interactions"]) == (None, 0)
    assert found["growth_metrics"]["new_users_this_month"] == 0


@pytest.mark.parametrize("path", ["/admin/insights", "/admin/analytics?by=model"])
@pytest.mark.parametrize("roles", [[], ["Vimarsh.Moderator"]])
async def test_the_platform_is_for_admins(
    api: httpx.AsyncClient, sign_in: SignIn, path: str, roles: list[str], an_email: str
) -> None:
    assert (await api.get(path, headers=sign_in(an_email, roles=roles))).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/admin/insights?month=2026-13",
        "/admin/insights?month=November",
        "/admin/analytics",
        "/admin/analytics?by=user",
        "/admin/analytics?by=model&from=2026-02-01&to=2026-01-01",
        "/admin/analytics?by=model&from=2020-01-01&to=2026-01-01",
    ],
)
async def test_what_cannot_be_told_is_refused(api: httpx.AsyncClient, admin: Headers, path: str) -> None:
    assert (await api.get(path, headers=admin)).status_code == 422
