"""Admissions, one's own usage, and limits decided by admins, over HTTP."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from functions.composition import services
from local.entra.identity import TENANT_ID, oid_of
from models.accounts.limits import LimitTable
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn, asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

ESTIMATE = {"model": "gpt-4o-mini", "input_tokens": 1000, "max_output_tokens": 500}
NOBODY = "33333333-3333-4333-8333-333333333333"


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Admin"])


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two queries and 10,000 tokens a day, for everybody."""
    table = LimitTable.model_validate({"day": {"queries": 2, "tokens": 10_000}})
    monkeypatch.setattr(services().settings, "limits", table)


async def usage_of(api: httpx.AsyncClient, headers: Headers) -> dict[str, Any]:
    """The day's limits, by measure."""
    answer = await api.get("/me/usage", headers=headers)
    assert answer.status_code == 200, answer.text
    return {line["measure"]: line for line in answer.json()["limits"] if line["window"] == "day"}


async def user_id_of(api: httpx.AsyncClient, headers: Headers) -> str:
    user_id: str = (await api.get("/me", headers=headers)).json()["id"]
    return user_id


async def set_limits(api: httpx.AsyncClient, admin: Headers, user_id: str, **body: Any) -> httpx.Response:
    """What becomes of it, sent with the account's newest ETag."""
    etag = (await api.get(f"/admin/users/{user_id}", headers=admin)).headers["etag"]
    return await api.put(
        f"/admin/users/{user_id}/limits", json={"reason": "A workshop"} | body, headers=admin | {"If-Match": etag}
    )


async def test_a_reservation_is_settled_by_its_turn(api: httpx.AsyncClient, alice: Headers, limited: None) -> None:
    answer = await api.post("/admissions", json=ESTIMATE, headers=alice)
    admission = answer.json()
    assert answer.status_code == 201, answer.text
    assert (admission["reserved_tokens"], admission["reserved_cost_usd"]) == (1500, 0.00045)
    assert [(line["measure"], line["reserved"], line["left"]) for line in admission["remaining"]] == [
        ("queries", 1, 1),
        ("tokens", 1500, 8500),
    ]
    session_id = await a_session(api, alice)
    turn = a_turn(input_tokens=900, output_tokens=100, admission_id=admission["id"])
    recorded = await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice)
    assert (recorded.status_code, recorded.json()["admission_id"]) == (201, admission["id"])
    tokens = (await usage_of(api, alice))["tokens"]
    assert (tokens["used"], tokens["reserved"], tokens["left"]) == (1000, 0, 9000)


async def test_a_refusal_says_which_limit_and_when_to_come_back(
    api: httpx.AsyncClient, alice: Headers, limited: None
) -> None:
    session_id = await a_session(api, alice)
    for _ in range(2):
        recorded = await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)
        assert recorded.status_code == 201
    answer = await api.post("/admissions", json=ESTIMATE, headers=alice)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (429, "urn:vimarsh:problem:limit-reached")
    assert answer.headers["content-type"] == "application/problem+json"
    assert {name: problem[name] for name in ("scope", "window", "measure", "limit", "used", "reserved")} == {
        "scope": "user",
        "window": "day",
        "measure": "queries",
        "limit": 2,
        "used": 2,
        "reserved": 0,
    }
    resets_at = datetime.fromisoformat(problem["resets_at"])
    assert 0 < int(answer.headers["retry-after"]) <= 86_400
    assert resets_at > datetime.now(UTC)
    still = await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)
    assert still.status_code == 201


