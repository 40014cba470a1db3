"""Accounts, for staff."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cosmos.core.database import connect
from functions.composition import Store, services
from models.privacy.erasure import Erasure
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn, asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOBODY = "33333333-3333-4333-8333-333333333333"
WHY = {"X-Audit-Reason": "A complaint, case 17"}


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Admin"])


@pytest.fixture
def moderator(sign_in: SignIn) -> Headers:
    return sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Moderator"])


async def user_id_of(api: httpx.AsyncClient, headers: Headers) -> str:
    user_id: str = (await api.get("/me", headers=headers)).json()["id"]
    return user_id


async def moderate(
    api: httpx.AsyncClient, staff: Headers, user_id: str, action: str, reason: str = "Because of spam"
) -> httpx.Response:
    """What becomes of it, sent with the account's newest ETag."""
    path = f"/admin/users/{user_id}"
    etag = {"If-Match": (await api.get(path, headers=staff)).headers["etag"]}
    return await api.patch(path, json={"action": action, "reason": reason}, headers=staff | etag)


async def audit_of(api: httpx.AsyncClient, staff: Headers, user_id: str) -> list[dict[str, Any]]:
    answer = await api.get(f"/admin/users/{user_id}/audit", headers=staff)
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["items"]
    return entries


async def set_on_profile(settings: dict[str, str], user_id: str, **values: Any) -> None:
    """Writes to the profile behind the app's back, as another process does."""
    async with connect(settings["COSMOS"]) as client:
        users = client.get_database_client("vimarsh").get_container_client("users")
        operations = [{"op": "set", "path": f"/{name}", "value": value} for name, value in values.items()]
        await users.patch_item(user_id, user_id, operations)


def forget(user_id: str) -> None:
    """Lets the time pass that a process goes on with a profile it has read."""
    store = services()._store
    assert isinstance(store, Store)
    store.users._seen.pop(user_id, None)


async def found(api: httpx.AsyncClient, staff: Headers, field: str = "name", **query: Any) -> list[str]:
    """The names of all accounts that fit, or their ids, page by page."""
    names: list[str] = []
    while True:
        answer = await api.get("/admin/users", params=query, headers=staff)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        names += [profile[field] for profile in page["items"]]
        if page["continuation"] is None:
            return sorted(names)
        query["continuation"] = page["continuation"]


async def test_an_account_is_found_by_its_email(
    api: httpx.AsyncClient, alice: Headers, moderator: Headers, an_email: str
) -> None:
    user_id = await user_id_of(api, alice)
    assert await found(api, moderator, "id", email=an_email.upper()) == [user_id]
    assert await found(api, moderator, "id", email=an_email, name="alice") == [user_id]
    assert await found(api, moderator, "id", email="nobody@contoso.example") == []


async def test_accounts_are_found_by_what_they_are(
    api: httpx.AsyncClient, sign_in: SignIn, moderator: Headers, settings: dict[str, str]
) -> None:
    family = uuid.uuid4().hex
    ids = {}
    for name in ("Ada", "Bob", "Cy", "Di", "Eve"):
        headers = sign_in(f"{name}.{family}@contoso.example", name=f"{family} {name}")
        ids[name] = await user_id_of(api, headers)
    seen = {"rule": "spam", "pattern": "advertisements", "strength": 0.889, "observed": 16, "threshold": 9, "turns": 16}
    when = {"first_seen": "2020-01-01T00:00:00.000000Z", "last_seen": "2090-01-01T00:00:00.000000Z"}
    evidence = [seen | when | {"summary": "16 turns advertise"}]
    last = "2020-01-01T00:00:00.000000Z"
    await set_on_profile(settings, ids["Bob"], risk_score=80.01, abuse_evidence=evidence, last_activity=last)
    await set_on_profile(settings, ids["Di"], risk_score=80.01)  # as it was before its evidence was forgotten
    await moderate(api, moderator, ids["Cy"], "suspend")

    async def names(**query: Any) -> list[str]:
        fitting = await found(api, moderator, name=family.upper(), **query)
        return [name.removeprefix(family).strip() for name in fitting]

    assert await names() == ["Ada", "Bob", "Cy", "Di", "Eve"]
    assert await names(limit=2) == ["Ada", "Bob", "Cy", "Di", "Eve"]
    assert await names(account_status="suspended") == ["Cy"]
    assert await names(min_risk_score=79.5) == ["Bob"]
    assert await names(active_since="2026-01-01T00:00:00Z", limit=1) == ["Ada", "Cy", "Di", "Eve"]
    assert await names(account_status="active", min_risk_score=81) == []


