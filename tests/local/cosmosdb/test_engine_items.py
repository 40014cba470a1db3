"""Point operations on items, as both SDK clients see them."""

from typing import Any

import httpx
import pytest
from azure.core import MatchConditions
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey
from azure.cosmos.aio import ContainerProxy as AsyncContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from azure.cosmos.partition_key import NonePartitionKeyValue

ITEM: dict[str, Any] = {"id": "one", "pk": "a", "n": 1, "nested": {"list": [1, 2.5, None, True, "ä"]}}
SYSTEM = {"_rid", "_self", "_etag", "_attachments", "_ts"}


def without_system(item: Any) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in SYSTEM}


def test_what_is_created_is_read_back_with_system_properties(container: ContainerProxy, clock: Any) -> None:
    created = container.create_item(ITEM)
    read = container.read_item("one", "a")
    assert without_system(read) == ITEM
    assert set(read) - set(ITEM) == SYSTEM
    assert read == created
    assert read["_ts"] == int(clock.now())


async def test_the_asynchronous_client_does_it_all_too(async_container: AsyncContainerProxy) -> None:
    created = await async_container.create_item(ITEM)
    upserted = await async_container.upsert_item({**ITEM, "n": 2})
    replaced = await async_container.replace_item("one", {**ITEM, "n": 3})
    patched = await async_container.patch_item("one", "a", [{"op": "incr", "path": "/n", "value": 1}])
    assert [item["n"] for item in (created, upserted, replaced, patched)] == [1, 2, 3, 4]
    assert len({item["_etag"] for item in (created, upserted, replaced, patched)}) == 4
    assert {item["_rid"] for item in (created, upserted, replaced, patched)} == {created["_rid"]}
    await async_container.delete_item("one", "a")
    with pytest.raises(CosmosResourceNotFoundError):
        await async_container.read_item("one", "a")


def test_creating_twice_is_a_conflict_but_not_in_another_partition(container: ContainerProxy) -> None:
    container.create_item(ITEM)
    with pytest.raises(CosmosResourceExistsError) as caught:
        container.create_item(ITEM)
    assert caught.value.status_code == 409
    container.create_item({**ITEM, "pk": "b"})


@pytest.mark.parametrize("operation", ["read", "replace", "delete", "patch"])
def test_what_is_not_there_is_not_found(container: ContainerProxy, operation: str) -> None:
    with pytest.raises(CosmosResourceNotFoundError) as caught:
        match operation:
            case "read":
                container.read_item("one", "a")
            case "replace":
                container.replace_item("one", ITEM)
            case "delete":
                container.delete_item("one", "a")
            case "patch":
                container.patch_item("one", "a", [{"op": "set", "path": "/n", "value": 1}])
    assert caught.value.status_code == 404
    assert caught.value.sub_status == 0


def test_a_missing_container_is_told_from_a_missing_item(database: DatabaseProxy) -> None:
    with pytest.raises(CosmosResourceNotFoundError) as caught:
        database.get_container_client("nowhere").read_item("one", "a")
    assert "Owner resource does not exist" in caught.value.message or caught.value.status_code == 404


def test_writes_are_conditional_on_the_etag(container: ContainerProxy) -> None:
    first = container.create_item(ITEM)
    second = container.replace_item("one", ITEM, etag=first["_etag"], match_condition=MatchConditions.IfNotModified)
    stale = {"etag": first["_etag"], "match_condition": MatchConditions.IfNotModified}
    for write in (
        lambda: container.replace_item("one", ITEM, **stale),
        lambda: container.upsert_item(ITEM, **stale),
        lambda: container.patch_item("one", "a", [{"op": "set", "path": "/n", "value": 9}], **stale),
        lambda: container.delete_item("one", "a", **stale),
    ):
        with pytest.raises(CosmosAccessConditionFailedError):
            write()
    assert container.read_item("one", "a")["_etag"] == second["_etag"]
    container.delete_item("one", "a", etag=second["_etag"], match_condition=MatchConditions.IfNotModified)


def test_a_read_of_what_has_not_changed_is_304(container: ContainerProxy, raw: Any) -> None:
    etag = container.create_item(ITEM)["_etag"]
    path, key = "/dbs/store/colls/items/docs/one", '["a"]'
    assert raw("GET", path, x_ms_documentdb_partitionkey=key, if_none_match=etag).status_code == 304
    assert raw("GET", path, x_ms_documentdb_partitionkey=key, if_none_match='"other"').status_code == 200


def test_system_properties_of_the_client_are_not_believed(container: ContainerProxy) -> None:
    created = container.create_item({**ITEM, "_ts": 1, "_etag": "mine", "_rid": "mine", "_lsn": 5})
    assert created["_ts"] > 1
    assert created["_etag"] != "mine"
    assert "_lsn" not in created


