"""The queries for operators run as they stand, through `python -m local query --file`, over all partitions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos.aio import CosmosClient

from local.__main__ import main
from local.cosmosdb.server import serve_in_thread
from local.provision import WELL_KNOWN_KEY, Account, provision, read_definitions
from models.analytics.contribution import day_bucket, of_interaction
from models.analytics.rollup import Rollup
from models.chat.interaction import UserInteraction
from models.core.document import Document
from models.counting.bucket import Balance
from tests.models.examples import an_interaction

ROOT = Path(__file__).parents[3]
QUERIES = ROOT / "cosmos" / "queries"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KOLKATA, AUCKLAND, HONOLULU = (f"0000000{n}-0000-4000-8000-000000000000" for n in (1, 2, 3))


@pytest.fixture
def engine_url() -> Iterator[str]:
    """An engine of one's own: these queries look in all partitions."""
    with serve_in_thread() as url:
        with Account(url) as account:
            provision(account, read_definitions(ROOT / "cosmos" / "containers.json"))
        yield url


def a_turn(user_id: str, name: str, at: datetime, **changes: Any) -> UserInteraction:
    return an_interaction(name, at, user_id=user_id, partition_key=user_id, **changes)


def a_day(user_id: str, timezone: str, at: datetime, turns: int) -> Rollup:
    bucket = day_bucket(at, timezone)
    one = of_interaction(a_turn(user_id, "turn", at, timezone=timezone)).contributions[bucket]
    sums = {measure: turns * value for measure, value in one.items()}
    return Rollup.of(user_id, bucket, Balance(sums, at, at), 1, NOW)


async def store(url: str, documents: Iterable[Document]) -> None:
    async with CosmosClient(url, WELL_KNOWN_KEY) as client:
        database = client.get_database_client("vimarsh")
        for document in documents:
            await database.get_container_client(document.container).create_item(document.body())


def run(
    capsys: pytest.CaptureFixture[str], url: str, name: str, container: str, **parameters: str
) -> list[dict[str, Any]]:
    given = [word for key, value in parameters.items() for word in ("--parameter", f"{key}={value}")]
    file = str(QUERIES / f"{name}.sql")
    status = main(["query", "--file", file, "--container", container, "--json", "--cosmos-url", url, *given])
    out, error = capsys.readouterr()
    assert status == 0, error
    return [json.loads(line) for line in out.splitlines()]


async def test_recent_activity_is_the_users_own_newest_first(
    engine_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = [a_turn(KOLKATA, f"turn-{hours}", NOW - timedelta(hours=hours)) for hours in (50, 1, 30, 10)]
    await store(engine_url, [*turns, a_turn(AUCKLAND, "somebody-elses", NOW)])
    since = "2026-11-18T12:00:00.000000Z"
    rows = run(capsys, engine_url, "recent_activity", "user_interactions", user_id=KOLKATA, since=since)
    assert [row["id"] for row in rows] == ["turn-1", "turn-10", "turn-30"]


async def test_excessive_use_is_judged_by_each_users_own_day(
    engine_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    yesterday = NOW - timedelta(days=1)
    days = [
        a_day(KOLKATA, "Asia/Kolkata", NOW, 101),
        a_day(KOLKATA, "Asia/Kolkata", yesterday, 500),
        a_day(AUCKLAND, "Pacific/Auckland", NOW, 300),
        a_day(HONOLULU, "Pacific/Honolulu", NOW, 100),
    ]
    await store(engine_url, days)
    now = "2026-11-20T12:00:00.000000Z"
    rows = run(capsys, engine_url, "excessive_use", "user_analytics", now=now, threshold="100")
    found = {(row["user_id"], row["day"], row["daily_queries"]) for row in rows}
    assert found == {(KOLKATA, "2026-11-20", 101), (AUCKLAND, "2026-11-21", 300)}
    assert {row["user_id"]: row["cost_usd"] for row in rows}[KOLKATA] == days[0].total_cost_usd > 0


async def test_popular_categories_are_rated_by_the_turns_that_have_a_rating(
    engine_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = [
        a_turn(KOLKATA, "a", NOW, query_category="ethics", user_rating=5, response_time_ms=100),
        a_turn(AUCKLAND, "b", NOW, query_category="ethics", user_rating=2, response_time_ms=200),
        a_turn(HONOLULU, "c", NOW, query_category="ethics", response_time_ms=600),
        a_turn(HONOLULU, "d", NOW, query_category="science", response_time_ms=50),
        a_turn(HONOLULU, "old", NOW - timedelta(days=40), query_category="science", user_rating=1),
    ]
    await store(engine_url, turns)
    since = "2026-10-21T00:00:00.000000Z"
    rows = run(capsys, engine_url, "popular_categories", "user_interactions", since=since)
    by_category = {row.pop("query_category"): row for row in rows}
    assert by_category == {
        "ethics": {"frequency": 3, "avg_rating": 3.5, "avg_response_time": 300},
        "science": {"frequency": 1, "avg_response_time": 50},
    }
