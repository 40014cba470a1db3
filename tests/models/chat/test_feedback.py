"""What users think of answers."""

from __future__ import annotations

from datetime import timedelta

from models.chat.feedback import PAST_FEEDBACK_KEPT, FeedbackChanges
from models.chat.interaction import UserInteraction
from tests.models.examples import NOON, an_interaction


def after(turn: UserInteraction, minutes: int = 1, **changes: object) -> UserInteraction:
    return turn.with_feedback(FeedbackChanges.model_validate(changes), NOON + timedelta(minutes=minutes))


def test_the_first_feedback_replaces_none() -> None:
    turn = after(an_interaction(), user_rating=4)
    assert (turn.user_rating, turn.feedback_at, turn.feedback_history) == (4, NOON + timedelta(minutes=1), [])


def test_feedback_that_is_replaced_is_kept_with_its_time() -> None:
    turn = after(after(an_interaction(user_rating=2), 1, user_rating=3), 2, user_rating=None)
    assert [(past.user_rating, past.given_at) for past in turn.feedback_history] == [
        (2, NOON),
        (3, NOON + timedelta(minutes=1)),
    ]
    assert turn.user_rating is None


def test_what_is_not_said_stays() -> None:
    turn = after(an_interaction(user_rating=2, was_helpful=True), user_feedback="Too short")
    assert (turn.user_rating, turn.was_helpful, turn.user_feedback) == (2, True, "Too short")


def test_saying_the_same_again_changes_nothing() -> None:
    turn = an_interaction(user_rating=2)
    assert after(turn, user_rating=2) is turn


def test_the_history_is_bounded_and_keeps_the_latest() -> None:
    turn = an_interaction()
    for minute in range(30):
        turn = after(turn, minute, user_feedback=f"Opinion {minute}")
    assert len(turn.feedback_history) == PAST_FEEDBACK_KEPT
    assert turn.feedback_history[-1].user_feedback == "Opinion 28"


def test_a_turn_with_a_history_survives_being_stored_and_read() -> None:
    turn = after(after(an_interaction(), user_rating=2), 2, user_rating=5)
    assert UserInteraction.parse(turn.body()) == turn
