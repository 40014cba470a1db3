"""Partial updates: the six operations, their errors, and conditions."""

from datetime import UTC, datetime
from typing import Any

import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosHttpResponseError

from local.cosmosdb.errors import CosmosError
from local.cosmosdb.partitioning import PartitionKeyDefinition
from local.cosmosdb.patch import Patch

KEY = PartitionKeyDefinition(("/pk",))
NOW = datetime(2026, 11, 20, tzinfo=UTC)
BEFORE: dict[str, Any] = {"id": "one", "pk": "a", "n": 1, "tags": ["x", "y"], "deep": {"a": {"b": 1}}}


def patched(*operations: dict[str, Any]) -> dict[str, Any]:
    return Patch({"operations": list(operations)}, KEY).apply(BEFORE, NOW)


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ({"op": "add", "path": "/new", "value": {"k": 1}}, {"new": {"k": 1}}),
        ({"op": "add", "path": "/n", "value": None}, {"n": None}),
        ({"op": "add", "path": "/tags/1", "value": "new"}, {"tags": ["x", "new", "y"]}),
        ({"op": "add", "path": "/tags/-", "value": "new"}, {"tags": ["x", "y", "new"]}),
        ({"op": "add", "path": "/tags/2", "value": "new"}, {"tags": ["x", "y", "new"]}),
        ({"op": "set", "path": "/tags/1", "value": "new"}, {"tags": ["x", "new"]}),
        ({"op": "set", "path": "/new", "value": 1}, {"new": 1}),
        ({"op": "set", "path": "/deep/a/c", "value": 2}, {"deep": {"a": {"b": 1, "c": 2}}}),
        ({"op": "replace", "path": "/n", "value": "text"}, {"n": "text"}),
        ({"op": "replace", "path": "/tags/0", "value": "new"}, {"tags": ["new", "y"]}),
        ({"op": "remove", "path": "/tags/0"}, {"tags": ["y"]}),
        ({"op": "remove", "path": "/deep/a"}, {"deep": {}}),
        ({"op": "incr", "path": "/n", "value": 2}, {"n": 3}),
        ({"op": "incr", "path": "/n", "value": -0.5}, {"n": 0.5}),
        ({"op": "incr", "path": "/new", "value": 7}, {"new": 7}),
        ({"op": "incr", "path": "/n", "value": 2**63 - 1}, {"n": 2.0**63}),
        ({"op": "set", "path": "/a~1b~0c", "value": 1}, {"a/b~c": 1}),
        ({"op": "INCR", "path": "/n", "value": 1}, {"n": 2}),
    ],
)
def test_an_operation_changes_what_it_names(operation: dict[str, Any], change: dict[str, Any]) -> None:
    assert patched(operation) == {**BEFORE, **change}


def test_a_value_is_moved() -> None:
    after = patched({"op": "move", "from": "/deep/a", "path": "/moved"})
    assert after == {**BEFORE, "deep": {}, "moved": {"b": 1}}


def test_operations_see_what_those_before_them_did() -> None:
    after = patched(
        {"op": "set", "path": "/new", "value": []},
        {"op": "add", "path": "/new/-", "value": 1},
        {"op": "add", "path": "/new/0", "value": 2},
    )
    assert after["new"] == [2, 1]


def test_the_document_itself_is_left_alone() -> None:
    patched({"op": "add", "path": "/tags/-", "value": "new"})
    assert BEFORE["tags"] == ["x", "y"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "remove", "path": "/missing"},
        {"op": "remove", "path": "/tags/2"},
        {"op": "add", "path": "/tags/3", "value": 1},
        {"op": "add", "path": "/tags/x", "value": 1},
        {"op": "add", "path": "/missing/child", "value": 1},
        {"op": "add", "path": "/n/child", "value": 1},
        {"op": "incr", "path": "/tags", "value": 1},
        {"op": "incr", "path": "/n", "value": "1"},
        {"op": "incr", "path": "/n", "value": True},
        {"op": "move", "from": "/missing", "path": "/n"},
        {"op": "move", "from": "/deep", "path": "/deep/a/c"},
        {"op": "set", "path": "/n"},
        {"op": "set", "path": "n", "value": 1},
        {"op": "set", "path": "/", "value": 1},
        {"op": "set", "path": "/id", "value": "two"},
        {"op": "set", "path": "/_ts", "value": 1},
        {"op": "set", "path": "/pk", "value": "b"},
        {"op": "rename", "path": "/n", "value": 1},
        {"path": "/n", "value": 1},
        "not an object",
    ],
)
def test_what_can_not_be_done_is_a_bad_request(operation: Any) -> None:
    with pytest.raises(CosmosError) as caught:
        patched(operation)
    assert caught.value.status == 400


@pytest.mark.parametrize("count", [0, 11])
def test_a_patch_has_one_to_ten_operations(count: int) -> None:
    with pytest.raises(CosmosError):
        patched(*[{"op": "incr", "path": "/n", "value": 1}] * count)


def test_a_patch_through_the_sdk_applies_where_its_condition_holds(container: ContainerProxy) -> None:
    container.create_item(BEFORE)
    increment = [{"op": "incr", "path": "/n", "value": 10}]
    after = container.patch_item("one", "a", increment, filter_predicate="from c where c.n = 1 and c.tags[0] = 'x'")
    assert after["n"] == 11
    with pytest.raises(CosmosAccessConditionFailedError) as caught:
        container.patch_item("one", "a", increment, filter_predicate="from c where c.n = 1")
    assert caught.value.status_code == 412
    assert container.read_item("one", "a")["n"] == 11


def test_a_condition_that_is_no_query_is_a_bad_request(container: ContainerProxy) -> None:
    container.create_item(BEFORE)
    with pytest.raises(CosmosHttpResponseError) as caught:
        container.patch_item("one", "a", [{"op": "incr", "path": "/n", "value": 1}], filter_predicate="where where")
    assert caught.value.status_code == 400


def test_a_failing_patch_changes_nothing(container: ContainerProxy) -> None:
    before = container.create_item(BEFORE)
    with pytest.raises(CosmosHttpResponseError):
        container.patch_item(
            "one", "a", [{"op": "incr", "path": "/n", "value": 1}, {"op": "remove", "path": "/missing"}]
        )
    assert container.read_item("one", "a") == before
