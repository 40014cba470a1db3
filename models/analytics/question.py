"""Container `user_analytics`: how often a question is asked, whoever asks it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.analytics.pseudonyms import PLATFORM
from models.core.values import Count
from models.counting.bucket import Balance, Bucket, average_rating, bucket_id, by_count
from models.counting.bucket_document import Counted

ASKERS_NEEDED = 3
"""Its text is kept once that many users have asked it. Then it is common; before, it might be somebody's own."""

TEXT_KEPT = 500


class Question(Counted):
    """A question that differs from others in more than case, width, spacing, punctuation or a trailing counter."""

    kind: Literal["question"] = "question"
    analytics_period: Literal["question"] = Field(default="question", description="One question, of all time")
    question: str | None = Field(
        description=f"Its normalised text, the first {TEXT_KEPT} characters; null until {ASKERS_NEEDED} users asked it"
    )
    frequency: Count = Field(description="Turns that ask it")
    shown_frequency: Count = Field(description="The same, but 0 until its text is kept: what lists are ordered by")
    was_common: bool = Field(description="Whether its text has ever been kept, so that the platform counts it")
    avg_rating: float | None = Field(description="Mean of the ratings 1-5 of its answers; null without one")

    @classmethod
    def of(
        cls, partition: str, bucket: Bucket, balance: Balance, revision: int, text: str | None, was_common: bool
    ) -> Question:
        """The question that a bucket counts; `text` is its normalised text, where it is known.

        A shard tells by its askers whether it is common; the platform is only told of those that are.
        """
        askers, frequency = by_count(balance.sums, "asker"), balance.sums.get("asked", 0)
        enough = frequency > 0 if partition == PLATFORM else len(askers.keys() - {"other"}) >= ASKERS_NEEDED
        common = enough and text is not None
        return cls.model_validate(
            {
                "id": bucket_id(partition, bucket),
                "partition_key": partition,
                "revision": revision,
                "period_key": bucket.key,
                "sums": balance.sums,
                "first_activity": balance.first,
                "last_activity": balance.last,
                "question": text[:TEXT_KEPT] if text is not None and enough else None,
                "frequency": frequency,
                "shown_frequency": frequency if common else 0,
                "was_common": was_common or common,
                "avg_rating": average_rating(balance.sums),
            }
        )
