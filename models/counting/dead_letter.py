"""Container `user_analytics`: changes that could not be folded."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from models.core.document import Document
from models.core.values import Timestamp


class DeadLetter(Document):
    """A change that could not be folded, with the error: kept until it is driven again."""

    container: ClassVar[str] = "user_analytics"

    kind: Literal["dead_letter"] = "dead_letter"
    source_container: str = Field(description="Container of the document that could not be counted")
    source_id: str = Field(description="Its id")
    source_partition: str = Field(description="Its partition key")
    error: str = Field(description="What was wrong with it; names fields, quotes no values")
    failed_at: Timestamp = Field(description="When it failed last")

    @classmethod
    def of(cls, container: str, item: dict[str, Any], error: str, now: datetime) -> DeadLetter:
        """The letter for one item; the same item fails into the same letter."""
        source_id, partition = str(item.get("id")), str(item.get("partition_key"))
        digest = hashlib.sha256(f"{container}/{partition}/{source_id}".encode()).hexdigest()[:32]
        return cls(
            id=f"dead-letter-{digest}",
            partition_key=partition,
            source_container=container,
            source_id=source_id,
            source_partition=partition,
            error=error,
            failed_at=now,
        )
