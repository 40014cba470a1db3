"""Dead letters: listed, counted once their cause is gone, and only for admins."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import pytest_asyncio
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from cosmos.core.database import Database, connect
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOBODY = {"partition_key": "nobody", "id": "dead-letter-" + "0" * 32}


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in("root@contoso.example", roles=["Vimarsh.Admin"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(settings: dict[str, str]) -> AsyncIterator[Database]:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"])


@pytest_asyncio.fixture(loop_scope="session")
async def broken(
    api: httpx.AsyncClient, alice: Headers, database: Database, drained: Drain
) -> AsyncIterator[dict[str, Any]]:
    """A copy of a turn of Alice's that can't be counted, as it is stored beside the turn until the test ends."""
    session = await a_session(api, alice)
    turn = (await api.post(f"/sessions/{session}/interactions", json=a_turn(), headers=alice)).json()
    stored = await database.user_interactions.read_item(turn["id"], turn["user_id"])
    broken = {name: value for name, value in stored.items() if not name.startswith("_")}
    broken |= {"id": str(uuid.uuid4()), "output_tokens": "a secret"}
    await database.user_interactions.create_item(broken)
    await drained()
    yield broken
    with suppress(CosmosResourceNotFoundError):
        await database.user_interactions.delete_item(broken["id"], broken["user_id"])


async def letters_of(api: httpx.AsyncClient, admin: Headers, partition: str) -> list[dict[str, Any]]:
    """The letters in a partition, found by paging through all."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await api.get("/admin/dead-letters", params=query, headers=admin)).raise_for_status().json()
        found += [letter for letter in page["items"] if letter["partition_key"] == partition]
        if page["continuation"] is None:
            return found
        query["continuation"] = page["continuation"]


async def redrive(api: httpx.AsyncClient, admin: Headers, *letters: dict[str, Any]) -> list[str]:
    named = [{"partition_key": letter["partition_key"], "id": letter["id"]} for letter in letters]
    answer = await api.post("/admin/dead-letters", json={"letters": named}, headers=admin)
    assert answer.status_code == 200, answer.text
    return [item["outcome"] for item in answer.json()["items"]]


async def turns_counted(api: httpx.AsyncClient, headers: Headers) -> int:
    return int((await api.get("/me/dashboard", headers=headers)).json()["total_interactions"])


async def test_a_letter_names_the_field_and_not_the_value(
    api: httpx.AsyncClient, admin: Headers, broken: dict[str, Any]
) -> None:
    [letter] = await letters_of(api, admin, broken["user_id"])
    assert (letter["source_container"], letter["source_id"]) == ("user_interactions", broken["id"])
    assert "output_tokens" in letter["error"]
    assert "a secret" not in str(letter)


async def test_what_still_can_not_be_counted_keeps_its_letter(
    api: httpx.AsyncClient, admin: Headers, broken: dict[str, Any]
) -> None:
    [letter] = await letters_of(api, admin, broken["user_id"])
    assert await redrive(api, admin, letter) == ["failed"]
    [again] = await letters_of(api, admin, broken["user_id"])
    assert again["id"] == letter["id"]
    assert again["failed_at"] > letter["failed_at"]


async def test_a_document_that_was_put_right_is_counted_once_however_often_it_is_driven(
    api: httpx.AsyncClient,
    alice: Headers,
    admin: Headers,
    broken: dict[str, Any],
    database: Database,
    drained: Drain,
) -> None:
    [letter] = await letters_of(api, admin, broken["user_id"])
    await database.user_interactions.replace_item(broken["id"], broken | {"output_tokens": 200})
    outcomes = await asyncio.gather(*(redrive(api, admin, letter, letter) for _ in range(3)))
    assert {outcome for pair in outcomes for outcome in pair} == {"folded", "absent"}
    await drained()
    assert await letters_of(api, admin, broken["user_id"]) == []
    assert await turns_counted(api, alice) == 2
    assert await redrive(api, admin, letter) == ["absent"]


async def test_the_letter_of_a_document_that_is_gone_goes(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, broken: dict[str, Any], database: Database
) -> None:
    [letter] = await letters_of(api, admin, broken["user_id"])
    await database.user_interactions.delete_item(broken["id"], broken["user_id"])
    assert await redrive(api, admin, letter, NOBODY) == ["source_gone", "absent"]
    assert await letters_of(api, admin, broken["user_id"]) == []
    assert await turns_counted(api, alice) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"letters": []},
        {"letters": [NOBODY] * 26},
        {"letters": [NOBODY | {"id": "ledger:x"}]},
        {"letters": [{"id": NOBODY["id"]}]},
    ],
)
async def test_letters_must_be_named_as_the_list_shows_them(
    api: httpx.AsyncClient, admin: Headers, body: dict[str, Any]
) -> None:
    assert (await api.post("/admin/dead-letters", json=body, headers=admin)).status_code == 422


async def test_only_admins_see_and_drive_letters(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn, an_email: str
) -> None:
    body = {"letters": [NOBODY]}
    moderator = sign_in(f"m-{an_email}", roles=["Vimarsh.Moderator"])
    for headers, status in ((alice, 403), (moderator, 403), ({}, 401)):
        listed = await api.get("/admin/dead-letters", headers=headers)
        driven = await api.post("/admin/dead-letters", json=body, headers=headers)
        assert (listed.status_code, driven.status_code) == (status, status)
        assert ("www-authenticate" in listed.headers) == (status == 401)
