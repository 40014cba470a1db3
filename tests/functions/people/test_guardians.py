"""Children need a guardian's consent: asked for, confirmed by others, granted, and withdrawn with effect at once."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest

from functions.composition import services
from tests.functions.calls import a_turn
from tests.functions.organizations.conftest import People, Somebody
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

ESTIMATE = {"model": "gpt-4o-mini", "input_tokens": 100, "max_output_tokens": 100}
YOUNG = 2016


def kind_of(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition(":")[2])


async def turn(child: Somebody, session_id: str) -> httpx.Response:
    return await child.call("POST", f"/sessions/{session_id}/interactions", a_turn())


async def a_child(people: People, birth_year: int = YOUNG) -> tuple[Somebody, str]:
    """A child with a session that they began before they said their age."""
    child = await people.somebody()
    session_id = (await child.call("POST", "/sessions", {})).json()["session_id"]
    assert (await child.edited("/me", {"birth_year": birth_year})).status_code == 200
    return child, session_id


async def confirmed(people: People, child: Somebody, parent: Somebody, **said: Any) -> httpx.Response:
    verifier = await people.somebody(roles=["Vimarsh.Verify"])
    asked = await parent.call("POST", "/me/wards", {"student_id": child.user_id, "relation": "mother"})
    assert asked.status_code == 202, asked.text
    body = {"action": "confirm", "method": "Seen with an identity card."} | said
    return await verifier.call("PATCH", f"/guardianships/{child.user_id}/{parent.user_id}", body)


async def say(parent: Somebody, child: Somebody, action: str) -> httpx.Response:
    return await parent.call("PATCH", f"/guardianships/{child.user_id}/{parent.user_id}", {"action": action})


async def test_a_child_is_heard_once_a_confirmed_parent_consents_and_no_longer_once_they_do_not(people: People) -> None:
    child, session_id = await a_child(people)
    assert (kind_of(await turn(child, session_id)), (await turn(child, session_id)).status_code) == (
        "consent-required",
        403,
    )
    admission = await child.call("POST", "/admissions", ESTIMATE)
    assert (admission.status_code, kind_of(admission)) == (403, "consent-required")
    grade = {"grade_level": "4", "subjects": ["mathematics"]}
    assert (await child.call("PUT", "/me/student-profile", grade)).status_code == 200
    parent = await people.somebody()
    assert (await confirmed(people, child, parent)).json()["consent_status"] == "pending"
    assert kind_of(await turn(child, session_id)) == "consent-required"
    assert (await say(parent, child, "grant")).json()["consent_status"] == "granted"
    assert (await turn(child, session_id)).status_code == 201
    assert (await child.call("POST", "/admissions", ESTIMATE)).status_code == 201
    consent = (await child.call("GET", "/me")).json()["parental_consent"]
    assert (consent["required"], consent["status"], consent["guardian_id"]) == (True, "granted", parent.user_id)
    assert (await say(parent, child, "withdraw")).status_code == 200
    assert kind_of(await turn(child, session_id)) == "consent-required"
    assert kind_of(await child.call("POST", "/admissions", ESTIMATE)) == "consent-required"
    read = await parent.call("GET", f"/wards/{child.user_id}/student-profile")
    assert (read.status_code, read.json()["grade_level"]) == (200, "4")
    assert (await say(parent, child, "grant")).status_code == 200
    assert (await turn(child, session_id)).status_code == 201
    await people.drained()
    assert (await turn(child, session_id)).status_code == 201


async def test_what_a_server_records_of_a_child_needs_consent_too(people: People, chat_server: dict[str, str]) -> None:
    child, session_id = await a_child(people)
    profile = (await child.call("GET", "/me")).json()
    user = {name: profile[name] for name in ("tenant_id", "auth_id", "email", "name")}
    turns = [a_turn(id=str(uuid.uuid4()), user=user, session_id=session_id, timestamp="2026-11-20T10:00:00Z")]
    answer = await child.api.post("/ingest/turns", json={"turns": turns}, headers=chat_server)
    (item,) = answer.json()["items"]
    assert (item["status"], item["error"]["type"]) == (403, "urn:vimarsh:problem:consent-required")


async def test_two_parents_one_grant_is_enough_and_one_withdrawal_ends_it(people: People) -> None:
    child, session_id = await a_child(people)
    mother, father = await people.somebody(), await people.somebody()
    await asyncio.gather(confirmed(people, child, mother), confirmed(people, child, father))
    await say(mother, child, "grant")
    assert (await turn(child, session_id)).status_code == 201
    await asyncio.gather(say(father, child, "withdraw"), say(mother, child, "grant"))
    assert kind_of(await turn(child, session_id)) == "consent-required"
    assert (await say(mother, child, "grant")).status_code == 200
    assert kind_of(await turn(child, session_id)) == "consent-required"
    assert (await say(father, child, "grant")).status_code == 200
    assert (await turn(child, session_id)).status_code == 201


async def test_a_grant_that_is_cut_off_is_finished_and_a_withdrawal_that_is_leaves_the_bar(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, session_id = await a_child(people)
    parent = await people.somebody()
    await confirmed(people, child, parent)
    guardians = (await services().store()).guardians

    async def cut_off(*_: object, **__: object) -> None:
        raise httpx.ReadError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr("cosmos.people.guardians.set_bar", cut_off)
        assert (await say(parent, child, "grant")).status_code == 500

    async def heard() -> bool:
        return (await turn(child, session_id)).status_code == 201

    await until(heard)
    with monkeypatch.context() as patched:
        patched.setattr(guardians, "_batch", cut_off)
        assert (await say(parent, child, "withdraw")).status_code == 500
    assert kind_of(await turn(child, session_id)) == "consent-required"


async def test_requests_tell_nobody_anything_and_five_may_wait(people: People) -> None:
    parent, other = await people.somebody(), await people.somebody()
    body = {"student_id": str(uuid.uuid4()), "relation": "father"}
    known = {"student_id": other.user_id, "relation": "father"}
    answers = [await parent.call("POST", "/me/wards", one) for one in (body, known)]
    assert {(one.status_code, json.dumps(one.json()), one.headers["location"]) for one in answers} == {
        (202, '{"status": "requested"}', "/api/me/wards")
    }
    assert (await other.call("GET", "/me/guardians")).json() == {"items": [], "requests": []}
    assert len((await parent.call("GET", "/me/wards")).json()["requests"]) == 2
    for _ in range(3):
        await parent.call("POST", "/me/wards", body | {"student_id": str(uuid.uuid4())})
    assert kind_of(await parent.call("POST", "/me/wards", body | {"student_id": str(uuid.uuid4())})) == (
        "too-many-requests"
    )
    assert (await parent.call("POST", "/me/wards", body)).status_code == 202


async def test_a_verified_school_of_the_child_confirms_and_neither_of_the_two(people: People) -> None:
    staff, school = await people.staff(), await people.organization()
    path = f"/organizations/{school['organization_id']}"
    head = await people.member(school["organization_id"], staff, "admin")
    teacher = await people.member(school["organization_id"], staff, "teacher")
    child = await people.member(school["organization_id"], staff, "student")
    await child.edited("/me", {"birth_year": YOUNG})
    parent = await people.somebody()
    change = f"/guardianships/{child.user_id}/{parent.user_id}"
    body = {"action": "confirm", "method": "At the office", "organization_id": school["organization_id"]}
    assert (await head.call("PATCH", change, body)).status_code == 403  # not verified
    await staff.edited(f"/admin{path}", {"is_verified": True}, read=path)
    assert (await head.call("PATCH", change, body)).status_code == 404  # nobody asked
    assert (await child.call("POST", "/me/guardians", {"parent_id": parent.user_id, "relation": "mother"})).is_success
    assert (await teacher.call("PATCH", change, body)).status_code == 403
    for one in (child, parent):
        assert (await one.call("PATCH", change, body)).status_code in (403, 404)
        assert (await one.call("PATCH", change, body | {"organization_id": None})).status_code == 404
    other = await people.organization()
    await staff.edited(
        f"/admin/organizations/{other['organization_id']}",
        {"is_verified": True},
        read=f"/organizations/{other['organization_id']}",
    )
    elsewhere = body | {"organization_id": other["organization_id"]}
    assert (await staff.call("PATCH", change, elsewhere)).status_code == 404  # the child is no member there
    done = await head.call("PATCH", change, body)
    assert (done.status_code, done.json()["verification_method"]) == (200, "At the office")
    await people.drained()
    wards = (await parent.call("GET", "/me/wards")).json()
    assert [(ward["student_id"], ward["status"]) for ward in wards["items"]] == [(child.user_id, "confirmed")]


@pytest.mark.parametrize("birth_year", [2000, None])
async def test_who_is_no_child_is_nobodys_ward(people: People, birth_year: int | None) -> None:
    adult, other = await people.somebody(), await people.somebody()
    if birth_year:
        await adult.edited("/me", {"birth_year": birth_year})
    assert (await confirmed(people, adult, other)).status_code == 422


async def test_a_child_is_no_guardian(people: People) -> None:
    child, _ = await a_child(people)
    sister, _ = await a_child(people, 2010)
    assert (await confirmed(people, child, sister)).status_code == 422


async def test_the_parent_of_another_child_finds_nothing(people: People) -> None:
    child, _ = await a_child(people)
    mine, _ = await a_child(people)
    parent = await people.somebody()
    await confirmed(people, mine, parent)
    for method, path in (
        ("GET", f"/wards/{child.user_id}/student-profile"),
        ("GET", f"/wards/{child.user_id}/dashboard"),
        ("GET", f"/wards/{child.user_id}/export"),
        ("DELETE", f"/wards/{child.user_id}"),
        ("POST", f"/wards/{child.user_id}/erasure"),
        ("GET", f"/wards/{uuid.uuid4()}/dashboard"),
    ):
        assert (await parent.call(method, path)).status_code == 404, path
    assert (await say(parent, child, "grant")).status_code == 404
    assert (await parent.call("GET", f"/wards/{mine.user_id}/dashboard")).status_code == 200


async def test_a_year_of_birth_makes_nobody_older(people: People) -> None:
    child, session_id = await a_child(people)
    older = await child.edited("/me", {"birth_year": 1990})
    assert (older.status_code, kind_of(older)) == (409, "birth-year-fixed")
    assert (await child.edited("/me", {"birth_year": YOUNG + 1})).status_code == 200
    assert kind_of(await turn(child, session_id)) == "consent-required"
    youth, of_youth = await a_child(people, 2012)
    assert (await turn(youth, of_youth)).status_code == 201
    assert (await youth.edited("/me", {"birth_year": 2013})).status_code == 200
    assert kind_of(await turn(youth, of_youth)) == "consent-required"


async def test_what_a_guardian_reads_is_on_record_and_ends_with_guardianship(people: People) -> None:
    child, session_id = await a_child(people)
    parent = await people.somebody()
    await confirmed(people, child, parent)
    await say(parent, child, "grant")
    await turn(child, session_id)
    await people.drained()
    assert (await parent.call("GET", f"/wards/{child.user_id}/dashboard")).status_code == 200
    exported = (await parent.call("GET", f"/wards/{child.user_id}/export")).text
    assert '"kind":"interaction"' in exported
    assert (await parent.call("DELETE", f"/wards/{child.user_id}")).status_code == 204
    assert (await parent.call("GET", f"/wards/{child.user_id}/dashboard")).status_code == 404
    assert kind_of(await turn(child, session_id)) == "consent-required"
    log = (await child.call("GET", "/me/access-log")).json()["items"]
    assert [(entry["act"], entry["by_right"]) for entry in reversed(log)] == [
        ("confirm_guardian", "staff"),
        ("grant_consent", "guardian"),
        ("read_dashboard", "guardian"),
        ("export", "guardian"),
        ("withdraw_consent", "guardian"),
    ]
    assert parent.user_id not in json.dumps(log)


async def test_a_parent_has_a_child_erased(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    child, _ = await a_child(people)
    parent = await people.somebody()
    await confirmed(people, child, parent)
    await people.drained()
    erasure = await parent.call("POST", f"/wards/{child.user_id}/erasure")
    assert (erasure.status_code, erasure.json()["requested_by"]) == (202, "guardian")
    assert (await child.call("GET", "/me")).status_code == 410

    async def gone() -> bool:
        found = (await parent.call("GET", "/me/wards")).json()
        return not found["items"]

    await until(gone)


async def test_staff_read_about_a_user_for_a_reason_that_the_user_sees(people: People) -> None:
    staff, one = await people.staff(), await people.somebody()
    for what in ("usage", "dashboard"):
        path = f"/admin/users/{one.user_id}/{what}"
        assert kind_of(await staff.call("GET", path)) == "audit-reason-required"
        assert (await one.call("GET", path, **{"X-Audit-Reason": "Mine"})).status_code == 403
        mine = (await one.call("GET", f"/me/{what}")).json()
        theirs = await staff.call("GET", path, **{"X-Audit-Reason": "Ticket 4711"})
        assert (theirs.status_code, theirs.json().keys()) == (200, mine.keys())
    log = (await one.call("GET", "/me/access-log")).json()["items"]
    assert [(entry["act"], entry["by_right"], entry["reason"]) for entry in log] == [
        ("read_dashboard", "staff", "Ticket 4711"),
        ("read_usage", "staff", "Ticket 4711"),
    ]
