"""The user's history, over HTTP: searched, read, and what they think of it."""

from __future__ import annotations

import asyncio
import base64
import string
import uuid
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn
from tests.functions.chat.test_ingest import an_item, ingest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def a_recorded_turn(api: httpx.AsyncClient, headers: Headers, **changes: Any) -> dict[str, Any]:
    path = f"/sessions/{await a_session(api, headers)}/interactions"
    turn: dict[str, Any] = (await api.post(path, json=a_turn(**changes), headers=headers)).json()
    return turn


@pytest_asyncio.fixture(loop_scope="session")
async def history(api: httpx.AsyncClient, alice: Headers) -> list[dict[str, Any]]:
    """Alice's turns, oldest first."""
    turns: list[dict[str, Any]] = [
        {"user_query": "Which planets have rings?", "query_category": "science", "personality_used": "einstein"},
        {"user_query": "Does the soul outlive the body?", "user_rating": 4},
        {"user_query": "Is C++ harder than logic?", "query_category": "science"},
        {"user_query": "道可道非常道是什么意思", "personality_used": "laozi"},
        {"user_query": "धर्म क्या है?", "personality_used": "krishna"},
        {"user_query": "How do rings form around a planet?", "user_rating": 5},
    ]
    return [await a_recorded_turn(api, alice, **turn) for turn in turns]


async def found(api: httpx.AsyncClient, headers: Headers, history: list[dict[str, Any]], **query: str) -> list[int]:
    """Which of the turns are listed, in the order in which they are."""
    answer = await api.get("/interactions", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    ids = [turn["id"] for turn in history]
    return [ids.index(item["id"]) for item in answer.json()["items"]]


async def test_the_history_is_newest_first(
    api: httpx.AsyncClient, alice: Headers, history: list[dict[str, Any]]
) -> None:
    assert await found(api, alice, history) == [5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"personality": "einstein"}, [0]),
        ({"category": "science"}, [2, 0]),
        ({"category": "science", "personality": "einstein"}, [0]),
        ({"rating": "4"}, [1]),
        ({"bookmarked": "false", "rating": "5"}, [5]),
        ({"bookmarked": "true"}, []),
        ({"text": "ring PLANET"}, [5, 0]),
        ({"text": "planets", "rating": "5"}, [5]),
        ({"text": "soul planet"}, []),
        ({"text": "c++"}, [2]),
        ({"text": "非常道"}, [3]),
        ({"text": "धर्म"}, [4]),
        ({"text": "(soul)?"}, [1]),
        ({"text": "what is the soul"}, [1]),
        ({"text": "how do"}, [5]),
    ],
)
async def test_turns_are_found_by_what_they_are(
    api: httpx.AsyncClient,
    alice: Headers,
    history: list[dict[str, Any]],
    query: dict[str, str],
    expected: list[int],
) -> None:
    assert await found(api, alice, history, **query) == expected


async def test_turns_are_found_by_time_and_session(
    api: httpx.AsyncClient, alice: Headers, history: list[dict[str, Any]]
) -> None:
    assert await found(api, alice, history, **{"from": history[4]["timestamp"]}) == [5, 4]
    assert await found(api, alice, history, to=history[2]["timestamp"]) == [1, 0]
    assert await found(api, alice, history, session_id=history[3]["session_id"]) == [3]


