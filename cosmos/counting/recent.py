"""What this process has written last, so that it need not ask for it again."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from cachetools import LRUCache, TTLCache

from cosmos.core.database import Stored
from models.core.document import Document

DOCUMENTS = 4000
"""Of some ten kilobytes each; what has been touched longest ago goes first."""

SHARED_SECONDS = 600.0
"""A partition that others write, too, is read as usual for so long: where several write at once, what each of them
knows is out of date nearly every time."""


class Recent:
    """Documents with their ETags, by id, of partitions that this process writes again and again.

    What is here may be out of date: others write, too. That is no harm where each document that a transaction starts
    from is written under its ETag: such a transaction fails, and whoever made it says so and reads.
    """

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, str], Stored[Any]] = LRUCache(DOCUMENTS)
        self._shared: TTLCache[str, bool] = TTLCache(DOCUMENTS, SHARED_SECONDS, timer=time.monotonic)

    def is_shared(self, partition: str) -> bool:
        """Whether others have been met in a partition lately."""
        return partition in self._shared

    def known(self, partition: str, ids: Iterable[str]) -> dict[str, Stored[Any]]:
        """Those of the documents that are here."""
        found = {item_id: self._known.get((partition, item_id)) for item_id in ids}
        return {item_id: known for item_id, known in found.items() if known is not None}

    def keep(
        self,
        partition: str,
        documents: Sequence[Document],
        results: Iterable[Mapping[str, Any]],
        without: Collection[str] = (),
    ) -> None:
        """Takes what a batch has written, with the ETags from its answer, but for those of some ids."""
        for document, result in zip(documents, results, strict=True):
            if document.id in without:
                self._known.pop((partition, document.id), None)
            else:
                self._known[partition, document.id] = Stored(document, result["eTag"])

    def outrun(self, partition: str, ids: Collection[str]) -> None:
        """Forgets what turned out to be out of date: others write there, too."""
        self._shared[partition] = True
        for item_id in ids:
            self._known.pop((partition, item_id), None)
