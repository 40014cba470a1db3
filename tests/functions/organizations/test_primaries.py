"""One primary organization each, names that follow the profile, and roles that are deleted while members have them."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from tests.functions.organizations.conftest import People, Somebody
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def primaries(one: Somebody) -> tuple[str | None, list[str]]:
    """What the profile says, and what the memberships do."""
    items = (await one.call("GET", "/me/organizations")).json()["items"]
    profile = (await one.call("GET", "/me")).json()
    return profile["primary_organization_id"], [item["organization_id"] for item in items if item["is_primary"]]


async def joined(people: People, one: Somebody, count: int) -> list[str]:
    """Organizations that somebody joins, in this order."""
    staff, made = await people.staff(), []
    for _ in range(count):
        organization_id = (await people.organization())["organization_id"]
        body = {"email": one.email, "role": "member"}
        written = await staff.call("POST", f"/organizations/{organization_id}/invitations", body)
        assert (await one.accept(written.json())).status_code == 200
        made.append(organization_id)
    return made


async def test_the_first_is_primary_until_another_is_chosen_or_it_is_left(people: People) -> None:
    one = await people.somebody()
    assert await primaries(one) == (None, [])
    first, second, third = await joined(people, one, 3)
    assert await primaries(one) == (first, [first])
    chosen = await one.call("PUT", "/me/primary-organization", {"organization_id": third})
    assert chosen.status_code == 200
    assert [item["is_primary"] for item in chosen.json()["items"]] == [False, False, True]
    assert await primaries(one) == (third, [third])
    for left, then in ((third, first), (first, second), (second, None)):
        assert (await one.call("DELETE", f"/organizations/{left}/members/{one.user_id}")).status_code == 204
        assert await primaries(one) == (then, [then] if then else [])
        await people.drained()
        assert await primaries(one) == (then, [then] if then else [])
    for unknown in (first, str(uuid.uuid4())):
        refused = await one.call("PUT", "/me/primary-organization", {"organization_id": unknown})
        assert refused.status_code == 404


async def test_a_profile_says_which_roles_its_user_has_in_their_primary_organization(people: People) -> None:
    one, staff = await people.somebody(), await people.staff()
    assert [(await one.call("GET", "/me")).json()[name] for name in ("role", "roles")] == [None, []]
    first, second = await joined(people, one, 2)
    given = {"role": "teacher", "is_primary": True}
    assert (await staff.call("POST", f"/organizations/{first}/members/{one.user_id}/roles", given)).status_code == 201
    for reader, path in ((one, "/me"), (staff, f"/admin/users/{one.user_id}")):
        shown = (await reader.call("GET", path)).json()
        assert (shown["role"], shown["roles"]) == ("teacher", ["member", "teacher"])
    await one.call("PUT", "/me/primary-organization", {"organization_id": second})
    shown = (await one.call("GET", "/me")).json()
    assert (shown["role"], shown["roles"]) == ("member", ["member"])


async def test_of_choices_at_once_one_is_primary(people: People) -> None:
    one = await people.somebody()
    made = await joined(people, one, 4)
    wishes = [one.call("PUT", "/me/primary-organization", {"organization_id": wish}) for wish in made * 2]
    assert {answer.status_code for answer in await asyncio.gather(*wishes)} == {200}
    named, marked = await primaries(one)
    assert marked == [named]


async def test_who_is_removed_has_another_primary(people: People) -> None:
    one, staff = await people.somebody(), await people.staff()
    first, second = await joined(people, one, 2)
    assert (await staff.call("DELETE", f"/organizations/{first}/members/{one.user_id}")).status_code == 204
    assert await primaries(one) == (second, [second])


async def test_members_are_shown_as_their_profile_says(people: People) -> None:
    one, staff = await people.somebody(name="Old Name"), await people.staff()
    organization_ids = await joined(people, one, 2)

    async def shown() -> set[str]:
        names = set()
        for organization_id in organization_ids:
            items = (await staff.call("GET", f"/organizations/{organization_id}/members")).json()["items"]
            names |= {item["name"] for item in items if item["user_id"] == one.user_id}
        return names

    assert await shown() == {"Old Name"}
    for name in ("New Name", "Newer Name"):
        renamed = Somebody(one.api, people.sign_in(one.email, name=name), one.email, one.user_id)
        assert (await renamed.call("GET", "/me")).json()["name"] == name

        async def is_shown(name: str = name) -> bool:
            return await shown() == {name}

        await until(is_shown)


async def test_a_role_that_is_deleted_gives_nothing_and_its_name_is_never_anothers(people: People) -> None:
    staff, organization = await people.staff(), await people.organization()
    path = f"/organizations/{organization['organization_id']}"
    role = {"name": "keeper", "permissions": ["members.read"]}
    assert (await staff.call("POST", f"{path}/roles", role)).status_code == 201
    one = await people.member(organization["organization_id"], staff, "keeper")
    assert (await one.call("GET", f"{path}/members")).status_code == 200
    deleting = {"If-Match": (await staff.call("GET", f"{path}/roles/keeper")).headers["etag"]}
    assert (await one.call("DELETE", f"{path}/roles/keeper", **deleting)).status_code == 403
    assert (await staff.call("DELETE", f"{path}/roles/keeper", **{"If-Match": '"7"'})).status_code == 412
    assert (await staff.call("DELETE", f"{path}/roles/keeper")).status_code == 428
    assert (await staff.call("DELETE", f"{path}/roles/teacher", **deleting)).status_code == 404
    assert (await staff.call("DELETE", f"{path}/roles/keeper", **deleting)).status_code == 204
    assert (await one.call("GET", f"{path}/members")).status_code == 403
    assert (await staff.call("GET", f"{path}/roles/keeper")).status_code == 404
    assert (await staff.call("DELETE", f"{path}/roles/keeper", **deleting)).status_code == 404
    listed = (await staff.call("GET", f"{path}/roles")).json()["items"]
    assert "keeper" not in [one["name"] for one in listed]
    for again in (role, role | {"permissions": ["roles.manage"]}):
        assert (await staff.call("POST", f"{path}/roles", again)).status_code == 409
    given = await staff.call("POST", f"{path}/members/{one.user_id}/roles", {"role": "keeper"})
    assert given.status_code == 422
    kept = (await staff.call("GET", f"{path}/members/{one.user_id}/roles")).json()["items"]
    assert [item["role"] for item in kept] == ["keeper"]
