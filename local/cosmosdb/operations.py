"""What a request is going to do, by the names that the request counters use, before it is done."""

from local.cosmosdb.messages import Request

_DATABASE, _CONTAINER = "dbs/*", "dbs/*/colls/*"
_NAMES = {
    ("GET", ""): "read_account",
    ("GET", "dbs"): "list_databases",
    ("POST", "dbs"): "create_database",
    ("GET", _DATABASE): "read_database",
    ("DELETE", _DATABASE): "delete_database",
    ("GET", f"{_DATABASE}/colls"): "list_containers",
    ("POST", f"{_DATABASE}/colls"): "create_container",
    ("GET", _CONTAINER): "read_container",
    ("PUT", _CONTAINER): "replace_container",
    ("DELETE", _CONTAINER): "delete_container",
    ("GET", f"{_CONTAINER}/pkranges"): "read_ranges",
    ("POST", f"{_CONTAINER}/operations/partitionkeydelete"): "delete_partition",
    ("GET", f"{_CONTAINER}/docs"): "read_feed",
    ("POST", f"{_CONTAINER}/docs"): "create",
    ("GET", f"{_CONTAINER}/docs/*"): "read",
    ("PUT", f"{_CONTAINER}/docs/*"): "replace",
    ("PATCH", f"{_CONTAINER}/docs/*"): "patch",
    ("DELETE", f"{_CONTAINER}/docs/*"): "delete",
    ("GET", f"{_CONTAINER}/conflicts"): "read_conflicts",
    ("POST", f"{_CONTAINER}/conflicts"): "read_conflicts",
    ("GET", "offers"): "list_offers",
    ("POST", "offers"): "query_offers",
    ("GET", "offers/*"): "read_offer",
    ("PUT", "offers/*"): "replace_offer",
}
_QUERIES = {"create": "query", "create_database": "query_databases", "create_container": "query_documentcollections"}
_POSTED = (
    ("x-ms-cosmos-is-query-plan-request", "query_plan"),
    ("x-ms-documentdb-isquery", "query"),
    ("x-ms-cosmos-is-batch-request", "batch"),
    ("x-ms-documentdb-is-upsert", "upsert"),
)
OPERATIONS = frozenset({*_NAMES.values(), *_QUERIES.values(), *(name for _, name in _POSTED), "change_feed"})


def operation_of(request: Request) -> str:
    """Its name, e.g. `upsert`; "" for a request that nothing answers. Raises CosmosError for a malformed flag."""
    name = _NAMES.get((request.method, request.address.shape), "")
    if name == "create":
        return next((posted for header, posted in _POSTED if request.flag(header)), name)
    if name == "read_feed" and "a-im" in request.headers:
        return "change_feed"
    if name in _QUERIES and request.flag("x-ms-documentdb-isquery"):
        return _QUERIES[name]
    return name
