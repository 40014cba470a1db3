"""Time to live, by container and by item, with a clock that the tests turn."""

from typing import Any

import httpx
import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError


def ids(container: ContainerProxy) -> set[str]:
    return {item["id"] for item in container.query_items("SELECT c.id FROM c", partition_key="a")}


def test_an_item_expires_by_its_own_ttl_or_the_containers(database: DatabaseProxy, clock: Any) -> None:
    container = database.create_container("expiring", PartitionKey("/pk"), default_ttl=100)
    container.create_item({"id": "short", "pk": "a", "ttl": 10})
    container.create_item({"id": "default", "pk": "a"})
    container.create_item({"id": "for ever", "pk": "a", "ttl": -1})
    clock.seconds += 9
    assert ids(container) == {"short", "default", "for ever"}
    clock.seconds += 1
    assert ids(container) == {"default", "for ever"}
    clock.seconds += 90
    assert ids(container) == {"for ever"}


def test_what_has_expired_is_gone_for_everyone_before_it_is_purged(container: ContainerProxy, clock: Any) -> None:
    container.create_item({"id": "one", "pk": "a", "ttl": 10})
    clock.seconds += 10
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item("one", "a")
    with pytest.raises(CosmosResourceNotFoundError):
        container.replace_item("one", {"id": "one", "pk": "a"})
    assert list(container.read_all_items()) == []
    assert list(container.query_items_change_feed(partition_key="a", start_time="Beginning")) == []
    assert container.create_item({"id": "one", "pk": "a", "new": True})["new"]


def test_every_write_starts_the_time_anew(container: ContainerProxy, clock: Any) -> None:
    container.create_item({"id": "one", "pk": "a", "ttl": 10})
    clock.seconds += 9
    container.patch_item("one", "a", [{"op": "set", "path": "/touched", "value": True}])
    clock.seconds += 9
    assert ids(container) == {"one"}
    clock.seconds += 1
    assert ids(container) == set()


def test_without_a_default_nothing_expires(database: DatabaseProxy, clock: Any) -> None:
    container = database.create_container("lasting", PartitionKey("/pk"))
    container.create_item({"id": "one", "pk": "a", "ttl": 1})
    clock.seconds += 1000
    assert ids(container) == {"one"}


def test_a_changed_default_counts_from_each_items_last_write(database: DatabaseProxy, clock: Any) -> None:
    container = database.create_container("changing", PartitionKey("/pk"))
    container.create_item({"id": "own", "pk": "a", "ttl": 1000})
    container.create_item({"id": "old", "pk": "a"})
    container.create_item({"id": "junk", "pk": "a", "ttl": "soon"})
    clock.seconds += 50
    container.create_item({"id": "new", "pk": "a"})
    database.replace_container(container, PartitionKey("/pk"), default_ttl=40)
    assert ids(container) == {"own", "new"}
    database.replace_container(container, PartitionKey("/pk"), default_ttl=-1)
    assert ids(container) == {"own", "old", "junk", "new"}
    clock.seconds += 950
    assert ids(container) == {"old", "junk", "new"}


@pytest.mark.parametrize("ttl", [0, -2, 1.5, "10", None, True, 2**31])
def test_a_ttl_is_a_positive_number_of_seconds_or_minus_one(container: ContainerProxy, ttl: Any) -> None:
    with pytest.raises(CosmosHttpResponseError) as caught:
        container.create_item({"id": "one", "pk": "a", "ttl": ttl})
    assert caught.value.status_code == 400


def test_an_expired_item_gives_its_unique_values_back(database: DatabaseProxy, clock: Any) -> None:
    container = database.create_container(
        "unique", PartitionKey("/pk"), default_ttl=-1, unique_key_policy={"uniqueKeys": [{"paths": ["/email"]}]}
    )
    container.create_item({"id": "one", "pk": "a", "email": "x@example.com", "ttl": 10})
    with pytest.raises(CosmosResourceExistsError):
        container.create_item({"id": "two", "pk": "a", "email": "x@example.com"})
    clock.seconds += 10
    container.create_item({"id": "two", "pk": "a", "email": "x@example.com"})


def test_the_purge_removes_what_has_expired(url: str, container: ContainerProxy, clock: Any) -> None:
    for number in range(30):
        container.create_item({"id": str(number), "pk": "a", "ttl": 10 if number % 3 else 20})
    assert httpx.post(f"{url}/_local/purge").json() == {"purged": 0}
    clock.seconds += 10
    assert httpx.post(f"{url}/_local/purge").json() == {"purged": 20}
    usage = container.read(populate_quota_info=True)
    assert usage["id"] == "items"
    assert "documentsCount=10;" in container.client_connection.last_response_headers["x-ms-resource-usage"]