async def test_concurrent_first_requests_of_somebody_new_stay_within_the_budget(
    api: httpx.AsyncClient, alice: Headers, limited: None
) -> None:
    answers = await asyncio.gather(*(api.post("/admissions", json=ESTIMATE, headers=alice) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [429] * 18


async def test_an_estimate_that_is_more_than_the_limit_is_told_to_ask_for_less(
    api: httpx.AsyncClient, alice: Headers, limited: None
) -> None:
    answer = await api.post("/admissions", json=ESTIMATE | {"input_tokens": 9_000_000}, headers=alice)
    problem = answer.json()
    assert (answer.status_code, problem["used"], problem["reserved"]) == (429, 0, 0)
    assert problem["detail"].endswith("Waiting will not help: ask for less than the limit.")


async def test_the_same_key_makes_the_same_reservation(api: httpx.AsyncClient, alice: Headers, limited: None) -> None:
    keyed = alice | {"Idempotency-Key": "turn-1"}
    first = await api.post("/admissions", json=ESTIMATE, headers=keyed)
    again = await api.post("/admissions", json=ESTIMATE, headers=keyed)
    assert again.status_code == 201
    assert {again.json()[name] for name in ("id", "expires_at")} == {
        first.json()[name] for name in ("id", "expires_at")
    }
    assert (await usage_of(api, alice))["queries"]["reserved"] == 1
    other = await api.post("/admissions", json=ESTIMATE | {"input_tokens": 7}, headers=keyed)
    assert (other.status_code, other.json()["type"]) == (422, "urn:vimarsh:problem:key-reused")


async def test_a_released_reservation_holds_nothing(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn, limited: None
) -> None:
    admission = (await api.post("/admissions", json=ESTIMATE, headers=alice)).json()
    mallory = sign_in(f"{uuid.uuid4().hex}@contoso.example")
    path = f"/admissions/{admission['id']}"
    assert (await api.delete(path, headers=mallory)).status_code == 204
    assert (await usage_of(api, alice))["queries"]["reserved"] == 1
    for _ in range(2):
        assert (await api.delete(path, headers=alice)).status_code == 204
    assert (await usage_of(api, alice))["queries"]["reserved"] == 0
    assert (await api.delete("/admissions/not-a-uuid", headers=alice)).status_code == 404


async def test_a_model_without_a_price_costs_nothing_and_is_counted(api: httpx.AsyncClient, alice: Headers) -> None:
    admission = (await api.post("/admissions", json=ESTIMATE | {"model": "nobody-knows"}, headers=alice)).json()
    assert admission["reserved_cost_usd"] is None
    session_id = await a_session(api, alice)
    turn = a_turn(model_used="nobody-knows", admission_id=admission["id"])
    await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice)
    shown = (await api.get("/me/usage", headers=alice)).json()
    assert shown["unpriced_queries"] == 1
    assert [line["used"] for line in shown["limits"] if line["measure"] == "cost_usd"] == [0.0, 0.0]


async def test_the_chat_server_reserves_for_a_user(
    api: httpx.AsyncClient, chat_server: Headers, sign_in: SignIn, an_email: str, limited: None
) -> None:
    user = {"tenant_id": TENANT_ID, "auth_id": oid_of(an_email), "email": an_email, "name": "Alice"}
    answer = await api.post("/admissions", json=ESTIMATE | {"user": user}, headers=chat_server)
    assert answer.status_code == 201, answer.text
    alice = sign_in(an_email)
    assert (await usage_of(api, alice))["queries"]["reserved"] == 1
    path = f"/admissions/{answer.json()['id']}"
    query = {"user_id": await user_id_of(api, alice)}
    assert (await api.delete(path, params=query, headers=chat_server)).status_code == 204
    assert (await usage_of(api, alice))["queries"]["reserved"] == 0
    for sent in (
        await api.post("/admissions", json=ESTIMATE, headers=chat_server),
        await api.post("/admissions", json=ESTIMATE | {"user": user}, headers=alice),
    ):
        assert (sent.status_code, sent.json()["errors"][0]["pointer"]) == (422, "/user")
    for released in (
        await api.delete(path, headers=chat_server),
        await api.delete(path, params=query, headers=alice),
    ):
        assert (released.status_code, released.json()["errors"][0]["pointer"]) == (422, "/query/user_id")


async def test_only_users_and_the_chat_server_are_admitted(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    for method, path in (("POST", "/admissions"), ("DELETE", f"/admissions/{NOBODY}"), ("GET", "/me/usage")):
        unknown = await api.request(method, path)
        assert (unknown.status_code, "WWW-Authenticate" in unknown.headers) == (401, True)
        other = await api.request(method, path, headers=sign_in(app=True, roles=["Something.Else"]))
        assert (other.status_code, other.json()["type"]) == (403, "urn:vimarsh:problem:forbidden")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"input_tokens": -1}, "/input_tokens"), ({"model": ""}, "/model"), ({"colour": "blue"}, "/colour")],
)
async def test_an_estimate_that_is_not_valid_is_refused(
    api: httpx.AsyncClient, alice: Headers, changes: dict[str, Any], pointer: str
) -> None:
    answer = await api.post("/admissions", json=ESTIMATE | changes, headers=alice)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_suspended_account_is_not_admitted(api: httpx.AsyncClient, alice: Headers, admin: Headers) -> None:
    user_id = await user_id_of(api, alice)
    etag = (await api.get(f"/admin/users/{user_id}", headers=admin)).headers["etag"]
    body = {"action": "suspend", "reason": "Because of spam"}
    await api.patch(f"/admin/users/{user_id}", json=body, headers=admin | {"If-Match": etag})
    answer = await api.post("/admissions", json=ESTIMATE, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:vimarsh:problem:account-suspended")
    assert (await api.get("/me/usage", headers=alice)).status_code == 200


async def test_requests_to_the_database_are_few(
    api: httpx.AsyncClient, alice: Headers, cosmos_url: str, drained: Drain
) -> None:
    session_id = await a_session(api, alice)

    async def counted(method: str, path: str, **body: Any) -> list[tuple[str, str, int]]:
        """Without what the change feeds do meanwhile: they poll, and write over documents that are there."""
        await drained()
        async with httpx.AsyncClient(base_url=cosmos_url) as engine:
            await engine.delete("/_local/requests")
            answer = await api.request(method, path, headers=alice, **body)
            assert answer.is_success, answer.text
            rows = await asked(engine, "user_sessions", "user_interactions")
        return [row for row in rows if row[1] not in ("patch", "replace")]

    turns = f"/sessions/{session_id}/interactions"
    recording = [("user_interactions", "create", 1), ("user_sessions", "batch", 1)]
    for admission_id in (None, NOBODY):
        assert await counted("POST", turns, json=a_turn(admission_id=admission_id)) == recording
    assert await counted("POST", "/admissions", json=ESTIMATE) == [("user_sessions", "read", 1)]
    assert await counted("GET", "/me/usage") == [("user_sessions", "read", 1)]


async def test_alerts_are_shown_once_the_feed_has_raised_them(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, drained: Drain
) -> None:
    user_id = await user_id_of(api, alice)
    await set_limits(api, admin, user_id, limits={"day": {"tokens": 2000}})
    session_id = await a_session(api, alice)
    for _ in range(2):
        turn = a_turn(input_tokens=800, output_tokens=1)
        await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice)
    await drained()
    alerts = (await usage_of(api, alice))["tokens"]["alerts"]
    assert [alert["threshold"] for alert in alerts] == [50, 80]


