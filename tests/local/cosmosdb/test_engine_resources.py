"""Databases, containers, ranges and offers."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey, ThroughputProperties
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError

from local.cosmosdb.auth import EMULATOR_KEY

BODY: dict[str, Any] = {"id": "made", "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2}}
COLLS = "/dbs/store/colls"


def test_databases_come_and_go(client: CosmosClient) -> None:
    client.create_database("one")
    client.create_database("two")
    with pytest.raises(CosmosResourceExistsError):
        client.create_database("one")
    assert [database["id"] for database in client.list_databases()] == ["one", "two"]
    found = client.query_databases("SELECT * FROM d WHERE d.id = @id", [{"name": "@id", "value": "two"}])
    assert [database["id"] for database in found] == ["two"]
    client.delete_database("one")
    with pytest.raises(CosmosResourceNotFoundError):
        client.get_database_client("one").read()
    assert client.create_database_if_not_exists("one").read()["id"] == "one"


def test_a_container_keeps_everything_that_it_was_given(raw: Any, database: DatabaseProxy) -> None:
    given = {
        **BODY,
        "defaultTtl": 60,
        "uniqueKeyPolicy": {"uniqueKeys": [{"paths": ["/a", "/b/c"]}]},
        "fullTextPolicy": {"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text", "language": "en-US"}]},
        "vectorEmbeddingPolicy": {"vectorEmbeddings": []},
        "conflictResolutionPolicy": {"mode": "LastWriterWins", "conflictResolutionPath": "/version"},
        "indexingPolicy": {
            "indexingMode": "consistent",
            "automatic": True,
            "includedPaths": [{"path": "/a/?"}],
            "excludedPaths": [{"path": "/*"}, {"path": '/"_etag"/?'}],
            "compositeIndexes": [[{"path": "/a", "order": "ascending"}, {"path": "/b", "order": "descending"}]],
            "fullTextIndexes": [{"path": "/text"}],
        },
    }
    made = raw("POST", COLLS, given)
    assert made.status_code == 201
    read = raw("GET", f"{COLLS}/made").json()
    assert {name: read[name] for name in given} == given
    assert {"_rid", "_self", "_etag", "_ts", "_docs"} <= set(read)


def test_the_defaults_are_those_of_the_service(database: DatabaseProxy) -> None:
    properties = database.create_container("plain", PartitionKey("/pk")).read()
    assert properties["indexingPolicy"] == {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": '/"_etag"/?'}],
    }
    assert properties["conflictResolutionPolicy"]["mode"] == "LastWriterWins"
    assert "defaultTtl" not in properties


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"id": "a/b"},
        {"id": "trailing "},
        {"id": "x" * 256},
        {"id": None},
        {"partitionKey": None},
        {"partitionKey": {"paths": []}},
        {"partitionKey": {"paths": ["pk"]}},
        {"partitionKey": {"paths": ["/a", "/b"], "kind": "Hash"}},
        {"partitionKey": {"paths": ["/a", "/b", "/c", "/d"], "kind": "MultiHash", "version": 2}},
        {"partitionKey": {"paths": ["/a"], "kind": "Range"}},
        {"partitionKey": {"paths": ["/a"], "version": 3}},
        {"defaultTtl": 0},
        {"defaultTtl": "60"},
        {"indexingPolicy": {"indexingMode": "sometimes"}},
        {"indexingPolicy": {"includedPaths": [{"path": "/a/?"}], "excludedPaths": []}},
        {"indexingPolicy": {"includedPaths": [{"path": "/*"}, {"path": "/a"}]}},
        {"indexingPolicy": {"includedPaths": [{"path": "/*"}, {"path": "a/?"}]}},
        {"uniqueKeyPolicy": {"uniqueKeys": [{"paths": []}]}},
        {"uniqueKeyPolicy": {"uniqueKeys": [{"paths": ["email"]}]}},
    ],
)
def test_what_a_container_can_not_be_is_refused(raw: Any, database: DatabaseProxy, change: dict[str, Any]) -> None:
    assert raw("POST", COLLS, {**BODY, **change}).status_code == 400
    assert raw("GET", COLLS).json()["DocumentCollections"] == []


def test_a_replaced_policy_is_in_force(database: DatabaseProxy) -> None:
    container = database.create_container("changing", PartitionKey("/pk"))
    container.create_item({"id": "one", "pk": "a", "n": 1})
    policy = {"includedPaths": [], "excludedPaths": [{"path": "/*"}]}
    replaced = database.replace_container(container, PartitionKey("/pk"), indexing_policy=policy, default_ttl=60)
    assert replaced.read()["defaultTtl"] == 60
    with pytest.raises(CosmosHttpResponseError):
        list(container.query_items("SELECT * FROM c ORDER BY c.n", partition_key="a"))


def test_what_is_fixed_at_creation_can_not_be_replaced(raw: Any, database: DatabaseProxy) -> None:
    raw("POST", COLLS, BODY)
    for change, status in (
        ({"id": "renamed"}, 400),
        ({"partitionKey": {"paths": ["/other"], "kind": "Hash", "version": 2}}, 400),
        ({"uniqueKeyPolicy": {"uniqueKeys": [{"paths": ["/a"]}]}}, 403),
    ):
        assert raw("PUT", f"{COLLS}/made", {**BODY, **change}).status_code == status


def test_deleting_a_container_takes_its_items_with_it(url: str, database: DatabaseProxy) -> None:
    container = database.create_container("short-lived", PartitionKey("/pk"))
    container.create_item({"id": "one", "pk": "a"})
    rid = container.read()["_rid"]
    database.delete_container(container)
    with CosmosClient(url, EMULATOR_KEY) as later:
        again = later.get_database_client("store").create_container("short-lived", PartitionKey("/pk"))
        assert again.read()["_rid"] != rid
        assert list(again.read_all_items()) == []


def test_ranges_are_read_once_and_then_unchanged(container: ContainerProxy, raw: Any) -> None:
    path = f"{COLLS}/items/pkranges"
    first = raw("GET", path, a_im="Incremental Feed")
    ranges = first.json()["PartitionKeyRanges"]
    assert [entry["id"] for entry in ranges] == ["0", "1", "2", "3"]
    assert (ranges[0]["minInclusive"], ranges[-1]["maxExclusive"]) == ("", "FF")
    assert raw("GET", path, a_im="Incremental Feed", if_none_match=first.headers["etag"]).status_code == 304


def test_a_container_has_as_many_ranges_as_its_throughput_needs(database: DatabaseProxy) -> None:
    small = database.create_container("small", PartitionKey("/pk"), offer_throughput=400)
    large = database.create_container("large", PartitionKey("/pk"), offer_throughput=55_000)
    assert [len(list(container.read_feed_ranges())) for container in (small, large)] == [4, 6]


def test_throughput_is_kept_and_replaced(database: DatabaseProxy, client: CosmosClient, raw: Any) -> None:
    manual = database.create_container("manual", PartitionKey("/pk"), offer_throughput=500)
    assert manual.get_throughput().offer_throughput == 500
    manual.replace_throughput(800)
    assert manual.get_throughput().offer_throughput == 800
    scaling = ThroughputProperties(auto_scale_max_throughput=4000)
    autoscale = database.create_container("autoscale", PartitionKey("/pk"), offer_throughput=scaling)
    assert autoscale.get_throughput().auto_scale_max_throughput == 4000
    shared = client.create_database("shared", offer_throughput=600)
    assert shared.get_throughput().offer_throughput == 600
    inside = shared.create_container("inside", PartitionKey("/pk"))
    offers = raw("GET", "/offers").json()["Offers"]
    assert inside.read()["_self"] not in {offer["resource"] for offer in offers}
    assert len(offers) == 3


def test_an_offer_is_not_taken_for_another(client: CosmosClient, raw: Any) -> None:
    for number in range(80):
        client.create_database(f"d{number}", offer_throughput=400 + number)
    offers = raw("GET", "/offers").json()["Offers"]
    assert len({offer["id"] for offer in offers}) == 80
    for offer in offers:
        assert raw("GET", f"/offers/{offer['id']}").json() == offer


@pytest.mark.parametrize("headers", [{"x_ms_offer_throughput": "399"}, {"x_ms_offer_throughput": "plenty"}])
def test_a_throughput_that_there_is_not_is_refused(raw: Any, database: DatabaseProxy, headers: dict[str, str]) -> None:
    assert raw("POST", COLLS, BODY, **headers).status_code == 400


def test_unique_keys_hold_within_a_partition(database: DatabaseProxy) -> None:
    policy = {"uniqueKeys": [{"paths": ["/email"]}, {"paths": ["/first", "/last"]}]}
    container = database.create_container("unique", PartitionKey("/pk"), unique_key_policy=policy)
    container.create_item({"id": "one", "pk": "a", "email": "x", "first": "f", "last": "l"})
    for rival in ({"email": "x"}, {"email": "y", "first": "f", "last": "l"}):
        with pytest.raises(CosmosResourceExistsError) as caught:
            container.create_item({"id": "two", "pk": "a", **rival})
        assert "Unique index constraint violation" in caught.value.message
    container.create_item({"id": "one", "pk": "b", "email": "x", "first": "f", "last": "l"})
    container.create_item({"id": "two", "pk": "a", "email": "y", "first": "f", "last": "other"})
    with pytest.raises(CosmosResourceExistsError):
        container.patch_item("two", "a", [{"op": "set", "path": "/email", "value": "x"}])
    container.patch_item("one", "a", [{"op": "set", "path": "/email", "value": "z"}])
    container.patch_item("two", "a", [{"op": "set", "path": "/email", "value": "x"}])
    container.delete_item("two", "a")
    container.create_item({"id": "three", "pk": "a", "email": "x"})


def test_a_missing_value_counts_as_one_value_of_a_unique_key(database: DatabaseProxy) -> None:
    policy = {"uniqueKeys": [{"paths": ["/email"]}]}
    container = database.create_container("unique", PartitionKey("/pk"), unique_key_policy=policy)
    container.create_item({"id": "one", "pk": "a"})
    with pytest.raises(CosmosResourceExistsError):
        container.create_item({"id": "two", "pk": "a", "email": None})


def test_what_the_engine_does_not_have_it_says(raw: Any, container: ContainerProxy) -> None:
    answer = raw("GET", f"{COLLS}/items/sprocs")
    assert (answer.status_code, "no 'sprocs' resources" in answer.json()["message"]) == (400, True)
