"""What a request to Cosmos DB is told to ask for; requests as the SDK makes them are in the tests of telemetry."""

from __future__ import annotations

import pytest

from cosmos.core.request_kind import Asked

ACCOUNT = "https://account.documents.azure.com:443"
DOCS = f"{ACCOUNT}/dbs/vimarsh/colls/users/docs"


@pytest.mark.parametrize(
    ("method", "url", "headers", "operation"),
    [
        ("GET", f"{DOCS}/someone/", {}, "read_item"),
        ("PUT", f"{DOCS}/someone/", {}, "replace_item"),
        ("PATCH", f"{DOCS}/someone/", {}, "patch_item"),
        ("DELETE", f"{DOCS}/someone/", {}, "delete_item"),
        ("POST", f"{DOCS}/", {}, "create_item"),
        ("POST", f"{DOCS}/", {"x-ms-documentdb-is-upsert": "True"}, "upsert_item"),
        ("POST", f"{DOCS}/", {"x-ms-documentdb-isquery": "true"}, "query_items"),
        ("POST", f"{DOCS}/", {"x-ms-cosmos-is-batch-request": "True"}, "execute_batch"),
        (
            "POST",
            f"{DOCS}/",
            {"x-ms-documentdb-isquery": "true", "x-ms-cosmos-is-query-plan-request": "True"},
            "query_plan",
        ),
        ("GET", f"{DOCS}/", {"a-im": "Incremental feed"}, "query_items_change_feed"),
        ("GET", f"{DOCS}/", {}, "read_all_items"),
        ("GET", f"{ACCOUNT}/dbs/vimarsh/colls/users/pkranges/", {}, "read_partition_key_ranges"),
        ("GET", f"{ACCOUNT}/dbs/vimarsh/colls/users/", {}, "read_container"),
        ("GET", f"{ACCOUNT}/dbs/vimarsh/", {}, "read_database"),
        ("GET", f"{ACCOUNT}/", {}, "read_account"),
        ("GET", f"{ACCOUNT}/dbs/vimarsh/colls/users/conflicts/", {}, "other"),
    ],
)
def test_operation_is_told_from_method_path_and_headers(
    method: str, url: str, headers: dict[str, str], operation: str
) -> None:
    asked = Asked.by(method, url, headers)
    assert asked.operation == operation
    assert asked.database == ("vimarsh" if "/dbs/" in url else "")
    assert asked.container == ("users" if "/colls/" in url else "")
    assert "someone" not in str(asked)
