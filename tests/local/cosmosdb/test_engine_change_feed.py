"""The change feed through the SDK: by range, by partition key, from any point, resumed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos.aio import ContainerProxy as AsyncContainerProxy

DOCS = "/dbs/store/colls/items/docs"
FEED = {"a_im": "Incremental Feed"}


def fill(container: ContainerProxy, count: int = 40, start: int = 0) -> list[str]:
    names = [str(number) for number in range(start, start + count)]
    for name in names:
        container.create_item({"id": name, "pk": f"p{int(name) % 10}", "version": 1})
    return names


def test_every_change_is_in_one_range_and_all_are_found(container: ContainerProxy) -> None:
    names = fill(container)
    found: list[str] = []
    for feed_range in container.read_feed_ranges():
        changes = list(container.query_items_change_feed(feed_range=feed_range, start_time="Beginning"))
        lsns = [change["_lsn"] for change in changes]
        assert lsns == sorted(lsns)
        found += [change["id"] for change in changes]
    assert sorted(found) == sorted(names)


async def test_the_asynchronous_client_reads_it_too(
    container: ContainerProxy, async_container: AsyncContainerProxy
) -> None:
    names = fill(container)
    found = [change["id"] async for change in async_container.query_items_change_feed(start_time="Beginning")]
    assert sorted(found) == sorted(names)


def test_only_the_latest_version_is_in_the_feed_and_deletions_are_not(container: ContainerProxy) -> None:
    for name in ("first", "second", "third"):
        container.create_item({"id": name, "pk": "a", "version": 1})
    container.upsert_item({"id": "first", "pk": "a", "version": 2})
    container.delete_item("second", "a")
    changes = list(container.query_items_change_feed(partition_key="a", start_time="Beginning"))
    assert [(change["id"], change["version"]) for change in changes] == [("third", 1), ("first", 2)]


def test_a_continuation_goes_on_where_it_was(container: ContainerProxy) -> None:
    fill(container, 10)
    feed = container.query_items_change_feed(start_time="Beginning")
    assert len(list(feed)) == 10
    continuation = container.client_connection.last_response_headers["etag"]
    assert list(container.query_items_change_feed(continuation=continuation)) == []
    fill(container, 5, start=10)
    later = container.query_items_change_feed(continuation=continuation)
    assert sorted(int(change["id"]) for change in later) == [10, 11, 12, 13, 14]


def test_from_now_on_means_only_what_comes(container: ContainerProxy) -> None:
    fill(container, 10)
    feed = container.query_items_change_feed(start_time="Now")
    assert list(feed) == []
    continuation = container.client_connection.last_response_headers["etag"]
    fill(container, 1, start=10)
    assert [change["id"] for change in container.query_items_change_feed(continuation=continuation)] == ["10"]


def test_a_point_in_time_leaves_out_what_was_before(container: ContainerProxy, clock: Any) -> None:
    fill(container, 10)
    clock.seconds += 60
    fill(container, 5, start=10)
    since = datetime.fromtimestamp(clock.seconds, UTC)
    changes = list(container.query_items_change_feed(start_time=since))
    assert sorted(int(change["id"]) for change in changes) == [10, 11, 12, 13, 14]


def test_pages_hold_what_was_asked_for_and_follow_on(container: ContainerProxy, raw: Any) -> None:
    for number in range(7):
        container.create_item({"id": str(number), "pk": "a"})
    number = container.client_connection.last_response_headers["x-ms-documentdb-partitionkeyrangeid"]
    found: list[str] = []
    sizes: list[int] = []
    etag = '"0"'
    while True:
        page = raw(
            "GET",
            DOCS,
            x_ms_documentdb_partitionkeyrangeid=number,
            x_ms_max_item_count="3",
            if_none_match=etag,
            **FEED,
        )
        etag = page.headers["etag"]
        if page.status_code == 304:
            break
        documents = page.json()["Documents"]
        sizes.append(len(documents))
        found += [document["id"] for document in documents]
    assert sizes == [3, 3, 1]
    assert found == [str(number) for number in range(7)]


def test_a_transaction_is_never_torn_apart(container: ContainerProxy, raw: Any) -> None:
    for start in (0, 5):
        creates = [("create", ({"id": str(number), "pk": "a"},)) for number in range(start, start + 5)]
        container.execute_item_batch(creates, "a")
    page = raw("GET", DOCS, x_ms_documentdb_partitionkey='["a"]', x_ms_max_item_count="2", **FEED)
    assert [document["id"] for document in page.json()["Documents"]] == ["0", "1", "2", "3", "4"]


def test_an_empty_answer_is_304_with_the_etag_to_go_on_with(container: ContainerProxy, raw: Any) -> None:
    container.create_item({"id": "one", "pk": "a"})
    lsn = container.client_connection.last_response_headers["lsn"]
    empty = raw("GET", DOCS, x_ms_documentdb_partitionkey='["a"]', if_none_match=f'"{lsn}"', **FEED)
    assert (empty.status_code, empty.content, empty.headers["etag"]) == (304, b"", f'"{lsn}"')


def test_an_epk_interval_narrows_a_range(container: ContainerProxy) -> None:
    fill(container, 40)
    by_key = container.feed_range_from_partition_key("p3")
    changes = list(container.query_items_change_feed(feed_range=by_key, start_time="Beginning"))
    assert {change["pk"] for change in changes} == {"p3"}
    assert len(changes) == 4


@pytest.mark.parametrize(
    "headers",
    [
        {"if_none_match": "nonsense"},
        {"a_im": "Full-Fidelity Feed"},
        {"if_modified_since": "yesterday"},
        {"x_ms_max_item_count": "0"},
    ],
)
def test_malformed_requests_are_refused(container: ContainerProxy, raw: Any, headers: dict[str, str]) -> None:
    answer = raw("GET", DOCS, **{**FEED, "x_ms_documentdb_partitionkeyrangeid": "0", **headers})
    assert answer.status_code == 400


def test_a_range_that_does_not_exist_is_gone(container: ContainerProxy, raw: Any) -> None:
    answer = raw("GET", DOCS, x_ms_documentdb_partitionkeyrangeid="9", **FEED)
    assert (answer.status_code, answer.headers["x-ms-substatus"]) == (410, "1002")
