"""How queries are scoped, paged, planned and refused; what they mean is tested with the query language."""

from typing import Any

import httpx
import orjson
import pytest
from azure.core.exceptions import HttpResponseError
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from azure.cosmos.aio import ContainerProxy as AsyncContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

DOCS = "/dbs/store/colls/items/docs"
QUERY = {"x_ms_documentdb_isquery": "true", "content_type": "application/query+json"}
CROSS = {"x_ms_documentdb_query_enablecrosspartition": "true"}
FEATURES = "Aggregate,CompositeAggregate,Distinct,MultipleOrderBy,OffsetAndLimit,OrderBy,Top"


@pytest.fixture
def filled(container: ContainerProxy) -> ContainerProxy:
    """60 items in 6 partitions, `n` from 0 to 59."""
    for number in range(60):
        container.create_item({"id": f"i{number}", "pk": f"p{number % 6}", "n": number, "tags": ["x", "y"]})
    return container


def rows(container: ContainerProxy, query: str, **options: Any) -> list[Any]:
    """The rows of a query that may give anything, where the SDK's types promise objects."""
    return list(container.query_items(query, **options))


def pages_of(container: ContainerProxy, query: str, **options: Any) -> list[list[Any]]:
    """The same page by page, of the partition `p1`."""
    return [list(page) for page in container.query_items(query, partition_key="p1", **options).by_page()]


def charged(container: ContainerProxy) -> float:
    return float(container.client_connection.last_response_headers["x-ms-request-charge"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT VALUE c.n FROM c WHERE c.n < 5", [0, 1, 2, 3, 4]),
        ("SELECT VALUE c.n FROM c WHERE c.pk = 'p1' AND c.n > 30", [31, 37, 43, 49, 55]),
    ],
)
def test_a_filter_runs_across_partitions(filled: ContainerProxy, query: str, expected: list[int]) -> None:
    assert sorted(rows(filled, query, enable_cross_partition_query=True)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT VALUE COUNT(1) FROM c", [60]),
        ("SELECT VALUE SUM(c.n) FROM c", [1770]),
        ("SELECT VALUE MAX(c.n) FROM c WHERE c.n < 50", [49]),
        ("SELECT VALUE c.n FROM c ORDER BY c.n DESC OFFSET 2 LIMIT 3", [57, 56, 55]),
        ("SELECT TOP 3 VALUE c.n FROM c ORDER BY c.n", [0, 1, 2]),
        ("SELECT DISTINCT VALUE c.pk FROM c ORDER BY c.pk", ["p0", "p1", "p2", "p3", "p4", "p5"]),
    ],
)
async def test_what_needs_a_plan_is_fanned_out_by_both_clients(
    filled: ContainerProxy, async_container: AsyncContainerProxy, query: str, expected: list[Any]
) -> None:
    assert rows(filled, query, enable_cross_partition_query=True) == expected
    assert [row async for row in async_container.query_items(query)] == expected


@pytest.mark.parametrize(
    "query",
    [
        "SELECT COUNT(1) AS n, MAX(c.n) AS m FROM c",
        "SELECT c.pk, COUNT(1) AS n FROM c GROUP BY c.pk",
        "SELECT COUNT(1) FROM c",
    ],
)
def test_what_the_sdk_can_not_fan_out_is_refused_across_partitions_only(filled: ContainerProxy, query: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        rows(filled, query, enable_cross_partition_query=True)
    assert caught.value.status_code == 400
    assert rows(filled, query, partition_key="p1")


def test_a_fan_out_costs_one_query_for_each_range_and_no_more(filled: ContainerProxy, url: str) -> None:
    rows(filled, "SELECT VALUE c.n FROM c", enable_cross_partition_query=True)
    httpx.delete(f"{url}/_local/requests")
    rows(filled, "SELECT VALUE c.n FROM c", enable_cross_partition_query=True)
    counts = httpx.get(f"{url}/_local/requests").json()["requests"]
    assert [(count["operation"], count["count"]) for count in counts] == [("query", 4)]


def test_a_query_without_a_partition_needs_permission(filled: ContainerProxy, raw: Any) -> None:
    refused = raw("POST", DOCS, {"query": "SELECT * FROM c"}, **QUERY)
    assert refused.status_code == 400
    assert "Cross partition query is required but disabled" in refused.json()["message"]
    pinned = raw("POST", DOCS, {"query": "SELECT VALUE c.n FROM c WHERE c.pk = 'p2' AND c.n < 10"}, **QUERY)
    assert pinned.json()["Documents"] == [2, 8]


def test_the_gateway_sends_its_plan_with_the_refusal(filled: ContainerProxy, raw: Any) -> None:
    answer = raw("POST", DOCS, {"query": "SELECT VALUE COUNT(1) FROM c"}, **QUERY, **CROSS)
    assert (answer.status_code, answer.headers["x-ms-substatus"]) == (400, "1004")
    plan = orjson.loads(answer.json()["additionalErrorInfo"])
    assert plan["queryInfo"]["aggregates"] == ["Count"]
    assert plan["queryRanges"] == [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}]


