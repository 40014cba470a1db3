"""The user's dashboard, from rollups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.analytics.dashboard import consistency, dashboard, first_weeks, latest_months, most_active_time
from models.analytics.recommendations import recommendations
from models.analytics.rollup import Rollup
from models.counting.bucket import Balance, Bucket
from tests.models.examples import ALICE, NOON

FIRST = datetime(2026, 9, 30, 20, 0, tzinfo=UTC)  # already October in Kolkata


def a_rollup(bucket: Bucket, **sums: int) -> Rollup:
    measures = {name.replace("__", ":").replace("_W", "-W"): count for name, count in sums.items()} | {
        "timezone:Asia/Kolkata": 1
    }
    return Rollup.of(ALICE.user_id, bucket, Balance(measures, FIRST, NOON), 1, NOON + timedelta(minutes=1))


ALL_TIME = a_rollup(
    Bucket("all_time"),
    interactions=20,
    tokens=4000,
    cost_nano_usd=5_000_000,
    sessions=4,
    ended_sessions=2,
    session_seconds=1440,
    follow_ups=3,
    active_days=26,
    week__2026_W46=4,
    week__2026_W47=3,
    complexity__complex=3,
    bookmarked=5,
    shared=2,
    rating__4=1,
    topic__ethics=12,
    topic__science=6,
    topic__law=2,
    deep_dive__ethics=2,
    personality__socrates=15,
    personality__einstein=5,
    hour__19=8,
    hour__20=7,
    hour__9=5,
)


def test_the_four_blocks_follow_from_the_rollups() -> None:
    first = a_rollup(Bucket("weekly", "2026-W40"), interactions=4, complexity__simple=4, topic__ethics=4)
    last = a_rollup(Bucket("monthly", "2026-11"), interactions=4, complexity__simple=2, complexity__complex=2)
    board = dashboard(ALL_TIME, first, last, NOON)
    assert board.as_of == NOON + timedelta(minutes=1)
    assert (board.total_interactions, board.total_tokens, board.total_cost_usd) == (20, 4000, 0.005)
    assert board.learning_growth_metrics.total_sessions == 4
    assert board.learning_growth_metrics.topics_explored == ["ethics", "science", "law"]
    assert board.learning_growth_metrics.favorite_personality == "socrates"
    assert board.learning_growth_metrics.knowledge_progression == "beginner -> intermediate"
    assert board.learning_growth_metrics.progression_basis == (
        "1 areas asked about three times, 0 sessions followed up, 0 harder questions after the first week; "
        "2 areas asked about three times, 3 sessions followed up, 3 harder questions now"
    )
    assert board.usage_insights.most_active_time == "evenings (7-9 PM)"
    assert board.usage_insights.avg_session_duration == "12 minutes"
    assert board.usage_insights.timed_sessions == 2
    assert board.usage_insights.consistency_score == 2.7  # 7 of the 26 days from Monday, 26 October, to 20 November
    assert board.usage_insights.deep_dive_topics == ["ethics"]
    assert (board.interaction_quality.avg_rating, board.interaction_quality.rated_interactions) == (4, 1)
    assert board.interaction_quality.bookmark_rate == 0.25
    assert board.interaction_quality.share_rate == 0.1
    assert board.interaction_quality.return_rate == 0.75
    assert board.personalized_suggestions == [item.text for item in recommendations(ALL_TIME, last)] != []


def test_somebody_new_has_an_empty_dashboard() -> None:
    board = dashboard(None, None, None, NOON)
    assert board.as_of is None
    assert board.total_interactions == 0
    assert board.usage_insights.most_active_time is None
    assert board.usage_insights.consistency_score is None
    assert board.learning_growth_metrics.knowledge_progression is None
    assert board.personalized_suggestions == []


def test_first_week_and_latest_month_are_the_users_own() -> None:
    assert first_weeks(ALL_TIME) == [Bucket("weekly", "2026-W40")]
    assert latest_months(ALL_TIME) == [Bucket("monthly", "2026-11")]


def test_who_was_in_several_zones_may_have_begun_in_either_of_two_weeks_and_be_in_either_of_two_months() -> None:
    """A turn counts in the calendar of the zone stamped on it: which of the zones that was, all time does not tell."""
    sums = {"interactions": 3, "timezone:Asia/Kolkata": 2, "timezone:Pacific/Pago_Pago": 1, "timezone:other": 1}
    monday, first_of_month = datetime(2026, 9, 28, 2, 0, tzinfo=UTC), datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    all_time = Rollup.of(ALICE.user_id, Bucket("all_time"), Balance(sums, monday, first_of_month), 1, NOON)
    assert first_weeks(all_time) == [Bucket("weekly", "2026-W39"), Bucket("weekly", "2026-W40")]
    assert latest_months(all_time) == [Bucket("monthly", "2026-12"), Bucket("monthly", "2026-11")]
    assert first_weeks(None) == latest_months(None) == []


def test_there_is_no_progression_within_the_first_week() -> None:
    week = a_rollup(Bucket("weekly", "2026-W40"), interactions=4)
    all_time = a_rollup(Bucket("all_time"), interactions=4, week__2026_W40=2)
    assert dashboard(all_time, week, None, NOON).learning_growth_metrics.knowledge_progression is None


def somebody(first: datetime, **weeks: int) -> Rollup:
    sums = {f"week:2026-{week}": days for week, days in weeks.items()} | {"interactions": 9}
    return Rollup.of(ALICE.user_id, Bucket("all_time"), Balance(sums, first, NOON), 1, NOON)


FRIDAY = NOON  # the 20th of November 2026, in its 47th week


@pytest.mark.parametrize(
    ("rollup", "score"),
    [
        (somebody(FRIDAY, W47=1), None),  # a single day is always full
        (somebody(FRIDAY - timedelta(days=5), W46=1, W47=5), None),
        (somebody(FRIDAY - timedelta(days=6), W46=2, W47=5), 10),
        (somebody(FRIDAY - timedelta(days=6), W46=1, W47=1), 2.9),  # 2 of 7 days
        (somebody(FRIDAY - timedelta(days=300), W10=7, W44=7, W45=7, W46=7, W47=5), 10),
        (somebody(FRIDAY - timedelta(days=300), W10=7, W44=3, W47=1), 1.5),  # 4 of 26 days
        (somebody(FRIDAY - timedelta(days=40), W41=5), 0),  # who has left
    ],
)
def test_consistency_is_of_the_last_weeks_up_to_today(rollup: Rollup, score: float | None) -> None:
    assert consistency(rollup, NOON) == score


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ({"hour:11": 2, "hour:12": 2}, "mornings (11 AM-1 PM)"),
        ({"hour:12": 2}, "mornings (11 AM-1 PM)"),
        ({"hour:13": 2, "hour:14": 1}, "afternoons (1-3 PM)"),
        ({"hour:23": 2, "hour:0": 2}, "nights (11 PM-1 AM)"),
        ({"hour:3": 1, "hour:4": 1}, "nights (3-5 AM)"),
        ({}, None),
    ],
)
def test_the_most_active_time_is_two_hours_in_a_row(hours: dict[str, int], told: str | None) -> None:
    assert most_active_time(hours) == told


@pytest.mark.parametrize(("seconds", "told"), [(20, "less than a minute"), (60, "1 minute"), (3600, "60 minutes")])
def test_durations_are_told_in_minutes(seconds: int, told: str) -> None:
    rollup = a_rollup(Bucket("all_time"), ended_sessions=1, session_seconds=seconds)
    assert dashboard(rollup, None, None, NOON).usage_insights.avg_session_duration == told