@pytest.mark.parametrize(
    "query",
    [
        {"account_status": "happy"},
        {"min_risk_score": "101"},
        {"active_since": "yesterday"},
        {"email": "nobody"},
        {"surname": "x"},
    ],
)
async def test_a_query_that_is_not_understood_is_refused(
    api: httpx.AsyncClient, moderator: Headers, query: dict[str, str]
) -> None:
    answer = await api.get("/admin/users", params=query, headers=moderator)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:invalid")


async def test_a_suspension_takes_effect_at_once_and_is_kept(
    api: httpx.AsyncClient, alice: Headers, moderator: Headers, admin: Headers
) -> None:
    user_id, moderator_id = await user_id_of(api, alice), await user_id_of(api, moderator)
    await a_session(api, alice)
    suspended = await moderate(api, moderator, user_id, "suspend", "Floods the service")
    profile = suspended.json()
    assert (suspended.status_code, profile["account_status"]) == (200, "suspended")
    assert [(done["action"], done["by"], done["reason"]) for done in profile["moderation_actions"]] == [
        ("suspend", moderator_id, "Floods the service")
    ]
    refused = await api.post("/sessions", json={}, headers=alice)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:vimarsh:problem:account-suspended")
    assert (await api.get("/me/dashboard", headers=alice)).status_code == 200
    blocked = await moderate(api, admin, user_id, "block")
    assert blocked.json()["account_status"] == "blocked"
    refused = await api.post("/sessions", json={}, headers=alice)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:vimarsh:problem:account-blocked")
    assert (await moderate(api, admin, user_id, "restore")).json()["account_status"] == "active"
    await a_session(api, alice)
    entries = await audit_of(api, admin, user_id)
    assert [entry["act"] for entry in entries] == ["restore", "block", "suspend"]
    suspending = entries[-1]
    assert (suspending["actor_id"], suspending["user_id"]) == (moderator_id, user_id)
    assert (suspending["reason"], suspending["actor_roles"]) == ("Floods the service", ["Vimarsh.Moderator"])
    assert suspending["request_id"] == suspended.headers["x-request-id"]


async def test_a_suspended_user_reads_their_bookmarks_and_changes_none(
    api: httpx.AsyncClient, alice: Headers, moderator: Headers
) -> None:
    path = f"/sessions/{await a_session(api, alice)}/interactions"
    turn = (await api.post(path, json=a_turn(), headers=alice)).json()
    body = {"interaction_id": turn["id"]}
    bookmark = (await api.post("/bookmarks", json=body, headers=alice)).json()
    await moderate(api, moderator, bookmark["user_id"], "suspend")
    path, editing = f"/bookmarks/{bookmark['id']}", alice | {"If-Match": '"1"'}
    refused = [
        await api.post("/bookmarks", json=body, headers=alice),
        await api.patch(path, json={"is_favorite": True}, headers=editing),
        await api.delete(path, headers=editing),
    ]
    assert {answer.json()["type"] for answer in refused} == {"urn:vimarsh:problem:account-suspended"}
    assert (await api.get(path, headers=alice)).json()["access_count"] == 1


async def test_a_note_changes_nothing_but_the_notes(api: httpx.AsyncClient, alice: Headers, moderator: Headers) -> None:
    user_id = await user_id_of(api, alice)
    noted = (await moderate(api, moderator, user_id, "note", "Wrote to her")).json()
    assert (noted["account_status"], noted["admin_notes"]) == ("active", "Wrote to her")
    assert "Wrote to her" not in (await api.get("/me", headers=alice)).text
    assert [entry["act"] for entry in await audit_of(api, moderator, user_id)] == ["note"]


