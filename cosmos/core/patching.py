"""Patches that more than one container needs."""

from __future__ import annotations

from typing import Any

from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError

from cosmos.core.database import D, Item
from models.core.document import Document
from models.core.errors import NotFound, Stale
from models.core.revisions import Revisions

LOST = 412


def set_fields(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Patch operations that set top-level fields to JSON values."""
    return [{"op": "set", "path": f"/{name}", "value": value} for name, value in values.items()]


def require_revision(document: Document, expected: Revisions) -> None:
    """Raises Stale unless the document is at a revision that its editor goes by."""
    if document.revision not in expected:
        raise Stale


def at_revision(expected: Revisions) -> str:
    """The same, as a condition of the document `c`."""
    if expected.numbers is None:
        return "true"
    return f"ARRAY_CONTAINS({sorted(expected.numbers)}, c.revision)"


async def edit(container: ContainerProxy, before: D, after: D, condition: str = "true") -> D:
    """Writes what an edit has changed, and counts the revision, unless the document has been edited since it was read.

    By a patch: what others set meanwhile in other fields, without counting the revision, stays. Without a difference
    nothing is written. At most nine fields: a patch takes ten operations.

    Args:
        condition: What must hold besides, of the document `c`.

    Returns:
        The document as it is then.

    Raises:
        NotFound: it is gone.
        Stale: it has been edited, or the condition does not hold.
    """
    old, new = before.body(), after.body()
    changes = {name: value for name, value in new.items() if value != old.get(name)}
    if not changes:
        return before
    operations = [*set_fields(changes), {"op": "incr", "path": "/revision", "value": 1}]
    try:
        item = await container.patch_item(
            before.id,
            before.partition_key,
            operations,
            filter_predicate=f"FROM c WHERE c.revision = {before.revision} AND {condition}",
        )
    except CosmosResourceNotFoundError:
        raise NotFound(before.kind) from None
    except CosmosHttpResponseError as error:
        if error.status_code == LOST:
            raise Stale from None
        raise
    return type(before).parse(item)


async def set_totals_if_newer(
    container: ContainerProxy,
    item_id: str,
    partition: str,
    totals: dict[str, Any],
    revision: int,
    counter: str = "totals_revision",
    condition: str = "true",
) -> Item | None:
    """Sets a rollup's totals on a document, unless it has those of a later revision, or is gone.

    Those of the same revision are set again: a caller that crashed before its next step gets to it when it repeats.
    At most nine totals: a patch takes ten operations.

    Args:
        counter: The field that holds the revision they come from.
        condition: What must hold besides, of the document `c`.

    Returns:
        The document as it is then, None if nothing was set.
    """
    not_later = f"FROM c WHERE (NOT IS_DEFINED(c.{counter}) OR c.{counter} <= {revision}) AND {condition}"
    operations = set_fields(totals | {counter: revision})
    try:
        item: Item = await container.patch_item(item_id, partition, operations, filter_predicate=not_later)
    except CosmosResourceNotFoundError:
        return None
    except CosmosHttpResponseError as error:
        if error.status_code == LOST:
            return None
        raise
    return item
