"""Roles by groups of Entra ID, by the token or by Graph, and joining by a tenant."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from functions.accounts.graph import Graph
from functions.composition import services
from functions.core.groups import GroupSource
from functions.core.settings import read_settings
from local.entra.identity import TENANT_ID
from tests.functions.accounts.test_graph import LOGIN, Issuer
from tests.functions.organizations.conftest import People, Somebody

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEACHERS, HEADS = str(uuid.uuid4()), str(uuid.uuid4())
OVERFLOWS: tuple[dict[str, Any], ...] = (
    {"hasgroups": True},
    {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/x"}}},
)


@dataclass
class Directory:
    """Microsoft Graph, as far as it tells who is in which group."""

    groups: list[str] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    status: int = 200

    async def check(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer graph-token"
        wanted = (await request.json())["groupIds"]
        self.asked.append(wanted)
        found = [one.upper() for one in self.groups if one in wanted]
        return web.json_response({"value": found}, status=self.status)


@pytest_asyncio.fixture(loop_scope="session")
async def directory(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Directory]:
    directory, app = Directory(), web.Application()
    app.router.add_post("/v1.0/me/checkMemberGroups", directory.check)
    async with TestServer(app, shutdown_timeout=0) as server:
        changes = {"graph_url": str(server.make_url("/v1.0")), "entra_issuer": f"{LOGIN}/{{tenantid}}/v2.0"}
        graph = Graph(read_settings().model_copy(update=changes), "the secret", Issuer())
        monkeypatch.setitem(services().parts, GroupSource, graph)
        yield directory


async def bound(people: People, **groups: str) -> tuple[str, Somebody]:
    """An organization that has bound the local tenant, and whose groups give roles; with its admin."""
    staff = await people.staff()
    organization_id = (await people.organization())["organization_id"]
    path = f"/organizations/{organization_id}"
    edited = await staff.edited(f"/admin{path}", {"bound_tenant_id": TENANT_ID}, read=path)
    assert edited.status_code == 200, edited.text
    head = await people.member(organization_id, staff, "admin")
    for group, role in groups.items():
        assert (await head.call("PUT", f"{path}/groups/{group}", {"role": role})).status_code == 200
    return organization_id, head


def with_token(people: People, one: Somebody, **claims: Any) -> Somebody:
    """The same person, with another token."""
    return Somebody(one.api, people.sign_in(one.email, claims=claims), one.email, one.user_id)


async def may(one: Somebody, organization_id: str) -> list[str]:
    (found,) = (await one.call("GET", f"/me/permissions?organization_id={organization_id}")).json()["items"]
    permissions: list[str] = found["permissions"]
    return permissions


async def test_a_group_of_the_token_gives_members_its_role_and_nobody_else(people: People) -> None:
    organization_id, head = await bound(people, **{TEACHERS: "teacher", HEADS: "admin"})
    path, one = f"/organizations/{organization_id}", await people.member(organization_id, await people.staff())
    teacher = with_token(people, one, groups=[TEACHERS.upper(), str(uuid.uuid4())])
    other = with_token(people, one, groups=[HEADS])
    assert await may(one, organization_id) == []
    assert "students.read" in await may(teacher, organization_id)
    assert (await teacher.call("GET", f"{path}/members")).status_code == 403
    assert (await other.call("GET", f"{path}/members")).status_code == 200
    assert (await one.call("GET", f"{path}/members")).status_code == 403  # the group is not the person's for ever
    stranger = with_token(people, await people.somebody(), groups=[HEADS])
    assert (await stranger.call("GET", f"{path}/members")).status_code == 404
    assert (await head.call("DELETE", f"{path}/groups/{HEADS}")).status_code == 204
    assert (await other.call("GET", f"{path}/members")).status_code == 403
    listed = (await head.call("GET", f"{path}/groups")).json()["items"]
    assert listed == [{"group_id": TEACHERS, "role": "teacher"}]


async def test_who_is_admin_by_a_group_gives_what_admins_give_and_is_none_who_must_stay(people: People) -> None:
    organization_id, head = await bound(people, **{HEADS: "admin"})
    path = f"/organizations/{organization_id}"
    member = await people.member(organization_id, head)
    by_group = with_token(people, await people.member(organization_id, head), groups=[HEADS])
    given = await by_group.call("POST", f"{path}/members/{member.user_id}/roles", {"role": "teacher"})
    assert given.status_code == 201, given.text
    invited = await by_group.call("POST", f"{path}/invitations", {"email": "x@contoso.example", "role": "admin"})
    assert invited.status_code == 201, invited.text
    assert (await by_group.call("DELETE", f"{path}/members/{member.user_id}")).status_code == 204
    staff = await people.staff()
    await staff.call("DELETE", f"{path}/members/{staff.user_id}")
    assert (await head.call("DELETE", f"{path}/members/{head.user_id}")).status_code == 409


@pytest.mark.parametrize("claims", OVERFLOWS)
async def test_where_there_are_too_many_groups_for_a_token_graph_tells(
    people: People, directory: Directory, claims: dict[str, Any]
) -> None:
    organization_id, head = await bound(people, **{TEACHERS: "teacher", HEADS: "admin"})
    one = with_token(people, await people.member(organization_id, head), **claims)
    directory.status = 503
    assert await may(one, organization_id) == []
    assert (await one.call("GET", f"/organizations/{organization_id}/members")).status_code == 403
    directory.status, directory.groups = 200, [HEADS, str(uuid.uuid4())]
    assert (await one.call("GET", f"/organizations/{organization_id}/members")).status_code == 200
    asked = len(directory.asked)
    assert (await one.call("GET", f"/organizations/{organization_id}/members")).status_code == 200
    assert directory.asked[-1] == sorted([TEACHERS, HEADS])
    assert len(directory.asked) == asked  # it is remembered for a while


async def test_without_graph_an_overflow_gives_nothing(people: People) -> None:
    organization_id, head = await bound(people, **{HEADS: "admin"})
    one = with_token(people, await people.member(organization_id, head), **OVERFLOWS[0])
    assert (await one.call("GET", f"/organizations/{organization_id}/members")).status_code == 403


@pytest.mark.parametrize("groups", ["x", [1], {"a": 1}, 7])
async def test_groups_that_are_no_list_of_ids_are_refused(people: People, groups: Any) -> None:
    one = with_token(people, await people.somebody(), groups=groups)
    assert (await one.call("GET", "/me")).status_code == 403


async def test_nobody_has_a_group_give_more_than_they_have_or_without_a_tenant(people: People) -> None:
    organization_id, head = await bound(people)
    path = f"/organizations/{organization_id}"
    some = await people.member(organization_id, head)
    granted = await head.call("PUT", f"{path}/members/{some.user_id}/permissions/roles.manage", {})
    assert granted.status_code == 200, granted.text
    assert (await some.call("PUT", f"{path}/groups/{TEACHERS}", {"role": "member"})).status_code == 200
    assert (await some.call("PUT", f"{path}/groups/{TEACHERS}", {"role": "teacher"})).status_code == 403
    assert (await head.call("PUT", f"{path}/groups/{TEACHERS}", {"role": "teacher"})).status_code == 200
    assert (await some.call("DELETE", f"{path}/groups/{TEACHERS}")).status_code == 403
    assert (await some.call("PUT", f"{path}/groups/{TEACHERS}", {"role": "member"})).status_code == 403
    assert (await head.call("PUT", f"{path}/groups/{TEACHERS}", {"role": "nobody"})).status_code == 422
    assert (await head.call("PUT", f"{path}/groups/teachers", {"role": "teacher"})).status_code == 404
    for _ in range(19):
        assert (await head.call("PUT", f"{path}/groups/{uuid.uuid4()}", {"role": "member"})).status_code == 200
    assert (await head.call("PUT", f"{path}/groups/{uuid.uuid4()}", {"role": "member"})).status_code == 422
    unbound = (await people.organization())["organization_id"]
    staff = await people.staff()
    refused = await staff.call("PUT", f"/organizations/{unbound}/groups/{TEACHERS}", {"role": "teacher"})
    assert (refused.status_code, "/group_id" in json.dumps(refused.json())) == (422, True)


async def test_groups_of_the_tenant_before_give_nothing_once_another_is_bound(people: People) -> None:
    organization_id, head = await bound(people, **{TEACHERS: "teacher"})
    path, staff = f"/organizations/{organization_id}", await people.staff()
    one = with_token(people, await people.member(organization_id, head), groups=[TEACHERS])
    assert await may(one, organization_id) != []
    assert (await staff.edited(f"/admin{path}", {"bound_tenant_id": None}, read=path)).status_code == 200
    assert await may(one, organization_id) == []
    assert (await staff.edited(f"/admin{path}", {"bound_tenant_id": TENANT_ID}, read=path)).status_code == 200
    assert await may(one, organization_id) == []


async def test_who_is_of_the_bound_tenant_joins_by_themselves_unless_they_were_removed(people: People) -> None:
    organization_id, head = await bound(people)
    path, one = f"/organizations/{organization_id}", await people.somebody()
    joined = await one.call("POST", f"{path}/join")
    assert (joined.status_code, joined.json()["status"]) == (200, "active")
    assert (await one.call("POST", f"{path}/join")).status_code == 200
    seats = (await head.call("GET", path)).json()["seats_used"]
    assert (await one.call("DELETE", f"{path}/members/{one.user_id}")).status_code == 204
    assert (await one.call("POST", f"{path}/join")).status_code == 200
    assert (await head.call("GET", path)).json()["seats_used"] == seats
    assert (await head.call("DELETE", f"{path}/members/{one.user_id}")).status_code == 204
    assert (await one.call("POST", f"{path}/join")).status_code == 403
    unbound = (await people.organization())["organization_id"]
    assert (await one.call("POST", f"/organizations/{unbound}/join")).status_code == 404
    assert (await one.call("POST", f"/organizations/{uuid.uuid4()}/join")).status_code == 404
    assert (await head.edited(path, {"is_active": False})).status_code == 200
    assert (await (await people.somebody()).call("POST", f"{path}/join")).status_code == 403
