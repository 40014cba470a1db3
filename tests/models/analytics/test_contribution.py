"""What documents contribute to which buckets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.analytics.contribution import of_bookmark, of_day, of_interaction, of_session
from models.core.calendar import day_of
from models.counting.bucket import Bucket
from models.library.bookmark import DeletedBookmark, UserBookmark
from tests.models.examples import NOON, SESSION_ID, a_session, an_interaction

DAY = Bucket("daily", "2026-11-20")
SESSION = Bucket("session", SESSION_ID)


def test_a_turn_counts_in_its_day_and_its_session() -> None:
    source = of_interaction(
        an_interaction(input_tokens=100, cached_input_tokens=10, output_tokens=50, reasoning_tokens=5)
    )
    assert set(source.contributions) == {DAY, SESSION, Bucket("presence", "2026-11-20")}
    day = source.contributions[DAY]
    assert day["interactions"] == 1
    assert day["tokens"] == 165
    assert (day["input_tokens"], day["cached_input_tokens"], day["output_tokens"], day["reasoning_tokens"]) == (
        100,
        10,
        50,
        5,
    )
    assert day["cost_nano_usd"] == 100 * 1000 + 10 * 500 + 55 * 2000
    assert day["topic:philosophy"] == day["personality:socrates"] == day["model:test-model"] == 1
    assert day["hour:17"] == 1  # noon in UTC is half past five in Kolkata
    assert day["weekday:4"] == 1
    assert "unpriced" not in day


@pytest.mark.parametrize(
    ("moment", "timezone", "day"),
    [
        (datetime(2026, 11, 20, 20, 0, tzinfo=UTC), "Asia/Kolkata", "2026-11-21"),
        (datetime(2026, 11, 20, 20, 0, tzinfo=UTC), "UTC", "2026-11-20"),
        (datetime(2026, 11, 20, 4, 0, tzinfo=UTC), "America/New_York", "2026-11-19"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/London", "2026-10-25"),
    ],
)
def test_days_are_the_users_own(moment: datetime, timezone: str, day: str) -> None:
    assert day_of(moment, timezone).isoformat() == day
    source = of_interaction(an_interaction(timestamp=moment, timezone=timezone))
    assert Bucket("daily", day) in source.contributions


def test_a_turn_without_a_price_counts_as_unpriced_and_not_as_zero() -> None:
    day = of_interaction(an_interaction(model_used="nobody-knows-this-model")).contributions[DAY]
    assert day["unpriced"] == 1
    assert "cost_nano_usd" not in day


def test_feedback_counts() -> None:
    turn = an_interaction(user_rating=4, was_helpful=False, was_shared=True, was_bookmarked=True, was_flagged=True)
    day = of_interaction(turn).contributions[DAY]
    assert day["rating:4"] == day["unhelpful"] == day["shared"] == day["bookmarked"] == day["flagged"] == 1
    assert "helpful" not in day


def test_the_second_turn_is_a_follow_up_and_the_third_is_not() -> None:
    second = of_interaction(an_interaction(sequence=2)).contributions[SESSION]
    third = of_interaction(an_interaction(sequence=3)).contributions[SESSION]
    assert second["follow_ups"] == 1
    assert "follow_ups" not in third


def test_a_turn_is_timed_if_it_says_how_long_it_took() -> None:
    timed = of_interaction(an_interaction(response_time_ms=700)).contributions[DAY]
    assert (timed["timed"], timed["response_time_ms"]) == (1, 700)
    assert (
        not {"timed", "response_time_ms"} & of_interaction(an_interaction(response_time_ms=0)).contributions[DAY].keys()
    )


def test_a_source_counts_once_in_a_turn_that_cites_it_and_not_where_it_is_only_retrieved() -> None:
    turn = an_interaction(citations_provided=["Plato", "Plato"], rag_sources_used=["Plato", "Xenophon"])
    day = of_interaction(turn).contributions[DAY]
    assert {name: n for name, n in day.items() if name.startswith("source:")} == {"source:Plato": 1}


def test_a_session_counts_on_the_day_it_starts_and_its_duration_when_it_has_ended() -> None:
    assert of_session(a_session()).contributions == {DAY: {"sessions": 1, "timezone:Asia/Kolkata": 1}}
    ended = a_session(revision=2, end_time=NOON, duration_seconds=90, is_active=False)
    assert of_session(ended).contributions[DAY] == {
        "sessions": 1,
        "timezone:Asia/Kolkata": 1,
        "ended_sessions": 1,
        "session_seconds": 90,
    }
    assert (of_session(ended).first, of_session(ended).last) == (None, None)


def test_a_day_counts_in_its_iso_week_its_month_and_all_time() -> None:
    source = of_day("2027-01-01", "user:daily:2027-01-01", 7, {"interactions": 3}, NOON, NOON)
    assert set(source.contributions) == {Bucket("weekly", "2026-W53"), Bucket("monthly", "2027-01"), Bucket("all_time")}
    assert source.revision == 7
    assert source.contributions[Bucket("monthly", "2027-01")] == {"interactions": 3, "active_days": 1}


def test_all_time_knows_which_weeks_had_turns() -> None:
    source = of_day("2027-01-01", "id", 1, {"interactions": 3}, NOON, NOON)
    assert source.contributions[Bucket("all_time")] == {"interactions": 3, "active_days": 1, "week:2026-W53": 1}


def test_a_turn_is_present_on_its_day_of_utc_whatever_its_own_day() -> None:
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # already December in Kolkata
    source = of_interaction(an_interaction(timestamp=late, model_used="test-model"))
    assert Bucket("daily", "2026-12-01") in source.contributions
    assert source.contributions[Bucket("presence", "2026-11-30")] == {
        "interactions": 1,
        "served": 1,
        "cost_nano_usd": 200_000,
    }
    assert (source.first, source.last) == (late, late)


def test_a_day_with_a_session_but_no_turn_is_not_an_active_day() -> None:
    source = of_day("2026-11-20", "id", 1, {"sessions": 1}, NOON, NOON)
    assert source.contributions[Bucket("all_time")] == {"sessions": 1}


@pytest.mark.parametrize("bucket", [DAY, SESSION, Bucket("all_time"), Bucket("weekly", "2026-W01")])
def test_a_bucket_is_found_again_by_its_name(bucket: Bucket) -> None:
    assert Bucket.parse(bucket.name) == bucket


def test_a_name_of_no_period_is_refused() -> None:
    with pytest.raises(ValueError, match="not the name of a bucket"):
        Bucket.parse("hourly:3")


def a_bookmark(**changes: Any) -> UserBookmark:
    return UserBookmark.of(an_interaction(), NOON + timedelta(days=9)).model_copy(update=changes)


def test_a_bookmark_counts_in_the_day_it_was_saved_and_is_no_activity() -> None:
    source = of_bookmark(a_bookmark())
    assert source.contributions == {Bucket("daily", "2026-11-29"): {"bookmarks": 1, "timezone:Asia/Kolkata": 1}}
    assert (source.first, source.last, source.ttl) == (None, None, -1)


def test_a_deleted_bookmark_counts_nowhere() -> None:
    kept = a_bookmark()
    deleted = of_bookmark(DeletedBookmark.of(kept, NOON))
    assert (deleted.key, deleted.revision, deleted.contributions) == (of_bookmark(kept).key, kept.revision + 1, {})


def test_a_bookmark_without_consent_to_analytics_counts_nowhere() -> None:
    assert of_bookmark(a_bookmark(analytics_consent=False)).contributions == {}
