"""Splits of physical partitions: who is in the middle of something goes on with the children, and misses nothing."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey
from azure.cosmos.aio import ContainerProxy as AsyncContainerProxy

from local.cosmosdb.auth import EMULATOR_KEY
from local.cosmosdb.catalog import MAX_RANGES
from local.cosmosdb.engine import Engine, Settings
from local.cosmosdb.partitioning import PartitionKeyDefinition
from local.cosmosdb.server import serve_in_thread

DOCS = "/dbs/store/colls/items/docs"
RANGES = "/dbs/store/colls/items/pkranges"
INCREMENTAL = {"a_im": "Incremental Feed"}


@pytest.fixture
def url() -> Iterator[str]:
    """An engine whose ranges can be split, two of them to a container."""
    with serve_in_thread(partitions=2, fault_injection=True) as url:
        yield url


def split(url: str, number: int | None = None) -> httpx.Response:
    named = {} if number is None else {"range": str(number)}
    return httpx.post(f"{url}/_local/split", json={"database": "store", "container": "items", **named})


def fill(container: ContainerProxy, count: int = 60, start: int = 0) -> set[str]:
    names = {str(number) for number in range(start, start + count)}
    for name in names:
        container.create_item({"id": name, "pk": f"p{name}", "n": int(name)})
    return names


def test_children_cover_what_their_parent_did_and_name_their_ancestors(
    url: str, container: ContainerProxy, raw: Any
) -> None:
    known = raw("GET", RANGES, **INCREMENTAL).headers["etag"]
    assert raw("GET", RANGES, if_none_match=known, **INCREMENTAL).status_code == 304
    ranges = split(url, 0).json()["ranges"]
    assert [place["id"] for place in ranges] == ["2", "3", "1"]
    split(url, 3)
    everything = raw("GET", RANGES, **INCREMENTAL).json()["PartitionKeyRanges"]
    assert {place["id"]: place["parents"] for place in everything} == {
        "1": [],
        "2": ["0"],
        "4": ["0", "3"],
        "5": ["0", "3"],
    }
    assert all(before["maxExclusive"] == after["minInclusive"] for before, after in pairwise(everything))
    assert (everything[0]["minInclusive"], everything[-1]["maxExclusive"]) == ("", "FF")
    since = raw("GET", RANGES, if_none_match=known, **INCREMENTAL)
    assert [place["id"] for place in since.json()["PartitionKeyRanges"]] == ["2", "4", "5"]


def test_documents_are_found_and_written_where_they_are_now(url: str, container: ContainerProxy) -> None:
    names = fill(container)
    split(url, 0)
    split(url, 1)
    for name in sorted(names)[:20]:
        item = container.read_item(name, f"p{name}")
        container.replace_item(name, {**item, "n": -1})
    rows = list(container.query_items("SELECT c.id, c.n FROM c", enable_cross_partition_query=True))
    assert {row["id"] for row in rows} == names
    assert sum(row["n"] == -1 for row in rows) == 20
    container.execute_item_batch([("upsert", ({"id": "0", "pk": "p0", "n": 5},)), ("read", ("0",))], "p0")
    assert container.read_item("0", "p0")["n"] == 5
    found = [len(list(container.query_items("SELECT * FROM c", feed_range=r))) for r in container.read_feed_ranges()]
    assert sum(found) == len(names)


def test_a_range_that_has_been_split_is_gone(url: str, container: ContainerProxy, raw: Any) -> None:
    fill(container, 10)
    split(url, 0)
    answer = raw("GET", DOCS, x_ms_documentdb_partitionkeyrangeid="0", **INCREMENTAL)
    assert (answer.status_code, answer.headers["x-ms-substatus"]) == (410, "1002")
    query = {"query": "SELECT * FROM c"}
    headers = {"x_ms_documentdb_isquery": "true", "content_type": "application/query+json"}
    answer = raw("POST", DOCS, query, x_ms_documentdb_partitionkeyrangeid="0", **headers)
    assert (answer.status_code, answer.headers["x-ms-substatus"]) == (410, "1002")


def test_a_change_feed_goes_on_with_the_children_and_misses_and_repeats_nothing(
    url: str, container: ContainerProxy
) -> None:
    before = fill(container)
    feed = container.query_items_change_feed(start_time="Beginning", max_item_count=5)
    pages = feed.by_page()
    seen = [change["id"] for change in next(pages)]
    split(url, 0)
    seen += [change["id"] for page in pages for change in page]
    assert sorted(seen) == sorted(before)
    continuation = container.client_connection.last_response_headers["etag"]
    after = fill(container, 20, start=100)
    split(url, 1)
    later = [change["id"] for change in container.query_items_change_feed(continuation=continuation)]
    assert sorted(later) == sorted(after)


async def test_the_asynchronous_change_feed_does_so_too(
    url: str, container: ContainerProxy, async_container: AsyncContainerProxy
) -> None:
    names = fill(container)
    pages = async_container.query_items_change_feed(start_time="Beginning", max_item_count=5).by_page()
    seen: list[str] = []
    number = 0
    async for page in pages:
        seen += [change["id"] async for change in page]
        if number < 2:
            split(url, number)
        number += 1
    assert sorted(seen) == sorted(names)


@pytest.mark.parametrize("condition", ["", " WHERE c.n < 60"])
def test_a_query_in_the_middle_of_its_pages_goes_on(url: str, container: ContainerProxy, condition: str) -> None:
    fill(container)
    text = f"SELECT VALUE c.n FROM c{condition}"
    pages = container.query_items(text, enable_cross_partition_query=True, max_item_count=7).by_page()
    rows: list[Any] = list(next(pages))
    split(url, 0)
    split(url, 1)
    rows += [row for page in pages for row in page]
    assert sorted(rows) == list(range(60))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT VALUE c.n FROM c ORDER BY c.n", list(range(60))),
        ("SELECT VALUE COUNT(1) FROM c", [60]),
        ("SELECT VALUE c.n FROM c ORDER BY c.n DESC OFFSET 2 LIMIT 3", [57, 56, 55]),
    ],
)
def test_a_client_that_only_knows_the_parents_finds_the_children(
    url: str, container: ContainerProxy, text: str, expected: list[Any]
) -> None:
    fill(container)
    assert list(container.query_items(text, enable_cross_partition_query=True)) == expected
    split(url, 0)
    split(url, 1)
    assert list(container.query_items(text, enable_cross_partition_query=True)) == expected


@pytest.mark.parametrize("version", [1, 2])
def test_either_hash_version_can_be_split(database: DatabaseProxy, url: str, version: Any) -> None:
    container = database.create_container("items", PartitionKey("/pk", version=version))
    names = fill(container, 40)
    ranges = split(url).json()["ranges"]
    ranges = split(url, int(ranges[-1]["id"])).json()["ranges"]
    assert len(ranges) == 4
    held = [
        {item["id"] for item in container.query_items("SELECT c.id FROM c", feed_range=feed_range)}
        for feed_range in container.read_feed_ranges()
    ]
    assert sorted(name for ids in held for name in ids) == sorted(names)
    assert all(held)


@pytest.mark.parametrize("version", [1, 2])
def test_the_middle_halves_the_hashes_until_there_is_one_left(version: int) -> None:
    definition = PartitionKeyDefinition(("/pk",), "Hash", version)
    ((low, high),) = definition.cut(1)
    assert definition.middle(low, high) == definition.cut(2)[0][1]
    depth = 0
    while (middle := definition.middle(low, high)) is not None:
        assert low < middle < high
        low, depth = middle, depth + 1
    assert depth == (32 if version == 1 else 126)


def test_what_can_not_be_split_is_refused(url: str, container: ContainerProxy) -> None:
    assert split(url, 7).status_code == 410
    assert httpx.post(f"{url}/_local/split", json={"database": "store"}).status_code == 400
    assert httpx.post(f"{url}/_local/split", json={"database": "store", "container": "no"}).status_code == 404
    for number in range(MAX_RANGES - 2):
        assert len(split(url, number).json()["ranges"]) == number + 3
    assert split(url).status_code == 400
    body = {"database": "store", "container": "items", "range": "first"}
    assert httpx.post(f"{url}/_local/split", json=body).status_code == 400


def test_a_split_is_as_durable_as_a_write(tmp_path: Path) -> None:
    with serve_in_thread(tmp_path, 1, fault_injection=True) as url, CosmosClient(url, EMULATOR_KEY) as client:
        container = client.create_database("store").create_container("items", PartitionKey("/pk"))
        names = fill(container, 20)
        split(url)
        feed = container.query_items_change_feed(start_time="Beginning")
        assert len(list(feed)) == 20
        continuation = container.client_connection.last_response_headers["etag"]
    with serve_in_thread(tmp_path, 1) as url, CosmosClient(url, EMULATOR_KEY) as client:
        container = client.get_database_client("store").get_container_client("items")
        rows = container.query_items("SELECT VALUE c.id FROM c", enable_cross_partition_query=True)
        assert set(map(str, rows)) == names
        assert list(container.query_items_change_feed(continuation=continuation)) == []
        assert len(list(container.read_feed_ranges())) == 2


async def test_a_container_that_is_replaced_while_a_range_is_split_has_the_children() -> None:
    engine = Engine(Settings(partitions=1))
    await engine.start()
    database = await engine.catalog.create_database({"id": "store"}, lambda *_: None)
    body = {"id": "items", "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2}}
    container = await engine.catalog.create_container(database, body, 1, lambda *_: None)
    replacing = asyncio.create_task(engine.catalog.replace_container(container, {**body, "defaultTtl": 60}))
    await asyncio.sleep(0)  # by now it waits for its commit
    engine.catalog.split(container, 0)
    await replacing
    held = engine.catalog.container("store", "items")
    assert (held.default_ttl, [place.number for place in held.ranges]) == (60, [1, 2])
    await engine.stop()


def test_a_rule_splits_the_range_that_a_request_goes_to(url: str, container: ContainerProxy) -> None:
    rule = {"fault": "split", "operation": "create", "every": 5, "times": 4}
    httpx.put(f"{url}/_local/faults", json={"rules": [rule]})
    names = fill(container, 30)
    assert httpx.get(f"{url}/_local/faults").json()["rules"][0]["struck"] == 4
    assert len(list(container.read_feed_ranges(force_refresh=True))) == 6
    rows = container.query_items("SELECT VALUE c.id FROM c", enable_cross_partition_query=True)
    assert set(map(str, rows)) == names
