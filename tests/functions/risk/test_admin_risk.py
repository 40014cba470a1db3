"""What was found of abuse, as staff see and dismiss it."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from local.entra.identity import TENANT_ID, oid_of
from models.core.identity import user_id_of
from tests.functions.calls import Drain, Headers, SignIn, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHY = "A rehearsal of the school's, confirmed"


@pytest.fixture
def moderator(sign_in: SignIn) -> Headers:
    return sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Moderator"])


async def ask_again_and_again(
    api: httpx.AsyncClient, chat_server: Headers, email: str, count: int = 30, day: int = 5
) -> str:
    """One question so many times, by a user whose id is returned."""
    user = {"tenant_id": TENANT_ID, "auth_id": oid_of(email), "email": email, "name": "Alice", "timezone": "UTC"}
    session_id = str(uuid.uuid4())
    turns = [
        a_turn(user=user, session_id=session_id, id=str(uuid.uuid4()), timestamp=f"2026-10-{day:02}T20:{at:02}:00Z")
        for at in range(count)
    ]
    answer = await api.post("/ingest/turns", json={"turns": turns}, headers=chat_server)
    assert {result["status"] for result in answer.json()["items"]} == {201}
    return user_id_of(TENANT_ID, oid_of(email))


async def risk_of(api: httpx.AsyncClient, staff: Headers, user_id: str) -> dict[str, Any]:
    answer = await api.get(f"/admin/users/{user_id}/risk", headers=staff)
    assert answer.status_code == 200, answer.text
    risk: dict[str, Any] = answer.json()
    return risk


async def dismiss(api: httpx.AsyncClient, staff: Headers, user_id: str, shown: str, **changes: Any) -> httpx.Response:
    body = {"rule": "repetitive_queries", "fingerprint": shown, "reason": WHY} | changes
    return await api.put(f"/admin/users/{user_id}/risk/dismissal", json=body, headers=staff)


async def test_a_finding_is_shown_with_its_evidence_and_decays(
    api: httpx.AsyncClient, chat_server: Headers, moderator: Headers, an_email: str, drained: Drain
) -> None:
    user_id = await ask_again_and_again(api, chat_server, an_email)
    await drained()
    risk = await risk_of(api, moderator, user_id)
    (shown,) = risk["findings"]
    assert (shown["finding"]["rule"], shown["finding"]["turns"]) == ("repetitive_queries", 30)
    assert "30 times" in shown["finding"]["summary"]
    assert risk["shadow"] is True
    assert risk["score"] == shown["points"]
    account = (await api.get(f"/admin/users/{user_id}", headers=moderator)).json()
    assert (account["abuse_flags"], account["risk_score"]) == (["repetitive_queries"], risk["score"])
    assert risk["score"] < 90, "the evidence is weeks old"
    assert account["risk_score_at"] >= risk["score_at"]


async def test_a_user_sees_neither_evidence_nor_decision(
    api: httpx.AsyncClient, chat_server: Headers, sign_in: SignIn, an_email: str, drained: Drain
) -> None:
    await ask_again_and_again(api, chat_server, an_email)
    await drained()
    profile = (await api.get("/me", headers=sign_in(an_email))).json()
    assert {"abuse_evidence", "risk_decision", "risk_judged_until", "risk_revision"}.isdisjoint(profile)


async def test_what_is_dismissed_leaves_the_profile_and_stays_away(
    api: httpx.AsyncClient, chat_server: Headers, moderator: Headers, an_email: str, drained: Drain
) -> None:
    user_id = await ask_again_and_again(api, chat_server, an_email)
    await drained()
    fingerprint = (await risk_of(api, moderator, user_id))["findings"][0]["fingerprint"]
    for _ in range(2):
        answer = await dismiss(api, moderator, user_id, fingerprint)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["findings"], answer.json()["score"]) == ([], 0)
        assert answer.json()["dismissals"][0]["reason"] == WHY
    await ask_again_and_again(api, chat_server, an_email, count=3, day=6)
    await drained()
    account = (await api.get(f"/admin/users/{user_id}", headers=moderator)).json()
    assert (account["abuse_flags"], account["risk_score"], account["abuse_evidence"]) == ([], 0, [])
    audit = (await api.get(f"/admin/users/{user_id}/audit", headers=moderator)).json()["items"]
    assert [entry["act"] for entry in audit] == ["dismiss_finding"]


async def test_a_dismissal_of_what_is_no_longer_found_is_refused(
    api: httpx.AsyncClient, chat_server: Headers, moderator: Headers, an_email: str, drained: Drain
) -> None:
    user_id = await ask_again_and_again(api, chat_server, an_email)
    await drained()
    fingerprint = (await risk_of(api, moderator, user_id))["findings"][0]["fingerprint"]
    await ask_again_and_again(api, chat_server, an_email, count=40, day=6)
    await drained()
    answer = await dismiss(api, moderator, user_id, fingerprint)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:vimarsh:problem:finding-changed")
    assert (await risk_of(api, moderator, user_id))["findings"]
    assert (await api.get(f"/admin/users/{user_id}/audit", headers=moderator)).json()["items"] == []


async def test_nobody_else_may_look_or_dismiss(api: httpx.AsyncClient, alice: Headers, moderator: Headers) -> None:
    own = (await api.get("/me", headers=moderator)).json()["id"]
    fingerprint = "0" * 16
    for headers, status in (({}, 401), (alice, 403)):
        for answer in (
            await api.get(f"/admin/users/{own}/risk", headers=headers),
            await dismiss(api, headers, own, fingerprint),
        ):
            assert answer.status_code == status
            assert status != 401 or "WWW-Authenticate" in answer.headers
    assert (await dismiss(api, moderator, own, fingerprint)).status_code == 403, "not one's own"


async def test_who_was_never_judged_is_not_found(api: httpx.AsyncClient, moderator: Headers) -> None:
    nobody = str(uuid.uuid4())
    assert (await api.get(f"/admin/users/{nobody}/risk", headers=moderator)).status_code == 404
    assert (await dismiss(api, moderator, nobody, "0" * 16)).status_code == 404


@pytest.mark.parametrize("wrong", [{"rule": "boredom"}, {"fingerprint": "x"}, {"reason": " "}, {"more": 1}])
async def test_a_malformed_dismissal_is_refused(
    api: httpx.AsyncClient, moderator: Headers, wrong: dict[str, Any]
) -> None:
    answer = await dismiss(api, moderator, str(uuid.uuid4()), "0" * 16, **wrong)
    assert answer.status_code == 422


async def test_of_somebody_who_has_not_been_judged_nothing_is_found(
    api: httpx.AsyncClient, alice: Headers, moderator: Headers
) -> None:
    user_id = (await api.get("/me", headers=alice)).json()["id"]
    answer = await api.get(f"/admin/users/{user_id}/risk", headers=moderator)
    assert answer.status_code == 200
    assert answer.json() | {"shadow": None, "score_at": None} == {
        "user_id": user_id,
        "score": 0,
        "decision": "nothing",
        "score_at": None,
        "shadow": None,
        "findings": [],
        "dismissals": [],
    }
