"""Compare-and-swap: one document, changed on the condition that nobody else changes it meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from cosmos.core.database import Item
from cosmos.core.reading import read_or_none
from models.core.errors import Contention

ATTEMPTS = 20
SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.5

Change = Callable[[Item | None], Item | None]
"""From the document as it is, None if there is none, to its new body; None leaves it as it is."""


async def swap(container: ContainerProxy, item_id: str, partition: str, change: Change) -> Item | None:
    """Applies a change to one document, once, whoever else writes it; the document as it is then.

    By a point read and a conditional write, again from the read where somebody was faster. `change` may be called
    several times, and raises what is to be told to the caller.

    Raises:
        Contention: others were faster every time; safe to try again.
        azure.core.exceptions.AzureError: Cosmos DB is out of order, or can't take it.
    """
    for lost in range(ATTEMPTS):
        await pause(lost)
        held = await read_or_none(container, item_id, partition)
        body = change(held)
        if body is None:
            return held
        try:
            if held is None:
                return await container.create_item(body)
            return await container.replace_item(
                item_id, body, etag=held["_etag"], match_condition=MatchConditions.IfNotModified
            )
        except (CosmosAccessConditionFailedError, CosmosResourceExistsError, CosmosResourceNotFoundError):
            continue
    raise Contention(f"a change of a document of {container.id} lost {ATTEMPTS} times")


async def pause(lost: int) -> None:
    """Waits after so many losses, at random, so that those who lost against each other don't meet again."""
    if lost:
        seconds: Any = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**lost)
        await asyncio.sleep(random.uniform(0, seconds))  # noqa: S311  # no secret
