"""What is left after one, two and five years: the engine's clock is moved forward, and the app is asked."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cosmos.core.containers import declared
from cosmos.core.database import Database, connect
from functions.composition import Store
from local.cosmosdb.clock import AdjustableClock
from local.cosmosdb.server import serve_in_thread
from local.provision import Account, provision, read_definitions
from models.core.pseudonyms import Pseudonyms
from models.core.subkeys import subkey
from models.core.write_policy import DAY
from tests.conftest import ROOT
from tests.models.examples import PRICES

YEAR = 365 * DAY
TURN = {
    "user_query": "What remains?",
    "response_text": "What was saved.",
    "query_category": "philosophy",
    "personality_used": "laozi",
    "model_used": "gpt-4o-mini",
    "input_tokens": 100,
    "output_tokens": 20,
}


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with serve_in_thread(clock=AdjustableClock()) as url:
        with Account(url) as account:
            provision(account, read_definitions(ROOT / "cosmos" / "containers.json"))
        yield url


@pytest.fixture(scope="module")
def environment(settings: dict[str, str], cosmos_url: str, engine: str) -> dict[str, str]:
    """The app's settings, with that engine."""
    return settings | {"COSMOS": settings["COSMOS"].replace(cosmos_url.rstrip("/"), engine.rstrip("/"))}


@pytest.fixture(scope="module")
def host(environment: dict[str, str]) -> Iterator[str]:
    """The app in a host of its own: where it is."""
    command = [sys.executable, "-m", "local.functions", "--app", str(ROOT), "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        found = re.match(r"Listening on (\S+)", process.stdout.readline())
        assert found
        try:
            yield found[1]
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(environment: dict[str, str]) -> AsyncIterator[Database]:
    async with connect(environment["COSMOS"]) as client:
        yield Database.of(client, environment["COSMOS_DATABASE"])


@pytest.fixture(scope="module")
def store(database: Database, environment: dict[str, str]) -> Store:
    return Store.of(database, PRICES, Pseudonyms(subkey(environment["PSEUDONYM_KEY"].encode(), "pseudonyms")))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(host: str, entra_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """As one user."""
    async with httpx.AsyncClient(base_url=f"{host}/api", timeout=30) as client:
        choice = {"email": "methuselah@contoso.example"}
        answer = (await client.post(f"{entra_url}/_local/token", json=choice)).raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


async def drained(api: httpx.AsyncClient) -> None:
    """Waits until the change feeds have nothing left."""
    quiet = 0
    while quiet < 3:  # a feed that stands still ends in the test's own time limit
        feeds = (await api.get(str(api.base_url.join("/_local/feeds")))).json()["feeds"]
        quiet = quiet + 1 if all(feed["lag"] == 0 for feed in feeds) else 0
        await asyncio.sleep(0.1)


async def move(engine: str, years: float) -> datetime:
    """The engine's time, once it is that much later than the machine's."""
    async with httpx.AsyncClient() as client:
        (await client.put(f"{engine}/_local/clock", json={"offset_seconds": years * YEAR})).raise_for_status()
    return datetime.now(UTC) + timedelta(seconds=years * YEAR)


async def kinds(database: Database, user_id: str) -> dict[str, Counter[str]]:
    """How many documents of which kind the user has, by container."""
    query = "SELECT VALUE c.kind FROM c"
    containers = {name: getattr(database, name) for name in declared() if name != "leases"}
    return {
        name: Counter([kind async for kind in container.query_items(query, partition_key=user_id)])
        for name, container in containers.items()
    }


async def posted(api: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = (await api.post(path, json=body)).raise_for_status()
    return dict(answer.json())


async def got(api: httpx.AsyncClient, path: str) -> Any:
    return (await api.get(path)).raise_for_status().json()


async def lives(api: httpx.AsyncClient) -> dict[str, Any]:
    """A session with two turns, one of which is saved; answers the ids."""
    session = (await posted(api, "/sessions"))["session_id"]
    turns = [await posted(api, f"/sessions/{session}/interactions", **TURN) for _ in range(2)]
    saved = await posted(api, "/bookmarks", interaction_id=turns[0]["id"])
    await drained(api)
    return {"session": session, "turn": turns[0]["id"], "bookmark": saved["id"], "user": turns[0]["user_id"]}


async def drift(store: Store, user_id: str, now: datetime) -> tuple[int, int, int]:
    """Rollups that are wrong, and sources that are behind or wrong."""
    found = await store.rebuilding.rebuild(user_id, False, now)
    return len(found.drifted), found.sources_behind, found.sources_wrong


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_left_after_one_two_and_five_years(
    engine: str, api: httpx.AsyncClient, database: Database, store: Store
) -> None:
    ids = await lives(api)
    user, session, bookmark = ids["user"], f"/sessions/{ids['session']}", f"/bookmarks/{ids['bookmark']}"
    dashboard = await got(api, "/me/dashboard")
    assert (dashboard["total_interactions"], await drift(store, user, datetime.now(UTC))) == (2, (0, 0, 0))

    now = await move(engine, 1.01)
    left = await kinds(database, user)
    assert (left["user_sessions"], left["user_interactions"]) == (
        {"allowance": 1, "session": 1},
        {"interaction": 2},
    )
    assert len((await got(api, f"{session}/interactions"))["items"]) == 2
    assert await got(api, "/me/dashboard") == dashboard
    assert await drift(store, user, now) == (0, 0, 0)

    now = await move(engine, 2.01)
    left = await kinds(database, user)
    assert (left["user_interactions"], left["user_analytics"]["rollup"]) == ({}, 5)
    assert left["user_sessions"] == {"allowance": 1}
    assert (await api.get(session)).status_code == 404
    assert (await api.post(f"{session}/interactions", json=TURN)).status_code == 404
    assert (await api.get(f"/interactions/{ids['turn']}")).status_code == 404
    assert (await got(api, "/interactions"))["items"] == []
    assert await got(api, "/me/dashboard") == dashboard
    assert await drift(store, user, now) == (0, 0, 0)
    opened = await api.get(bookmark)
    assert (opened.status_code, opened.json()["bookmarked_response"]) == (200, TURN["response_text"])
    assert (await posted(api, "/bookmarks", interaction_id=ids["turn"]))["id"] == ids["bookmark"]

    now = await move(engine, 5.02)
    await drained(api)
    left = await kinds(database, user)
    assert (left["users"], left["user_bookmarks"]) == ({"profile": 1}, {"bookmark": 1})
    assert left["user_analytics"].keys() == {"ledger"}
    assert (await got(api, "/me"))["id"] == user
    assert (await got(api, "/me/dashboard"))["total_interactions"] == 0
    assert (await got(api, "/me/analytics"))["items"] == []
    assert [item["id"] for item in (await got(api, "/bookmarks"))["items"]] == [ids["bookmark"]]
    assert await drift(store, user, now) == (0, 0, 0)
    seen = {"If-Match": opened.headers["etag"]}
    edited = await api.patch(bookmark, json={"bookmark_collection": "Old"}, headers=seen)
    assert (edited.status_code, edited.json()["bookmark_collection"]) == (200, "Old")
    await drained(api)
    assert (await api.delete(bookmark, headers={"If-Match": edited.headers["etag"]})).status_code == 204
    await drained(api)
    assert await drift(store, user, now) == (0, 0, 0)
    assert (await kinds(database, user))["user_analytics"].keys() == {"ledger"}

    new = await lives(api)
    assert (await got(api, "/me/dashboard"))["total_interactions"] == 2
    assert (await got(api, f"/sessions/{new['session']}"))["total_queries"] == 2
