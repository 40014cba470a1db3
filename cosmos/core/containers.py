"""What `containers.json` declares: the one source for partition keys, retention and indexes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from azure.cosmos.aio import DatabaseProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError


@cache
def declared() -> dict[str, dict[str, Any]]:
    """The containers by id, each as Cosmos DB's own JSON."""
    text = Path(__file__).parents[1].joinpath("containers.json").read_text(encoding="utf-8")
    return {container["id"]: container for container in json.loads(text)["containers"]}


def retention_seconds(container: str) -> int | None:
    """How long a document is kept after its last write; None for ever."""
    seconds = declared()[container].get("defaultTtl", -1)
    return None if seconds == -1 else int(seconds)


def expiry_of(item: Mapping[str, Any], container: str) -> datetime | None:
    """When a stored document of a container expires, None for never: every write begins its retention anew."""
    seconds = item.get("ttl", retention_seconds(container))
    return None if seconds in (None, -1) else datetime.fromtimestamp(item["_ts"] + seconds, UTC)


async def differing(database: DatabaseProxy) -> list[str]:
    """The declared containers that are missing, or are not as declared: in keys, retention or indexes.

    Raises:
        azure.core.exceptions.AzureError: the database can't be asked.
    """

    async def differs(name: str) -> bool:
        try:
            actual = await database.get_container_client(name).read()
        except CosmosResourceNotFoundError:
            return True
        return shape(actual) != shape(declared()[name])

    names = list(declared())
    return [name for name, wrong in zip(names, await asyncio.gather(*map(differs, names)), strict=True) if wrong]


def shape(container: Mapping[str, Any]) -> dict[str, Any]:
    """What matters of a container's definition, alike whether it is declared or read from an account.

    An account fills in defaults, adds the path of `_etag` to those that are not indexed, and keeps no order of paths.
    """
    key, indexes = container["partitionKey"], container.get("indexingPolicy", {})
    composites = (
        tuple((part["path"], part.get("order", "ascending").lower()) for part in parts)
        for parts in indexes.get("compositeIndexes", [])
    )
    return {
        "partition key": (tuple(key["paths"]), key.get("kind", "Hash")),
        "retention": container.get("defaultTtl"),
        "unique keys": {tuple(key["paths"]) for key in container.get("uniqueKeyPolicy", {}).get("uniqueKeys", [])},
        "indexing mode": indexes.get("indexingMode", "consistent").lower(),
        "included": _paths(indexes.get("includedPaths", [])),
        "excluded": _paths(indexes.get("excludedPaths", [])) - {'/"_etag"/?'},
        "composite": set(composites),
        "full text": _paths(indexes.get("fullTextIndexes", [])),
        "full text policy": _paths(container.get("fullTextPolicy", {}).get("fullTextPaths", [])),
    }


def _paths(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    return {entry["path"] for entry in entries}
