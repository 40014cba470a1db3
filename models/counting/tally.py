"""Container `user_analytics`: what is counted of a thing, or of a review of it, whoever says it."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from models.core.values import Count
from models.counting.bucket import Balance, Bucket, ItemPeriod, average_rating, bucket_id, by_count
from models.counting.bucket_document import BucketDocument
from models.counting.buckets import BucketKind


class Tally(BucketDocument):
    """All that users say of one thing, and how many found a review of it helpful; in the thing's partition."""

    kind: Literal["tally"] = "tally"
    analytics_period: ItemPeriod = Field(description="`item`: the thing itself; `review`: the review of this id")
    avg_rating: float | None = Field(default=None, description="Mean of each user's latest rating; null without one")
    rating_count: Count = Field(default=0, description="How many users rate it")
    review_count: Count = Field(default=0, description="How many reviews others may read")
    favorite_count: Count = Field(default=0, description="How many users have it among their favourites")
    helpful_count: Count = Field(default=0, description="How many found the review helpful")

    @classmethod
    def of(cls, partition: str, bucket: Bucket, balance: Balance, revision: int) -> Tally:
        """The document of a bucket.

        Raises:
            pydantic.ValidationError: the balance can't be, as one below zero.
        """
        sums = balance.sums
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
                "avg_rating": average_rating(sums),
                "rating_count": sum(by_count(sums, "rating").values()),
                "review_count": sums.get("reviews", 0),
                "favorite_count": sums.get("favorites", 0),
                "helpful_count": sums.get("helpful", 0),
            }
        )


TALLIES = BucketKind(
    model=Tally,
    periods=get_args(ItemPeriod),
    of=lambda partition, bucket, balance, revision, now, _: Tally.of(partition, bucket, balance, revision),
)