async def test_of_concurrent_decisions_one_wins(api: httpx.AsyncClient, alice: Headers, admin: Headers) -> None:
    user_id = await user_id_of(api, alice)
    path = f"/admin/users/{user_id}"
    etag = {"If-Match": (await api.get(path, headers=admin)).headers["etag"]}
    bodies = [{"action": action, "reason": "So"} for action in ("suspend", "block", "note", "suspend")]
    answers = await asyncio.gather(*(api.patch(path, json=body, headers=admin | etag) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert len(await audit_of(api, admin, user_id)) == 1


async def test_counting_turns_leaves_the_etag(
    api: httpx.AsyncClient, alice: Headers, moderator: Headers, drained: Drain
) -> None:
    user_id = await user_id_of(api, alice)
    path = f"/admin/users/{user_id}"
    before = (await api.get(path, headers=moderator)).headers["etag"]
    session_id = await a_session(api, alice)
    await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)
    await drained()
    account = await api.get(path, headers=moderator)
    assert (account.json()["total_queries"], account.headers["etag"]) == (1, before)


@pytest.mark.parametrize("action", ["block", "restore"])
async def test_what_lasts_and_what_undoes_is_for_admins(
    api: httpx.AsyncClient, alice: Headers, moderator: Headers, action: str
) -> None:
    answer = await moderate(api, moderator, await user_id_of(api, alice), action)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:vimarsh:problem:forbidden")


@pytest.mark.parametrize("action", ["suspend", "block", "restore", "note"])
async def test_nobody_moderates_their_own_account(api: httpx.AsyncClient, admin: Headers, action: str) -> None:
    user_id = await user_id_of(api, admin)
    answer = await moderate(api, admin, user_id, action)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:vimarsh:problem:self-moderation")
    assert await audit_of(api, admin, user_id) == []


async def test_what_an_account_is_not_can_not_be_undone(api: httpx.AsyncClient, alice: Headers, admin: Headers) -> None:
    answer = await moderate(api, admin, await user_id_of(api, alice), "restore")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:vimarsh:problem:wrong-status")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "suspend"},
        {"action": "suspend", "reason": " "},
        {"action": "suspend", "reason": "x" * 501},
        {"action": "delete", "reason": "So"},
        {"action": "note", "reason": "So", "account_status": "active"},
    ],
)
async def test_what_is_no_decision_is_refused(api: httpx.AsyncClient, admin: Headers, body: dict[str, str]) -> None:
    answer = await api.patch(f"/admin/users/{NOBODY}", json=body, headers=admin | {"If-Match": '"1"'})
    assert answer.status_code == 422


async def test_a_decision_needs_an_etag(api: httpx.AsyncClient, alice: Headers, admin: Headers) -> None:
    path, body = f"/admin/users/{await user_id_of(api, alice)}", {"action": "suspend", "reason": "So"}
    assert (await api.patch(path, json=body, headers=admin)).status_code == 428
    assert (await api.patch(path, json=body, headers=admin | {"If-Match": '"99"'})).status_code == 412


async def test_reading_what_a_user_wrote_leaves_an_audit(
    api: httpx.AsyncClient, alice: Headers, moderator: Headers, admin: Headers
) -> None:
    user_id, session_id = await user_id_of(api, alice), await a_session(api, alice)
    for n in range(3):
        turn = a_turn(user_query=f"Question {n}?")
        await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice)
    path = f"/admin/users/{user_id}/interactions"
    first = await api.get(path, params={"limit": 2}, headers=moderator | WHY)
    following = {"limit": "2", "continuation": first.json()["continuation"]}
    second = await api.get(path, params=following, headers=moderator | WHY)
    read = [turn["user_query"] for page in (first, second) for turn in page.json()["items"]]
    assert read == ["Question 2?", "Question 1?", "Question 0?"]
    entries = await audit_of(api, admin, user_id)
    assert [(entry["act"], entry["reason"]) for entry in entries] == [("read_interactions", WHY["X-Audit-Reason"])] * 2
    assert {entry["request_id"] for entry in entries} == {page.headers["x-request-id"] for page in (first, second)}
    other = await api.get(path, params=following, headers=admin | WHY)
    assert (other.status_code, other.json()["type"]) == (400, "urn:vimarsh:problem:bad-continuation")
    assert len(await audit_of(api, admin, user_id)) == 2


