"""Whether an account's containers are as declared."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from cosmos.core.containers import declared, differing, shape
from cosmos.core.database import connect
from local.cosmosdb.server import serve_in_thread
from local.provision import WELL_KNOWN_KEY, Account, provision

Definition = dict[str, Any]


def the(container: str) -> Definition:
    return copy.deepcopy(declared()[container])


async def found_differing(definitions: list[Definition]) -> list[str]:
    with serve_in_thread() as url:
        with Account(url) as account:
            provision(account, definitions)
        async with connect(f"AccountEndpoint={url}/;AccountKey={WELL_KNOWN_KEY};") as client:
            return await differing(client.get_database_client("vimarsh"))


async def test_containers_that_were_made_from_the_declaration_are_as_declared() -> None:
    assert await found_differing(list(declared().values())) == []


async def test_a_container_that_is_missing_or_differs_is_named() -> None:
    forever = the("user_sessions")
    del forever["defaultTtl"]
    others = [the(name) for name in declared() if name not in ("user_sessions", "leases")]
    assert await found_differing([*others, forever]) == ["user_sessions", "leases"]


def _key(container: Definition) -> None:
    container["partitionKey"]["paths"] = ["/user_id"]


def _retention(container: Definition) -> None:
    container["defaultTtl"] = 1


def _mode(container: Definition) -> None:
    container["indexingPolicy"]["indexingMode"] = "none"


def _included(container: Definition) -> None:
    container["indexingPolicy"]["includedPaths"].append({"path": "/*"})


def _excluded(container: Definition) -> None:
    container["indexingPolicy"]["excludedPaths"] = []


def _composite(container: Definition) -> None:
    container["indexingPolicy"]["compositeIndexes"][0][0]["order"] = "descending"


def _full_text(container: Definition) -> None:
    container["indexingPolicy"]["fullTextIndexes"] = [{"path": "/other"}]


def _unique(container: Definition) -> None:
    container["uniqueKeyPolicy"] = {"uniqueKeys": [{"paths": ["/email"]}]}


@pytest.mark.parametrize(
    "change", [_key, _retention, _mode, _included, _excluded, _composite, _full_text, _unique], ids=lambda f: f.__name__
)
def test_what_matters_is_compared(change: Callable[[Definition], None]) -> None:
    changed = the("user_interactions")
    change(changed)
    assert shape(changed) != shape(the("user_interactions"))


def test_what_an_account_fills_in_does_not_matter() -> None:
    declaration = {
        "id": "c",
        "partitionKey": {"paths": ["/p"]},
        "indexingPolicy": {
            "includedPaths": [{"path": "/a/?"}, {"path": "/b/?"}],
            "excludedPaths": [{"path": "/*"}],
            "compositeIndexes": [[{"path": "/a"}, {"path": "/b", "order": "descending"}]],
        },
    }
    actual = {
        "id": "c",
        "_rid": "x",
        "partitionKey": {"paths": ["/p"], "kind": "Hash", "version": 2},
        "uniqueKeyPolicy": {"uniqueKeys": []},
        "conflictResolutionPolicy": {"mode": "LastWriterWins"},
        "indexingPolicy": {
            "indexingMode": "Consistent",
            "automatic": True,
            "includedPaths": [{"path": "/b/?", "indexes": []}, {"path": "/a/?"}],
            "excludedPaths": [{"path": "/*"}, {"path": '/"_etag"/?'}],
            "compositeIndexes": [[{"path": "/a", "order": "ascending"}, {"path": "/b", "order": "descending"}]],
        },
    }
    assert shape(actual) == shape(declaration)
