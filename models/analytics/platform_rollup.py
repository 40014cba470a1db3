"""Container `user_analytics`: what all users together did on a day or in a month of UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from models.analytics.response_times import RELATIVE_ERROR, quantile
from models.analytics.rollup import NANO
from models.core.values import Count, Timestamp, Total
from models.counting.bucket import Balance, Bucket, average_rating, bucket_id, by_count, mean, ratio
from models.counting.bucket_document import BucketDocument

_WITHIN = f"within {RELATIVE_ERROR:.0%}; null where no turn reports its time"


class PlatformRollup(BucketDocument):
    """A day or a month of UTC, of the whole platform or of one of its shards. It names no user."""

    kind: Literal["platform_rollup"] = "platform_rollup"
    analytics_period: Literal["utc_daily", "utc_monthly"] = Field(description="A day or a month of UTC")
    last_updated: Timestamp = Field(description="When it was written last")

    total_interactions: Count = Field(description="Turns")
    total_sessions: Count = Field(description="Sessions started")
    total_tokens: Total = Field(description="Tokens of all kinds")
    total_cost_usd: float = Field(description="USD; turns whose model has no price are left out, see unpriced")
    unpriced_interactions: Count = Field(description="Turns whose model has no price")
    active_users: Count = Field(description="Users with turns on that day, or in that month of their own calendar")
    new_users: Count = Field(description="Users whose first turn was then")

    avg_response_time_ms: float | None = Field(description="Mean over `timed_interactions`; null without one")
    timed_interactions: Count = Field(default=0, description="Turns that report their response time")
    response_time_p50_ms: float | None = Field(description=f"Median, {_WITHIN}")
    response_time_p95_ms: float | None = Field(description=f"95th percentile, {_WITHIN}")
    error_rate: float = Field(
        description="Turns answered by a fallback (`response_quality`) by turns, 0-1; 0 without a turn"
    )
    user_satisfaction: float | None = Field(
        description="Mean of the ratings 1-5 of `rated_interactions`; null without one"
    )
    rated_interactions: Count = Field(default=0, description="Turns that are rated")
    cost_per_interaction_usd: float | None = Field(description="USD by turns that have a price; null without one")
    feature_adoption: dict[str, int] = Field(
        default_factory=dict,
        description="Of a month: users with turns in that month of their own calendar who used a feature in it",
    )

    model_usage: dict[str, int] = Field(description="Turns by model")
    personality_usage: dict[str, int] = Field(description="Turns by personality")
    topic_distribution: dict[str, int] = Field(description="Turns by query category")
    language_distribution: dict[str, int] = Field(description="Turns by language of the question")

    @classmethod
    def of(cls, partition: str, bucket: Bucket, balance: Balance, revision: int, now: datetime) -> PlatformRollup:
        """The rollup that says what `balance` holds."""
        return cls.model_validate(
            {
                "id": bucket_id(partition, bucket),
                "partition_key": partition,
                "revision": revision,
                "analytics_period": bucket.period,
                "period_key": bucket.key,
                "last_updated": now,
                "sums": balance.sums,
                "first_activity": balance.first,
                "last_activity": balance.last,
            }
            | figures(balance.sums)
        )


def cost_per_turn(nano_usd: int, turns: int, unpriced: int) -> float | None:
    """USD by turns that have a price; None without one."""
    cost = mean(nano_usd, turns - unpriced)
    return None if cost is None else cost / NANO


def figures(sums: dict[str, int]) -> dict[str, object]:
    """The fields of `PlatformRollup` that follow from sums, of one period or of several added up."""
    turns, unpriced = sums.get("interactions", 0), sums.get("unpriced", 0)
    cost, timed = sums.get("cost_nano_usd", 0), sums.get("timed", 0)
    return {
        "total_interactions": turns,
        "total_sessions": sums.get("sessions", 0),
        "total_tokens": sums.get("tokens", 0),
        "total_cost_usd": cost / NANO,
        "unpriced_interactions": unpriced,
        "active_users": sums.get("active_users", 0),
        "new_users": sums.get("new_users", 0),
        "avg_response_time_ms": mean(sums.get("response_time_ms", 0), timed),
        "timed_interactions": timed,
        "response_time_p50_ms": quantile(sums, 0.5),
        "response_time_p95_ms": quantile(sums, 0.95),
        "error_rate": ratio(sums.get("fallback", 0), turns),
        "user_satisfaction": average_rating(sums),
        "rated_interactions": sum(by_count(sums, "rating").values()),
        "cost_per_interaction_usd": cost_per_turn(cost, turns, unpriced),
        "feature_adoption": by_count(sums, "feature"),
        "model_usage": by_count(sums, "model"),
        "personality_usage": by_count(sums, "personality"),
        "topic_distribution": by_count(sums, "category"),
        "language_distribution": by_count(sums, "language"),
    }
