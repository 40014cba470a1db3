"""Reservations belong to who made them, and nobody writes more within a minute than there may be."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from local.entra.identity import TENANT_ID, oid_of
from tests.functions.calls import Headers, a_session, a_turn
from tests.functions.chat.test_ingest import an_item, ingest

pytestmark = pytest.mark.asyncio(loop_scope="session")

Json = dict[str, Any]
ESTIMATE = {"model": "gpt-4o-mini", "input_tokens": 1000, "max_output_tokens": 500}


def of(email: str) -> Json:
    user = {"tenant_id": TENANT_ID, "auth_id": oid_of(email), "email": email, "name": "Alice Liddell"}
    return ESTIMATE | {"user": user}


async def reserved(api: httpx.AsyncClient, headers: Headers) -> int:
    limits = (await api.get("/me/usage", headers=headers)).json()["limits"]
    found: int = next(one["reserved"] for one in limits if (one["window"], one["measure"]) == ("day", "tokens"))
    return found


async def record(api: httpx.AsyncClient, headers: Headers, session_id: str, **changes: Any) -> httpx.Response:
    return await api.post(f"/sessions/{session_id}/interactions", json=a_turn(**changes), headers=headers)


async def test_a_user_neither_releases_nor_settles_what_a_server_reserved(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, an_email: str
) -> None:
    session_id = await a_session(api, alice)
    admission = (await api.post("/admissions", json=of(an_email), headers=chat_server)).json()["id"]
    refused = await api.delete(f"/admissions/{admission}", headers=alice)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:vimarsh:problem:made-by-server")
    turn = await record(api, alice, session_id, input_tokens=0, output_tokens=0, admission_id=admission)
    assert (turn.status_code, await reserved(api, alice)) == (201, 1500)
    item = an_item(an_email, session_id, admission_id=admission)
    assert (await ingest(api, chat_server, item))[0]["status"] == 201
    assert await reserved(api, alice) == 0


async def test_a_server_releases_what_it_reserved_and_what_a_user_did(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, an_email: str
) -> None:
    me = (await api.get("/me", headers=alice)).json()["id"]
    made = [
        (await api.post("/admissions", json=of(an_email), headers=chat_server)).json()["id"],
        (await api.post("/admissions", json=ESTIMATE, headers=alice)).json()["id"],
    ]
    assert await reserved(api, alice) == 3000
    for admission in made:
        path = f"/admissions/{admission}"
        assert (await api.delete(path, params={"user_id": me}, headers=chat_server)).status_code == 204
    assert await reserved(api, alice) == 0


async def test_a_users_key_never_names_what_a_server_reserves(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, an_email: str
) -> None:
    key = {"Idempotency-Key": "turn-1"}
    mine = await api.post("/admissions", json=ESTIMATE, headers=alice | key)
    theirs = await api.post("/admissions", json=of(an_email), headers=chat_server | key)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]
    assert await reserved(api, alice) == 3000


@pytest.mark.parametrize("by", ["user", "server"])
async def test_a_key_whose_turn_is_counted_admits_nothing_more(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, an_email: str, by: str
) -> None:
    session_id, key = await a_session(api, alice), {"Idempotency-Key": "again"}
    headers, body = (alice | key, ESTIMATE) if by == "user" else (chat_server | key, of(an_email))
    admission = (await api.post("/admissions", json=body, headers=headers)).json()["id"]
    if by == "user":
        assert (await record(api, alice, session_id, admission_id=admission)).status_code == 201
    else:
        assert (await ingest(api, chat_server, an_item(an_email, session_id, admission_id=admission)))[0][
            "status"
        ] == 201
    again = await api.post("/admissions", json=body, headers=headers)
    assert (again.status_code, again.json()["type"]) == (409, "urn:vimarsh:problem:admission-settled")
    assert await reserved(api, alice) == 0


async def test_what_users_record_has_a_ceiling_by_minute_and_what_servers_record_has_none(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, an_email: str
) -> None:
    session_id = await a_session(api, alice)
    answers: list[httpx.Response] = []
    while not any(answer.status_code == 429 for answer in answers):
        assert len(answers) < 300  # the minute may end meanwhile, but not twice
        answers += await asyncio.gather(*(record(api, alice, session_id) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {201, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["type"] == "urn:vimarsh:problem:too-many-turns"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    items = [an_item(an_email, session_id) for _ in range(90)]
    assert {result["status"] for result in await ingest(api, chat_server, *items)} == {201}
    taken = sum(answer.status_code == 201 for answer in answers)
    turns = (await api.get(f"/sessions/{session_id}", headers=alice)).json()
    assert turns["last_sequence"] == taken + 90


async def test_one_user_at_the_ceiling_is_no_other_user(
    api: httpx.AsyncClient, alice: Headers, an_email: str, sign_in: Any
) -> None:
    other = sign_in(f"{uuid.uuid4().hex[:10]}@contoso.example")
    session_id, theirs = await a_session(api, alice), await a_session(api, other)
    long = {"response_text": "x" * 190_000}
    answers = [await record(api, alice, session_id, **long) for _ in range(25)]
    if 429 in {answer.status_code for answer in answers}:  # unless the minute ended in between
        assert sum(answer.status_code == 201 for answer in answers) >= 20
    assert (await record(api, other, theirs, **long)).status_code == 201


async def test_the_tokens_of_one_turn_have_a_bound_whoever_records_it(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, an_email: str
) -> None:
    session_id = await a_session(api, alice)
    for tokens in ({"input_tokens": 10_000_001}, {"input_tokens": 5_000_000, "output_tokens": 5_000_001}):
        refused = await record(api, alice, session_id, **tokens)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:vimarsh:problem:invalid")
        item = an_item(an_email, session_id, **tokens)
        assert [one["status"] for one in await ingest(api, chat_server, item, an_item(an_email, session_id))] == [
            422,
            201,
        ]
    estimate = ESTIMATE | {"max_output_tokens": 9_999_001}
    assert (await api.post("/admissions", json=estimate, headers=alice)).status_code == 422
    dear = {"model_used": "o1-pro", "input_tokens": 0, "output_tokens": 10_000_000}
    assert [(await record(api, alice, session_id, **dear)).status_code for _ in range(3)] == [201] * 3
    assert (await api.get("/me/usage", headers=alice)).status_code == 200
    again = await api.post("/admissions", json=ESTIMATE, headers=alice)
    assert (again.status_code, again.json()["type"]) == (429, "urn:vimarsh:problem:limit-reached")
