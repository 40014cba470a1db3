from __future__ import annotations

from datetime import timedelta

import pytest

from models.counting.bucket import Balance, Bucket, Sums
from models.counting.drift import Bounds, Standing, Tally, compare, standing
from models.counting.fold import VALUES_PER_DIMENSION, Applied, Source, fold
from tests.models.examples import NOON

DAY = Bucket("daily", "2026-11-20")


def a_source(sums: Sums, revision: int = 2) -> Source:
    return Source("interaction:1", revision, {DAY: sums}, NOON, NOON)


@pytest.mark.parametrize(
    ("revision", "applied", "expected"),
    [
        (2, {"tokens": 5, "model:a": 1}, Standing.APPLIED),
        (3, {"tokens": 1}, Standing.APPLIED),  # newer than what was read
        (1, {"tokens": 5, "model:a": 1}, Standing.BEHIND),
        (2, {"tokens": 6, "model:a": 1}, Standing.WRONG),
        (2, {"tokens": 5}, Standing.WRONG),
        (2, {"tokens": 5, "model:other": 1}, Standing.APPLIED),
        (2, {"tokens": 5, "topic:other": 1}, Standing.WRONG),
    ],
)
def test_source_stands_as_its_ledger_entry_says(revision: int, applied: Sums, expected: Standing) -> None:
    source = a_source({"tokens": 5, "model:a": 1})
    assert standing(source, Applied(revision, {DAY.name: applied})) is expected


def test_source_that_was_never_folded_is_behind() -> None:
    assert standing(a_source({"tokens": 5}), None) is Standing.BEHIND


def test_bucket_that_is_missing_or_too_many_makes_a_source_wrong() -> None:
    source = a_source({"tokens": 5})
    other = {"daily:2026-11-19": {"tokens": 5}}
    assert standing(source, Applied(2, other)) is Standing.WRONG
    assert standing(source, Applied(2, {DAY.name: {"tokens": 5}} | other)) is Standing.WRONG


def test_what_a_full_bucket_counted_as_other_is_no_drift() -> None:
    held = Balance({f"topic:{number}": 1 for number in range(VALUES_PER_DIMENSION)}, NOON, NOON)
    source = a_source({"interactions": 1, "topic:new": 1, "topic:7": 1})
    outcome = fold([source], {}, {DAY: held})
    assert standing(source, outcome.entries[source.key]) is Standing.APPLIED


def test_tally_adds_up_and_forgets_what_comes_to_nothing() -> None:
    tally = Tally()
    tally.add({"all_time": {"tokens": 3, "sessions": 1}})
    tally.add({"all_time": {"tokens": -3, "sessions": 1}, "weekly:2026-W47": {"tokens": 0}})
    assert tally.of("all_time") == {"sessions": 2}
    assert tally.buckets() == {"all_time"}
    assert tally.of("daily:2026-11-20") == {}


def test_bounds_are_the_earliest_and_the_latest_time() -> None:
    bounds = Bounds()
    for hours in (2, -3, 1):
        moment = NOON + timedelta(hours=hours)
        bounds.add(Source("interaction:1", 1, {DAY: {}}, moment, moment))
    bounds.add(Source("interaction:2", 1, {Bucket("all_time"): {}}))
    assert bounds.of(DAY.name) == (NOON - timedelta(hours=3), NOON + timedelta(hours=2))
    assert bounds.of("all_time") == (None, None)


def test_comparison_names_what_differs() -> None:
    assert compare("u", "all_time", {"tokens": 3, "flagged": 0}, {"tokens": 3}) is None
    drift = compare("u", "all_time", {"tokens": 3, "shared": 1}, {"tokens": 4, "flagged": 2})
    assert drift is not None
    assert not drift.is_missing
    assert [(each.measure, each.stored, each.expected) for each in drift.measures] == [
        ("flagged", 0, 2),
        ("shared", 1, 0),
        ("tokens", 3, 4),
    ]
    missing = compare("u", "all_time", None, {"tokens": 4})
    assert missing is not None
    assert missing.is_missing
