"""What this process has written last of the platform's documents, so that it need not ask for them again."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cachetools import LRUCache

from cosmos.core.database import Item

DOCUMENTS = 1000
"""Of a few kilobytes each; what has been touched longest ago goes first."""

SHARED_SECONDS = 600.0
"""A partition that others write, too, is read as usual for so long: where several write at once, what each of them
knows is out of date nearly every time."""


class Recent:
    """Documents with their ETags, by id, of partitions that this process writes again and again.

    What is here may be out of date: others write, too. That is no harm where each document that a transaction starts
    from is written under its ETag: such a transaction fails, and whoever made it says so and reads.
    """

    def __init__(self) -> None:
        self._items: LRUCache[tuple[str, str], Item] = LRUCache(DOCUMENTS)
        self._shared_until: dict[str, float] = {}

    def known(self, partition: str, ids: Iterable[str]) -> dict[str, Item]:
        """Those of the documents that are here, and may be used."""
        if time.monotonic() < self._shared_until.get(partition, 0.0):
            return {}
        found = {item_id: self._items.get((partition, item_id)) for item_id in ids}
        return {item_id: item for item_id, item in found.items() if item is not None}

    def remember(self, partition: str, items: Iterable[Item]) -> None:
        for item in items:
            self._items[partition, item["id"]] = item

    def written(self, partition: str, results: Iterable[Mapping[str, Any]]) -> None:
        """Takes the documents from the answer to a batch."""
        self.remember(partition, (result["resourceBody"] for result in results if result.get("resourceBody")))

    def outrun(self, partition: str, ids: Collection[str]) -> None:
        """Forgets what turned out to be out of date: others write there, too."""
        self._shared_until[partition] = time.monotonic() + SHARED_SECONDS
        for item_id in ids:
            self._items.pop((partition, item_id), None)
