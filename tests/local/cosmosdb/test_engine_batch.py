"""Transactional batches, all or nothing, and bulk requests, each for itself."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos.aio import ContainerProxy as AsyncContainerProxy
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

DOCS = "/dbs/store/colls/items/docs"


def statuses(results: Any) -> list[int]:
    return [result["statusCode"] for result in results]


def test_every_kind_of_operation_is_done_in_order(container: ContainerProxy) -> None:
    for name in ("replaced", "patched", "deleted"):
        container.create_item({"id": name, "pk": "a", "n": 0})
    results = container.execute_item_batch(
        [
            ("create", ({"id": "created", "pk": "a"},)),
            ("upsert", ({"id": "upserted", "pk": "a"},)),
            ("replace", ("replaced", {"id": "replaced", "pk": "a", "n": 1})),
            ("patch", ("patched", [{"op": "incr", "path": "/n", "value": 5}])),
            ("read", ("patched",)),
            ("delete", ("deleted",)),
        ],
        "a",
    )
    assert statuses(results) == [201, 201, 200, 200, 200, 204]
    assert results[4]["resourceBody"]["n"] == 5
    assert results[0]["eTag"] == container.read_item("created", "a")["_etag"]
    assert {item["id"] for item in container.read_all_items()} == {"created", "upserted", "replaced", "patched"}


async def test_the_asynchronous_client_sends_batches_too(async_container: AsyncContainerProxy) -> None:
    results = await async_container.execute_item_batch([("create", ({"id": "x", "pk": "a"},)), ("read", ("x",))], "a")
    assert statuses(results) == [201, 200]


@pytest.mark.parametrize(
    ("failing", "status"),
    [
        (("create", ({"id": "there", "pk": "a"},)), 409),
        (("read", ("missing",)), 404),
        (("replace", ("there", {"id": "there", "pk": "a"}), {"if_match_etag": '"stale"'}), 412),
        (("delete", ("there",), {"if_match_etag": '"stale"'}), 412),
        (
            ("patch", ("there", [{"op": "set", "path": "/n", "value": 1}]), {"filter_predicate": "from c where false"}),
            412,
        ),
        (("patch", ("there", [{"op": "remove", "path": "/missing"}])), 400),
        (("create", ({"id": "elsewhere", "pk": "b"},)), 400),
    ],
)
def test_one_failure_undoes_all(container: ContainerProxy, failing: Any, status: int) -> None:
    before = container.create_item({"id": "there", "pk": "a"})
    with pytest.raises(CosmosBatchOperationError) as caught:
        container.execute_item_batch(
            [
                ("create", ({"id": "first", "pk": "a"},)),
                ("upsert", ({"id": "there", "pk": "a", "changed": True},)),
                failing,
                ("create", ({"id": "last", "pk": "a"},)),
            ],
            "a",
        )
    assert caught.value.status_code == status
    assert set(statuses(caught.value.operation_responses)) == {424, status}
    assert list(container.read_all_items()) == [before]


def test_a_batch_holds_up_to_a_hundred_operations(container: ContainerProxy) -> None:
    creates = [("create", ({"id": str(number), "pk": "a"},)) for number in range(101)]
    assert len(container.execute_item_batch(creates[:100], "a")) == 100
    with pytest.raises(CosmosHttpResponseError) as caught:
        container.execute_item_batch(creates, "b")
    assert caught.value.status_code == 400


def test_a_batch_may_have_2_mb_and_no_more(container: ContainerProxy) -> None:
    creates = [("create", ({"id": str(number), "pk": "a", "text": "x" * 800_000},)) for number in range(3)]
    with pytest.raises(CosmosHttpResponseError) as caught:
        container.execute_item_batch(creates, "a")
    assert caught.value.status_code == 413
    assert list(container.read_all_items()) == []


def test_the_changes_of_a_batch_share_one_lsn(container: ContainerProxy) -> None:
    container.execute_item_batch([("create", ({"id": str(number), "pk": "a"},)) for number in range(3)], "a")
    changes = list(container.query_items_change_feed(partition_key="a", start_time="Beginning"))
    assert len({change["_lsn"] for change in changes}) == 1


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"[1]", b'[{"operationType":"Explode"}]', b'[{"operationType":"Create"}]']
)
def test_malformed_batches_are_refused(raw: Any, container: ContainerProxy, body: bytes) -> None:
    headers = {"x_ms_cosmos_is_batch_request": "True", "x_ms_cosmos_batch_atomic": "True"}
    assert raw("POST", DOCS, body, x_ms_documentdb_partitionkey='["a"]', **headers).status_code == 400


def test_bulk_operations_stand_alone_and_span_partitions(container: ContainerProxy, raw: Any) -> None:
    container.create_item({"id": "there", "pk": "a"})
    operations = [
        {"operationType": "Create", "partitionKey": '["a"]', "resourceBody": {"id": "there", "pk": "a"}},
        {"operationType": "Create", "partitionKey": '["a"]', "resourceBody": {"id": "new", "pk": "a"}},
        {"operationType": "Upsert", "partitionKey": '["b"]', "resourceBody": {"id": "new", "pk": "b"}},
        {"operationType": "Delete", "partitionKey": '["a"]', "id": "missing"},
        {"operationType": "Create", "resourceBody": {"id": "keyless", "pk": "a"}},
    ]
    headers = {
        "x_ms_cosmos_is_batch_request": "true",
        "x_ms_cosmos_batch_atomic": "false",
        "x_ms_cosmos_batch_continue_on_error": "true",
    }
    answer = raw("POST", DOCS, operations, **headers)
    assert answer.status_code == 207
    assert statuses(answer.json()) == [409, 201, 201, 404, 400]
    assert {(item["id"], item["pk"]) for item in container.read_all_items()} == {
        ("there", "a"),
        ("new", "a"),
        ("new", "b"),
    }
