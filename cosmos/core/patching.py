"""Patches that more than one container needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import D, Item
from cosmos.core.swapping import Outrun, reading_refusals
from models.core.document import Document
from models.core.errors import NotFound, Stale
from models.core.revisions import Revisions

OPERATIONS_PER_PATCH = 10
"""What Cosmos DB takes. More are several patches of one transaction."""


def set_fields(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Patch operations that set top-level fields to JSON values."""
    return [{"op": "set", "path": f"/{name}", "value": value} for name, value in values.items()]


def in_tens(operations: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Operations on one document, as the patches that they take."""
    starts = range(0, len(operations), OPERATIONS_PER_PATCH)
    return [list(operations[start : start + OPERATIONS_PER_PATCH]) for start in starts]


async def patch(
    container: ContainerProxy,
    item_id: str,
    partition: str,
    operations: Sequence[dict[str, Any]],
    condition: str,
    further: Sequence[Document] = (),
) -> Item:
    """Does any number of operations to a document on which a condition holds: all of them, or none, by one request.

    Args:
        condition: Of the document `c`.
        further: New documents of the same partition, written in the same transaction.

    Returns:
        The document as it is then.

    Raises:
        Outrun: the document is gone, or the condition does not hold.
    """
    holds = f"FROM c WHERE {condition}"
    patches = in_tens(operations)
    with reading_refusals():
        if len(patches) == 1 and not further:
            item: Item = await container.patch_item(item_id, partition, patches[0], filter_predicate=holds)
            return item
        more: list[Any] = [("patch", (item_id, part)) for part in patches[1:]]
        first: Any = ("patch", (item_id, patches[0]), {"filter_predicate": holds})
        creates: list[Any] = [("create", (document.body(),)) for document in further]
        results = await container.execute_item_batch([first, *more, *creates], partition)
        patched: Item = results[len(more)]["resourceBody"]
        return patched


async def patch_if(
    container: ContainerProxy, item_id: str, partition: str, operations: Sequence[dict[str, Any]], condition: str
) -> Item | None:
    """The same, where it does not matter why not: the document as it is then, None if nothing was done."""
    try:
        return await patch(container, item_id, partition, operations, condition)
    except Outrun:
        return None


def require_revision(document: Document, expected: Revisions) -> None:
    """Raises Stale unless the document is at a revision that its editor goes by."""
    if document.revision not in expected:
        raise Stale


def at_revision(expected: Revisions) -> str:
    """The same, as a condition of the document `c`."""
    if expected.numbers is None:
        return "true"
    return f"ARRAY_CONTAINS({sorted(expected.numbers)}, c.revision)"


async def edit(
    container: ContainerProxy, before: D, after: D, condition: str = "true", further: Sequence[Document] = ()
) -> D:
    """Writes what an edit has changed for somebody who is told that others were faster: see `edit_again`.

    Raises:
        NotFound: it is gone.
        Stale: it has been edited, or the condition does not hold.
    """
    try:
        return await edit_again(container, before, after, condition, further)
    except Outrun as outrun:
        raise (NotFound(before.kind) if outrun.why == "gone" else Stale) from None


async def edit_again(
    container: ContainerProxy, before: D, after: D, condition: str = "true", further: Sequence[Document] = ()
) -> D:
    """Writes what an edit has changed, and counts the revision, unless the document has been edited since it was read.

    By a patch: what others set meanwhile in other fields, without counting the revision, stays. Without a difference
    nothing is written.

    Args:
        condition: What must hold besides, of the document `c`.
        further: New documents of the same partition, written in the same transaction.

    Returns:
        The document as it is then.

    Raises:
        Outrun: it is gone, or has been edited, or the condition does not hold.
    """
    old, new = before.body(), after.body()
    changes = {name: value for name, value in new.items() if value != old.get(name)}
    if not changes:
        return before
    operations = [*set_fields(changes), {"op": "incr", "path": "/revision", "value": 1}]
    unchanged = f"c.revision = {before.revision} AND {condition}"
    item = await patch(container, before.id, before.partition_key, operations, unchanged, further)
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

    Args:
        counter: The field that holds the revision they come from.
        condition: What must hold besides, of the document `c`.

    Returns:
        The document as it is then, None if nothing was set.
    """
    not_later = f"(NOT IS_DEFINED(c.{counter}) OR c.{counter} <= {revision}) AND {condition}"
    return await patch_if(container, item_id, partition, set_fields(totals | {counter: revision}), not_later)
