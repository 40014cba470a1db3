"""Things that people favour, rate and review: named by a type and an id, whatever they are."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

ItemType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$", max_length=32)]
"""Such as `agent`, `document`, `content_item`: an open list."""

ItemId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:~-]{1,128}$", max_length=128)]
"""The thing's own id. The characters are those that are plain in a path."""

METADATA_BYTES = 4096
METADATA_NAMES = 16


def item_partition(item_type: str, item_id: str) -> str:
    """The partition of what people say of a thing, and of what is counted of it."""
    return f"item:{item_type}:{item_id}"


def item_of(partition: str) -> tuple[str, str] | None:
    """The type and id of the thing that a partition is of; None if it is of none."""
    what, _, rest = partition.partition(":")
    item_type, _, item_id = rest.partition(":")
    return (item_type, item_id) if what == "item" and item_id else None


def _small(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(metadata) > METADATA_NAMES or len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES:
        raise ValueError(f"may have {METADATA_NAMES} names and {METADATA_BYTES} bytes as JSON")
    return metadata


Metadata = Annotated[dict[str, str | int | float | bool | None], AfterValidator(_small)]
"""What a client notes besides, by names of its own: `METADATA_NAMES` of them and `METADATA_BYTES` at most."""
