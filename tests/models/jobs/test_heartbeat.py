"""A heartbeat: when the next one is due, and how far behind it says that a feed may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.jobs.heartbeat import BEAT_EVERY, FEEDS, LONGEST_AGE, Heartbeat, feeds_that_run

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPTIONAL = ("chat", "usage", "analytics", "risk", "library")


def first() -> Heartbeat:
    return Heartbeat.first("fold_users", "~fold_users-0", NOW)


def passing(heartbeat: Heartbeat) -> Heartbeat:
    return heartbeat.model_copy(update={"passed": heartbeat.revision})


def test_while_a_feed_goes_on_its_age_is_that_of_its_last_heartbeat() -> None:
    heartbeat, ages = first(), []
    for minute in range(1, 8):
        heartbeat = passing(heartbeat)
        ages.append(heartbeat.age(NOW + minute * MINUTE))
        heartbeat = heartbeat.following(NOW + minute * MINUTE) or heartbeat
    assert ages == [MINUTE, 2 * MINUTE, MINUTE, 2 * MINUTE, MINUTE, 2 * MINUTE, MINUTE]
    assert heartbeat.revision == 4


@pytest.mark.parametrize("passed_before", range(5))
def test_six_minutes_after_it_stopped_a_feed_is_told(passed_before: int) -> None:
    heartbeat, ages = first(), []
    for minute in range(passed_before + 7):
        now = NOW + minute * MINUTE
        ages.append(heartbeat.age(now))
        heartbeat = heartbeat.following(now) or heartbeat
        if minute < passed_before:
            heartbeat = passing(heartbeat)
    assert max(ages[: passed_before + 2]) <= LONGEST_AGE < ages[passed_before + 6]


def test_what_is_not_passed_stays_where_it_is_so_that_a_slow_feed_comes_to_it() -> None:
    assert first().following(NOW + timedelta(days=1)) is None
    assert passing(first()).following(NOW + MINUTE) is None
    assert passing(first()).following(NOW + BEAT_EVERY - timedelta(seconds=1)) is not None


def test_nothing_is_known_of_the_time_when_nobody_looked() -> None:
    later = NOW + timedelta(hours=8)
    heartbeat = passing(first())
    assert heartbeat.age(later) == BEAT_EVERY
    following = heartbeat.following(later)
    assert following is not None
    assert following.age(later + MINUTE) == BEAT_EVERY + MINUTE


def test_clocks_that_differ_make_no_negative_age() -> None:
    assert passing(first()).age(NOW - MINUTE) == timedelta(0)


def test_a_feed_runs_with_its_capability() -> None:
    assert feeds_that_run(OPTIONAL, OPTIONAL) == list(FEEDS)
    assert {feed.name for feed in feeds_that_run(["library"], OPTIONAL)} == {
        "fold_users",
        "fold_analytics",
        "fold_bookmarks",
    }
    assert {feed.name for feed in feeds_that_run([], OPTIONAL)} == {"fold_users", "fold_analytics"}
