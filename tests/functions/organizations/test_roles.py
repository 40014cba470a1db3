"""Roles, assignments and grants over HTTP: by the day, one primary, never more than one's own, revoked at once."""

from __future__ import annotations

import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from docs import rights
from docs.api_description import operations
from functions.composition import services
from local.entra.identity import TENANT_ID, oid_of
from models.core.identity import user_id_of
from models.organizations.assignment import NewAssignment, assigned
from models.organizations.membership import Membership, membership_id
from models.organizations.organization import Organization, organization_partition
from tests.functions.calls import Drain, Headers, SignIn, asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

TODAY = datetime.now(UTC).date()


def day(offset: int) -> str:
    return (TODAY + timedelta(days=offset)).isoformat()


class School:
    """An organization, made behind the app's back, with people in it."""

    def __init__(self, api: httpx.AsyncClient, sign_in: SignIn) -> None:
        self.api, self.sign_in, self.id = api, sign_in, str(uuid.uuid4())
        self.headers: dict[str, Headers] = {}
        self.ids: dict[str, str] = {}

    async def opened(self, **changes: Any) -> School:
        now = datetime.now(UTC)
        organization = Organization(
            partition_key=organization_partition(self.id),
            organization_id=self.id,
            organization_type="school",
            name=self.id,
            created_at=now,
            updated_at=now,
            **changes,
        )
        store = await services().store()
        await store.users._container.upsert_item(organization.body())
        store.rights.forget_organization(self.id)
        return self

    async def joined(self, name: str, *roles: NewAssignment, status: str = "active") -> str:
        """Somebody who is a member with these roles; their `user_id`."""
        email, now = f"{name}-{uuid.uuid4().hex[:8]}@contoso.example", datetime.now(UTC)
        self.headers[name] = self.sign_in(email)
        user_id = self.ids[name] = user_id_of(TENANT_ID, oid_of(email))
        given = [assigned(self.id, user_id, role, None, now, TODAY) for role in roles]
        membership = Membership(
            id=membership_id(self.id),
            partition_key=user_id,
            user_id=user_id,
            organization_id=self.id,
            joined_at=now,
            created_at=now,
            updated_at=now,
            status=status,  # type: ignore[arg-type]
            assignments=[one.held for one in given],
        )
        users = (await services().store()).users._container
        for document in (membership, *given):
            await users.upsert_item(document.body())
        return user_id

    async def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        signed = self.headers[who] | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.api.request(
            method, path.replace("ORG", f"organizations/{self.id}"), json=body, headers=signed
        )

    async def gives(self, who: str, whom: str, role: str, **body: Any) -> httpx.Response:
        return await self.call(who, "POST", f"/ORG/members/{self.ids[whom]}/roles", {"role": role} | body)

    async def roles_on(self, who: str, on: str) -> set[str]:
        answer = await self.call(who, "GET", f"/me/roles?organization_id={self.id}&on={on}")
        return {item["role"] for item in answer.json()["items"]}


@pytest.fixture
def school(api: httpx.AsyncClient, sign_in: SignIn) -> School:
    return School(api, sign_in)


async def a_school(school: School, **changes: Any) -> School:
    await school.opened(**changes)
    head = await school.joined("head", NewAssignment(role="admin"))
    await (await services().store()).organizations.join_admins(school.id, head, datetime.now(UTC))
    await school.joined("teacher", NewAssignment(role="teacher"))
    await school.joined("pupil")
    school.headers["stranger"] = school.sign_in(f"{uuid.uuid4().hex}@contoso.example")
    return school


def kind_of(answer: httpx.Response) -> tuple[int, str]:
    problem = answer.json().get("type", "") if answer.status_code >= 400 else ""
    return answer.status_code, problem.removeprefix("urn:vimarsh:problem:")


