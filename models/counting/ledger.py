"""Container `user_analytics`: the ledger of what has been counted."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from models.core.document import Document
from models.counting.fold import Applied


class LedgerEntry(Document):
    """Which revision of a source document has been folded, and what it contributed to which buckets."""

    container: ClassVar[str] = "user_analytics"

    kind: Literal["ledger"] = "ledger"
    ttl: int | None = Field(
        default=None,
        description="As long as the turn that it is of; sessions, days and months 5 years; bookmarks for ever",
    )
    source: str = Field(description="Key of the source document, such as interaction:<id>")
    source_revision: int = Field(ge=1, description="The revision of the source that has been counted")
    applied: dict[str, dict[str, int]] = Field(description="Measures by name of the bucket")

    @property
    def as_applied(self) -> Applied:
        return Applied(self.source_revision, self.applied, self.ttl)

    @classmethod
    def of(cls, partition: str, source: str, applied: Applied, revision: int) -> LedgerEntry:
        return cls(
            id=ledger_id(source),
            partition_key=partition,
            revision=revision,
            source=source,
            source_revision=applied.revision,
            applied={bucket: dict(sums) for bucket, sums in applied.contributions.items()},
            ttl=applied.ttl,
        )


def ledger_id(source: str) -> str:
    return f"ledger:{source}"
