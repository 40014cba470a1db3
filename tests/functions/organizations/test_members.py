"""Members and their seats: exact whoever comes at once, and whatever is cut off."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from functions.composition import services
from local.entra.identity import TENANT_ID
from models.organizations.invitation import Invitation
from models.organizations.organization import organization_partition
from tests.functions.calls import a_turn
from tests.functions.organizations.conftest import People
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def used(people: People, organization_id: str) -> int:
    seats: int = (await (await people.staff()).call("GET", f"/organizations/{organization_id}")).json()["seats_used"]
    return seats


async def test_two_seats_are_two_whoever_comes_at_once(people: People) -> None:
    staff, made = await people.staff(), await people.organization(seat_limit=2)
    path = f"/organizations/{made['organization_id']}/members"
    wanted = [{"user_id": (await people.somebody()).user_id} for _ in range(5)]
    answers = await asyncio.gather(*(staff.call("POST", path, body) for body in wanted))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    assert {one.json()["type"] for one in answers if one.status_code == 409} == {"urn:vimarsh:problem:seats-taken"}
    assert await used(people, made["organization_id"]) == 2
    invited = next(answer.json() for answer in answers if answer.status_code == 201)
    assert invited["status"] == "invited"
    revoked = f"/organizations/{made['organization_id']}/invitations/{invited['invitation_id']}"
    assert (await staff.call("DELETE", revoked)).status_code == 204
    assert await used(people, made["organization_id"]) == 1
    assert (await staff.call("POST", path, {"user_id": str(uuid.uuid4())})).status_code == 201


async def test_members_of_a_bound_tenant_join_at_once_and_seats_hold_at_200(people: People) -> None:
    staff, made = await people.staff(), await people.organization(organization_type="tenant", seat_limit=50)
    path = f"/organizations/{made['organization_id']}"
    bound = await staff.edited(f"/admin{path}", {"bound_tenant_id": TENANT_ID}, read=path)
    assert bound.json()["bound_tenant_id"] == TENANT_ID
    comers = [await people.somebody() for _ in range(3)]
    ids = [one.user_id for one in comers] + [str(uuid.uuid4()) for _ in range(197)]
    answers = await asyncio.gather(*(staff.call("POST", f"{path}/members", {"user_id": one}) for one in ids))
    taken = [answer for answer in answers if answer.status_code == 201]
    assert len(taken) == 50
    assert {answer.status_code for answer in answers} == {201, 409}
    assert await used(people, made["organization_id"]) == 50
    await people.drained()
    assert await used(people, made["organization_id"]) == 50


async def test_one_leaves_and_the_seat_is_free(people: People) -> None:
    staff, made = await people.staff(), await people.organization(seat_limit=1)
    path, one = f"/organizations/{made['organization_id']}", await people.member(made["organization_id"], staff)
    assert (await staff.call("POST", f"{path}/members", {"user_id": str(uuid.uuid4())})).status_code == 409
    assert (await one.call("GET", path)).status_code == 200
    assert (await one.call("DELETE", f"{path}/members/{one.user_id}")).status_code == 204
    assert (await one.call("GET", path)).status_code == 404
    assert (await one.call("DELETE", f"{path}/members/{one.user_id}")).status_code == 404
    assert await used(people, made["organization_id"]) == 0
    back = await people.member(made["organization_id"], staff)
    assert await used(people, made["organization_id"]) == 1
    assert (await staff.call("DELETE", f"{path}/members/{back.user_id}")).status_code == 204
    written = await staff.call("POST", f"{path}/invitations", {"email": one.email, "role": "teacher"})
    again = await one.accept(written.json())
    assert (again.status_code, again.json()["status"]) == (200, "active")
    await people.drained()
    assert await used(people, made["organization_id"]) == 1
    (mine,) = (await one.call("GET", "/me/organizations")).json()["items"]
    assert mine["role"] == "teacher"


async def test_nobody_gives_or_takes_more_than_they_have(people: People) -> None:
    staff, made = await people.staff(), await people.organization()
    path = f"/organizations/{made['organization_id']}"
    admin = await people.member(made["organization_id"], staff, "admin", effective_to="2090-01-01")
    over = await admin.call("POST", f"{path}/invitations", {"email": "x@contoso.example", "role": "admin"})
    assert (over.status_code, over.json()["type"]) == (403, "urn:vimarsh:problem:more-than-ones-own")
    within = {"email": "x@contoso.example", "role": "admin", "effective_to": "2089-12-31"}
    assert (await admin.call("POST", f"{path}/invitations", within)).status_code == 201
    unknown = await admin.call("POST", f"{path}/invitations", {"email": "x@contoso.example", "role": "wizard"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/role")
    teacher = await people.member(made["organization_id"], staff, "teacher")
    assert (await teacher.call("DELETE", f"{path}/members/{admin.user_id}")).status_code == 403
    assert (await teacher.call("POST", f"{path}/invitations", {"email": "x@contoso.example"})).status_code == 403


async def test_members_are_listed_by_role_a_page_at_a_time(people: People) -> None:
    staff, made = await people.staff(), await people.organization()
    path = f"/organizations/{made['organization_id']}/members"
    pupils = [await people.member(made["organization_id"], staff, "student", section="5A") for _ in range(3)]
    found, continuation = list[str](), None
    while True:
        query = "?role=student&limit=2" + (f"&continuation={continuation}" if continuation else "")
        page = (await staff.call("GET", path + query)).json()
        found += [item["user_id"] for item in page["items"]]
        assert {(item["section"], item["role"], item["created_by_id"]) for item in page["items"]} == {
            ("5A", "student", staff.user_id)
        }
        continuation = page["continuation"]
        if continuation is None:
            break
    assert found == [pupil.user_id for pupil in pupils]
    assert (await pupils[0].call("GET", path)).status_code == 403


async def test_invitations_are_found_by_address_accepted_once_and_declined(people: People) -> None:
    staff, made = await people.staff(), await people.organization(seat_limit=3)
    path = f"/organizations/{made['organization_id']}"
    one, other = await people.somebody(), await people.somebody()
    bulk = await staff.call(
        "POST",
        f"{path}/invitations/bulk",
        {"invitations": [{"email": one.email.upper()}, {"email": other.email}, {"email": "a@b.example", "role": "no"}]},
    )
    assert [item["status"] for item in bulk.json()["items"]] == [201, 201, 422]
    await people.drained()
    (found,) = (await one.call("GET", "/me/invitations")).json()["items"]
    named = {name: found[name] for name in ("organization_id", "invitation_id")}
    assert (found["organization_name"], found["role"]) == (made["name"], "member")
    assert (await other.call("POST", "/me/invitations/accept", named)).status_code == 404
    assert (await one.call("POST", "/me/invitations/accept", named)).status_code == 200
    assert (await one.call("POST", "/me/invitations/accept", named)).status_code == 404
    token = bulk.json()["items"][1]["written"]["token"]
    assert (await other.call("POST", "/me/invitations/decline", {"token": token})).status_code == 204
    assert (await other.call("POST", "/me/invitations/accept", {"token": token})).status_code == 404
    await people.drained()
    assert (await one.call("GET", "/me/invitations")).json()["items"] == []
    assert (await other.call("GET", "/me/invitations")).json()["items"] == []
    listed = (await staff.call("GET", f"{path}/invitations")).json()["items"]
    assert sorted((item["status"], item["email"]) for item in listed) == [("accepted", None), ("declined", None)]
    assert await used(people, made["organization_id"]) == 1


async def test_of_many_who_accept_one_invitation_one_joins(people: People) -> None:
    staff, made = await people.staff(), await people.organization()
    path = f"/organizations/{made['organization_id']}/invitations"
    written = (await staff.call("POST", path, {"email": "whoever@contoso.example"})).json()
    comers = [await people.somebody() for _ in range(5)]
    answers = await asyncio.gather(*(one.accept(written) for one in comers))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]
    assert await used(people, made["organization_id"]) == 1


async def test_an_invitation_that_has_expired_leaves_its_seat(people: People) -> None:
    staff, made = await people.staff(), await people.organization(seat_limit=1)
    path = f"/organizations/{made['organization_id']}"
    written = (await staff.call("POST", f"{path}/invitations", {"email": "late@contoso.example"})).json()
    database, partition = (await services().store()).database, organization_partition(made["organization_id"])
    item = await database.users.read_item(written["invitation"]["id"], partition)
    old = Invitation.parse(item).model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    await database.users.replace_item(old.id, old.body())
    assert (await (await people.somebody()).accept(written)).status_code == 404
    assert (await staff.call("POST", f"{path}/members", {"user_id": str(uuid.uuid4())})).status_code == 201
    assert await used(people, made["organization_id"]) == 1


async def test_what_is_cut_off_after_the_seat_is_done_by_the_feed(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff, made = await people.staff(), await people.organization()
    path = f"/organizations/{made['organization_id']}"
    one, store = await people.somebody(), await services().store()
    written = (await staff.call("POST", f"{path}/invitations", {"email": one.email, "role": "admin"})).json()

    async def cut_off(*_: object) -> None:
        raise httpx.ReadError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(store.members, "complete", cut_off)
        assert (await one.accept(written)).status_code == 500

    async def joined() -> bool:
        return bool((await one.call("GET", path)).status_code == 200)

    await until(joined)
    await people.drained()
    assert one.user_id in (await staff.call("GET", path)).json()["admin_ids"]
    with monkeypatch.context() as patched:
        patched.setattr(store.members, "release", cut_off)
        assert (await one.call("DELETE", f"{path}/members/{one.user_id}")).status_code == 500
    assert (await one.call("GET", path)).status_code == 404

    async def released() -> bool:
        return await used(people, made["organization_id"]) == 0

    await until(released)
    assert one.user_id not in (await staff.call("GET", path)).json()["admin_ids"]


async def test_who_is_erased_leaves_no_seat_taken_and_nothing_that_names_them(
    people: People, cosmos_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    staff, made = await people.staff(), await people.organization()
    path = f"/organizations/{made['organization_id']}"
    admin = await people.member(made["organization_id"], staff, "admin")
    invited = await people.member(made["organization_id"], admin, "student")
    await admin.call("POST", f"{path}/members", {"user_id": str(uuid.uuid4())})
    exported = (await admin.call("GET", "/me/export")).text
    assert all(f'"kind":"{kind}"' in exported for kind in ("membership", "member", "invitation"))
    assert await used(people, made["organization_id"]) == 3
    erasure = (await admin.call("DELETE", "/me")).json()

    async def completed() -> bool:
        return bool((await admin.call("GET", f"/erasures/{erasure['id']}")).json()["status"] == "completed")

    await until(completed)
    await people.drained()
    assert await used(people, made["organization_id"]) == 2
    members = (await staff.call("GET", f"{path}/members")).json()["items"]
    assert {one["user_id"]: one["created_by_id"] for one in members} == {staff.user_id: None, invited.user_id: None}
    async with httpx.AsyncClient(base_url=cosmos_url) as engine:
        for container in ("users", "user_sessions", "user_interactions", "user_analytics", "user_bookmarks"):
            asked = f"SELECT VALUE COUNT(1) FROM c WHERE ARRAY_CONTAINS(c.mentions, '{admin.user_id}')"
            query = {"database": "vimarsh", "container": container, "query": asked}
            answer = await engine.post("/_local/query", json=query)
            assert answer.raise_for_status().json()["rows"] == [0]


async def test_what_members_use_for_an_organization_is_told_by_member_day_and_model(people: People) -> None:
    staff, made, other = await people.staff(), await people.organization(), await people.organization()
    organization_id = made["organization_id"]
    ann, ben = [await people.member(organization_id, staff, "student") for _ in range(2)]
    path = f"/organizations/{organization_id}/usage"
    for one, models in ((ann, ["gpt-4o-mini", "gpt-4o", "gpt-4o"]), (ben, ["gpt-4o-mini"])):
        for in_it in (organization_id, None):
            body = {"timezone": "UTC"} | ({"organization_id": in_it} if in_it else {})
            session = (await one.call("POST", "/sessions", body)).json()
            assert session["organization_id"] == in_it
            for model in models:
                told = await one.call(
                    "POST", f"/sessions/{session['session_id']}/interactions", a_turn(model_used=model)
                )
                assert (told.status_code, told.json()["organization_id"]) == (201, in_it)
    stranger = await ann.call("POST", "/sessions", {"organization_id": other["organization_id"]})
    assert stranger.status_code == 404
    await people.drained()
    used = {one["user_id"]: one for one in (await staff.call("GET", path)).json()["items"]}
    assert [used[one.user_id]["interactions"] for one in (ann, ben, staff)] == [3, 1, 0]
    assert [used[one.user_id]["tokens"] for one in (ann, ben)] == [3600, 1200]
    assert [(one["model"], one["interactions"]) for one in used[ann.user_id]["models"]] == [
        ("gpt-4o", 2),
        ("gpt-4o-mini", 1),
    ]
    (day,) = used[ann.user_id]["days"]
    assert (day["interactions"], used[ann.user_id]["last_active_day"], used[ann.user_id]["active_days"]) == (
        3,
        day["day"],
        1,
    )
    assert day["cost_usd"] == used[ann.user_id]["cost_usd"] > 0
    assert (await ann.call("GET", path)).status_code == 403
    assert (await (await people.somebody()).call("GET", path)).status_code == 404
    assert (await staff.call("GET", f"{path}?from=2026-11-20&to=2026-11-19")).status_code == 422