async def test_roles_count_on_their_days_and_both_ends_are_in(school: School) -> None:
    await a_school(school)
    for role, since, until in (
        ("teacher", day(-19), None),
        ("student", day(0), day(0)),
        ("parent", day(1), None),
        ("clinician", day(-9), day(-1)),
    ):
        answer = await school.gives("head", "pupil", role, effective_from=since, effective_to=until)
        assert answer.status_code == 201, answer.text
    assert await school.roles_on("pupil", day(0)) == {"teacher", "student"}
    assert await school.roles_on("pupil", day(1)) == {"teacher", "parent"}
    assert await school.roles_on("pupil", day(-1)) == {"teacher", "clinician"}
    assert await school.roles_on("pupil", day(-20)) == set()
    rights = (await school.call("pupil", "GET", f"/me/permissions?organization_id={school.id}")).json()["items"]
    assert [(one["role"], "doubts.work" in one["permissions"], one["roles"]) for one in rights] == [
        ("teacher", True, ["student", "teacher"])
    ]


async def test_what_stands_in_for_somebody_has_an_end(school: School) -> None:
    await a_school(school)
    assert (await school.gives("head", "pupil", "teacher", is_acting=True)).status_code == 422
    assert (
        await school.gives("head", "pupil", "teacher", effective_from=day(2), effective_to=day(1))
    ).status_code == 422
    answer = await school.gives("head", "pupil", "teacher", is_acting=True, effective_to=day(30))
    assert answer.status_code == 201
    assert await school.roles_on("pupil", day(30)) == {"teacher"}
    assert await school.roles_on("pupil", day(31)) == set()


