"""What a request on its way to Cosmos DB asks for: the operation and the container, never whose data or which document.

The REST protocol tells operations apart by method, path and headers. Names are those that OpenTelemetry's conventions
for Cosmos DB list, and alike for what they don't.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_BY_HEADER = {
    "x-ms-cosmos-is-query-plan-request": "query_plan",
    "x-ms-documentdb-isquery": "query_items",
    "x-ms-cosmos-is-batch-request": "execute_batch",
    "x-ms-documentdb-is-upsert": "upsert_item",
}
"""Headers, one of which says what a document that is posted really is, in the order that decides."""

_ON_DOCUMENT = {"GET": "read_item", "PUT": "replace_item", "PATCH": "patch_item", "DELETE": "delete_item"}


@dataclass(frozen=True)
class Asked:
    """What a request asks for.

    Attributes:
        database: Its name; "" where the request is about the account.
        container: Its name; "" where the request is about none.
    """

    operation: str
    database: str
    container: str

    @classmethod
    def by(cls, method: str, url: str, headers: Mapping[str, str]) -> Asked:
        """What is asked for by a request with these headers, whose names are in lower case or in any."""
        parts = urlsplit(url).path.strip("/").split("/")
        names = dict(zip(parts[::2], parts[1::2], strict=False))
        return cls(_operation(method, parts, headers), names.get("dbs", ""), names.get("colls", ""))


def _operation(method: str, parts: list[str], headers: Mapping[str, str]) -> str:
    match parts:
        case [""]:
            return "read_account"
        case ["dbs", _]:
            return f"{_verb(method)}_database"
        case ["dbs", _, "colls", _]:
            return f"{_verb(method)}_container"
        case ["dbs", _, "colls", _, "pkranges"]:
            return "read_partition_key_ranges"
        case ["dbs", _, "colls", _, "docs"] if method == "POST":
            return next((name for header, name in _BY_HEADER.items() if _is_set(headers, header)), "create_item")
        case ["dbs", _, "colls", _, "docs"]:
            return "query_items_change_feed" if headers.get("a-im") else "read_all_items"
        case ["dbs", _, "colls", _, "docs", _]:
            return _ON_DOCUMENT.get(method, "other")
        case _:
            return "other"


def _verb(method: str) -> str:
    return {"GET": "read", "PUT": "replace", "DELETE": "delete"}.get(method, "create")


def _is_set(headers: Mapping[str, str], name: str) -> bool:
    return headers.get(name, "").lower() == "true"