def test_a_replacement_may_rename_unless_the_name_is_taken(container: ContainerProxy) -> None:
    container.create_item(ITEM)
    container.create_item({**ITEM, "id": "two"})
    with pytest.raises(CosmosResourceExistsError):
        container.replace_item("one", {**ITEM, "id": "two"})
    container.replace_item("one", {**ITEM, "id": "three"})
    assert {item["id"] for item in container.read_all_items()} == {"two", "three"}


def test_items_can_be_addressed_by_their_self_link(container: ContainerProxy) -> None:
    created = container.create_item(ITEM)
    assert container.read_item(created, "a") == created
    container.delete_item(created, "a")
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item(created, "a")


def test_an_item_without_the_key_lives_in_the_partition_of_none(container: ContainerProxy) -> None:
    container.create_item({"id": "one"})
    assert container.read_item("one", NonePartitionKeyValue)["id"] == "one"
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item("one", None)


def test_the_key_in_the_header_must_be_the_items_own(raw: Any, container: ContainerProxy) -> None:
    answer = raw("POST", "/dbs/store/colls/items/docs", ITEM, x_ms_documentdb_partitionkey='["other"]')
    assert answer.status_code == 400
    assert answer.headers["x-ms-substatus"] == "1001"
    assert list(container.read_all_items()) == []


def test_a_write_without_a_key_is_refused(raw: Any, container: ContainerProxy) -> None:
    answer = raw("POST", "/dbs/store/colls/items/docs", ITEM)
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b'{"pk":"a"}',
        b'{"id":1,"pk":"a"}',
        b'{"id":"","pk":"a"}',
        b'{"id":"a/b","pk":"a"}',
        b'{"id":"a\\\\b","pk":"a"}',
        b'{"id":"a?b","pk":"a"}',
        b'{"id":"a#b","pk":"a"}',
        b'{"id":"' + b"x" * 1024 + b'","pk":"a"}',
        b'{"id":"nan","pk":"a","n":NaN}',
    ],
)
def test_malformed_items_are_refused(raw: Any, container: ContainerProxy, body: bytes) -> None:
    answer = raw("POST", "/dbs/store/colls/items/docs", body, x_ms_documentdb_partitionkey='["a"]')
    assert answer.status_code == 400
    assert list(container.read_all_items()) == []


def test_ids_of_1023_bytes_and_any_letters_are_kept(container: ContainerProxy) -> None:
    for name in ("x" * 1023, "ü" * 511, "a b%20c+&=", "日本語"):
        container.create_item({"id": name, "pk": "a"})
        assert container.read_item(name, "a")["id"] == name


def test_an_item_may_have_2_mb_and_no_more(container: ContainerProxy) -> None:
    container.create_item({"id": "large", "pk": "a", "text": "x" * (2 * 1024 * 1024 - 500)})
    with pytest.raises(CosmosHttpResponseError) as caught:
        container.create_item({"id": "larger", "pk": "a", "text": "x" * (2 * 1024 * 1024)})
    assert caught.value.status_code == 413


def test_a_client_that_wants_no_content_gets_none(container: ContainerProxy) -> None:
    assert container.create_item(ITEM, no_response=True) == {}
    assert without_system(container.read_item("one", "a")) == ITEM


def test_charges_grow_with_size_and_follow_the_documented_points(container: ContainerProxy) -> None:
    def charge() -> float:
        return float(container.client_connection.last_response_headers["x-ms-request-charge"])

    container.create_item({"id": "small", "pk": "a", "text": "x" * 600})
    small_write = charge()
    container.create_item({"id": "large", "pk": "a", "text": "x" * 100 * 1024})
    large_write = charge()
    container.read_item("small", "a")
    small_read = charge()
    container.read_item("large", "a")
    assert (small_read, small_write) == (1.0, 5.0)
    assert 45 < large_write < 55
    assert 9 < charge() < 11


def test_all_items_of_a_partition_are_deleted_together(container: ContainerProxy) -> None:
    for number in range(5):
        container.create_item({"id": str(number), "pk": "a"})
        container.create_item({"id": str(number), "pk": "b"})
    container.delete_all_items_by_partition_key("a")
    assert [item["pk"] for item in container.read_all_items()] == ["b"] * 5


def test_read_many_gives_the_items_that_exist(container: ContainerProxy) -> None:
    wanted = [(f"i{number}", f"p{number % 5}") for number in range(40)]
    for name, key in wanted:
        container.create_item({"id": name, "pk": key})
    found = container.read_items([*wanted, ("missing", "p0")])
    assert [(item["id"], item["pk"]) for item in found] == wanted


