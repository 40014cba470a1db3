"""An engine whose clock is moved forward: what is to expire one day expires now."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from local.cosmosdb.clock import AdjustableClock
from local.cosmosdb.server import serve_in_thread

YEAR = 365 * 86400


@pytest.fixture
def url() -> Iterator[str]:
    with serve_in_thread(clock=AdjustableClock()) as url:
        yield url


def move(url: str, **how: Any) -> httpx.Response:
    return httpx.put(f"{url}/_local/clock", json=how)


def test_what_has_a_ttl_disappears_from_reads_queries_and_feeds_and_the_rest_stays(
    url: str, container: ContainerProxy
) -> None:
    container.create_item({"id": "mortal", "pk": "a", "ttl": 2 * YEAR})
    container.create_item({"id": "lasting", "pk": "a"})
    move(url, advance_seconds=2 * YEAR - 60)
    assert container.read_item("mortal", "a")["ttl"] == 2 * YEAR
    move(url, advance_seconds=61)
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item("mortal", "a")
    assert [item["id"] for item in container.query_items("SELECT * FROM c", partition_key="a")] == ["lasting"]
    feed = container.query_items_change_feed(partition_key="a", start_time="Beginning")
    assert [item["id"] for item in feed] == ["lasting"]
    assert container.read_item("lasting", "a")["id"] == "lasting"


def test_what_is_written_later_is_dated_later(url: str, container: ContainerProxy) -> None:
    before = container.create_item({"id": "before", "pk": "a"})["_ts"]
    moved = datetime.now(UTC) + timedelta(days=30)
    move(url, now=moved.isoformat())
    after = container.create_item({"id": "after", "pk": "a"})["_ts"]
    assert after - before >= 30 * 86400 - 1
    changes = container.query_items_change_feed(partition_key="a", start_time=moved - timedelta(days=1))
    assert [change["id"] for change in changes] == ["after"]
    assert container.read_item("after", "a")["_ts"] == after, "its session token is as good as before"
    now: Any = next(iter(container.query_items("SELECT VALUE GetCurrentTimestamp()", partition_key="a")))
    assert now / 1000 >= after


def test_it_tells_the_time(url: str) -> None:
    assert httpx.get(f"{url}/_local/clock").json()["offset_seconds"] == 0
    told = move(url, offset_seconds=86400).json()
    assert told["offset_seconds"] == 86400
    assert told["timestamp"] > time.time() + 86000
    assert datetime.fromisoformat(told["now"]).timestamp() == pytest.approx(told["timestamp"], abs=0.001)
    assert move(url, advance_seconds=1.5).json()["offset_seconds"] == 86401.5


@pytest.mark.parametrize(
    "how",
    [
        {"advance_seconds": -1},
        {"offset_seconds": 5},
        {"offset_seconds": 1e300},
        {"offset_seconds": "soon"},
        {"advance_seconds": None},
        {"now": "2001-01-01T00:00:00Z"},
        {"now": "9999-01-01T00:00:00"},
        {"now": 12},
        {"tomorrow": 1},
        {"advance_seconds": 1, "offset_seconds": 1000},
        {},
    ],
)
def test_it_goes_forward_only_and_understands_three_ways(url: str, how: dict[str, Any]) -> None:
    move(url, offset_seconds=10)
    assert move(url, **how).status_code == 400
    assert httpx.get(f"{url}/_local/clock").json()["offset_seconds"] == 10


def test_an_engine_that_was_not_started_for_it_keeps_the_machines_time() -> None:
    with serve_in_thread() as url:
        answer = move(url, advance_seconds=1)
        assert answer.status_code == 404
        assert "--adjustable-clock" in answer.json()["message"]
