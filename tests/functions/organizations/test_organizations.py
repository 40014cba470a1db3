"""Organizations: who makes them, what they are called, and that somebody always answers for them."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest

from functions.composition import services
from tests.functions.organizations.conftest import People
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_who_makes_one_is_its_admin_and_takes_no_seat(people: People) -> None:
    staff = await people.staff()
    made = await people.organization(seat_limit=2, organization_type="tenant", timezone="Asia/Kolkata")
    assert (made["admin_ids"], made["seats_used"], made["created_by_id"]) == ([staff.user_id], 0, staff.user_id)
    mine = (await staff.call("GET", "/me/organizations")).json()["items"]
    (one,) = [item for item in mine if item["organization_id"] == made["organization_id"]]
    assert (one["role"], one["status"], one["name"]) == ("admin", "active", made["name"])
    (member,) = (await staff.call("GET", f"/organizations/{made['organization_id']}/members")).json()["items"]
    assert (member["user_id"], member["role"], member["holds_seat"]) == (staff.user_id, "admin", False)


async def test_only_staff_make_roots_and_only_who_manages_members_makes_children(people: People) -> None:
    user, root = await people.somebody(), await people.organization()
    body = {"organization_type": "class", "name": "5A", "parent_organization_id": root["organization_id"]}
    assert (
        await user.call("POST", "/organizations", {"organization_type": "group", "name": "Mine"})
    ).status_code == 403
    assert (await user.call("POST", "/organizations", body)).status_code == 404
    teacher = await people.member(root["organization_id"], await people.staff(), "teacher")
    assert (await teacher.call("POST", "/organizations", body)).status_code == 403
    admin = await people.member(root["organization_id"], await people.staff(), "admin")
    made = await admin.call("POST", "/organizations", body)
    assert (made.status_code, made.json()["admin_ids"]) == (201, [admin.user_id])
    assert (await teacher.call("GET", f"/organizations/{made.json()['organization_id']}")).status_code == 404


async def test_a_name_is_one_ones_of_its_type_within_its_parent(people: People) -> None:
    staff, name = await people.staff(), f"Acme {uuid.uuid4().hex[:8]}"
    first = await people.organization(name=name)
    again = await staff.call("POST", "/organizations", {"organization_type": "school", "name": f"  {name.upper()} "})
    assert (again.status_code, again.json()["type"]) == (409, "urn:vimarsh:problem:name-taken")
    await people.organization(name=name, organization_type="group")
    other = await people.organization()
    for parent in (first, other):
        await people.organization(
            name="5A", organization_type="class", parent_organization_id=parent["organization_id"]
        )
    path = f"/organizations/{other['organization_id']}"
    assert (await staff.edited(path, {"name": name})).status_code == 409
    assert (await staff.edited(f"/organizations/{first['organization_id']}", {"name": f"{name} 2"})).status_code == 200
    assert (await staff.edited(path, {"name": name})).json()["name"] == name


async def test_of_many_of_one_name_at_once_one_is_made(people: People) -> None:
    staff, name = await people.staff(), f"One {uuid.uuid4().hex[:8]}"
    body = {"organization_type": "group", "name": name}
    answers = await asyncio.gather(*(staff.call("POST", "/organizations", body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]


async def test_a_request_that_is_repeated_makes_one(people: People) -> None:
    staff, body = await people.staff(), {"organization_type": "group", "name": f"Once {uuid.uuid4().hex[:8]}"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first, second = [await staff.call("POST", "/organizations", body, **key) for _ in range(2)]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    other = await staff.call("POST", "/organizations", body | {"name": f"Twice {uuid.uuid4().hex}"}, **key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:vimarsh:problem:key-reused")


async def test_strangers_and_members_of_others_are_told_of_nothing(people: People) -> None:
    staff, made, other = await people.staff(), await people.organization(), await people.organization()
    strangers = [await people.somebody(), await people.member(other["organization_id"], staff, "admin")]
    path = f"/organizations/{made['organization_id']}"
    calls = [
        ("GET", path, None),
        ("PATCH", path, {"name": "Mine"}),
        ("DELETE", path, None),
        ("GET", f"{path}/members", None),
        ("POST", f"{path}/members", {"user_id": str(uuid.uuid4())}),
        ("DELETE", f"{path}/members/{staff.user_id}", None),
        ("GET", f"{path}/invitations", None),
        ("POST", f"{path}/invitations", {"email": "a@contoso.example"}),
        ("POST", f"{path}/invitations/bulk", {"invitations": [{"email": "a@contoso.example"}]}),
        ("DELETE", f"{path}/invitations/invitation-{'0' * 32}", None),
        ("POST", f"{path}/hand-over", {"user_id": staff.user_id}),
    ]
    for stranger in strangers:
        for method, called, body in calls:
            answer = await stranger.call(method, called, body, **{"If-Match": "*"})
            nothing = await stranger.call(
                method, called.replace(made["organization_id"], str(uuid.uuid4())), body, **{"If-Match": "*"}
            )
            assert (answer.status_code, answer.json()["detail"]) == (404, nothing.json()["detail"]), called


async def test_one_that_is_switched_off_takes_no_changes(people: People) -> None:
    staff, made = await people.staff(), await people.organization()
    path = f"/organizations/{made['organization_id']}"
    admin = await people.member(made["organization_id"], staff, "admin")
    assert (await admin.edited(path, {"is_active": False})).json()["is_active"] is False
    refused = await admin.call("POST", f"{path}/invitations", {"email": "a@contoso.example"})
    assert refused.status_code == 403
    assert (await admin.edited(path, {"is_active": True})).status_code == 200
    assert (await admin.call("POST", f"{path}/invitations", {"email": "a@contoso.example"})).status_code == 201


async def test_one_that_is_deleted_is_nowhere_until_it_is_restored(people: People) -> None:
    staff, name = await people.staff(), f"Gone {uuid.uuid4().hex[:8]}"
    made = await people.organization(name=name)
    path = f"/organizations/{made['organization_id']}"
    admin = await people.member(made["organization_id"], staff, "admin")
    assert (await admin.call("DELETE", path, **{"If-Match": "*"})).status_code == 204
    assert (await admin.call("GET", path)).status_code == 404
    assert (await admin.call("GET", "/me/organizations")).json()["items"] == []
    assert (await admin.call("POST", f"/admin{path}/restore")).status_code == 403
    assert (await staff.call("POST", f"/admin{path}/restore")).json()["name"] == name
    assert (await admin.call("GET", path)).status_code == 200


async def test_the_last_admin_stays_and_the_others_may_go(people: People) -> None:
    staff, made = await people.staff(), await people.organization()
    path = f"/organizations/{made['organization_id']}"
    alone = await staff.call("DELETE", f"{path}/members/{staff.user_id}")
    assert (alone.status_code, alone.json()["type"]) == (409, "urn:vimarsh:problem:last-organization-admin")
    other = await people.member(made["organization_id"], staff, "admin")
    both = await asyncio.gather(
        staff.call("DELETE", f"{path}/members/{other.user_id}"), other.call("DELETE", f"{path}/members/{staff.user_id}")
    )
    assert sorted(answer.status_code for answer in both)[0] == 204
    assert sorted(answer.status_code for answer in both)[1] in (404, 409)
    assert len((await people_left(people, made["organization_id"]))["admin_ids"]) == 1


async def people_left(people: People, organization_id: str) -> dict[str, list[str]]:
    await people.drained()
    left: dict[str, list[str]] = (await (await people.staff()).call("GET", f"/organizations/{organization_id}")).json()
    return left


async def test_an_organization_is_handed_over(people: People) -> None:
    staff, made = await people.staff(), await people.organization()
    path = f"/organizations/{made['organization_id']}"
    other = await people.member(made["organization_id"], staff, "teacher")
    assert (await other.call("POST", f"{path}/hand-over", {"user_id": other.user_id})).status_code == 403
    assert (await staff.call("POST", f"{path}/hand-over", {"user_id": str(uuid.uuid4())})).status_code == 404
    assert (await staff.call("POST", f"{path}/hand-over", {"user_id": other.user_id})).status_code == 204
    assert (await other.call("GET", path)).json()["admin_ids"] == [other.user_id]
    assert (await staff.call("DELETE", f"{path}/members/{staff.user_id}")).status_code == 204
    roles = {item["user_id"]: item["role"] for item in (await other.call("GET", f"{path}/members")).json()["items"]}
    await people.drained()
    roles = {item["user_id"]: item["role"] for item in (await other.call("GET", f"{path}/members")).json()["items"]}
    assert roles == {other.user_id: "admin"}
    exported = [json.loads(line) for line in (await staff.call("GET", "/me/export")).text.splitlines()]
    held = [one["document"] for one in exported if one.get("document", {}).get("kind") == "role_assignment"]
    (ended,) = [one for one in held if one.get("user_id") and one["tenant_id"] == made["organization_id"]]
    assert (ended["role"], ended["revoked_at"] is not None) == ("admin", True)


async def test_one_without_an_admin_is_taken_over_from_above(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    staff, school = await people.staff(), await people.organization()
    head = await people.member(school["organization_id"], staff, "admin")
    deputy = await people.member(school["organization_id"], staff, "admin")
    child = await people.organization(head, organization_type="class", parent_organization_id=school["organization_id"])
    path = f"/organizations/{child['organization_id']}"
    held = await deputy.call("POST", f"{path}/takeover")
    assert (held.status_code, held.json()["type"]) == (409, "urn:vimarsh:problem:not-orphaned")
    pupil = await people.member(child["organization_id"], head, "student")
    erasure = (await head.call("DELETE", "/me")).json()

    async def erased() -> bool:
        status = (await head.call("GET", f"/erasures/{erasure['id']}")).json()["status"]
        return bool(status == "completed")

    await until(erased)
    orphan = (await pupil.call("GET", path)).json()
    assert (orphan["admin_ids"], orphan["created_by_id"], orphan["seats_used"]) == ([], None, 1)
    assert (await pupil.call("POST", f"{path}/takeover")).status_code == 404
    assert (await (await people.somebody()).call("POST", f"{path}/takeover")).status_code == 404
    taken = await deputy.call("POST", f"{path}/takeover")
    assert (taken.status_code, taken.json()["admin_ids"]) == (200, [deputy.user_id])
    assert (await deputy.call("GET", f"{path}/members")).status_code == 200
