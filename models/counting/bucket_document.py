"""Container `user_analytics`: what all documents have that hold a bucket."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from models.core.document import Document
from models.core.values import Saturated, Timestamp
from models.counting.bucket import Balance, Bucket


class BucketDocument(Document):
    """A bucket as it is stored: exact sums, and whatever is derived from them for its readers.

    `id` is `<partition_key>:<period>:<key>`.
    """

    container: ClassVar[str] = "user_analytics"

    analytics_period: str
    period_key: str = Field(description="Which period: 2026-11-20, 2026-W47, 2026-11, a session's id, or empty")
    sums: dict[str, Saturated] = Field(description="Exact sums by measure: what all else is derived from")
    first_activity: Timestamp | None = Field(
        description="Earliest turn counted, also if it was taken out since and others were not; null without one"
    )
    last_activity: Timestamp | None = Field(
        description="Latest turn counted, also if it was taken out since and others were not; null without one"
    )
    told_revision: int = Field(
        default=0,
        ge=0,
        description="Its revision when that last changed which others count of it; 0 while they count nothing of it",
    )
    counted_revision: int = Field(
        default=0,
        ge=0,
        description="Its revision when other buckets of its partition last counted it, in the transaction that wrote "
        "it; 0 if none did",
    )

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.analytics_period, self.period_key)

    @property
    def balance(self) -> Balance:
        return Balance(self.sums, self.first_activity, self.last_activity)
