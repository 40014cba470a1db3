"""Bookmarks: saving, opening, finding, editing and deleting them."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from cosmos.core.database import connect
from tests.functions.calls import Headers, SignIn, a_session, a_turn, asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOWHERE = "33333333-3333-4333-8333-333333333333"


async def a_recorded_turn(api: httpx.AsyncClient, headers: Headers, **changes: Any) -> dict[str, Any]:
    path = f"/sessions/{await a_session(api, headers)}/interactions"
    answer = await api.post(path, json=a_turn(**changes), headers=headers)
    assert answer.status_code == 201, answer.text
    turn: dict[str, Any] = answer.json()
    return turn


async def save(api: httpx.AsyncClient, headers: Headers, turn: dict[str, Any], **content: Any) -> httpx.Response:
    return await api.post("/bookmarks", json={"interaction_id": turn["id"]} | content, headers=headers)


async def a_bookmark(api: httpx.AsyncClient, headers: Headers, **content: Any) -> dict[str, Any]:
    question = content.pop("user_query", "What is the meaning of life?")
    answer = await save(api, headers, await a_recorded_turn(api, headers, user_query=question), **content)
    assert answer.status_code == 201, answer.text
    bookmark: dict[str, Any] = answer.json()
    return bookmark


async def stored_turn(settings: dict[str, str], turn: dict[str, Any], *changes: dict[str, Any]) -> dict[str, Any]:
    """The turn's document, after patching it."""
    async with connect(settings["COSMOS"]) as client:
        container = client.get_database_client("vimarsh").get_container_client("user_interactions")
        if changes:
            return await container.patch_item(turn["id"], turn["user_id"], list(changes))
        return await container.read_item(turn["id"], turn["user_id"])


def edit(path: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "path": path, "value": value}


async def test_saving_copies_the_turn_and_marks_it(
    api: httpx.AsyncClient, alice: Headers, settings: dict[str, str]
) -> None:
    turn = await a_recorded_turn(api, alice, source_references=["Apology 38a"])
    answer = await save(api, alice, turn, bookmark_tags=["life"], bookmark_collection="Greeks", is_favorite=True)
    bookmark = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert bookmark["original_query"] == turn["user_query"]
    assert bookmark["bookmarked_response"] == turn["response_text"]
    assert (bookmark["personality"], bookmark["source_references"]) == ("socrates", ["Apology 38a"])
    assert bookmark["bookmark_title"] == "What is the meaning of life?"
    assert (bookmark["bookmark_tags"], bookmark["bookmark_collection"]) == (["life"], "Greeks")
    stored = await stored_turn(settings, turn)
    assert (stored["was_bookmarked"], stored["revision"]) == (True, turn["revision"] + 1)


