"""The fold: applies each revision of a source document to its buckets exactly once.

The change feed delivers at least once, repeats itself, and skips revisions. So a bucket is never merely incremented: a
ledger entry beside the buckets remembers which revision of each source has been applied and what it contributed. What
is in the ledger is not applied again; what has changed since is applied as the difference. Written together in one
transaction, the totals equal those computed from the sources, whatever happened on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.core.values import MOST
from models.counting.bucket import Balance, Bucket, Sums

VALUES_PER_DIMENSION = 200
"""A bucket counts this many values of a dimension by name; further ones count as `<dimension>:other`.

This bounds a rollup's size whatever the client sends. The ledger remembers what was applied, so differences stay exact.
"""

OTHER = "other"

OTHER_BOUNDS = {"asker": 300, "stars": 300, "response_ms": 1000, "week": 600, "sign": 300}
"""Dimensions with bounds of their own: who asks a question on which day is what questions are ranked by, and costs 20
bytes each; a histogram has its bins; weeks with turns are those of ten years; and of signs there are no more than that:
five patterns in 51 strengths."""


@dataclass(frozen=True)
class Source:
    """One revision of a document, and what it contributes.

    Attributes:
        key: Names the document among all that are folded into the same partition.
        revision: The document's own revision: the ledger applies each one once.
        contributions: Measures by bucket.
        first: Earliest time that it counts, None where it counts none.
        last: Latest such time.
        ttl: Seconds that the ledger remembers it, None for the container's default.
        context: What else is known of it, for the documents that it changes: opaque here. Kinds of buckets and
            companions say what they take.
    """

    key: str
    revision: int
    contributions: Mapping[Bucket, Sums]
    first: datetime | None = None
    last: datetime | None = None
    ttl: int | None = None
    context: Any = None


PartitionedSource = tuple[str, Source]
"""A source, and the partition that counts it."""


@dataclass(frozen=True)
class Applied:
    """A ledger entry: the revision of a source that has been applied, and what it contributed, by bucket name."""

    revision: int
    contributions: Mapping[str, Sums]
    ttl: int | None = None


@dataclass
class Outcome:
    """What has to be written, all of it in one transaction: ledger entries by source key, and balances that change."""

    entries: dict[str, Applied] = field(default_factory=dict)
    balances: dict[Bucket, Balance] = field(default_factory=dict)


def buckets_of(sources: Iterable[Source], ledger: Mapping[str, Applied]) -> set[Bucket]:
    """The buckets that folding these sources may change, and so must be read."""
    buckets = {bucket for source in sources for bucket in source.contributions}
    for source in sources:
        if source.key in ledger:
            buckets |= {Bucket.parse(name) for name in ledger[source.key].contributions}
    return buckets


def fold(sources: Iterable[Source], ledger: Mapping[str, Applied], balances: Mapping[Bucket, Balance]) -> Outcome:
    """What to write so that each source is counted once, at its newest revision.

    Args:
        sources: In any order; the same source may come several times, also as older revisions.
        ledger: The entries of those sources that have been applied before, by source key.
        balances: What the buckets hold now. A bucket that is missing is empty; if the source was applied to it before,
            it has expired, and is not made again to hold a difference.
    """
    outcome = Outcome()
    for source in sources:
        applied = outcome.entries.get(source.key) or ledger.get(source.key)
        if applied and applied.revision >= source.revision:
            continue
        expired = _expired(ledger.get(source.key), balances)
        for name, sums in (applied.contributions if applied else {}).items():
            if name in expired:
                continue
            balance = _balance(outcome, balances, Bucket.parse(name))
            balance.sums = _added(balance.sums, {measure: -value for measure, value in sums.items()})
        contributed: dict[str, Sums] = {}
        for bucket, sums in source.contributions.items():
            if bucket.name in expired:
                contributed[bucket.name] = sums
                continue
            balance = _balance(outcome, balances, bucket)
            contributed[bucket.name] = counted = _fitting(_capped(sums, balance.sums), balance.sums)
            balance.sums = _added(balance.sums, counted)
            balance.first = min(filter(None, (balance.first, source.first)), default=None)
            balance.last = max(filter(None, (balance.last, source.last)), default=None)
        outcome.entries[source.key] = Applied(source.revision, contributed, source.ttl)
    settled = {bucket: balance.settled() for bucket, balance in outcome.balances.items()}
    outcome.balances = {
        bucket: balance for bucket, balance in settled.items() if balance != balances.get(bucket, Balance())
    }
    return outcome


def _expired(applied: Applied | None, balances: Mapping[Bucket, Balance]) -> set[str]:
    """Names of the buckets that were applied to, and are not there any more."""
    return {name for name in applied.contributions if Bucket.parse(name) not in balances} if applied else set()


def _balance(outcome: Outcome, balances: Mapping[Bucket, Balance], bucket: Bucket) -> Balance:
    if bucket not in outcome.balances:
        known = balances.get(bucket, Balance())
        outcome.balances[bucket] = Balance(known.sums, known.first, known.last)
    return outcome.balances[bucket]


def _added(left: Sums, right: Sums) -> Sums:
    """The sum measure by measure. A measure that comes to nothing is left out, so that equal totals are equal."""
    total = dict(left)
    for measure, value in right.items():
        total[measure] = total.get(measure, 0) + value
    return {measure: value for measure, value in total.items() if value}


def _capped(sums: Sums, held: Sums) -> Sums:
    """`sums`, with values of a dimension that is full in the bucket counted as `other`.

    What is counted of a value besides, such as `model_tokens:x` of `model:x`, goes where the value itself goes; without
    that, `model_reported_tokens:x` goes where `model_reported:x` goes. So names that are only reported take no place of
    others.
    """
    new = [measure for measure in sums if ":" in measure and measure not in held and not _is_other(measure)]
    if not new:
        return sums
    used = Counter(measure.partition(":")[0] for measure in held if ":" in measure and not _is_other(measure))
    counted = dict(sums)
    for measure in sorted(
        new, key=lambda name: name.partition(":")[0].count("_")
    ):  # values before what is told of them
        dimension, _, value = measure.partition(":")
        itself = _itself(dimension, value, sums)
        if itself is not None and itself != measure:
            is_named = itself in held or itself in counted
        else:
            is_named = used[dimension] < OTHER_BOUNDS.get(dimension, VALUES_PER_DIMENSION)
            used[dimension] += is_named
        if not is_named:
            amount, other = counted.pop(measure), f"{dimension}:{OTHER}"
            counted[other] = counted.get(other, 0) + amount
    return counted


def _fitting(sums: Sums, held: Sums) -> Sums:
    """`sums`, with less of what would be more than a document holds exactly: the ledger remembers what was counted."""
    if all(held.get(measure, 0) + value <= MOST for measure, value in sums.items()):
        return sums
    fitting = {measure: min(value, MOST - held.get(measure, 0)) for measure, value in sums.items()}
    return {measure: value for measure, value in fitting.items() if value}


def _itself(dimension: str, value: str, sums: Sums) -> str | None:
    """The measure that counts a value of which another is told, the shortest there is; None without one."""
    words = dimension.split("_")
    return next((name for n in (1, 2) if (name := f"{'_'.join(words[:n])}:{value}") in sums), None)


def _is_other(measure: str) -> bool:
    return measure.endswith(f":{OTHER}")
