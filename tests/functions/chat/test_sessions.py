"""Sessions, over HTTP: started, listed, edited, ended, reopened."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest

from tests.functions.calls import PHONE, Drain, Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_session_knows_the_client_but_not_its_address(api: httpx.AsyncClient, alice: Headers) -> None:
    client = {"User-Agent": PHONE, "X-Forwarded-For": "203.0.113.7:51234"}
    answer = await api.post("/sessions", json={}, headers=alice | client)
    session = answer.json()
    assert answer.status_code == 201
    assert (session["device_type"], session["platform"]) == ("mobile", "android")
    assert session["is_active"] is True
    assert session["timezone"] == "UTC"
    assert session["ip_address"]
    assert "203.0.113" not in answer.text


async def test_the_same_key_and_body_give_the_same_answer(api: httpx.AsyncClient, alice: Headers) -> None:
    key = alice | {"Idempotency-Key": str(uuid.uuid4())}
    first, second = [await api.post("/sessions", json={}, headers=key) for _ in range(2)]
    assert first.json() == second.json()
    path = f"/sessions/{first.json()['session_id']}/interactions"
    answers = await asyncio.gather(*(api.post(path, json=a_turn(), headers=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    other = await api.post(path, json=a_turn(), headers=alice)
    assert other.json()["id"] != answers[0].json()["id"]


async def test_the_same_key_with_another_body_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    key = alice | {"Idempotency-Key": "a key"}
    session = await api.post("/sessions", json={}, headers=key)
    again = await api.post("/sessions", json={"timezone": "Europe/Paris"}, headers=key)
    assert (again.status_code, again.json()["type"]) == (422, "urn:vimarsh:problem:key-reused")
    path = f"/sessions/{session.json()['session_id']}/interactions"
    await api.post(path, json=a_turn(), headers=key)
    reused = await api.post(path, json=a_turn(user_query="Something else?"), headers=key)
    assert (reused.status_code, reused.json()["type"]) == (422, "urn:vimarsh:problem:key-reused")


async def test_a_body_that_is_too_large_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    answer = await api.post("/sessions", content=b" " * 1_000_001, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:vimarsh:problem:too-large")


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_too_long_or_empty_is_refused(api: httpx.AsyncClient, alice: Headers, key: str) -> None:
    answer = await api.post("/sessions", json={}, headers=alice | {"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:vimarsh:problem:bad-request")


async def test_sessions_are_listed_newest_first_page_by_page(api: httpx.AsyncClient, alice: Headers) -> None:
    started = [await a_session(api, alice) for _ in range(5)]
    await api.post(f"/sessions/{started[0]}/interactions", json=a_turn(), headers=alice)
    listed, continuation = [], None
    for size in (2, 2, 1):
        query = {"limit": "2"} | ({"continuation": continuation} if continuation else {})
        page = (await api.get("/sessions", params=query, headers=alice)).json()
        assert len(page["items"]) == size
        listed += [session["session_id"] for session in page["items"]]
        continuation = page["continuation"]
    assert continuation is None
    assert listed == started[::-1]


async def test_sessions_are_found_by_time_and_activity(api: httpx.AsyncClient, alice: Headers) -> None:
    sessions = [(await api.post("/sessions", json={}, headers=alice)).json() for _ in range(3)]
    await api.patch(f"/sessions/{sessions[1]['id']}", json={"is_active": False}, headers=alice | {"If-Match": '"1"'})

    async def found(**query: str) -> list[int]:
        page = (await api.get("/sessions", params=query, headers=alice)).json()
        starts = [session["start_time"] for session in sessions]
        return sorted(starts.index(item["start_time"]) for item in page["items"])

    assert await found(active="true") == [0, 2]
    assert await found(active="false") == [1]
    assert await found(**{"from": sessions[1]["start_time"]}) == [1, 2]
    assert await found(to=sessions[1]["start_time"]) == [0]
    assert await found(**{"from": sessions[0]["start_time"], "to": sessions[2]["start_time"], "active": "true"}) == [0]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"from": "yesterday"}, "/query/from"),
        ({"to": "2026-11-20T09:30:00"}, "/query/to"),
        ({"active": "maybe"}, "/query/active"),
        ({"limit": "0"}, "/query/limit"),
        ({"colour": "blue"}, "/query/colour"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_named(
    api: httpx.AsyncClient, alice: Headers, query: dict[str, str], pointer: str
) -> None:
    answer = await api.get("/sessions", params=query, headers=alice)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_continuation_of_another_list_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    for _ in range(2):
        await a_session(api, alice)
    page = (await api.get("/sessions", params={"limit": "1"}, headers=alice)).json()
    query = {"limit": "1", "continuation": page["continuation"], "active": "true"}
    answer = await api.get("/sessions", params=query, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:vimarsh:problem:bad-continuation")


async def test_a_session_is_as_long_as_something_happens_in_it(api: httpx.AsyncClient, alice: Headers) -> None:
    started = await api.post("/sessions", json={}, headers=alice)
    path = f"/sessions/{started.json()['id']}"
    turn = (await api.post(f"{path}/interactions", json=a_turn(), headers=alice)).json()
    ended = await api.patch(
        path,
        json={"is_active": False, "completed_successfully": False},
        headers=alice | {"If-Match": started.headers["etag"]},
    )
    session = ended.json()
    assert ended.status_code == 200, ended.text
    assert (session["is_active"], session["completed_successfully"]) == (False, False)
    assert session["end_time"] == session["last_activity"] == turn["timestamp"]
    assert session["duration_seconds"] in (None, 1)  # known once its turn is counted, which took 0.9 s to answer
    assert ended.headers["etag"] != started.headers["etag"]
    read = await api.get(path, headers=alice)
    assert (read.json(), read.headers["etag"]) == (session, ended.headers["etag"])


async def test_a_session_that_has_ended_goes_on_with_the_next_turn(
    api: httpx.AsyncClient, alice: Headers, drained: Drain
) -> None:
    path = f"/sessions/{await a_session(api, alice)}"
    await api.patch(path, json={"is_active": False}, headers=alice | {"If-Match": '"1"'})
    answers = await asyncio.gather(
        *(api.post(f"{path}/interactions", json=a_turn(user_rating=5), headers=alice) for _ in range(4))
    )
    assert sorted(answer.json()["interaction_sequence"] for answer in answers) == [1, 2, 3, 4]
    reopened = await api.get(path, headers=alice)
    assert reopened.json()["is_active"] is True
    assert (reopened.json()["end_time"], reopened.json()["duration_seconds"]) == (None, None)
    assert reopened.headers["etag"] == '"3"'
    await api.patch(path, json={"is_active": False}, headers=alice | {"If-Match": '"3"'})
    await drained()
    session = (await api.get(path, headers=alice)).json()
    assert (session["total_queries"], session["session_quality"]) == (4, "excellent")
    board = (await api.get("/me/dashboard", headers=alice)).json()
    assert board["learning_growth_metrics"]["total_sessions"] == 1
    assert board["usage_insights"]["avg_session_duration"] == "less than a minute"


async def test_totals_that_arrive_leave_the_etag_as_it_is(
    api: httpx.AsyncClient, alice: Headers, drained: Drain
) -> None:
    started = await api.post("/sessions", json={}, headers=alice)
    path = f"/sessions/{started.json()['id']}"
    await api.post(f"{path}/interactions", json=a_turn(), headers=alice)
    await drained()
    read = await api.get(path, headers=alice)
    assert read.json()["total_queries"] == 1
    assert read.headers["etag"] == started.headers["etag"]


async def test_a_session_of_another_time_zone_counts_in_its_own_day(
    api: httpx.AsyncClient, alice: Headers, drained: Drain
) -> None:
    path = f"/sessions/{await a_session(api, alice)}"
    edited = await api.patch(path, json={"timezone": "Pacific/Auckland"}, headers=alice | {"If-Match": '"1"'})
    assert (edited.json()["timezone"], edited.json()["is_active"]) == ("Pacific/Auckland", True)
    turn = await api.post(f"{path}/interactions", json=a_turn(), headers=alice)
    assert turn.json()["timezone"] == "Pacific/Auckland"
    await drained()
    assert (await api.get("/me/dashboard", headers=alice)).json()["learning_growth_metrics"]["total_sessions"] == 1


async def test_of_two_edits_at_once_one_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    path = f"/sessions/{await a_session(api, alice)}"
    seen = alice | {"If-Match": '"1"'}
    edits = [{"completed_successfully": False}, {"timezone": "Europe/Paris"}]
    answers = await asyncio.gather(*(api.patch(path, json=edit, headers=seen) for edit in edits))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    stale = next(answer for answer in answers if answer.status_code == 412)
    assert stale.json()["type"] == "urn:vimarsh:problem:precondition-failed"
    assert (await api.get(path, headers=alice)).headers["etag"] == '"2"'


async def test_an_edit_without_an_etag_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    path = f"/sessions/{await a_session(api, alice)}"
    answer = await api.patch(path, json={"is_active": False}, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (428, "urn:vimarsh:problem:precondition-required")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"is_active": True},
        {"is_active": None},
        {"timezone": "Mars/Olympus"},
        {"timezone": None},
        {"end_time": None},
    ],
)
async def test_an_edit_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, alice: Headers, body: dict[str, object]
) -> None:
    path = f"/sessions/{await a_session(api, alice)}"
    answer = await api.patch(path, json=body, headers=alice | {"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:invalid")


async def test_somebody_elses_session_can_not_be_read_or_edited(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn
) -> None:
    path = f"/sessions/{await a_session(api, alice)}"
    mallory = sign_in(f"{uuid.uuid4().hex}@contoso.example")
    assert (await api.get(path, headers=mallory)).status_code == 404
    edit = await api.patch(path, json={"is_active": False}, headers=mallory | {"If-Match": '"1"'})
    assert edit.status_code == 404
    assert (await api.get("/sessions", headers=mallory)).json() == {"items": [], "continuation": None}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/sessions"), ("GET", "/sessions/x"), ("PATCH", "/sessions/x"), ("POST", "/sessions")]
)
async def test_sessions_are_for_people_who_are_signed_in(
    api: httpx.AsyncClient, chat_server: Headers, method: str, path: str
) -> None:
    nobody = await api.request(method, path, json={"is_active": False})
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    assert (await api.request(method, path, json={"is_active": False}, headers=chat_server)).status_code == 403
