"""Faults on purpose: what a client sees of them, and that the store is as if nothing had been asked."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos.aio import ContainerProxy as AsyncContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError

from local.cosmosdb.errors import CosmosError
from local.cosmosdb.faults import FAULTS, FaultRules, parse_rule
from local.cosmosdb.messages import Request
from local.cosmosdb.operations import OPERATIONS, operation_of
from local.cosmosdb.server import serve_in_thread
from tests.local.cosmosdb.conftest import SettableClock

DOCS = "/dbs/store/colls/items/docs"


@pytest.fixture
def url(clock: SettableClock) -> Iterator[str]:
    """An engine that can be made to fail."""
    with serve_in_thread(clock=clock, fault_injection=True) as url:
        yield url


def put(url: str, *rules: dict[str, Any]) -> httpx.Response:
    return httpx.put(f"{url}/_local/faults", json={"rules": rules})


def rules_of(url: str) -> list[dict[str, Any]]:
    return list(httpx.get(f"{url}/_local/faults").json()["rules"])


def ids(container: ContainerProxy) -> set[str]:
    return {item["id"] for item in container.query_items("SELECT c.id FROM c", enable_cross_partition_query=True)}


def create(raw: Any, name: str = "one") -> httpx.Response:
    response: httpx.Response = raw("POST", DOCS, {"id": name, "pk": "a"}, x_ms_documentdb_partitionkey='["a"]')
    return response


@pytest.mark.parametrize(
    ("status", "sub_status", "code"),
    [(429, "3200", "429"), (449, "0", "449"), (503, "0", "ServiceUnavailable"), (408, "0", "RequestTimeout")],
)
def test_a_request_that_is_to_fail_is_answered_as_azure_does_and_changes_nothing(
    url: str, container: ContainerProxy, raw: Any, status: int, sub_status: str, code: str
) -> None:
    put(url, {"fault": status, "operation": "create", "retry_after_ms": 7})
    answer = create(raw)
    assert (answer.status_code, answer.headers["x-ms-substatus"], answer.json()["code"]) == (status, sub_status, code)
    assert answer.headers.get("x-ms-retry-after-ms") == ("7" if status == 429 else None)
    assert answer.json()["message"].startswith('Message: {"Errors":["')
    assert ids(container) == set()
    assert create(raw).status_code == status
    httpx.delete(f"{url}/_local/faults")
    assert create(raw).status_code == 201


@pytest.mark.parametrize(("fault", "is_done"), [("drop_before", False), ("drop_after", True)])
def test_a_dropped_connection_leaves_open_whether_the_request_was_carried_out(
    url: str, container: ContainerProxy, raw: Any, fault: str, is_done: bool
) -> None:
    put(url, {"fault": fault, "operation": "create", "nth": 1})
    with pytest.raises(httpx.TransportError):
        create(raw)
    assert ids(container) == ({"one"} if is_done else set())
    counted = {row["operation"] for row in httpx.get(f"{url}/_local/requests").json()["requests"]}
    assert "dropped" in counted
    assert create(raw).status_code == (409 if is_done else 201)


async def test_the_sdk_sends_what_was_dropped_again_and_meets_its_own_write(
    url: str, container: ContainerProxy, async_container: AsyncContainerProxy
) -> None:
    """It takes a lost connection for a request that never arrived, and so do the callers who don't know better."""
    put(
        url,
        {"fault": "drop_before", "operation": "create", "nth": 1},
        {"fault": "drop_after", "operation": "create", "nth": 2},
    )
    await async_container.create_item({"id": "one", "pk": "a"})
    with pytest.raises(CosmosResourceExistsError):
        await async_container.create_item({"id": "two", "pk": "a"})
    assert ids(container) == {"one", "two"}


def test_a_refusal_whose_answer_is_lost_is_a_lost_connection_too(url: str, container: ContainerProxy, raw: Any) -> None:
    create(raw)
    put(url, {"fault": "drop_after"})
    with pytest.raises(httpx.TransportError):
        create(raw)


def test_the_sdk_tries_again_after_a_429_by_itself(url: str, container: ContainerProxy) -> None:
    put(url, {"fault": 429, "operation": "create", "times": 3, "retry_after_ms": 1})
    container.create_item({"id": "one", "pk": "a"})
    assert ids(container) == {"one"}
    assert [(rule["matched"], rule["struck"]) for rule in rules_of(url)] == [(4, 3)]


def test_a_449_reaches_the_caller(url: str, container: ContainerProxy) -> None:
    put(url, {"fault": 449, "container": "items"})
    with pytest.raises(CosmosHttpResponseError) as caught:
        container.create_item({"id": "one", "pk": "a"})
    assert caught.value.status_code == 449


def test_latency_makes_wait_and_lets_pass(url: str, container: ContainerProxy, raw: Any) -> None:
    put(url, {"fault": "latency", "latency_ms": 1, "operation": ["create"]}, {"fault": 503, "operation": "create"})
    assert create(raw).status_code == 503
    assert [rule["struck"] for rule in rules_of(url)] == [1, 1]