async def test_a_search_goes_on_page_by_page(
    api: httpx.AsyncClient, alice: Headers, history: list[dict[str, Any]]
) -> None:
    query, pages = {"text": "rings", "limit": "1"}, []
    while True:
        page = (await api.get("/interactions", params=query, headers=alice)).json()
        pages += page["items"]
        if page["continuation"] is None:
            break
        query["continuation"] = page["continuation"]
    assert [turn["id"] for turn in pages] == [history[5]["id"], history[0]["id"]]
    query["text"] = "soul"
    answer = await api.get("/interactions", params=query, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:vimarsh:problem:bad-continuation")


def with_an_unused_bit_set(signed: str) -> str:
    """The same bytes in base64, written otherwise."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    bare = signed.rstrip("=")
    other = bare[:-1] + alphabet[alphabet.index(bare[-1]) + 1] + "=" * (len(signed) - len(bare))
    assert base64.urlsafe_b64decode(other) == base64.urlsafe_b64decode(signed)
    return other


async def test_a_continuation_is_taken_as_it_was_given_only(api: httpx.AsyncClient, alice: Headers) -> None:
    path = f"/sessions/{await a_session(api, alice)}/interactions"
    for _ in range(5):
        await api.post(path, json=a_turn(), headers=alice)
    padded = None
    for limit in (1, 2, 3, 4):
        page = (await api.get("/interactions", params={"limit": limit}, headers=alice)).json()
        padded = padded or (page["continuation"] if page["continuation"].endswith("=") else None)
    assert padded, "no continuation has unused bits: make other ones"
    given = padded.rstrip("=")
    for wrong in (with_an_unused_bit_set(padded), given, padded + "=", "", "=", "ä", "?", padded[:-3] + "!" * 3):
        answer = await api.get("/interactions", params={"continuation": wrong}, headers=alice)
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:vimarsh:problem:bad-continuation"), wrong
    assert (await api.get("/interactions", params={"continuation": padded}, headers=alice)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"rating": "6"},
        {"text": " "},
        {"text": "x " * 11},
        {"text": "x" * 201},
        {"session_id": "1"},
        {"from": "2026"},
        {"limit": "101"},
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, alice: Headers, query: dict[str, str]
) -> None:
    assert (await api.get("/interactions", params=query, headers=alice)).status_code == 422


async def test_a_turn_is_read_by_any_id_that_it_may_have(
    api: httpx.AsyncClient, chat_server: Headers, sign_in: SignIn, an_email: str
) -> None:
    item = an_item(an_email, str(uuid.uuid4()), id="Turn:2026~11.20_a-1")
    await ingest(api, chat_server, item)
    answer = await api.get(f"/interactions/{item['id']}", headers=sign_in(an_email))
    assert (answer.status_code, answer.json()["user_query"]) == (200, item["user_query"])
    assert answer.headers["etag"] == '"1"'


async def test_the_latest_feedback_counts_and_earlier_ones_are_kept(
    api: httpx.AsyncClient, alice: Headers, drained: Drain
) -> None:
    turn = await a_recorded_turn(api, alice, user_rating=1)
    path = f"/interactions/{turn['id']}"
    first = await api.patch(
        path, json={"user_rating": 4, "user_feedback": "Better"}, headers=alice | {"If-Match": '"1"'}
    )
    assert first.status_code == 200, first.text
    second = await api.patch(
        path,
        json={"user_feedback": None, "was_helpful": True, "was_shared": True},
        headers=alice | {"If-Match": first.headers["etag"]},
    )
    latest = second.json()
    said = {name: latest[name] for name in ("user_rating", "user_feedback", "was_helpful", "was_shared")}
    assert said == {"user_rating": 4, "user_feedback": None, "was_helpful": True, "was_shared": True}
    past = [(entry["user_rating"], entry["user_feedback"], entry["given_at"]) for entry in latest["feedback_history"]]
    assert past == [(1, None, turn["timestamp"]), (4, "Better", first.json()["feedback_at"])]
    await drained()
    quality = (await api.get("/me/dashboard", headers=alice)).json()["interaction_quality"]
    assert (quality["avg_rating"], quality["share_rate"]) == (4, 1)
    assert (await api.get(path, headers=alice)).json() == latest


async def test_the_same_feedback_again_changes_nothing(api: httpx.AsyncClient, alice: Headers) -> None:
    path = f"/interactions/{(await a_recorded_turn(api, alice, was_helpful=True))['id']}"
    same = await api.patch(path, json={"was_helpful": True}, headers=alice | {"If-Match": '"1"'})
    assert (same.status_code, same.headers["etag"], same.json()["feedback_history"]) == (200, '"1"', [])


async def test_of_two_opinions_at_once_one_is_refused(api: httpx.AsyncClient, alice: Headers) -> None:
    path = f"/interactions/{(await a_recorded_turn(api, alice))['id']}"
    seen = alice | {"If-Match": '"1"'}
    answers = await asyncio.gather(*(api.patch(path, json={"user_rating": stars}, headers=seen) for stars in (1, 5)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    missing = await api.patch(path, json={"user_rating": 3}, headers=alice)
    assert (missing.status_code, missing.json()["type"]) == (428, "urn:vimarsh:problem:precondition-required")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_rating": 0},
        {"user_rating": 6},
        {"user_rating": "5"},
        {"user_rating": 4.5},
        {"was_shared": None},
        {"user_feedback": "x" * 4001},
        {"response_text": "Something else"},
    ],
)
async def test_feedback_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, alice: Headers, body: dict[str, Any]
) -> None:
    path = f"/interactions/{(await a_recorded_turn(api, alice))['id']}"
    answer = await api.patch(path, json=body, headers=alice | {"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:invalid")


async def test_somebody_elses_turn_is_not_found(api: httpx.AsyncClient, alice: Headers, sign_in: SignIn) -> None:
    turn = await a_recorded_turn(api, alice)
    mallory = sign_in(f"{uuid.uuid4().hex}@contoso.example") | {"If-Match": '"1"'}
    for turn_id in (turn["id"], "no-such-turn", "-", "x" * 300):
        path = f"/interactions/{turn_id}"
        assert (await api.get(path, headers=mallory)).status_code == 404
        assert (await api.patch(path, json={"user_rating": 1}, headers=mallory)).status_code == 404
    assert (await api.get("/interactions", headers=mallory)).json()["items"] == []
    assert (await api.get(f"/interactions/{turn['id']}", headers=alice)).json() == turn


@pytest.mark.parametrize(("method", "path"), [("GET", "/interactions"), ("GET", "/interactions/x")])
async def test_a_history_is_for_people_who_are_signed_in(
    api: httpx.AsyncClient, chat_server: Headers, method: str, path: str
) -> None:
    nobody = await api.request(method, path)
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    assert (await api.request(method, path, headers=chat_server)).status_code == 403
