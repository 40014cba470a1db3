"""Point reads, and what the absence of a document is."""

from __future__ import annotations

from collections.abc import Sequence

from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from cosmos.core.database import Item

READ_SESSION_NOT_AVAILABLE = 1002
"""Sub-status of a 404 from a replica that lags behind this client's own writes: it says nothing of the document."""


async def read_or_none(
    container: ContainerProxy, item_id: str, partition: str, kinds: Sequence[str] = ()
) -> Item | None:
    """A document by one point read, None if there is none.

    Args:
        kinds: What it may be: whoever names it does not choose what is under its id. Anything, if empty.

    Raises:
        azure.core.exceptions.AzureError: it could not be told; among them a replica that lags behind.
    """
    try:
        item: Item = await container.read_item(item_id, partition)
    except CosmosResourceNotFoundError as error:
        if error.sub_status == READ_SESSION_NOT_AVAILABLE:
            raise
        return None
    return None if kinds and item.get("kind") not in kinds else item
