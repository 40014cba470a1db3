"""Whether a user's rollups are what the ledger and the source documents say: the comparison, and its report.

Two statements make a rollup exact. Each source's ledger entry says what the source contributes at that revision; and
each bucket holds the sum of all that the ledger has applied to it, and says what follows from it. Drift is where one of
them does not hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum

from pydantic import Field

from models.core.document import Message
from models.core.values import Count, saturated
from models.counting.bucket import Sums
from models.counting.fold import Applied, Source

MEASURES_SHOWN = 20


class Measure(Message):
    """One figure that is wrong."""

    measure: str
    stored: int
    expected: int


class BucketDrift(Message):
    """A rollup that does not hold what the ledger has applied to it, or does not say what it holds."""

    user_id: str
    bucket: str = Field(description="Such as daily:2026-11-20, weekly:2026-W47, session:<id>, all_time")
    is_missing: bool = Field(description="Whether there is no such rollup, though something was applied to it")
    measures: list[Measure] = Field(description=f"What differs, by name; up to {MEASURES_SHOWN}")
    fields: list[str] = Field(
        default=[], description="Fields that are not valid, do not follow from the sums, or leave out what is counted"
    )
    repaired: bool = False


class UserDrift(Message):
    """What was found about one user."""

    user_id: str
    buckets: Count = Field(description="Rollups compared")
    drifted: list[BucketDrift]
    unsettled: Count = Field(description="Rollups that were written all the while, and could not be compared")
    expired: Count = Field(description="Rollups that count what is not kept any more, and cannot be compared")
    sources: Count = Field(
        description="Turns, sessions, bookmarks, and rollups that others count, compared with the ledger"
    )
    sources_behind: Count = Field(description="Sources whose latest revision is not folded: by a moment, or lost")
    sources_wrong: Count = Field(description="Sources that contribute something else than the ledger says")
    sources_unreadable: Count = Field(default=0, description="Documents that are not valid, and count nothing")


class Standing(Enum):
    """How a source and its ledger entry stand."""

    APPLIED = "applied"
    BEHIND = "behind"
    WRONG = "wrong"


def standing(source: Source, entry: Applied | None) -> Standing:
    """Whether the ledger has the source's revision, and what that contributes."""
    if entry is None or entry.revision < source.revision:
        return Standing.BEHIND
    if entry.revision > source.revision:
        return Standing.APPLIED
    expected = {bucket.name: sums for bucket, sums in source.contributions.items()}
    names = expected.keys() | entry.contributions.keys()
    same = all(_same(expected.get(name, {}), entry.contributions.get(name, {})) for name in names)
    return Standing.APPLIED if same else Standing.WRONG


def _same(expected: Sums, applied: Sums) -> bool:
    """Equal, but for values that a full bucket counted as the `other` of their dimension."""
    capped = {measure for measure in expected if ":" in measure and measure not in applied}
    moved: Counter[str] = Counter()
    for measure in capped:
        moved[f"{measure.partition(':')[0]}:other"] += expected[measure]
    kept = Counter({measure: value for measure, value in expected.items() if measure not in capped})
    return _without_zeros(kept + moved) == _without_zeros(applied)


class Tally:
    """Sums of what the ledger has applied, by name of the bucket."""

    def __init__(self) -> None:
        self._sums: dict[str, Sums] = {}

    def add(self, applied: Mapping[str, Sums]) -> None:
        for bucket, sums in applied.items():
            total = self._sums.setdefault(bucket, {})
            for measure, value in sums.items():
                total[measure] = total.get(measure, 0) + value

    def of(self, bucket: str) -> Sums:
        sums = _without_zeros(self._sums.get(bucket, {}))
        return {measure: saturated(value) for measure, value in sums.items()}

    def buckets(self) -> set[str]:
        """Those that hold anything."""
        return {bucket for bucket in self._sums if self.of(bucket)}


class Bounds:
    """The earliest and the latest time that the sources count, by name of the bucket."""

    def __init__(self) -> None:
        self._bounds: dict[str, tuple[datetime, datetime]] = {}

    def add(self, source: Source) -> None:
        if source.first is None or source.last is None:
            return
        for bucket in source.contributions:
            first, last = self._bounds.get(bucket.name, (source.first, source.last))
            self._bounds[bucket.name] = (min(first, source.first), max(last, source.last))

    def of(self, bucket: str) -> tuple[datetime, datetime] | tuple[None, None]:
        return self._bounds.get(bucket) or (None, None)

    def around(
        self, bucket: str, first: datetime | None, last: datetime | None
    ) -> tuple[datetime | None, datetime | None]:
        """The same, also around the times that the bucket holds: some of what it counts may not be kept any more."""
        earliest, latest = self.of(bucket)
        return min(filter(None, (earliest, first)), default=None), max(filter(None, (latest, last)), default=None)


def compare(
    user_id: str, bucket: str, stored: Sums | None, expected: Sums, misstated: Iterable[str] = ()
) -> BucketDrift | None:
    """The drift of one bucket, None if there is none.

    Args:
        stored: The sums that it holds; None for a rollup that does not exist.
        misstated: Its fields that are wrong whatever the sums are.
    """
    held, fields = _without_zeros(stored or {}), sorted(set(misstated))
    if held == expected and not fields:
        return None
    names = sorted(name for name in held.keys() | expected.keys() if held.get(name, 0) != expected.get(name, 0))
    measures = [
        Measure(measure=name, stored=held.get(name, 0), expected=expected.get(name, 0))
        for name in names[:MEASURES_SHOWN]
    ]
    return BucketDrift(user_id=user_id, bucket=bucket, is_missing=stored is None, measures=measures, fields=fields)


def _without_zeros(sums: Mapping[str, int]) -> Sums:
    return {measure: value for measure, value in sums.items() if value}


def total_of(reports: Iterable[UserDrift]) -> dict[str, int]:
    """The counts of several reports together."""
    total: Counter[str] = Counter()
    for report in reports:
        total.update(
            buckets=report.buckets,
            drifted_buckets=len(report.drifted),
            repaired_buckets=sum(drift.repaired for drift in report.drifted),
            unsettled_buckets=report.unsettled,
            expired_buckets=report.expired,
            sources=report.sources,
            sources_behind=report.sources_behind,
            sources_wrong=report.sources_wrong,
            sources_unreadable=report.sources_unreadable,
        )
    return dict(total)
