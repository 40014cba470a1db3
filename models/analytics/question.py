"""Container `user_analytics`: how many users ask a question in a month, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Literal, NamedTuple

from pydantic import Field

from models.core.document import Message
from models.core.pseudonyms import PLATFORM
from models.core.values import Count
from models.counting.bucket import Balance, Bucket, Sums, average_rating, bucket_id, by_count
from models.counting.bucket_document import BucketDocument

ASKERS_NEEDED = 3
"""Its text is kept once that many users have asked it in the month. Then it is common; before, it might be somebody's
own."""

TURNS_A_DAY = 3
"""Turns of one user that count on one day: who asks the same all day does not make it more frequent."""

TEXT_KEPT = 500


class Asked(Message):
    """How often a question was asked, and how its answers were rated."""

    askers: Count = Field(description="Users who asked it")
    frequency: Count = Field(description=f"Turns that ask it, up to {TURNS_A_DAY} of each user on each day")
    ratings: Count = Field(description="Answers to it that were rated")
    avg_rating: float | None = Field(description="Mean of these ratings 1-5; null without one")


class QuestionContext(NamedTuple):
    """What a question is made with, besides its sums: its normalised text, and whether that has been kept before."""

    text: str | None = None
    was_common: bool = False


class Question(BucketDocument):
    """A question of one month that differs from others in more than case, width, spacing, punctuation or a trailing
    counter."""

    kind: Literal["question"] = "question"
    analytics_period: Literal["question"] = Field(
        default="question", description="One question in a month of UTC: `period_key` is the month and its pseudonym"
    )
    question: str | None = Field(
        description=f"Its normalised text, the first {TEXT_KEPT} characters; null until {ASKERS_NEEDED} users asked it"
    )
    askers: Count = Field(
        description="Users who asked it; who asks it when 300 pairs of user and day did, counts as one with all such"
    )
    frequency: Count = Field(description=f"Turns that ask it, up to {TURNS_A_DAY} of each user on each day")
    shown_askers: Count = Field(description="`askers`, but 0 until its text is kept: what lists are ordered by")
    was_common: bool = Field(description="Whether its text has ever been kept, so that the platform counts it")
    ratings: Count = Field(description="Answers to it that were rated")
    avg_rating: float | None = Field(description="Mean of these ratings 1-5; null without one")

    @property
    def anonymous(self) -> Sums:
        """What the platform counts of it: not who asked."""
        stars = {f"rating:{stars}": count for stars, count in _stars(self.sums, frozenset()).items()}
        return {"askers": self.askers, "asked": self.frequency} | stars

    def asked(self, without: Collection[str] = ()) -> Asked:
        """How often it was asked by others than these, by their names among its askers. Of a shard's question."""
        return asked(self.sums, without)

    @classmethod
    def of(
        cls, partition: str, bucket: Bucket, balance: Balance, revision: int, text: str | None, was_common: bool
    ) -> Question:
        """The question that a bucket counts; `text` is its normalised text, where it is known.

        A shard tells by its askers whether it is common; the platform is only told of those that are.
        """
        known = _told(balance.sums) if partition == PLATFORM else asked(balance.sums)
        enough = known.frequency > 0 if partition == PLATFORM else known.askers >= ASKERS_NEEDED
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
                "shown_askers": known.askers if common else 0,
                "was_common": was_common or common,
            }
            | known.model_dump()
        )


def asked(sums: Sums, without: Collection[str] = ()) -> Asked:
    """What a shard has counted of a question, without some of its askers. What it does not tell apart is one asker."""
    days = [(name.partition("/")[0], turns) for name, turns in by_count(sums, "asker").items()]
    counted = [(asker, min(turns, TURNS_A_DAY)) for asker, turns in days if asker not in without]
    stars = {f"rating:{stars}": count for stars, count in _stars(sums, without).items()}
    return Asked(
        askers=len({asker for asker, _ in counted}),
        frequency=sum(turns for _, turns in counted),
        ratings=sum(stars.values()),
        avg_rating=average_rating(stars),
    )


def _told(sums: Sums) -> Asked:
    """What the platform has been told of a question."""
    return Asked(
        askers=sums.get("askers", 0),
        frequency=sums.get("asked", 0),
        ratings=sum(by_count(sums, "rating").values()),
        avg_rating=average_rating(sums),
    )


def _stars(sums: Sums, without: Collection[str]) -> Counter[str]:
    """Ratings by stars."""
    given: Counter[str] = Counter()
    for name, count in by_count(sums, "stars").items():
        stars, _, asker = name.partition("/")
        if asker and asker not in without:  # else it is what was not told apart
            given[stars] += count
    return given