def struck(rule: dict[str, Any], requests: int) -> list[int]:
    """Which of so many matching requests a rule strikes."""
    rules = FaultRules([parse_rule({"fault": 503, **rule})])
    return [number for number in range(1, requests + 1) if list(rules.struck("read", "items"))]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"nth": 4}, [4]),
        ({"every": 2}, [2, 4, 6]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"times": 1}, [1]),
        ({"share": 0}, []),
        ({"share": 1}, [1, 2, 3, 4, 5, 6]),
        ({"operation": "create"}, []),
        ({"operation": ["create", "read"], "nth": 2}, [2]),
        ({"container": "others"}, []),
        ({"container": "items", "nth": 2}, [2]),
    ],
)
def test_a_rule_strikes_what_it_says(rule: dict[str, Any], expected: list[int]) -> None:
    assert struck(rule, 6) == expected


def test_a_share_is_random_and_the_same_for_the_same_seed() -> None:
    first = struck({"share": 0.3, "seed": 5}, 1000)
    assert 200 < len(first) < 400
    assert struck({"share": 0.3, "seed": 5}, 1000) == first
    assert struck({"share": 0.3, "seed": 6}, 1000) != first


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"fault": 500},
        {"fault": "explode"},
        {"fault": 503, "operation": "reading"},
        {"fault": 503, "operation": []},
        {"fault": 503, "share": 2},
        {"fault": 503, "nth": 0},
        {"fault": 503, "every": "2"},
        {"fault": 503, "often": 1},
        {"fault": 503, "nth": 1, "every": 2},
        {"fault": "latency", "latency_ms": -1},
        {"fault": 503, "container": 1},
        {"fault": 503, "times": True},
        [],
        "503",
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: Any) -> None:
    with pytest.raises(CosmosError) as caught:
        parse_rule(rule)
    assert caught.value.status == 400


def test_rules_are_added_replaced_and_removed(url: str) -> None:
    assert put(url, {"fault": 503, "id": "a"}).status_code == 200
    assert httpx.post(f"{url}/_local/faults", json={"fault": 408, "id": "b"}).status_code == 201
    assert [rule["id"] for rule in rules_of(url)] == ["a", "b"]
    assert put(url, {"fault": 449, "id": "c"}, {"fault": "nonsense"}).status_code == 400
    assert [rule["id"] for rule in rules_of(url)] == ["a", "b"]
    assert httpx.put(f"{url}/_local/faults", json=[]).status_code == 400
    assert put(url).json() == {"rules": []}
    assert httpx.delete(f"{url}/_local/faults").status_code == 204


def test_the_engines_own_routes_are_never_struck(url: str) -> None:
    put(url, *({"fault": fault} for fault in FAULTS))
    assert httpx.get(f"{url}/_local/health").status_code == 200
    assert [rule["matched"] for rule in rules_of(url)] == [0] * len(FAULTS)


@pytest.mark.parametrize(("method", "path"), [("GET", "faults"), ("PUT", "faults"), ("POST", "split")])
def test_an_engine_that_was_not_started_for_it_has_no_faults(method: str, path: str) -> None:
    with serve_in_thread() as url:
        answer = httpx.request(method, f"{url}/_local/{path}", json={"rules": [{"fault": 503}]})
        assert answer.status_code == 404
        assert "--fault-injection" in answer.json()["message"]


def test_a_request_is_named_before_it_is_carried_out_as_it_is_counted_afterwards(
    url: str, container: ContainerProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[str] = []

    def noting(request: Request) -> str:
        named.append(operation_of(request))
        return named[-1]

    monkeypatch.setattr("local.cosmosdb.injection.operation_of", noting)
    httpx.delete(f"{url}/_local/requests")
    everything(container)
    rows = httpx.get(f"{url}/_local/requests").json()["requests"]
    done = {row["operation"]: sum(r["count"] for r in rows if r["operation"] == row["operation"]) for row in rows}
    refused = sum(count for name, count in done.items() if name.startswith("error_"))
    for name in OPERATIONS:
        assert done.get(name, 0) <= named.count(name) <= done.get(name, 0) + refused, name
    assert len(done) > 12


def everything(container: ContainerProxy) -> None:
    """One request of nearly every kind."""
    container.create_item({"id": "one", "pk": "a", "n": 1})
    container.upsert_item({"id": "one", "pk": "a", "n": 1})
    container.replace_item("one", {"id": "one", "pk": "a", "n": 1})
    container.read_item("one", "a")
    container.patch_item("one", "a", [{"op": "incr", "path": "/n", "value": 1}])
    container.execute_item_batch([("read", ("one",))], "a")
    list(container.query_items("SELECT * FROM c", partition_key="a"))
    list(container.query_items("SELECT VALUE COUNT(1) FROM c", enable_cross_partition_query=True))
    list(container.query_items_change_feed(partition_key="a"))
    list(container.read_all_items())
    container.delete_item("one", "a")
    container.delete_all_items_by_partition_key("a")
    container.read()
    container.get_throughput()
    list(container.query_conflicts("SELECT * FROM c", enable_cross_partition_query=True))
