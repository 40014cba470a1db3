"""What the host's trigger makes of texts that look like dates changes nothing that is counted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from cosmos.core.database import Database, Item, connect
from cosmos.counting.sources import Sources
from local.functions.json_dates import rewrite_dates
from models.counted import BUCKETS
from models.counting.fold import PartitionedSource
from models.kinds import KINDS
from tests.functions.calls import Headers, a_session, a_turn
from tests.models.examples import PSEUDONYMS

pytestmark = pytest.mark.asyncio(loop_scope="session")
TEXTS = ["2026-11-30T10:00:00.500000Z", "2026-11-30T10:00:00+02:00", "2026-11-30T10:00:00.0", "/Date(1)/"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(settings: dict[str, str]) -> AsyncIterator[Database]:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"])


def placed(item: Item) -> list[PartitionedSource]:
    sources = Sources(KINDS, BUCKETS, PSEUDONYMS)
    return sources.of(item) if sources.counts(item) else []


async def test_turns_sessions_and_bookmarks_count_the_same_as_stored_and_as_delivered(
    api: httpx.AsyncClient, alice: Headers, database: Database
) -> None:
    session = await a_session(api, alice)
    user = ""
    for text in TEXTS:
        turn = a_turn(user_query=text, query_category=text, personality_used=text)
        made = (await api.post(f"/sessions/{session}/interactions", json=turn, headers=alice)).raise_for_status().json()
        user = made["user_id"]
        bookmark = {"interaction_id": made["id"], "bookmark_title": text, "bookmark_tags": [text]}
        (await api.post("/bookmarks", json=bookmark, headers=alice)).raise_for_status()
    seen = 0
    for container in (database.user_interactions, database.user_sessions, database.user_bookmarks):
        async for item in container.query_items("SELECT * FROM c", partition_key=user):
            delivered = json.loads(rewrite_dates(json.dumps(item)))
            assert placed(delivered) == placed(item)
            seen += delivered != item
    assert seen >= len(TEXTS)
