"""Container `user_analytics`: that a user was there on a day of UTC, so that the platform counts them once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.core.values import Count
from models.counting.bucket import Balance, Bucket, bucket_id
from models.counting.bucket_document import BucketDocument


class Presence(BucketDocument):
    """One user on one day of UTC, which may hold parts of two days of their own calendar."""

    kind: Literal["presence"] = "presence"
    analytics_period: Literal["presence"] = Field(default="presence", description="One user on one day of UTC")
    turns: Count = Field(description="Turns on that day")

    @classmethod
    def of(cls, user_id: str, bucket: Bucket, balance: Balance, revision: int) -> Presence:
        return cls.model_validate(
            {
                "id": bucket_id(user_id, bucket),
                "partition_key": user_id,
                "revision": revision,
                "period_key": bucket.key,
                "sums": balance.sums,
                "first_activity": balance.first,
                "last_activity": balance.last,
                "turns": balance.sums.get("interactions", 0),
            }
        )
