"""Container `user_analytics`: users who began on the same day: how many of them came back."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from models.core.values import Count
from models.counting.bucket import Balance, Bucket, Sums, bucket_id
from models.counting.bucket_document import BucketDocument

RETENTION_DAYS = (1, 7, 30)
"""Whether a cohort's users came back is looked at from that many days after their first."""


class UserGroup(BucketDocument):
    """How many users there are of a cohort, and how many of them had turns again later.

    Days are those of the time zone that most of a user's turns were stamped with.
    """

    kind: Literal["user_group"] = "user_group"
    analytics_period: Literal["cohort"] = Field(
        default="cohort", description="`cohort`: users whose first turn was on the same day"
    )
    users: Count = Field(description="Users whose first turn was on that day")
    returned_day_1: Count = Field(description="Of them, those with turns on the day after or later")
    returned_day_7: Count = Field(description="Of them, those with turns 7 days after or later")
    returned_day_30: Count = Field(description="Of them, those with turns 30 days after or later")

    def returned(self, days: int) -> int:
        """Its users with turns so many days after their first or later; one of `RETENTION_DAYS`."""
        return self.sums.get(f"day_{days}", 0)

    @classmethod
    def of(cls, partition: str, bucket: Bucket, balance: Balance, revision: int) -> UserGroup:
        sums = balance.sums
        return cls.model_validate(
            {
                "id": bucket_id(partition, bucket),
                "partition_key": partition,
                "revision": revision,
                "period_key": bucket.key,
                "sums": sums,
                "first_activity": balance.first,
                "last_activity": balance.last,
                "users": sums.get("users", 0),
            }
            | {f"returned_day_{days}": sums.get(f"day_{days}", 0) for days in RETENTION_DAYS}
        )


def returns(first: date, last: date) -> Sums:
    """By which of `RETENTION_DAYS` a user with turns on these days, the first and the last, had come back."""
    return {f"day_{days}": 1 for days in RETENTION_DAYS if (last - first).days >= days}
