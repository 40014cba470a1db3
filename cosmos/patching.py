"""Patches that more than one container needs."""

from __future__ import annotations

from typing import Any

from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError


def set_fields(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Patch operations that set top-level fields to JSON values."""
    return [{"op": "set", "path": f"/{name}", "value": value} for name, value in values.items()]


async def set_totals_if_newer(
    container: ContainerProxy, item_id: str, partition: str, totals: dict[str, Any], revision: int
) -> None:
    """Sets a rollup's totals on a document, unless it has those of a later revision, or is gone.

    At most nine totals: a patch takes ten operations.
    """
    older = f"FROM c WHERE NOT IS_DEFINED(c.totals_revision) OR c.totals_revision < {revision}"
    operations = set_fields(totals | {"totals_revision": revision})
    try:
        await container.patch_item(item_id, partition, operations, filter_predicate=older, no_response=True)
    except CosmosResourceNotFoundError:
        return
    except CosmosHttpResponseError as error:
        if error.status_code != 412:
            raise
