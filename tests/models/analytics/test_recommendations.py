"""What users are told to try next, and why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.analytics.recommendations import MOST, recommendations
from models.analytics.rollup import Rollup
from models.counting.bucket import Balance, Bucket
from tests.models.examples import ALICE, NOON

THIS_MONTH = Bucket("monthly", "2026-11")
ASKED_TWO = {"personality:socrates": 10, "personality:einstein": 10}


def a_rollup(sums: dict[str, int], bucket: Bucket) -> Rollup:
    return Rollup.of(ALICE.user_id, bucket, Balance(sums, NOON - timedelta(days=60), NOON), 1, NOON)


def told(sums: dict[str, int], month: dict[str, int] | None = None) -> dict[str, str]:
    """The reasons by rule. Unless told otherwise, the latest month has all topics."""
    recent = {name: count for name, count in sums.items() if name.startswith("topic:")} if month is None else month
    found = recommendations(a_rollup(sums, Bucket("all_time")), a_rollup(recent, THIS_MONTH))
    assert all(item.text.endswith(".") and item.reason.endswith(".") for item in found)
    return {item.rule: item.reason for item in found}


def test_before_the_first_turn_there_is_nothing_to_say() -> None:
    assert recommendations(None, None) == []


@pytest.mark.parametrize(
    ("sums", "rule", "reason"),
    [
        ({"interactions": 1, "personality:buddha": 1}, "another_personality", "Your only question went to buddha."),
        (
            {"interactions": 20, "personality:socrates": 15, "personality:einstein": 5, "topic:ethics": 20},
            "other_view",
            "15 of your 20 questions went to socrates, 5 to einstein; most were about ethics.",
        ),
        (
            ASKED_TWO | {"interactions": 20, "topic:ethics": 12, "deep_dive:ethics": 2, "bookmarked": 1},
            "save_answers",
            "You asked about ethics three times or more in 2 sessions, and 1 of 20 answers are saved.",
        ),
        (
            ASKED_TWO | {"interactions": 20, "topic:law": 20, "complexity:simple": 18, "complexity:moderate": 2},
            "harder_questions",
            "18 of your 20 questions were simple.",
        ),
        (
            ASKED_TWO | {"interactions": 8, "sessions": 6, "follow_ups": 1},
            "follow_up",
            "1 of your 6 sessions had a second question.",
        ),
        (
            ASKED_TWO | {"interactions": 20, "hour:18": 8, "hour:21": 8, "hour:9": 4},
            "other_time",
            "16 of your 20 questions came in the evening.",
        ),
        (ASKED_TWO | {"interactions": 20}, "rate_answers", "None of your 20 answers is rated."),
    ],
)
def test_a_rule_gives_its_figures(sums: dict[str, int], rule: str, reason: str) -> None:
    assert told(sums)[rule] == reason


@pytest.mark.parametrize(
    ("sums", "rule"),
    [
        (ASKED_TWO | {"interactions": 20}, "another_personality"),
        (ASKED_TWO | {"interactions": 20, "topic:ethics": 20}, "other_view"),
        ({"interactions": 4, "personality:a": 3, "personality:b": 1, "topic:law": 4}, "other_view"),
        (ASKED_TWO | {"interactions": 20, "deep_dive:ethics": 7, "bookmarked": 2}, "save_answers"),
        (ASKED_TWO | {"interactions": 20, "topic:ethics": 20}, "save_answers"),
        (ASKED_TWO | {"interactions": 19, "topic:law": 19, "complexity:simple": 19}, "harder_questions"),
        (ASKED_TWO | {"interactions": 20, "topic:law": 20, "complexity:complex": 20}, "harder_questions"),
        (ASKED_TWO | {"interactions": 8, "sessions": 6, "follow_ups": 2}, "follow_up"),
        (ASKED_TWO | {"interactions": 8, "sessions": 4}, "follow_up"),
        (ASKED_TWO | {"interactions": 20, "hour:18": 10, "hour:9": 10}, "other_time"),
        (ASKED_TWO | {"interactions": 20, "rating:4": 1}, "rate_answers"),
    ],
)
def test_a_rule_is_silent_where_it_does_not_apply(sums: dict[str, int], rule: str) -> None:
    assert rule not in told(sums)


def test_a_topic_that_was_left_is_the_one_most_asked_about() -> None:
    sums = ASKED_TWO | {"interactions": 10, "topic:ethics": 5, "topic:law": 3, "topic:art": 1, "topic:music": 1}
    month = {"interactions": 5, "topic:ethics": 5}
    assert told(sums, month)["forgotten_topic"] == "You asked 3 questions about law, but none in 2026-11."
    assert "forgotten_topic" not in told(sums, month | {"topic:law": 1})


def test_a_month_that_has_hardly_begun_tells_of_no_topic_that_was_left() -> None:
    sums = ASKED_TWO | {"interactions": 10, "topic:ethics": 5, "topic:law": 5}
    assert "forgotten_topic" not in told(sums, {"interactions": 4, "topic:ethics": 4})


@pytest.mark.parametrize(("hour", "other"), [(9, "evening"), (2, "morning"), (14, "morning"), (23, "morning")])
def test_another_time_is_another(hour: int, other: str) -> None:
    sums = ASKED_TWO | {"interactions": 20, f"hour:{hour}": 20}
    found = recommendations(a_rollup(sums, Bucket("all_time")), a_rollup({}, THIS_MONTH))
    assert f"Consider a session in the {other}." in [item.text for item in found]


def test_there_are_never_too_many() -> None:
    sums = {
        "interactions": 30,
        "sessions": 30,
        "personality:socrates": 28,
        "personality:einstein": 2,
        "topic:ethics": 20,
        "topic:law": 10,
        "deep_dive:ethics": 9,
        "complexity:simple": 30,
        "hour:7": 30,
    }
    month = {"interactions": 5}
    assert list(told(sums, month)) == [
        "other_view",
        "forgotten_topic",
        "save_answers",
        "harder_questions",
        "follow_up",
    ]
    assert len(told(sums, month)) == MOST