def test_a_plan_names_the_ranges_that_the_filter_leaves(filled: ContainerProxy, raw: Any) -> None:
    headers = {"x_ms_cosmos_is_query_plan_request": "True", "x_ms_cosmos_supported_query_features": FEATURES}
    query = "SELECT * FROM c WHERE c.pk = @pk ORDER BY c.n"
    body = {"query": query, "parameters": [{"name": "@pk", "value": "p"}]}
    plan = raw("POST", DOCS, body, **headers).json()
    epk = "1D1C97DD684A8CFD0AD88BD3B4BC757C"
    assert plan["queryRanges"] == [{"min": epk, "max": epk, "isMinInclusive": True, "isMaxInclusive": True}]
    assert plan["queryInfo"]["orderBy"] == ["Ascending"]


def test_a_plan_for_a_client_that_could_not_follow_it_is_refused(filled: ContainerProxy, raw: Any) -> None:
    headers = {"x_ms_cosmos_is_query_plan_request": "True", "x_ms_cosmos_supported_query_features": "OrderBy"}
    answer = raw("POST", DOCS, {"query": "SELECT DISTINCT c.pk FROM c"}, **headers)
    assert answer.status_code == 400
    assert "Distinct" in answer.json()["message"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT VALUE c.n FROM c",
        "SELECT VALUE c.n FROM c ORDER BY c.n",
        "SELECT VALUE c.n FROM c JOIN t IN c.tags WHERE t = 'x'",
    ],
)
def test_pages_of_one_partition_fit_together(filled: ContainerProxy, query: str) -> None:
    pages = pages_of(filled, query, max_item_count=3)
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert [row for page in pages for row in page] == list(range(1, 60, 6))


def test_a_page_may_end_inside_a_document(filled: ContainerProxy) -> None:
    query = "SELECT VALUE {'n': c.n, 't': t} FROM c JOIN t IN c.tags"
    pages = [list(page) for page in filled.query_items(query, partition_key="p1", max_item_count=3).by_page()]
    rows = [(row["n"], row["t"]) for page in pages for row in page]
    assert rows == [(n, t) for n in range(1, 60, 6) for t in ("x", "y")]


def test_a_streamed_query_neither_skips_nor_repeats_under_writes(filled: ContainerProxy) -> None:
    seen: list[str] = []
    for page in filled.query_items("SELECT * FROM c", partition_key="p1", max_item_count=2).by_page():
        seen += [item["id"] for item in page]
        filled.delete_item(seen[-1], "p1")
        filled.upsert_item({"id": seen[0], "pk": "p1", "n": 1})
    assert [name for name in seen if name != seen[0]] == [f"i{number}" for number in range(7, 60, 6)]


def test_an_ordered_query_keeps_its_order_while_the_items_change(filled: ContainerProxy) -> None:
    seen: list[Any] = []
    for page in filled.query_items(
        "SELECT VALUE c.n FROM c ORDER BY c.n", partition_key="p1", max_item_count=4
    ).by_page():
        seen += list(page)
        filled.upsert_item({"id": "i1", "pk": "p1", "n": 1000 + len(seen)})
    assert seen == list(range(1, 60, 6))


def test_a_continuation_belongs_to_its_query(filled: ContainerProxy, raw: Any) -> None:
    headers = {**QUERY, "x_ms_documentdb_partitionkey": '["p1"]', "x_ms_max_item_count": "2"}
    first = raw("POST", DOCS, {"query": "SELECT * FROM c"}, **headers)
    continuation = first.headers["x-ms-continuation"]
    other = raw("POST", DOCS, {"query": "SELECT c.id FROM c"}, x_ms_continuation=continuation, **headers)
    broken = raw("POST", DOCS, {"query": "SELECT * FROM c"}, x_ms_continuation="nonsense", **headers)
    assert [other.status_code, broken.status_code] == [400, 400]