@pytest.mark.parametrize("reason", [None, "", "   ", "x" * 501])
async def test_reading_what_a_user_wrote_needs_a_reason(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, reason: str | None
) -> None:
    user_id = await user_id_of(api, alice)
    headers = admin if reason is None else admin | {"X-Audit-Reason": reason}
    answer = await api.get(f"/admin/users/{user_id}/interactions", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:vimarsh:problem:audit-reason-required")
    assert await audit_of(api, admin, user_id) == []


@pytest.mark.parametrize(
    "sent", ["शिकायत №7".encode(), b"UTF-8''%E0%A4%B6%E0%A4%BF%E0%A4%95%E0%A4%BE%E0%A4%AF%E0%A4%A4%20%E2%84%967"]
)
async def test_a_reason_may_be_in_any_script(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, sent: bytes
) -> None:
    user_id = await user_id_of(api, alice)
    headers = [(name.encode(), value.encode()) for name, value in admin.items()]
    path = f"/admin/users/{user_id}/interactions"
    assert (await api.get(path, headers=[*headers, (b"X-Audit-Reason", sent)])).status_code == 200
    assert [entry["reason"] for entry in await audit_of(api, admin, user_id)] == ["शिकायत №7"]


async def test_who_does_not_exist_is_not_found(api: httpx.AsyncClient, admin: Headers) -> None:
    body = {"action": "note", "reason": "So"}
    for user_id in (NOBODY, "not-a-uuid"):
        path = f"/admin/users/{user_id}"
        answers = [
            await api.get(path, headers=admin),
            await api.patch(path, json=body, headers=admin | {"If-Match": '"1"'}),
            await api.get(f"{path}/interactions", headers=admin | WHY),
            await api.get(f"{path}/audit", headers=admin),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/users"),
        ("GET", f"/admin/users/{NOBODY}"),
        ("PATCH", f"/admin/users/{NOBODY}"),
        ("GET", f"/admin/users/{NOBODY}/interactions"),
        ("GET", f"/admin/users/{NOBODY}/audit"),
    ],
)
async def test_the_routes_of_staff_are_for_staff(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, sign_in: SignIn, method: str, path: str
) -> None:
    anonymous = await api.request(method, path)
    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"].startswith("Bearer")
    robot = sign_in(app=True, roles=["Vimarsh.Admin"])
    for headers in (alice, chat_server, robot):
        answer = await api.request(method, path, headers=headers | WHY)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:vimarsh:problem:forbidden")


@pytest.mark.parametrize(
    "path", ["/me", "/me/export", "/me/dashboard", "/bookmarks", "/bookmarks/collections", f"/bookmarks/{NOBODY}"]
)
async def test_a_deleted_account_reads_nothing(api: httpx.AsyncClient, alice: Headers, path: str) -> None:
    user_id = await user_id_of(api, alice)
    erasure = Erasure.of(user_id, "user", None, datetime.now(UTC), b"key")
    await (await services().store()).erasures.bar(user_id, erasure)  # as another process does
    forget(user_id)
    answer = await api.get(path, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:vimarsh:problem:account-deleted")


async def test_the_status_costs_no_read_while_it_is_remembered(
    api: httpx.AsyncClient, alice: Headers, cosmos_url: str
) -> None:
    await user_id_of(api, alice)
    async with httpx.AsyncClient(base_url=cosmos_url) as engine:
        await engine.delete("/_local/requests")
        for _ in range(3):
            assert (await api.get("/bookmarks", headers=alice)).status_code == 200
        assert await asked(engine, "users") == []


async def test_a_page_of_accounts_is_full_unless_it_is_the_last(
    api: httpx.AsyncClient, sign_in: SignIn, moderator: Headers
) -> None:
    prefix = uuid.uuid4().hex
    for number in range(9):
        await api.get("/me", headers=sign_in(f"{prefix}{number}@contoso.example", name=f"{prefix} {number}"))
    sizes, names = [], set[str]()
    query = {"name": prefix, "limit": "4"}
    while True:
        page = (await api.get("/admin/users", params=query, headers=moderator)).json()
        sizes.append(len(page["items"]))
        names |= {profile["name"] for profile in page["items"]}
        if page["continuation"] is None:
            break
        query["continuation"] = page["continuation"]
    assert sizes in ([4, 4, 1], [4, 4, 1, 0])
    assert len(names) == 9
