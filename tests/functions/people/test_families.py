"""What follows from families: derived profiles, corrected ages, guardians who are erased, accounts that go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cosmos.core.database import connect
from functions.composition import services
from functions.people.retention import forget
from local.functions.host import FunctionHost
from models.core.values import format_timestamp
from tests.functions.organizations.conftest import People, Somebody
from tests.functions.people.test_guardians import YOUNG, a_child, confirmed, kind_of, say, turn
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRADE = {"grade_level": "4", "subjects": ["reading"]}


async def corrected(by: Somebody, child: Somebody, year: int, **fields: Any) -> Any:
    body = {"birth_year": year, "method": "Birth certificate"} | fields
    return await by.call("PUT", f"/children/{child.user_id}/birth-year", body)


async def test_profiles_say_who_belongs_together(people: People) -> None:
    child, _ = await a_child(people)
    mother, father = await people.somebody(), await people.somebody()
    made = await child.call("PUT", "/me/student-profile", GRADE)
    assert (made.status_code, made.json()["parent_id"]) == (200, None)
    parents = (await mother.call("PUT", "/me/parent-profile", {})).json()
    assert (parents["children_ids"], parents["engagement_level"]) == ([], "low")
    await confirmed(people, child, mother)
    assert (await child.call("GET", "/me/student-profile")).json()["parent_id"] == mother.user_id
    await confirmed(people, child, father, is_primary=True)
    assert (await child.call("GET", "/me/student-profile")).json()["parent_id"] == father.user_id
    guardians = (await child.call("GET", "/me/guardians")).json()["items"]
    assert [one["parent_id"] for one in guardians if one["is_primary"]] == [father.user_id]
    await people.drained()
    levels = []
    for opens in (1, 1, 6):
        for _ in range(opens):
            assert (await mother.call("GET", f"/wards/{child.user_id}/dashboard")).status_code == 200
        levels.append((await mother.call("GET", "/me/parent-profile")).json()["engagement_level"])
    assert levels == ["low", "medium", "high"]
    assert (await mother.call("GET", "/me/parent-profile")).json()["children_ids"] == [child.user_id]
    ward = (await mother.call("GET", f"/wards/{child.user_id}/student-profile")).json()
    assert (ward["grade_level"], ward["parent_id"]) == ("4", father.user_id)
    assert (await father.call("DELETE", f"/wards/{child.user_id}")).status_code == 204
    assert (await child.call("GET", "/me/student-profile")).json()["parent_id"] == mother.user_id


async def test_an_admin_profile_follows_from_rights(people: People) -> None:
    one, staff = await people.somebody(), await people.staff()
    nothing = (await one.call("GET", "/me/admin-profile")).json()
    assert nothing == {"user_id": one.user_id, "permissions": [], "managed_schools": [], "access_level": "standard"}
    assert (await staff.call("GET", "/me/admin-profile")).json()["access_level"] == "platform"
    schools = [(await people.organization())["organization_id"] for _ in range(2)]
    group = (await people.organization(organization_type="group"))["organization_id"]
    for organization_id, role in ((schools[0], "admin"), (schools[1], "teacher"), (group, "admin")):
        body = {"email": one.email, "role": role}
        written = await staff.call("POST", f"/organizations/{organization_id}/invitations", body)
        assert (await one.accept(written.json())).status_code == 200
    found = (await one.call("GET", "/me/admin-profile")).json()
    assert (found["managed_schools"], found["access_level"]) == ([schools[0]], "organization")
    assert {"members.manage", "students.read"} <= set(found["permissions"])


async def test_a_year_of_birth_is_corrected_by_who_has_seen_it_and_by_nobody_else(people: People) -> None:
    child, session_id = await a_child(people, 2019)
    verifier, other = await people.somebody(roles=["Vimarsh.Verify"]), await people.somebody()
    assert kind_of(await turn(child, session_id)) == "consent-required"
    for one in (child, other):
        assert (await corrected(one, child, 2010)).status_code == 404
    assert (await corrected(verifier, child, 2300)).status_code == 422
    assert (await corrected(verifier, other, 2010)).status_code == 404  # they have said none
    older = await corrected(verifier, child, 2010)
    assert (older.status_code, older.json()["needs_consent"]) == (200, False)
    assert (await turn(child, session_id)).status_code == 201
    younger = await corrected(verifier, child, YOUNG)
    assert younger.json()["needs_consent"] is True
    assert kind_of(await turn(child, session_id)) == "consent-required"
    assert (await child.edited("/me", {"birth_year": 2010})).status_code == 409
    parent = await people.somebody()
    await confirmed(people, child, parent)
    await say(parent, child, "grant")
    assert (await turn(child, session_id)).status_code == 201
    assert (await corrected(verifier, child, YOUNG + 1)).status_code == 200
    assert (await turn(child, session_id)).status_code == 201  # consent stands
    log = (await child.call("GET", "/me/access-log")).json()["items"]
    assert [one["act"] for one in log].count("correct_birth_year") == 3


async def test_a_school_corrects_the_years_of_its_own_pupils(people: People) -> None:
    staff, school = await people.staff(), await people.organization()
    path, organization_id = f"/organizations/{school['organization_id']}", school["organization_id"]
    child = await people.member(organization_id, staff, "student")
    await child.edited("/me", {"birth_year": YOUNG})
    teacher = await people.member(organization_id, staff, "teacher")
    assert (await corrected(staff, child, 2012, organization_id=organization_id)).status_code == 403  # not verified
    await staff.edited(f"/admin{path}", {"is_verified": True}, read=path)
    assert (await corrected(teacher, child, 2012, organization_id=organization_id)).status_code == 403
    assert (await corrected(staff, child, 2012, organization_id=organization_id)).status_code == 200
    registrar = await people.member(organization_id, staff, "member")
    for permission in ("students.read", "members.manage"):
        granted = await staff.call("PUT", f"{path}/members/{registrar.user_id}/permissions/{permission}", {})
        assert granted.status_code == 200
    assert (await corrected(registrar, child, 2013, organization_id=organization_id)).status_code == 200
    await teacher.edited("/me", {"birth_year": 2000})
    above = await corrected(registrar, teacher, 2013, organization_id=organization_id)
    assert (above.status_code, kind_of(above)) == (403, "more-than-ones-own")
    stranger, _ = await a_child(people)
    assert (await corrected(staff, stranger, 2012, organization_id=organization_id)).status_code == 404


async def test_a_withdrawal_is_lifted_by_who_verifies_and_grants_nothing(people: People) -> None:
    child, session_id = await a_child(people)
    mother, father = await people.somebody(), await people.somebody()
    await confirmed(people, child, mother)
    await confirmed(people, child, father)
    await say(father, child, "grant")
    await say(mother, child, "withdraw")
    assert kind_of(await turn(child, session_id)) == "consent-required"
    path = f"/guardianships/{child.user_id}/{mother.user_id}"
    verifier = await people.somebody(roles=["Vimarsh.Verify"])
    assert (await verifier.call("PATCH", path, {"action": "lift"})).status_code == 422
    lift = {"action": "lift", "method": "Order of a court"}
    for one in (father, child):
        assert (await one.call("PATCH", path, lift)).status_code == 404
    lifted = await verifier.call("PATCH", path, lift)
    assert (lifted.status_code, lifted.json()["consent_status"]) == (200, "pending")
    assert (await turn(child, session_id)).status_code == 201  # by the father's grant


async def test_a_correction_that_is_cut_off_is_finished(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    child, session_id = await a_child(people)
    verifier = await people.somebody(roles=["Vimarsh.Verify"])
    await people.drained()

    async def cut_off(*_: object, **__: object) -> None:
        raise OSError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr("cosmos.people.guardians.set_bar", cut_off)
        assert (await corrected(verifier, child, 2010)).status_code == 500

    async def heard() -> bool:
        return (await turn(child, session_id)).status_code == 201

    await until(heard)


async def test_feeds_that_are_read_from_the_beginning_change_nothing(people: People, settings: dict[str, str]) -> None:
    staff, school = await people.staff(), await people.organization(seat_limit=9)
    organization_id = school["organization_id"]
    child = await people.member(organization_id, staff, "student")
    left = await people.member(organization_id, staff)
    assert (await left.call("DELETE", f"/organizations/{organization_id}/members/{left.user_id}")).status_code == 204
    await child.edited("/me", {"birth_year": YOUNG})
    mother, father = await people.somebody(), await people.somebody()
    for parent, said in ((mother, "grant"), (father, "withdraw")):
        await confirmed(people, child, parent)
        await say(parent, child, said)
    await people.drained()
    partitions = [f"org:{organization_id}", *(one.user_id for one in (child, left, mother, father, staff))]
    async with connect(settings["COSMOS"]) as client:
        database = client.get_database_client("vimarsh")

        async def stored() -> list[dict[str, Any]]:
            found = []
            for name in ("users", "user_sessions"):
                for partition in partitions:
                    rows = database.get_container_client(name).query_items("SELECT * FROM c", partition_key=partition)
                    found += [row async for row in rows]
            return sorted(found, key=lambda item: (item["partition_key"], item["id"]))

        def told(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [{name: value for name, value in item.items() if not name.startswith("_")} for item in items]

        before, store = await stored(), await services().store()
        for _ in range(2):
            await store.readers.read("users", before, datetime.now(UTC))
            for item in reversed(before):
                await store.readers.read("users", [item], datetime.now(UTC))
        assert told(await stored()) == told(before)


@pytest.mark.parametrize("others", [False, True])
async def test_what_an_erased_guardian_consented_to_ends(
    people: People, monkeypatch: pytest.MonkeyPatch, others: bool
) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    child, session_id = await a_child(people)
    mother, father = await people.somebody(), await people.somebody()
    for parent in (mother, *([father] if others else [])):
        await confirmed(people, child, parent)
        await say(parent, child, "grant")
    assert (await turn(child, session_id)).status_code == 201
    assert (await mother.call("DELETE", "/me")).status_code == 202

    async def gone() -> bool:
        guardians = (await child.call("GET", "/me/guardians")).json()["items"]
        return mother.user_id not in [one["parent_id"] for one in guardians]

    await until(gone)
    consent = (await child.call("GET", "/me")).json()["parental_consent"]
    if others:
        assert (consent["status"], consent["guardian_id"]) == ("granted", father.user_id)
        assert (await turn(child, session_id)).status_code == 201
    else:
        assert (consent["status"], consent["guardian_id"]) == ("pending", None)
        assert kind_of(await turn(child, session_id)) == "consent-required"


async def test_accounts_of_children_without_consent_or_use_are_erased(
    people: People, host: FunctionHost, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    (waiting, _), (kept, _), (fresh, _) = [await a_child(people) for _ in range(3)]
    parent, now = await people.somebody(), datetime.now(UTC)
    await confirmed(people, kept, parent)
    await say(parent, kept, "grant")
    async with connect(settings["COSMOS"]) as client:
        users = client.get_database_client("vimarsh").get_container_client("users")
        for one in (waiting, kept):
            value = format_timestamp(now - timedelta(days=31))
            moved = [{"op": "set", "path": "/parental_consent/at", "value": value}]
            await users.patch_item(one.user_id, one.user_id, moved)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://app") as local:
        assert (await local.post("/admin/functions/forget_children", json={})).status_code == 202

    async def gone() -> bool:
        return (await waiting.call("GET", "/me")).status_code == 410

    await until(gone)
    assert (await kept.call("GET", "/me")).status_code == 200
    assert (await fresh.call("GET", "/me")).status_code == 200
    assert await forget(services(), now + timedelta(days=29)) == 0
