"""Batches from a trusted server."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from local.entra.identity import TENANT_ID, oid_of
from tests.functions.calls import Headers, SignIn, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")


def an_item(email: str, session_id: str, **changes: Any) -> dict[str, Any]:
    user = {
        "tenant_id": TENANT_ID,
        "auth_id": oid_of(email),
        "email": email,
        "name": "Alice Liddell",
        "timezone": "Asia/Kolkata",
    }
    item = {
        "id": str(uuid.uuid4()),
        "user": user,
        "session_id": session_id,
        "timestamp": "2026-10-05T20:00:00Z",
        "ip_address": "203.0.113.7",
    }
    return a_turn() | item | changes


async def ingest(api: httpx.AsyncClient, headers: Headers, *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await api.post("/ingest/turns", json={"turns": items}, headers=headers)
    assert answer.status_code == 207, answer.text
    results: list[dict[str, Any]] = answer.json()["items"]
    return results


async def test_users_and_sessions_that_are_new_are_made(
    api: httpx.AsyncClient, chat_server: Headers, sign_in: SignIn, an_email: str
) -> None:
    session_id = str(uuid.uuid4())
    items = [an_item(an_email, session_id) for _ in range(3)]
    assert [result["status"] for result in await ingest(api, chat_server, *items)] == [201, 201, 201]
    profile = (await api.get("/me", headers=sign_in(an_email))).json()
    assert profile["timezone"] == "Asia/Kolkata"
    more = await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=sign_in(an_email))
    assert more.json()["interaction_sequence"] == 4


async def test_a_batch_sent_again_changes_nothing(
    api: httpx.AsyncClient, chat_server: Headers, sign_in: SignIn, an_email: str
) -> None:
    session_id = str(uuid.uuid4())
    items = [an_item(an_email, session_id) for _ in range(4)]
    assert [result["status"] for result in await ingest(api, chat_server, *items[:3])] == [201, 201, 201]
    assert [result["status"] for result in await ingest(api, chat_server, *items)] == [200, 200, 200, 201]
    turn = await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=sign_in(an_email))
    assert turn.json()["interaction_sequence"] == 5


async def test_a_turn_that_comes_as_bookmarked_becomes_a_bookmark_once(
    api: httpx.AsyncClient, chat_server: Headers, sign_in: SignIn, an_email: str
) -> None:
    item = an_item(an_email, str(uuid.uuid4()), was_bookmarked=True)
    await ingest(api, chat_server, item, an_item(an_email, item["session_id"]))
    await ingest(api, chat_server, item)
    headers = sign_in(an_email)
    [saved] = (await api.get("/bookmarks", headers=headers)).json()["items"]
    assert (saved["interaction_id"], saved["bookmarked_at"]) == (item["id"], "2026-10-05T20:00:00.000000Z")
    deleted = await api.delete(f"/bookmarks/{saved['id']}", headers=headers | {"If-Match": "*"})
    assert deleted.status_code == 204
    assert [result["status"] for result in await ingest(api, chat_server, item)] == [200]
    assert (await api.get("/bookmarks", headers=headers)).json()["items"] == []
    turn = (await api.get(f"/interactions/{item['id']}", headers=headers)).json()
    assert turn["was_bookmarked"] is False


async def test_each_turn_has_its_own_answer(api: httpx.AsyncClient, chat_server: Headers, an_email: str) -> None:
    session_id = str(uuid.uuid4())
    good = an_item(an_email, session_id)
    results = await ingest(
        api,
        chat_server,
        good,
        an_item(an_email, session_id, input_tokens=-1),
        good,
        good | {"user_query": "Another question with the same id?"},
        an_item(an_email, session_id, ip_address="somewhere"),
        an_item("somebody.else@contoso.example", str(uuid.uuid4()), id=good["id"]),
        {"id": 7},
    )
    assert [result["status"] for result in results] == [201, 422, 200, 422, 201, 201, 422]
    assert results[1]["error"]["errors"] == [
        {"pointer": "/input_tokens", "detail": "Input should be greater than or equal to 0"}
    ]
    assert results[3]["error"]["type"] == "urn:vimarsh:problem:key-reused"
    assert results[4]["adjusted"] == {"ip_address": "left out: no IP address"}
    assert results[6]["id"] is None


async def test_an_address_of_another_account_stops_no_turn(
    api: httpx.AsyncClient, chat_server: Headers, an_email: str
) -> None:
    owner = an_item(an_email, str(uuid.uuid4()))
    twin = an_item(an_email, str(uuid.uuid4()))
    twin["user"] = owner["user"] | {"auth_id": str(uuid.uuid4())}
    nameless = an_item(an_email, str(uuid.uuid4()))
    nameless["user"] = {name: owner["user"][name] for name in ("tenant_id", "name")} | {"auth_id": str(uuid.uuid4())}
    results = await ingest(api, chat_server, owner, twin, nameless)
    assert [result["status"] for result in results] == [201, 201, 201]


async def test_a_full_batch_of_one_session_is_taken(
    api: httpx.AsyncClient, chat_server: Headers, an_email: str
) -> None:
    session_id = str(uuid.uuid4())
    items = [an_item(an_email, session_id, response_text="x" * 30_000) for _ in range(100)]
    results = await ingest(api, chat_server, *items)
    assert [(result["id"], result["status"]) for result in results] == [(item["id"], 201) for item in items]


@pytest.mark.parametrize("turns", [[], [{}] * 101, "all", None])
async def test_a_batch_has_1_to_100_turns(api: httpx.AsyncClient, chat_server: Headers, turns: Any) -> None:
    answer = await api.post("/ingest/turns", json={"turns": turns}, headers=chat_server)
    assert answer.status_code == 422


async def test_only_an_application_with_the_role_may_ingest(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn
) -> None:
    staff = sign_in("staff@contoso.example", roles=["Vimarsh.Ingest"])
    for headers in (alice, staff, sign_in(app=True, roles=["Something.Else"])):
        answer = await api.post("/ingest/turns", json={"turns": [{}]}, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:vimarsh:problem:forbidden")


async def test_a_clock_may_be_ahead_by_minutes_and_not_by_more(
    api: httpx.AsyncClient, chat_server: Headers, an_email: str
) -> None:
    def ahead(**by: float) -> dict[str, Any]:
        moment = datetime.now(UTC) + timedelta(**by)
        return an_item(an_email, session_id, timestamp=moment.isoformat())

    session_id = str(uuid.uuid4())
    results = await ingest(api, chat_server, ahead(minutes=4), ahead(hours=1), ahead(days=9000))
    assert [result["status"] for result in results] == [201, 422, 422]
    assert results[1]["error"]["errors"] == [{"pointer": "/timestamp", "detail": "Input should not lie in the future"}]


async def test_a_batch_looks_at_no_idempotency_key(api: httpx.AsyncClient, chat_server: Headers, an_email: str) -> None:
    headers = chat_server | {"Idempotency-Key": "1"}
    for _ in range(2):
        items = await ingest(api, headers, an_item(an_email, str(uuid.uuid4())))
        assert [item["status"] for item in items] == [201]
    document = (await api.get("/openapi.json")).json()
    parameters = document["paths"]["/ingest/turns"]["post"]["parameters"]
    assert {"$ref": "#/components/parameters/IdempotencyKey"} not in parameters


@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_times_at_the_ends_of_the_calendar_are_refused(
    api: httpx.AsyncClient, chat_server: Headers, an_email: str, timestamp: str
) -> None:
    results = await ingest(api, chat_server, an_item(an_email, str(uuid.uuid4()), timestamp=timestamp))
    assert results[0]["status"] == 422
