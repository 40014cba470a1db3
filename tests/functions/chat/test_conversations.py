"""Conversations as their user keeps them, over HTTP: named, pinned, put aside, in folders, listed by use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cosmos.core.database import Database, connect
from tests.functions.calls import Headers, a_session, a_turn, asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANY = {"If-Match": "*"}
DAY = 86_400


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(settings: dict[str, str]) -> AsyncIterator[Database]:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"])


async def session_of(api: httpx.AsyncClient, user: Headers, session: str) -> dict[str, Any]:
    answer = await api.get(f"/sessions/{session}", headers=user)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def edited(api: httpx.AsyncClient, user: Headers, session: str, **changes: Any) -> dict[str, Any]:
    answer = await api.patch(f"/sessions/{session}", json=changes, headers=user | ANY)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def told(api: httpx.AsyncClient, user: Headers, session: str, **changes: Any) -> dict[str, Any]:
    answer = await api.post(f"/sessions/{session}/interactions", json=a_turn(**changes), headers=user)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def listed(api: httpx.AsyncClient, user: Headers, **query: str) -> list[str]:
    answer = await api.get("/sessions", params=query, headers=user)
    assert answer.status_code == 200, answer.text
    return [session["id"] for session in answer.json()["items"]]


async def test_a_title_is_made_from_the_first_question_and_never_over_one_that_was_given(
    api: httpx.AsyncClient, alice: Headers
) -> None:
    session = await a_session(api, alice)
    assert (await session_of(api, alice, session))["title"] is None
    await told(api, alice, session, user_query="How   do\nbees " + "find their way home " * 8)
    made = await session_of(api, alice, session)
    assert made["title"].startswith("How do bees find their way home") and made["title"].endswith("…")
    assert (len(made["title"]) <= 80, made["title_source"]) == (True, "question")
    await told(api, alice, session, user_query="And wasps?")
    assert (await session_of(api, alice, session))["title"] == made["title"]
    renamed = await edited(api, alice, session, title="  Bees ")
    assert (renamed["title"], renamed["title_source"]) == ("Bees", "user")
    await told(api, alice, session, user_query="And ants?")
    assert (await session_of(api, alice, session))["title"] == "Bees"
    assert (await edited(api, alice, session, title=None))["title_source"] is None
    await told(api, alice, session, user_query="And moths?")
    assert (await session_of(api, alice, session))["title"] == "And moths?"
    given = await api.post("/sessions", json={"title": "Mine", "folder": "Work", "tags": ["a", "a"]}, headers=alice)
    await told(api, alice, given.json()["id"])
    kept = await session_of(api, alice, given.json()["id"])
    assert (kept["title"], kept["title_source"], kept["folder"], kept["tags"]) == ("Mine", "user", "Work", ["a"])


async def test_a_turn_asks_for_one_batch_and_one_create(
    api: httpx.AsyncClient, alice: Headers, cosmos_url: str
) -> None:
    session, counts = await a_session(api, alice), []
    async with httpx.AsyncClient(base_url=cosmos_url) as engine:
        for _ in range(3):
            await engine.delete("/_local/requests")
            await told(api, alice, session)
            requests = await asked(engine, "user_interactions", "user_sessions")
            counts.append([(row[1], row[2]) for row in requests if row[1] != "patch"])  # the fold's totals, too
    assert counts == [[("create", 1), ("batch", 1)]] * 3


async def test_a_list_shows_the_last_turn_and_the_one_used_last_comes_first(
    api: httpx.AsyncClient, alice: Headers
) -> None:
    first, second = await a_session(api, alice), await a_session(api, alice)
    turn = await told(api, alice, first, user_query="Why?\n\nReally", response_text="b " * 500)
    assert await listed(api, alice) == [second, first]
    assert await listed(api, alice, order="activity") == [first, second]
    (shown,) = (await api.get("/sessions?order=activity&limit=1", headers=alice)).json()["items"]
    assert (shown["last_turn"]["interaction_id"], shown["last_turn"]["user_query"]) == (turn["id"], "Why? Really")
    assert (len(shown["last_turn"]["response_text"]), shown["last_turn"]["timestamp"]) == (198, turn["timestamp"])
    await told(api, alice, second)
    assert await listed(api, alice, order="activity") == [second, first]


async def test_sessions_are_pinned_archived_tagged_put_into_folders_and_found_by_it(
    api: httpx.AsyncClient, alice: Headers, database: Database
) -> None:
    pinned, archived, plain = [await a_session(api, alice) for _ in range(3)]
    await edited(api, alice, pinned, is_pinned=True, tags=["x", "y", "x"], folder="Work")
    await edited(api, alice, archived, is_archived=True, folder="Work")
    item = await database.user_sessions.read_item(plain, (await session_of(api, alice, plain))["user_id"])
    for field in ("is_pinned", "is_archived", "folder", "tags", "title", "title_source", "last_turn"):
        del item[field]  # as it was stored before there were such fields
    await database.user_sessions.replace_item(plain, item)
    assert await listed(api, alice) == [plain, archived, pinned]
    assert await listed(api, alice, pinned="true") == [pinned]
    assert await listed(api, alice, pinned="false") == [plain, archived]
    assert await listed(api, alice, archived="true") == [archived]
    assert await listed(api, alice, archived="false") == [plain, pinned]
    assert await listed(api, alice, folder="Work") == [archived, pinned]
    assert await listed(api, alice, folder="Work", archived="false", tag="y") == [pinned]
    assert await listed(api, alice, tag="z") == []
    assert (await edited(api, alice, pinned, folder=None, tags=[]))["folder"] is None
    assert await listed(api, alice, folder="Work") == [archived]
    await told(api, alice, plain)
    assert (await session_of(api, alice, plain))["title"] == "What is the meaning of life?"


@pytest.mark.parametrize("changes", [{"title": ""}, {"title": " "}, {"title": "x" * 201}, {"is_pinned": None}])
async def test_what_is_no_title_or_no_place_is_refused(
    api: httpx.AsyncClient, alice: Headers, changes: dict[str, Any]
) -> None:
    session = await a_session(api, alice)
    answer = await api.patch(f"/sessions/{session}", json=changes, headers=alice | ANY)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:invalid")


async def test_without_consent_to_texts_there_is_neither_title_nor_preview(
    api: httpx.AsyncClient, alice: Headers, database: Database
) -> None:
    session, secret = await a_session(api, alice), "hexagonitis"
    await told(api, alice, session, user_query=secret, response_text=secret, store_texts=False)
    assert secret not in (await api.get("/sessions", headers=alice)).text
    assert (await session_of(api, alice, session))["title"] is None
    me = await api.patch("/me", json={"text_storage_consent": False}, headers=alice | ANY)
    assert me.status_code == 200
    await told(api, alice, session, user_query=secret, response_text=secret)
    assert (await edited(api, alice, session, title=secret, tags=["kept"]))["title"] is None
    await api.post("/sessions", json={"title": secret}, headers=alice)
    assert secret not in (await api.get("/sessions", headers=alice)).text
    last = (await session_of(api, alice, session))["last_turn"]
    assert (last["user_query"], last["response_text"]) == (None, None)


async def test_a_session_lives_as_long_as_its_youngest_turn_and_a_pinned_one_as_long_as_it_is_pinned(
    api: httpx.AsyncClient, alice: Headers, database: Database
) -> None:
    session = await a_session(api, alice)
    turn = await told(api, alice, session)

    async def lives() -> Any:
        item = await database.user_sessions.read_item(session, turn["user_id"])
        return item.get("ttl", 730 * DAY)

    assert await lives() == 730 * DAY
    await edited(api, alice, session, is_pinned=True)
    await told(api, alice, session)
    assert await lives() == -1
    await edited(api, alice, session, is_pinned=False)
    assert await lives() == 730 * DAY


async def test_a_temporary_chat_and_its_turns_expire_by_themselves(
    api: httpx.AsyncClient, alice: Headers, database: Database
) -> None:
    answer = await api.post("/sessions", json={"expires_after_seconds": 7200}, headers=alice)
    session = answer.json()
    turn = await told(api, alice, session["id"])
    turns = await database.user_interactions.read_item(turn["id"], turn["user_id"])
    kept = await database.user_sessions.read_item(session["id"], turn["user_id"])
    assert (answer.status_code, turns["ttl"], kept["ttl"]) == (201, 7200, 7200)
    await edited(api, alice, session["id"], title="Soon gone")
    assert (await database.user_sessions.read_item(session["id"], turn["user_id"]))["ttl"] == 7200
    for wrong in (3599, 31 * DAY, 0):
        refused = await api.post("/sessions", json={"expires_after_seconds": wrong}, headers=alice)
        assert refused.status_code == 422
