"""Conditional writes: made unless others were faster, in which case whoever makes them goes on from what is there now.

Here is the one place that reads why Cosmos DB did not make one: 404, 409 and 412. A document that is too large (413) is
nobody's condition, and ends where all faults of Cosmos DB do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar, get_args

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Item
from cosmos.core.reading import READ_SESSION_NOT_AVAILABLE, read_or_none
from cosmos.core.status import CONFLICT, NOT_FOUND, PRECONDITION_FAILED
from models.core.errors import Contention

T = TypeVar("T")

ATTEMPTS = 20
SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.5

Why = Literal["gone", "exists", "changed"]
_WHY: dict[int | None, Why] = {NOT_FOUND: "gone", CONFLICT: "exists", PRECONDITION_FAILED: "changed"}

Change = Callable[[Item | None], Item | None]
"""From the document as it is, None if there is none, to its new body; None leaves it as it is."""


class Outrun(Contention):
    """A conditional write was not made.

    Attributes:
        why: `gone`, there is no such document (any more); `exists`, there is one already; `changed`, it has another
            ETag, or the condition of a patch does not hold.
        index: Which operation of a transaction it was.
    """

    def __init__(self, why: Why, index: int = 0) -> None:
        super().__init__(f"a document was {why} when it was to be written")
        self.why = why
        self.index = index


@contextmanager
def reading_refusals(reasons: Collection[Why] = get_args(Why)) -> Iterator[None]:
    """Has what Cosmos DB refuses for its condition raise Outrun, if it is for one of these reasons."""
    try:
        yield
    except HttpResponseError as error:
        why = _WHY.get(error.status_code)
        if why not in reasons or why is None or getattr(error, "sub_status", None) == READ_SESSION_NOT_AVAILABLE:
            raise
        raise Outrun(why, getattr(error, "error_index", None) or 0) from None


async def write_over(container: ContainerProxy, body: Item, etag: str | None) -> Item:
    """Writes a document over the state with this ETag, or as a new one without; the document as it is then.

    Raises:
        Outrun: it is not as it was.
    """
    if etag is None:
        with reading_refusals(["exists"]):  # where a new one finds nothing, the container is gone
            return await container.create_item(body)
    with reading_refusals():
        condition = MatchConditions.IfNotModified
        return await container.replace_item(body["id"], body, etag=etag, match_condition=condition)


async def delete(container: ContainerProxy, item_id: str, partition: str, etag: str | None = None) -> None:
    """Deletes a document; with an ETag, only if it still is as it was read with it.

    Raises:
        Outrun: it is gone, or not as it was.
    """
    with reading_refusals():
        condition: Any = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        await container.delete_item(item_id, partition, **condition)


async def transact(container: ContainerProxy, operations: Sequence[Any], partition: str) -> list[Item]:
    """Makes all operations of a transaction or none; what each came to.

    Raises:
        Outrun: others were faster.
    """
    with reading_refusals():
        results: list[Item] = await container.execute_item_batch(list(operations), partition)
        return results


def written_over(body: Item, etag: str | None) -> Any:
    """The operation of a transaction that writes a document as `write_over` does."""
    return ("replace", (body["id"], body), {"if_match_etag": etag}) if etag else ("create", (body,))


def deleted(item_id: str, etag: str) -> Any:
    """The operation of a transaction that deletes a document which still is as it was read with this ETag."""
    return ("delete", (item_id,), {"if_match_etag": etag})


async def repeat(what: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """What an attempt at a change comes to, made again from its beginning where others were faster.

    Each begins after a pause at random, so that those who lost against each other don't meet again.

    Args:
        what: Is changed, for whoever reads the log.

    Raises:
        Contention: others were faster every time; safe to try again.
    """
    for lost in range(ATTEMPTS):
        await pause(lost)
        try:
            return await attempt()
        except Outrun:
            continue
    raise Contention(f"{what} was changed by others {ATTEMPTS} times")


async def pause(lost: int) -> None:
    """Waits after so many losses, at random."""
    if lost:
        seconds: Any = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**lost)
        await asyncio.sleep(random.uniform(0, seconds))  # noqa: S311  # no secret


async def swap(container: ContainerProxy, item_id: str, partition: str, change: Change) -> Item | None:
    """Compare-and-swap: applies a change to one document, once, whoever else writes it; the document as it is then.

    By a point read and a conditional write, again from the read where somebody was faster. `change` may be called
    several times, and raises what is to be told to the caller.

    Raises:
        Contention: others were faster every time; safe to try again.
        azure.core.exceptions.AzureError: Cosmos DB is out of order, or can't take it.
    """

    async def swapped() -> Item | None:
        held = await read_or_none(container, item_id, partition)
        body = change(held)
        return held if body is None else await write_over(container, body, held["_etag"] if held else None)

    return await repeat(f"a document of {container.id}", swapped)
