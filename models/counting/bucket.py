"""What things are counted in: a bucket is a period, a session or a question; its sums are exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Sums = dict[str, int]
"""Whole numbers by measure, so that adding and taking away are exact whatever the order. A measure is a word
(`interactions`, `cost_nano_usd`) or a dimension and a value (`personality:krishna`)."""

UserPeriod = Literal["session", "daily", "weekly", "monthly", "all_time"]
"""Of one user's rollups; days, weeks and months are the user's own."""

PlatformPeriod = Literal["utc_daily", "utc_monthly", "cohort"]
"""Of the platform's rollups: days and months of UTC, and the users who began on the same day."""

ItemPeriod = Literal["item", "review"]
"""Of a thing that users rate, and of a review of it."""

PERIODS = {*get_args(UserPeriod), *get_args(PlatformPeriod), *get_args(ItemPeriod)}
"""The periods that there are. Whoever declares a kind of bucket adds its own: see `models/counting/buckets.py`."""


@dataclass(frozen=True)
class Bucket:
    """What a document counts: a period, and which: `2026-11-20`, `2026-W47`, `2026-11`, a session's id, or nothing."""

    period: str
    key: str = ""

    @property
    def name(self) -> str:
        return f"{self.period}:{self.key}" if self.key else self.period

    @classmethod
    def parse(cls, name: str) -> Bucket:
        period, _, key = name.partition(":")
        if period not in PERIODS:
            raise ValueError(f"{name!r} is not the name of a bucket")
        return cls(period, key)


@dataclass
class Balance:
    """What a bucket holds: its sums, and the earliest and latest time that counted."""

    sums: Sums = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None

    def settled(self) -> Balance:
        """Itself; without times if it holds nothing: whatever counted them is taken away."""
        return self if self.sums else Balance()


def by_count(sums: Mapping[str, int], dimension: str) -> dict[str, int]:
    """The values of a dimension with their counts, highest first, equal ones by name."""
    prefix = dimension + ":"
    counts = [(name.removeprefix(prefix), count) for name, count in sums.items() if name.startswith(prefix)]
    return dict(sorted(counts, key=lambda item: (-item[1], item[0])))


def numbers_by_count(sums: Mapping[str, int], dimension: str) -> dict[int, int]:
    """The same of a dimension whose values are numbers, such as hours: equal ones in their order."""
    return dict(
        sorted(((int(value), n) for value, n in by_count(sums, dimension).items()), key=lambda at: (-at[1], at[0]))
    )


def ratio(part: int, whole: int) -> float:
    """`part` by `whole`; 0 of nothing."""
    return part / whole if whole else 0.0


def mean(total: int, count: int) -> float | None:
    """`total` by `count`; None of nothing: a mean of nothing is not known."""
    return total / count if count else None


def average_rating(sums: Mapping[str, int]) -> float | None:
    """Mean of the ratings 1-5, None without one."""
    ratings = by_count(sums, "rating")
    given = sum(ratings.values())
    return sum(int(stars) * count for stars, count in ratings.items()) / given if given else None


def bucket_id(partition: str, bucket: Bucket) -> str:
    """The id of the document that holds a bucket. Ids of a period are in order of time."""
    return f"{partition}:{bucket.name}"