async def test_an_admin_decides_the_limits_of_one_user(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, limited: None
) -> None:
    user_id = await user_id_of(api, alice)
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"limits": {"day": {"queries": 1, "tokens": "unlimited", "cost_usd": 0.5}}, "until": until}
    changed = await set_limits(api, admin, user_id, **body)
    assert changed.status_code == 200, changed.text
    assert changed.json()["limit_override"]["by"] == await user_id_of(api, admin)
    assert {measure: line["limit"] for measure, line in (await usage_of(api, alice)).items()} == {
        "queries": 1,
        "cost_usd": 0.5,
    }
    answers = [await api.post("/admissions", json=ESTIMATE, headers=alice) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 429]
    assert "limit_override" not in (await api.get("/me", headers=alice)).json()
    audit = (await api.get(f"/admin/users/{user_id}/audit", headers=admin)).json()["items"]
    assert [(entry["act"], entry["reason"]) for entry in audit] == [("set_limits", "A workshop")]
    ended = await set_limits(api, admin, user_id, limits={})
    assert ended.headers["etag"] != changed.headers["etag"]
    assert {measure: line["limit"] for measure, line in (await usage_of(api, alice)).items()} == {
        "queries": 2,
        "tokens": 10_000,
    }


async def test_a_decision_that_is_over_counts_no_longer(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, limited: None
) -> None:
    user_id = await user_id_of(api, alice)
    await set_limits(api, admin, user_id, limits={"day": {"queries": 0}}, until="2026-01-01T00:00:00Z")
    assert (await api.post("/admissions", json=ESTIMATE, headers=alice)).status_code == 201


