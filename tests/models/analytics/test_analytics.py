"""Ranges of days, and what they sum to."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.analytics.rollup import Rollup
from models.analytics.user_analytics import MAX_DAYS, CalendarPeriod, bucket_of, day_range, totals
from models.counting.bucket import Balance, Bucket
from tests.models.examples import ALICE, NOON

TODAY = date(2026, 11, 20)
SUMS = st.dictionaries(st.sampled_from(["interactions", "tokens", "cost_nano_usd", "rating:4"]), st.integers(1, 10**12))


def a_day(key: str, sums: dict[str, int]) -> Rollup:
    return Rollup.of(ALICE.user_id, Bucket("daily", key), Balance(sums, NOON, NOON), 1, NOON)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (None, None, (date(2026, 10, 22), TODAY)),
        (None, date(2026, 3, 30), (date(2026, 3, 1), date(2026, 3, 30))),
        (date(2026, 11, 1), None, (date(2026, 11, 1), TODAY)),
        (date(2027, 1, 1), None, (date(2027, 1, 1), date(2027, 1, 1))),
        (date(2024, 1, 1), None, (date(2024, 1, 1), date(2024, 12, 31))),
        (date(2026, 1, 1), date(2026, 1, 2), (date(2026, 1, 1), date(2026, 1, 2))),
    ],
)
def test_what_is_not_said_of_a_range_is_filled_in(
    first: date | None, last: date | None, expected: tuple[date, date]
) -> None:
    days = day_range(first, last, TODAY)
    assert days == expected
    assert (days[1] - days[0]).days < MAX_DAYS


@pytest.mark.parametrize(
    ("period", "day", "name"),
    [
        ("daily", date(2026, 1, 2), "daily:2026-01-02"),
        ("monthly", date(2026, 1, 2), "monthly:2026-01"),
        ("weekly", date(2026, 11, 20), "weekly:2026-W47"),
        ("weekly", date(2027, 1, 3), "weekly:2026-W53"),
        ("weekly", date(2026, 1, 1), "weekly:2026-W01"),
    ],
)
def test_a_day_is_in_one_bucket_of_each_period(period: CalendarPeriod, day: date, name: str) -> None:
    assert bucket_of(day, period).name == name


@given(st.lists(SUMS, max_size=8))
def test_a_total_is_exactly_the_sum_of_its_days(days: list[dict[str, int]]) -> None:
    rollups = [a_day(f"2026-11-{number:02}", sums) for number, sums in enumerate(days, 1)]
    expected: Counter[str] = Counter()
    for sums in days:
        expected.update(sums)
    total = totals(rollups)
    assert total.sums == dict(expected)
    assert total.total_tokens == expected["tokens"]
    assert total.total_cost_usd == expected["cost_nano_usd"] / 10**9
    assert total.active_days == sum("interactions" in sums for sums in days)
    assert total.avg_response_rating == (4 if expected["rating:4"] else None)


def test_longer_periods_know_their_active_days() -> None:
    month = Rollup.of(ALICE.user_id, Bucket("monthly", "2026-11"), Balance({"active_days": 7}, NOON, NOON), 1, NOON)
    assert totals([month]).active_days == 7