def test_one_partition_is_all_that_a_query_on_it_reads(filled: ContainerProxy) -> None:
    rows(filled, "SELECT * FROM c WHERE c.n >= 0", partition_key="p1", populate_query_metrics=True)
    headers = filled.client_connection.last_response_headers
    assert "retrievedDocumentCount=10;" in headers["x-ms-documentdb-query-metrics"]
    partition_charge = charged(filled)
    rows(filled, "SELECT * FROM c WHERE c.id = 'i1'", partition_key="p1", populate_query_metrics=True)
    headers = filled.client_connection.last_response_headers
    assert "retrievedDocumentCount=1;" in headers["x-ms-documentdb-query-metrics"]
    assert charged(filled) < partition_charge


def test_a_feed_range_holds_its_own_items(filled: ContainerProxy) -> None:
    found = [rows(filled, "SELECT VALUE c.n FROM c", feed_range=feed_range) for feed_range in filled.read_feed_ranges()]
    assert len(found) == 4
    assert sorted(number for numbers in found for number in numbers) == list(range(60))
    by_key = filled.feed_range_from_partition_key("p4")
    assert rows(filled, "SELECT VALUE c.n FROM c", feed_range=by_key) == list(range(4, 60, 6))


def test_all_items_are_read_page_by_page(filled: ContainerProxy) -> None:
    pages = [list(page) for page in filled.read_all_items(max_item_count=7).by_page()]
    assert max(len(page) for page in pages) == 7
    assert sorted(item["n"] for page in pages for item in page) == list(range(60))


def test_a_prefix_of_a_hierarchical_key_selects_its_partitions(database: DatabaseProxy) -> None:
    container = database.create_container("tree", PartitionKey(["/tenant", "/user"]))
    for number in range(12):
        container.create_item({"id": str(number), "tenant": f"t{number % 2}", "user": f"u{number % 3}"})
    assert container.read_item("4", ["t0", "u1"])["id"] == "4"
    by_prefix = rows(container, "SELECT VALUE c.id FROM c", partition_key=["t0"])
    assert sorted(by_prefix, key=int) == ["0", "2", "4", "6", "8", "10"]
    complete = rows(container, "SELECT VALUE c.id FROM c", partition_key=["t0", "u1"])
    assert sorted(complete, key=int) == ["4", "10"]


@pytest.mark.parametrize(
    ("order", "allowed"),
    [
        ("c.a", True),
        ("c.b", False),
        ("c.deep.x", True),
        ("c._ts", True),
        ("c.a, c.n", True),
        ("c.a DESC, c.n DESC", True),
        ("c.a, c.n DESC", False),
        ("c.n, c.a", False),
    ],
)
def test_an_order_needs_an_index_that_serves_it(database: DatabaseProxy, order: str, allowed: bool) -> None:
    policy = {
        "includedPaths": [{"path": "/a/?"}, {"path": "/n/?"}, {"path": "/deep/*"}],
        "excludedPaths": [{"path": "/*"}],
        "compositeIndexes": [[{"path": "/a", "order": "ascending"}, {"path": "/n", "order": "ascending"}]],
    }
    container = database.create_container("indexed", PartitionKey("/pk"), indexing_policy=policy)
    container.create_item({"id": "one", "pk": "a", "a": 1, "n": 1, "b": 1, "deep": {"x": 1}})
    query = f"SELECT VALUE c.id FROM c ORDER BY {order}"
    if allowed:
        assert rows(container, query, partition_key="a") == ["one"]
    else:
        with pytest.raises(CosmosHttpResponseError) as caught:
            rows(container, query, partition_key="a")
        assert caught.value.status_code == 400
        assert "order" in caught.value.message


@pytest.mark.parametrize(
    "query", ["SELECT", "SELECT * FROM c WHERE", "SELECT NO_SUCH(c.x) FROM c", "SELECT x.y FROM c"]
)
def test_a_query_that_makes_no_sense_is_refused(filled: ContainerProxy, query: str) -> None:
    with pytest.raises(CosmosHttpResponseError) as caught:
        rows(filled, query, partition_key="p1")
    assert caught.value.status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"query": 1}', b'{"query":"SELECT 1","parameters":{}}'])
def test_malformed_query_requests_are_refused(filled: ContainerProxy, raw: Any, body: bytes) -> None:
    assert raw("POST", DOCS, body, **QUERY, x_ms_documentdb_partitionkey='["p1"]').status_code == 400


@pytest.mark.parametrize("size", ["0", "-2", "many"])
def test_a_page_size_is_positive_or_left_to_the_service(filled: ContainerProxy, raw: Any, size: str) -> None:
    headers = {**QUERY, "x_ms_documentdb_partitionkey": '["p1"]', "x_ms_max_item_count": size}
    assert raw("POST", DOCS, {"query": "SELECT * FROM c"}, **headers).status_code == 400