def test_a_session_token_from_the_future_is_not_available(container: ContainerProxy, raw: Any) -> None:
    container.create_item(ITEM)
    headers = container.client_connection.last_response_headers
    number, lsn = headers["x-ms-session-token"].split(":-1#")
    path, key = "/dbs/store/colls/items/docs/one", '["a"]'
    now = raw("GET", path, x_ms_documentdb_partitionkey=key, x_ms_session_token=f"{number}:-1#{lsn}")
    later = raw("GET", path, x_ms_documentdb_partitionkey=key, x_ms_session_token=f"{number}:-1#{int(lsn) + 1}")
    broken = raw("GET", path, x_ms_documentdb_partitionkey=key, x_ms_session_token="nonsense")
    assert [now.status_code, later.status_code, broken.status_code] == [200, 404, 400]
    assert later.headers["x-ms-substatus"] == "1002"


def test_a_recreated_container_is_told_from_the_one_that_was_meant(
    client: CosmosClient, container: ContainerProxy, raw: Any
) -> None:
    rid = container.read()["_rid"]
    container.create_item(ITEM)
    path, key = "/dbs/store/colls/items/docs/one", '["a"]'
    meant = {"x_ms_documentdb_partitionkey": key, "x_ms_cosmos_intended_collection_rid": rid}
    assert raw("GET", path, **meant).status_code == 200
    other = raw("GET", path, **{**meant, "x_ms_cosmos_intended_collection_rid": "AAAAAYAAACc="})
    assert (other.status_code, other.headers["x-ms-substatus"]) == (400, "1024")


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/dbs"), ("PUT", "/dbs/store/colls/items/docs")])
def test_verbs_that_make_no_sense_are_not_allowed(raw: Any, container: ContainerProxy, method: str, path: str) -> None:
    assert raw(method, path).status_code == 405


def test_errors_name_the_activity(url: str) -> None:
    answer = httpx.get(f"{url}/dbs", headers={"x-ms-activity-id": "activity-1"})
    assert answer.headers["x-ms-activity-id"] == "activity-1"
    assert answer.json()["message"].endswith("ActivityId: activity-1")


@pytest.mark.parametrize(("level", "status"), [("Session", 200), ("Eventual", 200), ("Strong", 400), ("Odd", 400)])
def test_a_request_can_ask_for_no_stronger_consistency_than_the_accounts(
    raw: Any, container: ContainerProxy, level: str, status: int
) -> None:
    container.create_item(ITEM)
    headers = {"x_ms_documentdb_partitionkey": '["a"]', "x_ms_consistency_level": level}
    assert raw("GET", "/dbs/store/colls/items/docs/one", **headers).status_code == status


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (2**53, 2**53),
        (2**53 + 1, 2**53),
        (-(2**53) - 1, -(2**53)),
        (2**62 + 1, 2**62),
        (2**64 - 1, 2.0**64),
        (2.0, 2),
        (1e3, 1000),
        (0.1, 0.1),
        (1e300, 1e300),
        ([{"deep": 2**53 + 3}], [{"deep": 2**53 + 4}]),
        ("9007199254740993", "9007199254740993"),
    ],
)
def test_a_number_is_a_double(container: ContainerProxy, written: Any, kept: Any) -> None:
    made: Any = container.create_item({"id": "one", "pk": "a", "n": written})
    container.execute_item_batch([("create", ({"id": "two", "pk": "a", "n": written},))], "a")
    container.create_item({"id": "three", "pk": "a", "n": None})
    container.patch_item("three", "a", [{"op": "set", "path": "/n", "value": written}])
    read: list[Any] = [container.read_item(name, "a")["n"] for name in ("one", "two", "three")]
    assert [made["n"], *read] == [kept] * 4
    assert {type(number) for number in read} == {type(kept)}
    query = "SELECT VALUE c.id FROM c WHERE c.n = @n"
    found = container.query_items(query, parameters=[{"name": "@n", "value": written}], partition_key="a")
    assert len(list(found)) == 3


def test_a_sum_beyond_what_a_double_counts_stays_where_it_is(container: ContainerProxy) -> None:
    container.create_item({"id": "one", "pk": "a", "n": 2**53})
    assert container.patch_item("one", "a", [{"op": "incr", "path": "/n", "value": 1}])["n"] == 2**53


def test_numbers_that_are_one_double_are_one_unique_value(database: DatabaseProxy) -> None:
    container = database.create_container(
        "unique", PartitionKey("/pk"), unique_key_policy={"uniqueKeys": [{"paths": ["/n"]}]}
    )
    container.create_item({"id": "one", "pk": "a", "n": 1})
    with pytest.raises(CosmosResourceExistsError):
        container.create_item({"id": "two", "pk": "a", "n": 1.0})
