"""Where each stored document counts, by the declaration of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cosmos.core.containers import retention_seconds
from cosmos.core.database import Item
from models.core.dates_in_text import in_one_form
from models.core.kinds import Kind
from models.core.pseudonyms import Pseudonyms
from models.counting.buckets import Buckets
from models.counting.fold import PartitionedSource


class Sources:
    """A document's sources, each with the partition that counts it.

    Attributes:
        buckets: The kinds of buckets.
        names: Names for what the platform counts.
    """

    def __init__(self, kinds: Mapping[str, Kind[Any]], buckets: Buckets, names: Pseudonyms) -> None:
        self._kinds = kinds
        self.buckets = buckets
        self.names = names

    @property
    def platform(self) -> list[str]:
        """The platform's partitions, those first that count documents."""
        return self.names.partitions

    @property
    def rebuilt(self) -> list[Kind[Any]]:
        """The kinds of documents that count for their owner."""
        return [kind for kind in self._kinds.values() if kind.rebuilt]

    def counts(self, item: Item) -> bool:
        """Whether documents of this kind count anywhere."""
        name = str(item.get("kind"))
        return name in self.buckets.counted_again or (name in self._kinds and self._kinds[name].counts is not None)

    def of(self, item: Item) -> list[PartitionedSource]:
        """What a document counts.

        Raises:
            pydantic.ValidationError: it is not valid.
        """
        if item["kind"] in self.buckets.by_kind:
            return self.buckets.sources(self.buckets.parsed(item), self.names)
        kind = self._kinds[item["kind"]]
        if kind.counts is None:
            return []
        sources: list[PartitionedSource] = kind.counts(kind.model.parse(in_one_form(item)), self.names)
        if not kind.remembered:
            return sources
        kept = retention_seconds(kind.model.container)
        return [(partition, replace(source, ttl=kept)) for partition, source in sources]