async def test_limits_are_decided_by_admins_who_have_seen_the_account(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, sign_in: SignIn
) -> None:
    user_id, own_id = await user_id_of(api, alice), await user_id_of(api, admin)
    moderator = sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Moderator"])
    body, seen = {"limits": {}, "reason": "Why not"}, {"If-Match": '"1"'}
    for headers, path, status in (
        ({}, user_id, 401),
        (alice | seen, user_id, 403),
        (moderator | seen, user_id, 403),
        (admin | seen, own_id, 403),
        (admin | seen, NOBODY, 404),
        (admin | seen, "not-a-uuid", 404),
        (admin, user_id, 428),
        (admin | {"If-Match": '"77"'}, user_id, 412),
    ):
        answer = await api.put(f"/admin/users/{path}/limits", json=body, headers=headers)
        assert answer.status_code == status, answer.text
    wrong = await api.put(f"/admin/users/{user_id}/limits", json=body | {"limits": {"hour": {}}}, headers=admin | seen)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/limits/hour")


async def test_of_two_admins_at_once_one_decides(api: httpx.AsyncClient, alice: Headers, admin: Headers) -> None:
    user_id = await user_id_of(api, alice)
    etag = (await api.get(f"/admin/users/{user_id}", headers=admin)).headers["etag"]
    body = {"limits": {"day": {"queries": 5}}, "reason": "A workshop"}
    answers = await asyncio.gather(
        *(api.put(f"/admin/users/{user_id}/limits", json=body, headers=admin | {"If-Match": etag}) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    audit = (await api.get(f"/admin/users/{user_id}/audit", headers=admin)).json()["items"]
    assert len(audit) == 1


def left(answer: httpx.Response) -> dict[str, int]:
    """What the header RateLimit says is left, by limit."""
    items = [item.split(";") for item in answer.headers["ratelimit"].split(", ")]
    return {name.strip('"'): int(rest[0].removeprefix("r=")) for name, *rest in items}


async def test_what_uses_up_a_limit_tells_what_is_left(
    api: httpx.AsyncClient, alice: Headers, limited: None, cosmos_url: str
) -> None:
    session_id = await a_session(api, alice)
    admitted = await api.post("/admissions", json=ESTIMATE, headers=alice)
    assert left(admitted) == {"day-queries": 1, "day-tokens": 8500}
    assert '"day-queries";q=2;w=86400' in admitted.headers["ratelimit-policy"]
    turn = a_turn(admission_id=admitted.json()["id"])
    path, key = f"/sessions/{session_id}/interactions", {"Idempotency-Key": "once"}
    recorded = await api.post(path, json=turn, headers=alice | key)
    assert left(recorded) == {"day-queries": 1, "day-tokens": 8800}
    again = await api.post(path, json=turn, headers=alice | key)
    assert (again.status_code, "ratelimit" in again.headers) == (201, False)
    assert again.headers["ratelimit-policy"] == recorded.headers["ratelimit-policy"]
    assert left(await api.post("/admissions", json=ESTIMATE, headers=alice))["day-queries"] == 0
    refused = await api.post("/admissions", json=ESTIMATE, headers=alice)
    assert (refused.status_code, left(refused)["day-queries"]) == (429, 0)
