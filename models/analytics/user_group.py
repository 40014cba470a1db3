"""Container `user_analytics`: users who began in the same week, and all of them: how many came back, and use what."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from models.core.values import Count
from models.counting.bucket import Balance, Bucket, bucket_id, ratio
from models.counting.bucket_document import Counted

WEEKS_FOLLOWED = 12
"""Whether a cohort's users come back is looked at for this many weeks after their first."""

FEATURES = ["bookmarking", "multiple_personalities", "follow_up_questions"]


class UserGroup(Counted):
    """How many users there are of a group, and how many of them did what."""

    kind: Literal["user_group"] = "user_group"
    analytics_period: Literal["cohort", "growth"] = Field(
        description="`cohort`: users whose first turn was in the same week; `growth`: all users"
    )
    users: Count = Field(description="Users with turns")
    retention: list[float] = Field(
        description="Of a cohort: the share of its users with turns in the nth week after their first, 1st first; 0-1"
    )
    feature_adoption: dict[str, float] = Field(description="Of all users: the share that has used a feature, 0-1")

    @classmethod
    def of(cls, partition: str, bucket: Bucket, balance: Balance, revision: int) -> UserGroup:
        sums = balance.sums
        users, is_cohort = sums.get("users", 0), bucket.period == "cohort"
        weeks, features = (range(1, WEEKS_FOLLOWED + 1), []) if is_cohort else (range(0), FEATURES)
        return cls.model_validate(
            {
                "id": bucket_id(partition, bucket),
                "partition_key": partition,
                "revision": revision,
                "analytics_period": bucket.period,
                "period_key": bucket.key,
                "sums": sums,
                "first_activity": balance.first,
                "last_activity": balance.last,
                "users": users,
                "retention": [ratio(sums.get(f"week:{week}", 0), users) for week in weeks],
                "feature_adoption": {feature: ratio(sums.get(feature, 0), users) for feature in features},
            }
        )


def monday_of(week: str) -> date:
    """The first day of an ISO week such as `2026-W47`."""
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1)


def weeks_between(earlier: str, later: str) -> int:
    """How many ISO weeks after another one is."""
    return (monday_of(later) - monday_of(earlier)).days // 7
