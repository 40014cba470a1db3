"""What a client may ask for when it creates or replaces a database or a container."""

from typing import Any

from local.cosmosdb.errors import bad_request
from local.cosmosdb.indexing import complete_policy
from local.cosmosdb.partitioning import PartitionKeyDefinition, parse_path

_MAX_RESOURCE_ID = 255
_MAX_TTL = 2**31 - 1
_MAX_LEVELS = 3
_FORBIDDEN = frozenset("/\\?#")
_SYSTEM_DEFAULTS: dict[str, Any] = {
    "conflictResolutionPolicy": {
        "mode": "LastWriterWins",
        "conflictResolutionPath": "/_ts",
        "conflictResolutionProcedure": "",
    },
    "geospatialConfig": {"type": "Geography"},
}


def check_resource_id(body: Any) -> str:
    """The valid `id` of a database or container body; raises CosmosError."""
    if not isinstance(body, dict):
        raise bad_request("The request payload is invalid. Ensure to provide a valid request payload.")
    name = body.get("id")
    if name is None:
        raise bad_request("The input content is invalid because the required properties - 'id; ' - are missing")
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_RESOURCE_ID:
        raise bad_request(
            "The input name is invalid. Ensure to provide a unique non-empty string less than '255' characters."
        )
    if _FORBIDDEN & set(name) or name.endswith(" "):
        raise bad_request(f"The input name '{name}' is invalid: it must not contain / \\ ? # or end in a space.")
    return name


def complete_container(body: dict[str, Any]) -> dict[str, Any]:
    """A container's body with every default that the service adds; raises CosmosError where it is invalid."""
    completed = {**_SYSTEM_DEFAULTS, **body}
    completed["partitionKey"] = _complete_partition_key(body.get("partitionKey"))
    completed["indexingPolicy"] = complete_policy(body.get("indexingPolicy"))
    unique = body.get("uniqueKeyPolicy")
    if unique:
        unique_key_paths(unique)
    else:
        completed.pop("uniqueKeyPolicy", None)
    ttl = body.get("defaultTtl")
    if ttl is None:
        completed.pop("defaultTtl", None)
    elif not is_ttl(ttl):
        raise bad_request(f"The input ttl '{ttl}' is invalid. {TTL_RULE}")
    return completed


TTL_RULE = (
    "Ensure to provide a nonzero positive integer less than or equal to '2147483647', or '-1' which means never expire."
)


def is_ttl(value: Any) -> bool:
    """Whether a value can be a time to live in seconds."""
    return isinstance(value, int) and not isinstance(value, bool) and (value == -1 or 0 < value <= _MAX_TTL)


def partition_key_definition(body: dict[str, Any]) -> PartitionKeyDefinition:
    return PartitionKeyDefinition(tuple(body["paths"]), body["kind"], body["version"])


def unique_key_paths(policy: Any) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """The paths of each unique key as property names."""
    keys = policy.get("uniqueKeys") if isinstance(policy, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) and key.get("paths") for key in keys):
        raise bad_request("The unique key policy must list unique keys with at least one path each.")
    return tuple(tuple(parse_path(path) for path in key["paths"]) for key in keys)


def _complete_partition_key(definition: Any) -> dict[str, Any]:
    paths = definition.get("paths") if isinstance(definition, dict) else None
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise bad_request("The partition key definition must have at least one path.")
    completed = {**definition, "kind": definition.get("kind", "Hash"), "version": definition.get("version", 1)}
    most = {"Hash": 1, "MultiHash": _MAX_LEVELS}.get(completed["kind"])
    if most is None:
        raise bad_request(f"The partition key kind '{completed['kind']}' is invalid.")
    if len(paths) > most:
        raise bad_request(f"Too many partition key paths specified. At most '{most}' can be specified.")
    if completed["version"] not in (1, 2) or (completed["kind"] == "MultiHash" and completed["version"] != 2):
        raise bad_request(f"The partition key version '{completed['version']}' is invalid.")
    for path in paths:
        parse_path(path)
    return completed
