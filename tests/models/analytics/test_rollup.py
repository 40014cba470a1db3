"""What a rollup says of its sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.analytics.rollup import Rollup, bounds_of, learning_progress, period_bounds
from models.counting.bucket import Balance, Bucket
from models.counting.fold import Applied
from models.counting.ledger import LedgerEntry
from tests.models.examples import ALICE, NOON

SUMS = {
    "interactions": 8,
    "sessions": 2,
    "ended_sessions": 2,
    "session_seconds": 1200,
    "tokens": 1600,
    "cost_nano_usd": 1_234_567_890,
    "unpriced": 1,
    "bookmarked": 2,
    "shared": 1,
    "rating:5": 2,
    "rating:2": 1,
    "personality:socrates": 5,
    "personality:krishna": 3,
    "topic:philosophy": 4,
    "topic:history": 4,
    "complexity:simple": 4,
    "complexity:complex": 4,
    "quality:high": 8,
    "hour:9": 5,
    "hour:20": 2,
    "hour:7": 1,
    "hour:3": 0,
    "weekday:4": 6,
    "weekday:0": 2,
    "timezone:Asia/Kolkata": 9,
    "timezone:UTC": 1,
    "source:Apology": 2,
}


DAY = Bucket("daily", "2026-11-20")


def a_rollup(bucket: Bucket = DAY, sums: dict[str, int] = SUMS) -> Rollup:
    return Rollup.of(ALICE.user_id, bucket, Balance(sums, NOON, NOON + timedelta(hours=3)), 4, NOON + timedelta(days=1))


def test_every_figure_follows_from_the_sums() -> None:
    rollup = a_rollup()
    assert rollup.id == f"{ALICE.user_id}:daily:2026-11-20"
    assert rollup.partition_key == ALICE.user_id
    assert rollup.revision == 4
    assert rollup.total_interactions == 8
    assert rollup.total_sessions == 2
    assert rollup.total_tokens == 1600
    assert rollup.total_cost_usd == 1.23456789
    assert rollup.unpriced_interactions == 1
    assert rollup.avg_session_duration == 600
    assert rollup.avg_queries_per_session == 4
    assert rollup.personality_usage == {"socrates": 5, "krishna": 3}
    assert list(rollup.topic_distribution) == ["history", "philosophy"]
    assert rollup.query_complexity_breakdown == {"complex": 4, "simple": 4}
    assert rollup.response_quality_breakdown == {"high": 8}
    assert rollup.most_active_hours == [9, 20, 7]
    assert rollup.most_active_days == ["friday", "monday"]
    assert rollup.avg_response_rating == 4
    assert rollup.bookmark_rate == 0.25
    assert rollup.share_rate == 0.125
    assert rollup.knowledge_areas_explored == ["history", "philosophy"]
    assert rollup.favorite_sources == ["Apology"]
    assert rollup.timezone == "Asia/Kolkata"


def test_nothing_is_divided_by_zero() -> None:
    rollup = a_rollup(sums={})
    assert rollup.bookmark_rate == rollup.timed_sessions == 0
    assert rollup.avg_session_duration is rollup.avg_queries_per_session is rollup.avg_response_rating is None
    assert rollup.most_active_hours == []
    assert rollup.timezone == "UTC"


def test_a_mean_of_nothing_is_not_known() -> None:
    carried_over = a_rollup(sums={"interactions": 5})  # turns of a session that was started the day before
    assert carried_over.avg_queries_per_session is None
    assert a_rollup(sums={"sessions": 1}).avg_session_duration is None
    unknown = a_rollup(sums={"interactions": 2, "response_time_ms": 800, "timed": 1})
    assert (unknown.avg_response_time_ms, unknown.timed_interactions) == (800, 1)
    assert a_rollup(sums={"interactions": 2}).avg_response_time_ms is None


def test_of_hours_and_days_with_as_many_turns_the_earlier_come_first() -> None:
    sums = {f"hour:{hour}": 1 for hour in (23, 11, 9, 2, 10)} | {f"weekday:{day}": 1 for day in (6, 3, 0, 5)}
    rollup = a_rollup(sums=sums)
    assert rollup.most_active_hours == [2, 9, 10]
    assert rollup.most_active_days == ["monday", "thursday", "saturday"]


def test_a_rollup_survives_being_stored_and_read() -> None:
    rollup = a_rollup()
    stored = Rollup.parse(rollup.body() | {"_etag": "x"})
    assert stored == rollup
    assert stored.bucket == Bucket("daily", "2026-11-20")
    assert stored.balance.sums == SUMS


def test_what_counts_bookmarks_alone_has_a_period_and_no_activity() -> None:
    sums = {"bookmarks": 1, "timezone:Asia/Kolkata": 1}
    day = Rollup.of(ALICE.user_id, Bucket("daily", "2026-11-20"), Balance(sums), 1, NOON)
    assert (day.first_activity, day.last_activity, day.total_bookmarks) == (None, None, 1)
    assert day.period_start == datetime(2026, 11, 19, 18, 30, tzinfo=UTC)
    all_time = Rollup.of(ALICE.user_id, Bucket("all_time"), Balance(sums), 1, NOON)
    assert (all_time.period_start, all_time.period_end) == (None, None)


@pytest.mark.parametrize(
    ("bucket", "start", "end"),
    [
        (Bucket("daily", "2026-03-08"), datetime(2026, 3, 8), datetime(2026, 3, 9)),
        (Bucket("weekly", "2026-W53"), datetime(2026, 12, 28), datetime(2027, 1, 4)),
        (Bucket("monthly", "2026-02"), datetime(2026, 2, 1), datetime(2026, 3, 1)),
        (Bucket("monthly", "2026-12"), datetime(2026, 12, 1), datetime(2027, 1, 1)),
    ],
)
def test_periods_start_and_end_at_the_users_midnight(bucket: Bucket, start: datetime, end: datetime) -> None:
    zone = ZoneInfo("America/New_York")
    bounds = period_bounds(bucket, "America/New_York")
    assert bounds == (start.replace(tzinfo=zone).astimezone(UTC), end.replace(tzinfo=zone).astimezone(UTC))


def test_a_day_of_23_hours_is_one() -> None:
    start, end = period_bounds(Bucket("daily", "2026-03-08"), "America/New_York")
    assert end - start == timedelta(hours=23)


@pytest.mark.parametrize("bucket", [Bucket("session", "s"), Bucket("all_time")])
def test_sessions_and_all_time_are_bounded_by_what_they_count(bucket: Bucket) -> None:
    later = NOON + timedelta(hours=1)
    assert bounds_of(bucket, "UTC", Balance({}, NOON, later)) == (NOON, later)


@pytest.mark.parametrize(
    ("topics", "follow_ups", "harder", "level"),
    [
        ({}, 0, 0, "beginner"),
        ({"law": 90}, 30, 9, "beginner"),
        ({"law": 3, "art": 3}, 3, 1, "intermediate"),
        ({"law": 3, "art": 2}, 3, 1, "beginner"),
        ({"law": 3, "art": 3}, 2, 1, "beginner"),
        ({"law": 3, "art": 3}, 3, 0, "beginner"),
        (dict.fromkeys("abcde", 3), 10, 3, "advanced"),
        (dict.fromkeys("abcde", 3), 9, 3, "intermediate"),
        (dict.fromkeys("abcd", 3) | {"other": 50}, 10, 3, "intermediate"),
    ],
)
def test_the_level_grows_with_breadth_follow_ups_and_harder_questions(
    topics: dict[str, int], follow_ups: int, harder: int, level: str
) -> None:
    sums = {f"topic:{topic}": turns for topic, turns in topics.items()} | {"follow_ups": follow_ups}
    assert learning_progress(sums | {"complexity:moderate": harder})["level"] == level
    assert learning_progress(sums | {"complexity:complex": harder, "complexity:simple": 99})["level"] == level


def test_a_day_is_the_source_of_longer_periods() -> None:
    source = a_rollup().as_source()
    assert source.key == f"rollup:{ALICE.user_id}:daily:2026-11-20"
    assert source.revision == 4
    assert source.contributions[Bucket("all_time")] == SUMS | {"active_days": 1, "week:2026-W47": 1}


def test_a_ledger_entry_survives_being_stored_and_read() -> None:
    day = Bucket("daily", "2026-11-20")
    entry = LedgerEntry.of(ALICE.user_id, "interaction:turn-1", Applied(3, {day.name: {"tokens": 5}}, 60), 2)
    stored = LedgerEntry.parse(entry.body())
    assert stored.id == "ledger:interaction:turn-1"
    assert stored.as_applied == Applied(3, {day.name: {"tokens": 5}}, 60)
