"""The profile, made at the first sign-in, and what its user changes."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn
from tests.functions.chat.test_ingest import an_item, ingest

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


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_a_profile_is_for_people_who_are_signed_in(
    api: httpx.AsyncClient, chat_server: Headers, method: str
) -> None:
    nobody = await api.request(method, "/me", json={"timezone": None})
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    assert (await api.request(method, "/me", json={"timezone": None}, headers=chat_server)).status_code == 403


async def edited(api: httpx.AsyncClient, headers: Headers, changes: dict[str, Any]) -> httpx.Response:
    """Edits the profile as it is now."""
    etag = (await api.get("/me", headers=headers)).headers["etag"]
    return await api.patch("/me", json=changes, headers=headers | {"If-Match": etag})


async def test_preferences_are_merged(api: httpx.AsyncClient, alice: Headers) -> None:
    first = {"favorite_personalities": ["socrates"], "complexity_level": "advanced", "theme": {"dark": True, "size": 2}}
    await edited(api, alice, {"user_preferences": first})
    second = {"favorite_personalities": ["buddha", "laozi"], "complexity_level": None, "theme": {"size": None}}
    answer = await edited(api, alice, {"user_preferences": second})
    merged = {"favorite_personalities": ["buddha", "laozi"], "theme": {"dark": True}}
    assert answer.json()["user_preferences"] == merged
    assert (await api.get("/me", headers=alice)).json() == answer.json()
    cleared = await edited(api, alice, {"user_preferences": None})
    assert cleared.json()["user_preferences"] == {}


async def test_a_time_zone_takes_effect_at_once(api: httpx.AsyncClient, alice: Headers) -> None:
    assert (await edited(api, alice, {"timezone": "Pacific/Auckland"})).json()["timezone"] == "Pacific/Auckland"
    session = (await api.post("/sessions", json={}, headers=alice)).json()
    assert session["timezone"] == "Pacific/Auckland"
    assert (await edited(api, alice, {"timezone": None, "preferred_language": "pt-BR"})).json()["timezone"] is None
    assert (await api.post("/sessions", json={}, headers=alice)).json()["timezone"] == "UTC"
    assert (await api.get("/me", headers=alice)).json()["preferred_language"] == "pt-BR"


async def test_each_change_of_a_consent_is_kept_with_its_time(api: httpx.AsyncClient, alice: Headers) -> None:
    first = (await edited(api, alice, {"marketing_consent": True, "analytics_consent": True})).json()
    second = (await edited(api, alice, {"marketing_consent": False})).json()
    history = [(change["consent"], change["given"]) for change in second["consent_history"]]
    assert history == [("marketing_consent", True), ("marketing_consent", False)]
    times = [change["changed_at"] for change in second["consent_history"]]
    assert times == [first["last_consent_update"], second["last_consent_update"]]
    assert (second["marketing_consent"], second["analytics_consent"]) == (False, True)


async def test_what_staff_note_is_not_shown(api: httpx.AsyncClient, alice: Headers) -> None:
    answer = await edited(api, alice, {"timezone": "Europe/Paris"})
    assert not {"admin_notes", "moderation_actions", "totals_revision"} & set(answer.json())


async def test_totals_that_arrive_leave_the_profiles_etag_as_it_is(
    api: httpx.AsyncClient, alice: Headers, drained: Drain
) -> None:
    before = await api.get("/me", headers=alice)
    session_id = await a_session(api, alice)
    await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)
    await drained()
    after = await api.get("/me", headers=alice)
    assert after.json()["total_queries"] == 1
    assert after.headers["etag"] == before.headers["etag"]


async def test_of_two_edits_of_a_profile_at_once_one_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    seen = alice | {"If-Match": (await api.get("/me", headers=alice)).headers["etag"]}
    edits = [{"marketing_consent": True}, {"preferred_language": "de"}]
    answers = await asyncio.gather(*(api.patch("/me", json=edit, headers=seen) for edit in edits))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    missing = await api.patch("/me", json={"timezone": None}, headers=alice)
    assert (missing.status_code, missing.json()["type"]) == (428, "urn:vimarsh:problem:precondition-required")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"email": "mallory@contoso.example"}, "/email"),
        ({"is_admin": True}, "/is_admin"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"preferred_language": "the Queen's"}, "/preferred_language"),
        ({"preferred_language": None}, "/preferred_language"),
        ({"analytics_consent": None}, "/analytics_consent"),
        ({"marketing_consent": "yes"}, "/marketing_consent"),
        ({"user_preferences": {"learning_goals": "wisdom"}}, "/user_preferences/learning_goals"),
        ({"user_preferences": {"": 1}}, "/user_preferences"),
    ],
)
async def test_what_can_not_be_changed_or_makes_no_sense_is_named(
    api: httpx.AsyncClient, alice: Headers, body: dict[str, Any], pointer: str
) -> None:
    answer = await edited(api, alice, body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_preferences_have_a_limit_together(api: httpx.AsyncClient, alice: Headers) -> None:
    assert (await edited(api, alice, {"user_preferences": {"notes": "x" * 9000}})).status_code == 200
    answer = await edited(api, alice, {"user_preferences": {"more": "x" * 9000}})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:preferences-too-large")
    assert (await edited(api, alice, {"user_preferences": {"notes": None, "more": "x" * 9000}})).status_code == 200
    huge = await edited(api, alice, {"user_preferences": {"notes": "x" * 70_000}})
    assert (huge.status_code, huge.json()["type"]) == (413, "urn:vimarsh:problem:too-large")


async def test_alive_needs_no_token(api: httpx.AsyncClient) -> None:
    answer = await api.get("/health", headers={"x-request-id": "given-1"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["x-request-id"] == "given-1"


async def test_a_request_id_that_is_not_plain_is_replaced(api: httpx.AsyncClient) -> None:
    answer = await api.get("/health", headers={"x-request-id": "a b\tc"})
    assert uuid.UUID(answer.headers["x-request-id"])


@pytest.mark.parametrize(
    ("claims", "email", "status"),
    [
        ({"email": None, "preferred_username": "+49 151 2345678"}, None, "absent"),
        ({"email": None, "preferred_username": "Alice Liddell"}, None, "absent"),
        ({"email": None, "preferred_username": None, "name": None}, None, "absent"),
        ({"email": "broken"}, "an address", "claimed"),
        ({"email": ["x"], "preferred_username": 7}, None, "absent"),
        ({"preferred_username": "+49 151 2345678"}, "an address", "claimed"),
    ],
)
async def test_an_odd_address_locks_nobody_out(
    api: httpx.AsyncClient,
    sign_in: SignIn,
    an_email: str,
    claims: dict[str, Any],
    email: str | None,
    status: str,
) -> None:
    headers = sign_in(an_email, claims={"oid": str(uuid.uuid4())} | claims)
    profile = (await api.get("/me", headers=headers)).json()
    assert (profile["email"], profile["email_status"]) == (email and an_email, status)
    await a_session(api, headers)
    assert (await api.get("/me/export", headers=headers)).status_code == 200


async def test_the_first_session_tells_the_time_zone_of_a_profile_without_one(
    api: httpx.AsyncClient, alice: Headers
) -> None:
    assert (await api.get("/me", headers=alice)).json()["timezone"] is None
    assert (await api.post("/sessions", json={}, headers=alice)).json()["timezone"] == "UTC"
    for zone in ("Asia/Kolkata", "Europe/Paris"):
        await api.post("/sessions", json={"timezone": zone}, headers=alice)
        assert (await api.get("/me", headers=alice)).json()["timezone"] == "Asia/Kolkata"
    assert (await api.get("/me/usage", headers=alice)).json()["timezone"] == "Asia/Kolkata"
    await edited(api, alice, {"timezone": None})
    await api.post("/sessions", json={"timezone": "Europe/Paris"}, headers=alice)
    assert (await api.get("/me", headers=alice)).json()["timezone"] is None  # as its user wants it


async def test_a_server_tells_the_time_zone_of_a_profile_without_one(
    api: httpx.AsyncClient, sign_in: SignIn, chat_server: Headers, an_email: str
) -> None:
    alice = sign_in(an_email)
    assert (await api.get("/me", headers=alice)).json()["timezone"] is None
    await ingest(api, chat_server, an_item(an_email, str(uuid.uuid4())))
    assert (await api.get("/me", headers=alice)).json()["timezone"] == "Asia/Kolkata"
    (session,) = (await api.get("/sessions", headers=alice)).json()["items"]
    assert session["timezone"] == "Asia/Kolkata"
