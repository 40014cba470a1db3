"""The user's dashboard, from rollups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.analytics.dashboard import dashboard, months_of, most_active_time
from models.analytics.recommendations import recommendations
from models.analytics.rollup import Rollup
from models.counting.bucket import Balance, Bucket
from tests.models.examples import ALICE, NOON

FIRST = datetime(2026, 9, 30, 20, 0, tzinfo=UTC)  # already October in Kolkata


def a_rollup(bucket: Bucket, **sums: int) -> Rollup:
    measures = {name.replace("__", ":"): count for name, count in sums.items()} | {"timezone:Asia/Kolkata": 1}
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
    bookmarked=5,
    shared=2,
    rating__4=1,
    topic__ethics=12,
    topic__science=6,
    topic__law=2,
    deep_dive__ethics=7,
    personality__socrates=15,
    personality__einstein=5,
    hour__19=8,
    hour__20=7,
    hour__9=5,
)


def test_the_four_blocks_follow_from_the_rollups() -> None:
    first = a_rollup(Bucket("monthly", "2026-10"), interactions=4, complexity__simple=4)
    last = a_rollup(Bucket("monthly", "2026-11"), interactions=4, complexity__simple=2, complexity__complex=2)
    board = dashboard(ALL_TIME, first, last)
    assert board.as_of == NOON + timedelta(minutes=1)
    assert (board.total_interactions, board.total_tokens, board.total_cost_usd) == (20, 4000, 0.005)
    assert board.learning_growth_metrics.total_sessions == 4
    assert board.learning_growth_metrics.topics_explored == ["ethics", "science", "law"]
    assert board.learning_growth_metrics.favorite_personality == "socrates"
    assert board.learning_growth_metrics.knowledge_progression == "beginner -> intermediate"
    assert board.usage_insights.most_active_time == "evenings (7-9 PM)"
    assert board.usage_insights.avg_session_duration == "12 minutes"
    assert board.usage_insights.consistency_score == 5.1  # 26 of the 51 days from 1 October to 20 November
    assert board.usage_insights.deep_dive_topics == ["ethics"]
    assert board.interaction_quality.avg_rating == 4
    assert board.interaction_quality.bookmark_rate == 0.25
    assert board.interaction_quality.share_rate == 0.1
    assert board.interaction_quality.return_rate == 0.75
    assert board.personalized_suggestions == [item.text for item in recommendations(ALL_TIME, last)] != []


def test_somebody_new_has_an_empty_dashboard() -> None:
    board = dashboard(None, None, None)
    assert board.as_of is None
    assert board.total_interactions == 0
    assert board.usage_insights.most_active_time is None
    assert board.personalized_suggestions == []


def test_first_and_latest_month_are_the_users_own() -> None:
    assert months_of(ALL_TIME) == (Bucket("monthly", "2026-10"), Bucket("monthly", "2026-11"))


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
    assert dashboard(rollup, None, None).usage_insights.avg_session_duration == told