async def test_saving_twice_at_once_gives_one_bookmark(
    api: httpx.AsyncClient, alice: Headers, settings: dict[str, str]
) -> None:
    turn = await a_recorded_turn(api, alice)
    answers = await asyncio.gather(*(save(api, alice, turn, bookmark_title=f"Title {n}") for n in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    listed = (await api.get("/bookmarks", headers=alice)).json()
    assert [bookmark["id"] for bookmark in listed["items"]] == [answers[0].json()["id"]]
    assert (await stored_turn(settings, turn))["revision"] == turn["revision"] + 1


async def test_saving_that_broke_off_is_completed_by_saving_again(
    api: httpx.AsyncClient, alice: Headers, settings: dict[str, str]
) -> None:
    turn = await a_recorded_turn(api, alice)
    await save(api, alice, turn)
    await stored_turn(settings, turn, edit("/was_bookmarked", False), edit("/bookmark_revision", 0))
    await save(api, alice, turn)
    assert (await stored_turn(settings, turn))["was_bookmarked"] is True


async def test_a_bookmark_outlives_its_turn(api: httpx.AsyncClient, alice: Headers, settings: dict[str, str]) -> None:
    turn = await a_recorded_turn(api, alice)
    bookmark = (await save(api, alice, turn)).json()
    async with connect(settings["COSMOS"]) as client:
        container = client.get_database_client("vimarsh").get_container_client("user_interactions")
        await container.delete_item(turn["id"], turn["user_id"])
    assert (await save(api, alice, turn)).json() == bookmark
    path = f"/bookmarks/{bookmark['id']}"
    assert (await api.delete(path, headers=alice | {"If-Match": '"1"'})).status_code == 204
    assert (await save(api, alice, turn)).status_code == 404


async def test_an_idempotency_key_is_for_one_request(api: httpx.AsyncClient, alice: Headers) -> None:
    one, other = await a_recorded_turn(api, alice), await a_recorded_turn(api, alice)
    key = alice | {"Idempotency-Key": "a key"}
    answers = await asyncio.gather(*(save(api, key, one, bookmark_notes="mine") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    for reused in (await save(api, key, other), await save(api, key, one, bookmark_notes="changed")):
        assert (reused.status_code, reused.json()["type"]) == (422, "urn:vimarsh:problem:key-reused")
    await api.delete(f"/bookmarks/{answers[0].json()['id']}", headers=alice | {"If-Match": '"1"'})
    late = await save(api, key, one, bookmark_notes="mine")
    assert late.status_code == 404


async def test_a_key_for_a_turn_that_is_saved_already(api: httpx.AsyncClient, alice: Headers) -> None:
    one, other = await a_recorded_turn(api, alice), await a_recorded_turn(api, alice)
    saved = await save(api, alice, one)
    key = alice | {"Idempotency-Key": "a key"}
    assert (await save(api, key, one)).text == saved.text
    assert (await save(api, key, other)).status_code == 422


async def test_every_opening_counts_and_leaves_the_etag(api: httpx.AsyncClient, alice: Headers) -> None:
    bookmark = await a_bookmark(api, alice)
    path = f"/bookmarks/{bookmark['id']}"
    opened = await asyncio.gather(*(api.get(path, headers=alice) for _ in range(16)))
    assert sorted(answer.json()["access_count"] for answer in opened) == list(range(1, 17))
    assert {answer.headers["etag"] for answer in opened} == {'"1"'}
    assert all(answer.json()["last_accessed"] > bookmark["bookmarked_at"] for answer in opened)
    edited = await api.patch(path, json={"is_favorite": True}, headers=alice | {"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
    assert (edited.json()["access_count"], edited.json()["is_favorite"]) == (16, True)


async def test_opening_is_one_request_to_the_database(api: httpx.AsyncClient, alice: Headers, cosmos_url: str) -> None:
    bookmark = await a_bookmark(api, alice)
    async with httpx.AsyncClient(base_url=cosmos_url) as engine:
        await engine.delete("/_local/requests")
        await api.get(f"/bookmarks/{bookmark['id']}", headers=alice)
        assert await asked(engine, "user_bookmarks") == [("user_bookmarks", "patch", 1)]


async def test_editing_changes_what_is_given(api: httpx.AsyncClient, alice: Headers) -> None:
    bookmark = await a_bookmark(api, alice, bookmark_notes="first", bookmark_collection="Greeks")
    path, changes = f"/bookmarks/{bookmark['id']}", {"bookmark_tags": ["a", "b", "a"], "bookmark_collection": None}
    edited = await api.patch(path, json=changes, headers=alice | {"If-Match": '"1"'})
    assert edited.json() == bookmark | {
        "bookmark_tags": ["a", "b"],
        "bookmark_collection": None,
        "revision": 2,
    }


@pytest.mark.parametrize("etags", ["*", '"7", "1"', 'W/"1" , "1"'])
async def test_if_match_takes_any_etag_and_lists(api: httpx.AsyncClient, alice: Headers, etags: str) -> None:
    path = f"/bookmarks/{(await a_bookmark(api, alice))['id']}"
    headers = alice | {"If-Match": etags}
    edited = await api.patch(path, json={"is_favorite": True}, headers=headers)
    assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
    again = await api.patch(path, json={"is_favorite": False}, headers=headers)
    assert again.status_code == (200 if etags == "*" else 412)


async def test_whatever_is_there_is_deleted_once(api: httpx.AsyncClient, alice: Headers) -> None:
    path = f"/bookmarks/{(await a_bookmark(api, alice))['id']}"
    headers = alice | {"If-Match": "*"}
    assert [(await api.delete(path, headers=headers)).status_code for _ in range(2)] == [204, 404]
    assert (await api.patch(path, json={"is_favorite": True}, headers=headers)).status_code == 404


async def test_of_concurrent_edits_one_wins(api: httpx.AsyncClient, alice: Headers) -> None:
    path = f"/bookmarks/{(await a_bookmark(api, alice))['id']}"
    edits = (api.patch(path, json={"bookmark_notes": str(n)}, headers=alice | {"If-Match": '"1"'}) for n in range(8))
    assert sorted(answer.status_code for answer in await asyncio.gather(*edits)) == [200] + [412] * 7


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_an_edit_needs_the_etag_of_what_is_there(api: httpx.AsyncClient, alice: Headers, method: str) -> None:
    path = f"/bookmarks/{(await a_bookmark(api, alice))['id']}"
    body = {"is_favorite": True} if method == "PATCH" else None
    missing = await api.request(method, path, headers=alice, json=body)
    assert (missing.status_code, missing.json()["type"]) == (428, "urn:vimarsh:problem:precondition-required")
    for etag in ('"2"', '"0"', "1", 'W/"1"', '"x"'):
        stale = await api.request(method, path, headers=alice | {"If-Match": etag}, json=body)
        assert (stale.status_code, stale.json()["type"]) == (412, "urn:vimarsh:problem:precondition-failed")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"bookmark_title": None},
        {"bookmark_title": " "},
        {"bookmark_tags": None},
        {"is_favorite": None},
        {"access_count": 99},
        {"original_query": "another"},
    ],
)
async def test_a_change_that_is_not_one_is_refused(
    api: httpx.AsyncClient, alice: Headers, changes: dict[str, Any]
) -> None:
    path = f"/bookmarks/{(await a_bookmark(api, alice))['id']}"
    answer = await api.patch(path, json=changes, headers=alice | {"If-Match": '"1"'})
    assert answer.status_code == 422, answer.text


async def test_deleting_unmarks_the_turn_and_may_be_repeated(
    api: httpx.AsyncClient, alice: Headers, settings: dict[str, str]
) -> None:
    turn = await a_recorded_turn(api, alice)
    path = f"/bookmarks/{(await save(api, alice, turn)).json()['id']}"
    deleting = alice | {"If-Match": '"1"'}
    assert (await api.delete(path, headers=deleting)).status_code == 204
    stored = await stored_turn(settings, turn)
    assert (stored["was_bookmarked"], stored["revision"]) == (False, turn["revision"] + 2)
    assert (await api.get(path, headers=alice)).status_code == 404
    assert (await api.patch(path, json={"is_favorite": True}, headers=deleting)).status_code == 404
    assert (await api.get("/bookmarks", headers=alice)).json()["items"] == []
    await stored_turn(settings, turn, edit("/was_bookmarked", True), edit("/bookmark_revision", 1))
    assert (await api.delete(path, headers=deleting)).status_code == 204
    assert (await stored_turn(settings, turn))["was_bookmarked"] is False
    assert (await api.delete(path, headers=alice | {"If-Match": '"2"'})).status_code == 404


async def test_a_turn_is_saved_again_after_deleting(
    api: httpx.AsyncClient, alice: Headers, settings: dict[str, str]
) -> None:
    turn = await a_recorded_turn(api, alice)
    first = (await save(api, alice, turn, bookmark_notes="first")).json()
    path = f"/bookmarks/{first['id']}"
    await api.delete(path, headers=alice | {"If-Match": '"1"'})
    answers = await asyncio.gather(*(save(api, alice, turn) for _ in range(4)))
    assert {(answer.json()["id"], answer.json()["revision"]) for answer in answers} == {(first["id"], 3)}
    assert answers[0].json()["bookmark_notes"] is None
    assert (await stored_turn(settings, turn))["was_bookmarked"] is True


async def test_deleting_wins_against_openings(api: httpx.AsyncClient, alice: Headers) -> None:
    path = f"/bookmarks/{(await a_bookmark(api, alice))['id']}"
    deleting = api.delete(path, headers=alice | {"If-Match": '"1"'})
    deleted, *opened = await asyncio.gather(deleting, *(api.get(path, headers=alice) for _ in range(8)))
    assert deleted.status_code == 204
    assert {answer.status_code for answer in opened} <= {200, 404}


async def test_the_list_is_newest_first_and_filtered(api: httpx.AsyncClient, alice: Headers) -> None:
    greek = await a_bookmark(api, alice, bookmark_collection="Greeks", bookmark_tags=["wisdom", "old"])
    notes = await a_bookmark(api, alice, user_query="Why is the sky blue?", bookmark_notes="Rayleigh scattering")
    loved = await a_bookmark(
        api, alice, bookmark_collection="Greeks", bookmark_title="On virtue", bookmark_tags=["old"], is_favorite=True
    )

    async def listed(**query: str) -> list[str]:
        answer = await api.get("/bookmarks", params=query, headers=alice)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await listed() == [loved["id"], notes["id"], greek["id"]]
    assert await listed(collection="Greeks") == [loved["id"], greek["id"]]
    assert await listed(tag="wisdom") == [greek["id"]]
    assert await listed(favorite="true") == [loved["id"]]
    assert await listed(favorite="false", collection="Greeks") == [greek["id"]]
    assert await listed(text="Sky blue?") == [notes["id"]]
    assert await listed(text="rayleigh") == [notes["id"]]
    assert await listed(text="virtue - meaning") == [loved["id"]]
    assert await listed(text="nothing") == []
    assert await listed(text="What is the sky?") == [notes["id"]]
    collections = (await api.get("/bookmarks/collections", headers=alice)).json()
    assert collections == {"items": [{"name": "Greeks", "bookmarks": 2}]}


@pytest.mark.parametrize("text", ["非常道", "C++ logic", "क्या", "LOGIC"])
async def test_words_are_found_as_in_the_history(api: httpx.AsyncClient, alice: Headers, text: str) -> None:
    wanted = await a_bookmark(
        api, alice, user_query="道可道非常道", bookmark_title="Is C++ harder than logic?", bookmark_notes="धर्म क्या है?"
    )
    await a_bookmark(api, alice, user_query="Is C harder than rhetoric?")
    found = (await api.get("/bookmarks", params={"text": text}, headers=alice)).json()["items"]
    assert [bookmark["id"] for bookmark in found] == [wanted["id"]]


async def test_the_list_is_paged_and_each_is_there_once(api: httpx.AsyncClient, alice: Headers) -> None:
    saved = [(await a_bookmark(api, alice))["id"] for _ in range(5)]
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = (await api.get("/bookmarks", params=query, headers=alice)).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        if page["continuation"] is None:
            break
        query["continuation"] = page["continuation"]
    assert seen == saved[::-1]
    other = await api.get("/bookmarks", params=query | {"tag": "x"}, headers=alice)
    assert (other.status_code, other.json()["type"]) == (400, "urn:vimarsh:problem:bad-continuation")


@pytest.mark.parametrize(
    "query", [{"favorite": "maybe"}, {"text": " "}, {"text": "w " * 11}, {"limit": "0"}, {"colour": "blue"}]
)
async def test_a_query_that_is_not_understood_is_refused(
    api: httpx.AsyncClient, alice: Headers, query: dict[str, str]
) -> None:
    answer = await api.get("/bookmarks", params=query, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:invalid")


@pytest.mark.parametrize("body", [{}, {"interaction_id": "a/b"}, {"interaction_id": "a", "access_count": 3}])
async def test_what_is_not_a_bookmark_is_refused(api: httpx.AsyncClient, alice: Headers, body: dict[str, Any]) -> None:
    assert (await api.post("/bookmarks", json=body, headers=alice)).status_code == 422


async def test_what_is_somebody_elses_is_not_found(api: httpx.AsyncClient, alice: Headers, sign_in: SignIn) -> None:
    turn = await a_recorded_turn(api, alice)
    path = f"/bookmarks/{(await save(api, alice, turn)).json()['id']}"
    mallory = sign_in(f"{uuid.uuid4().hex}@contoso.example") | {"If-Match": '"1"'}
    answers = [
        await save(api, mallory, turn),
        await api.get(path, headers=mallory),
        await api.patch(path, json={"is_favorite": True}, headers=mallory),
        await api.delete(path, headers=mallory),
        await api.get("/bookmarks/not-a-uuid", headers=alice),
        await api.get(f"/bookmarks/{NOWHERE}", headers=alice),
        await save(api, alice, {"id": NOWHERE}),
    ]
    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {
        (404, "urn:vimarsh:problem:not-found")
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/bookmarks"),
        ("GET", "/bookmarks"),
        ("GET", "/bookmarks/collections"),
        ("GET", f"/bookmarks/{NOWHERE}"),
        ("PATCH", f"/bookmarks/{NOWHERE}"),
        ("DELETE", f"/bookmarks/{NOWHERE}"),
    ],
)
async def test_bookmarks_are_for_people_who_are_signed_in(
    api: httpx.AsyncClient, chat_server: Headers, method: str, path: str
) -> None:
    anonymous = await api.request(method, path)
    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"].startswith("Bearer")
    assert (await api.request(method, path, headers=chat_server)).status_code == 403
