"""What is written beside the buckets, in the same transaction: a document that follows from a partition's sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.core.document import Document


@dataclass(frozen=True, kw_only=True)
class Companion:
    """A document that each fold of a partition reads, and may write.

    In its place a tombstone bars the partition: of a user who is erased nothing is counted.

    Attributes:
        id_of: Its id in a partition; None in partitions without one.
        parse: The document in an item.
        after: What it is after sources that are new in the ledger, by their contexts; itself if they change nothing.
    """

    id_of: Callable[[str], str | None]
    parse: Callable[[Mapping[str, Any]], Document]
    after: Callable[[str, Document | None, Sequence[Any]], Document | None]


NO_COMPANION = Companion(id_of=lambda partition: None, parse=Document.model_validate, after=lambda *_: None)