async def test_of_two_primary_roles_at_once_one_is_left(school: School) -> None:
    await a_school(school)
    path = f"/ORG/members/{school.ids['pupil']}/roles"
    etag = (await school.call("head", "GET", path)).headers["etag"]
    bodies = [{"role": role, "is_primary": True} for role in ("student", "teacher")]
    answers = await asyncio.gather(*(school.call("head", "POST", path, body, If_Match=etag) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 412]
    answers = await asyncio.gather(*(school.call("head", "POST", path, body) for body in bodies))
    assert [answer.status_code for answer in answers] == [201, 201]
    listed = await school.call("head", "GET", path)
    assert [item["is_primary"] for item in listed.json()["items"]].count(True) == 1
    other = next(item["id"] for item in listed.json()["items"] if not item["is_primary"])
    etag, bodies = listed.headers["etag"], [{"is_primary": True}, {"effective_to": day(5)}]
    changes = [school.call("head", "PATCH", f"{path}/{other}", body, If_Match=etag) for body in bodies]
    assert sorted(answer.status_code for answer in await asyncio.gather(*changes)) == [200, 412]
    primary = [item for item in (await school.call("head", "GET", path)).json()["items"] if item["is_primary"]]
    assert len(primary) == 1


async def test_a_role_that_is_sent_again_is_one(school: School) -> None:
    await a_school(school)
    path, key = f"/ORG/members/{school.ids['pupil']}/roles", uuid.uuid4().hex
    answers = [
        await school.call("head", "POST", path, {"role": role}, Idempotency_Key=key)
        for role in ("student", "student", "parent")
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert len((await school.call("head", "GET", path)).json()["items"]) == 1


async def test_a_permission_granted_twice_is_one_and_goes_at_once(school: School) -> None:
    await a_school(school)
    path = f"/ORG/members/{school.ids['pupil']}/permissions"
    listing = f"/ORG/members/{school.ids['teacher']}/roles"
    assert kind_of(await school.call("pupil", "GET", listing)) == (403, "forbidden")
    first, again = [await school.call("head", "PUT", f"{path}/members.read", {}) for _ in range(2)]
    assert (first.status_code, again.json()) == (200, first.json())
    assert (await school.call("pupil", "GET", listing)).status_code == 200
    assert (await school.call("head", "DELETE", f"{path}/members.read")).status_code == 204
    assert kind_of(await school.call("pupil", "GET", listing)) == (403, "forbidden")
    assert (await school.call("head", "DELETE", f"{path}/members.read")).status_code == 204
    assert (await school.call("head", "PUT", f"{path}/no.such", {})).status_code == 404
    back = await school.call("head", "PUT", f"{path}/members.read", {"effective_to": day(0)})
    assert (back.status_code, back.json()["revision"]) == (200, 3)
    assert (await school.call("pupil", "GET", listing)).status_code == 200


async def test_nobody_gives_more_than_they_have_nor_for_longer_nor_to_themselves(school: School) -> None:
    await a_school(school, roles={"deputy": ["roles.manage", "members.read"]})
    await school.joined("deputy", NewAssignment(role="deputy", effective_to=TODAY + timedelta(days=9)))
    pupil = f"/ORG/members/{school.ids['pupil']}/permissions/members.read"
    answers = {
        "more": await school.gives("deputy", "pupil", "teacher"),
        "without an end": await school.gives("deputy", "pupil", "deputy"),
        "longer": await school.gives("deputy", "pupil", "deputy", effective_to=day(10)),
        "as long": await school.gives("deputy", "pupil", "deputy", effective_to=day(9)),
        "nothing, for ever": await school.gives("deputy", "pupil", "student"),
        "a grant for ever": await school.call("deputy", "PUT", pupil, {}),
        "a grant as long": await school.call("deputy", "PUT", pupil, {"effective_to": day(9)}),
        "to themselves": await school.gives("deputy", "deputy", "student"),
        "to somebody with more": await school.gives("deputy", "head", "student"),
        "no such role": await school.gives("head", "pupil", "astronaut"),
    }
    assert {name: kind_of(answer) for name, answer in answers.items()} == {
        "more": (403, "forbidden"),
        "without an end": (403, "forbidden"),
        "longer": (403, "forbidden"),
        "as long": (201, ""),
        "nothing, for ever": (201, ""),
        "a grant for ever": (403, "forbidden"),
        "a grant as long": (200, ""),
        "to themselves": (403, "forbidden"),
        "to somebody with more": (403, "outranked"),
        "no such role": (422, "invalid"),
    }
    extended = answers["as long"].json()["id"]
    path = f"/ORG/members/{school.ids['pupil']}/roles/{extended}"
    assert kind_of(await school.call("deputy", "PATCH", path, {"effective_to": None}, If_Match="*")) == (
        403,
        "forbidden",
    )
    assert kind_of(await school.call("head", "PATCH", path, {"effective_to": None}, If_Match="*")) == (200, "")
    assert kind_of(await school.call("deputy", "DELETE", path)) == (403, "outranked")


async def test_a_revoked_role_is_over_with_the_next_request(school: School) -> None:
    await a_school(school)
    listing = f"/ORG/members/{school.ids['head']}/roles"
    made = (await school.gives("head", "pupil", "admin")).json()
    assert (await school.call("pupil", "GET", listing)).status_code == 200
    path = f"/ORG/members/{school.ids['pupil']}/roles/{made['id']}"
    for _ in range(2):
        assert (await school.call("head", "DELETE", path)).status_code == 204
        assert kind_of(await school.call("pupil", "GET", listing)) == (403, "forbidden")
    assert await school.roles_on("pupil", day(0)) == set()
    listed = (await school.call("head", "GET", f"/ORG/members/{school.ids['pupil']}/roles")).json()["items"]
    assert listed[0]["revoked_at"] is not None
    school.headers["root"] = school.sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Admin"])
    audit = (await school.call("root", "GET", f"/admin/users/{school.ids['pupil']}/audit")).json()["items"]
    assert [entry["act"] for entry in audit] == ["revoke_role", "assign_role"]


async def test_somebody_always_answers_for_an_organization(school: School) -> None:
    await a_school(school)
    store = await services().store()
    school.headers["root"] = school.sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Admin"])
    path = f"/ORG/members/{school.ids['head']}/roles"
    (own,) = (await school.call("root", "GET", path)).json()["items"]
    for attempt in (
        school.call("root", "DELETE", f"{path}/{own['id']}"),
        school.call("root", "PATCH", f"{path}/{own['id']}", {"effective_to": day(3)}, If_Match="*"),
    ):
        assert kind_of(await attempt) == (409, "last-organization-admin")
    assert (await school.gives("head", "teacher", "admin", effective_to=day(9))).status_code == 201
    assert kind_of(await school.call("root", "DELETE", f"{path}/{own['id']}")) == (409, "last-organization-admin")
    second = (await school.gives("head", "pupil", "admin")).json()
    assert set((await store.organizations.read(school.id)).admin_ids) == {school.ids["head"], school.ids["pupil"]}
    others = f"/ORG/members/{school.ids['pupil']}/roles/{second['id']}"
    answers = await asyncio.gather(
        school.call("pupil", "DELETE", f"{path}/{own['id']}"), school.call("head", "DELETE", others)
    )
    assert sorted(answer.status_code for answer in answers)[0] == 204
    assert len((await store.organizations.read(school.id)).admin_ids) == 1


async def test_a_role_that_ended_yesterday_opens_nothing(school: School) -> None:
    await a_school(school)
    yesterday = TODAY - timedelta(days=1)
    await school.joined("former", NewAssignment(role="admin", effective_from=yesterday, effective_to=yesterday))
    answer = await school.gives("former", "pupil", "student")
    assert kind_of(answer) == (403, "forbidden")
    assert f"ended on {yesterday}" in answer.json()["detail"]


async def test_a_role_of_its_own_gives_what_it_says_at_the_time(school: School) -> None:
    await a_school(school)
    new = {"name": "librarian", "permissions": ["members.read"], "description": "Keeps the books"}
    made = await school.call("head", "POST", "/ORG/roles", new)
    assert (made.status_code, made.json()["is_system"]) == (201, False)
    assert (await school.call("head", "POST", "/ORG/roles", new)).status_code == 201
    assert kind_of(await school.call("head", "POST", "/ORG/roles", new | {"permissions": []})) == (422, "key-reused")
    assert kind_of(await school.call("head", "POST", "/ORG/roles", {"name": "admin"})) == (422, "invalid")
    assert kind_of(await school.call("teacher", "POST", "/ORG/roles", {"name": "x"})) == (403, "forbidden")
    names = [item["name"] for item in (await school.call("teacher", "GET", "/ORG/roles")).json()["items"]]
    assert (names[0], names[-1]) == ("admin", "librarian")
    assert (await school.call("pupil", "GET", "/ORG/roles/teacher")).json()["is_system"] is True
    await school.gives("head", "pupil", "librarian")
    listing = f"/ORG/members/{school.ids['head']}/roles"
    assert (await school.call("pupil", "GET", listing)).status_code == 200
    path, etag = "/ORG/roles/librarian", made.headers["etag"]
    changed = await school.call("head", "PATCH", path, {"permissions": []}, If_Match=etag)
    assert (changed.status_code, changed.json()["permissions"]) == (200, [])
    assert kind_of(await school.call("pupil", "GET", listing)) == (403, "forbidden")
    assert kind_of(await school.call("head", "PATCH", path, {"permissions": []}, If_Match=etag)) == (
        412,
        "precondition-failed",
    )
    assert kind_of(await school.call("head", "PATCH", "/ORG/roles/admin", {"permissions": []}, If_Match="*")) == (
        404,
        "not-found",
    )


async def test_strangers_and_those_who_left_find_no_organization(school: School, sign_in: SignIn) -> None:
    await a_school(school)
    await school.joined("left", NewAssignment(role="admin"), status="left")
    other = await a_school(School(school.api, sign_in))
    school.headers["elsewhere"] = other.headers["head"]
    member, some = f"/ORG/members/{school.ids['pupil']}", uuid.uuid4()
    routes = [
        ("GET", "/ORG/roles"),
        ("POST", "/ORG/roles"),
        ("GET", "/ORG/roles/teacher"),
        ("PATCH", "/ORG/roles/teacher"),
        ("GET", f"{member}/roles"),
        ("POST", f"{member}/roles"),
        ("PATCH", f"{member}/roles/{some}"),
        ("DELETE", f"{member}/roles/{some}"),
        ("PUT", f"{member}/permissions/members.read"),
        ("DELETE", f"{member}/permissions/members.read"),
    ]
    for who in ("stranger", "left", "elsewhere"):
        for method, path in routes:
            assert kind_of(await school.call(who, method, path, {})) == (404, "not-found"), (who, method, path)


async def test_each_route_of_an_organization_lets_in_whom_the_table_says(school: School) -> None:
    """By a parameter that no route takes: whoever comes in is told so, and nothing is done."""
    await a_school(school)
    yesterday = TODAY - timedelta(days=1)
    await school.joined("ended", NewAssignment(role="admin", effective_from=yesterday, effective_to=yesterday))
    people, wrong = {"member": "pupil", "permitted": "head", "ended": "ended", "user": "stranger"}, []
    for operation in operations():
        if operation.action.of_organization and "{organization_id}" in operation.path:
            path = re.sub(r"\{[^}]+\}", str(uuid.uuid4()), operation.path.replace("{organization_id}", school.id))
            wanted = dict(rights.answers(operation))
            for who, name in people.items():
                answer = await school.call(name, operation.method, f"/{path}?no_such=1", {})
                if answer.status_code != (wanted[who] or 422):
                    wrong.append((operation.name, who, answer.status_code, wanted[who]))
    assert wrong == []


async def test_what_is_switched_off_takes_no_changes(school: School) -> None:
    await a_school(school, is_active=False)
    assert (await school.call("pupil", "GET", "/ORG/roles")).status_code == 200
    answer = await school.gives("head", "pupil", "student")
    assert kind_of(answer) == (403, "forbidden")
    assert "switched off" in answer.json()["detail"]


async def test_staff_of_the_platform_give_what_they_like_and_servers_nothing(school: School) -> None:
    await a_school(school)
    school.headers["root"] = school.sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Admin"])
    school.headers["server"] = school.sign_in(app=True, roles=["Vimarsh.Ingest"])
    assert (await school.gives("root", "pupil", "admin")).status_code == 201
    assert kind_of(await school.gives("server", "pupil", "admin")) == (403, "forbidden")


async def test_a_decision_takes_two_reads_however_much_the_organization_holds(
    school: School, cosmos_url: str, drained: Drain
) -> None:
    await a_school(school)
    store, path, counts = await services().store(), "/ORG/roles/teacher", []
    await school.call("teacher", "GET", path)  # the profile is known by now
    async with httpx.AsyncClient(base_url=cosmos_url) as engine:
        for more in (0, 100):
            for number in range(more):
                other = {"id": f"other-{number}", "partition_key": organization_partition(school.id), "kind": "other"}
                await store.users._container.create_item(other)
            store.rights.forget(school.ids["teacher"], school.id)
            store.rights.forget_organization(school.id)
            await drained()  # what the feeds ask for is not the decision's
            for _ in range(2):
                await engine.delete("/_local/requests")
                assert (await school.call("teacher", "GET", path)).status_code == 200
                counts.append(await asked(engine, "users"))
    assert counts == [[("users", "read", 2)], []] * 2


async def test_what_is_being_read_while_a_right_is_taken_is_not_remembered(school: School) -> None:
    await a_school(school)
    store, teacher = await services().store(), school.ids["teacher"]
    store.rights.forget(teacher, school.id)
    reading = asyncio.create_task(store.rights.membership(teacher, school.id))
    await asyncio.sleep(0)  # it has asked by now, and waits
    store.rights.forget(teacher, school.id)
    assert await reading is not None
    assert (teacher, school.id) not in store.rights._memberships
