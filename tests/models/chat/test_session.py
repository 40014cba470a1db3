"""Sessions, edited and ended."""

from __future__ import annotations

from datetime import timedelta

from models.chat.session import REOPENED, SessionChanges, UserSession
from tests.models.examples import NOON, a_session


def ended(session: UserSession, **changes: object) -> UserSession:
    return session.changed(SessionChanges.model_validate({"is_active": False} | changes))


def test_a_session_lasts_from_its_start_to_its_last_activity() -> None:
    session = ended(a_session(last_activity=NOON + timedelta(seconds=90.9)))
    assert (session.is_active, session.duration_seconds) == (False, 90)
    assert session.end_time == NOON + timedelta(seconds=90.9)


def test_a_session_lasts_at_least_as_long_as_its_answers_take() -> None:
    at_once = a_session(avg_response_time_ms=3143)
    assert ended(at_once).duration_seconds == 4
    assert ended(at_once.model_copy(update={"last_activity": NOON + timedelta(seconds=90)})).duration_seconds == 90
    assert at_once.duration_seconds is None


def test_how_long_a_session_was_is_not_known_where_nothing_tells_it() -> None:
    assert ended(a_session()).duration_seconds is None
    assert ended(a_session(last_activity=NOON - timedelta(hours=1))).duration_seconds is None


def test_the_quality_follows_from_the_totals() -> None:
    session = a_session(total_queries=4, error_count=1, user_satisfaction_ratings=[4])
    assert session.session_quality == "unknown"
    assert ended(session).session_quality == "good"


def test_ending_what_has_ended_changes_nothing_but_the_outcome() -> None:
    session = ended(a_session(total_queries=1)).model_copy(update={"last_activity": NOON + timedelta(hours=1)})
    again = ended(session, completed_successfully=False)
    assert again == session.model_copy(update={"completed_successfully": False})


def test_an_edit_that_does_not_end_a_session_leaves_it_active() -> None:
    session = a_session().changed(SessionChanges(timezone="Europe/Paris"))
    assert (session.is_active, session.timezone, session.end_time) == (True, "Europe/Paris", None)


def test_reopening_undoes_what_ending_set() -> None:
    session = a_session(total_queries=1)
    assert ended(session).model_copy(update=REOPENED) == session


def test_turns_widen_the_span_of_an_active_session() -> None:
    hour = timedelta(hours=1)
    session = a_session(last_activity=NOON + hour)
    assert session.settled(NOON + hour / 2, NOON + hour) == session
    wider = session.settled(NOON - hour, NOON + 2 * hour)
    assert (wider.start_time, wider.last_activity, wider.end_time) == (NOON - hour, NOON + 2 * hour, None)


def test_turns_correct_the_duration_of_a_session_that_has_ended() -> None:
    session = ended(a_session(last_activity=NOON + timedelta(seconds=60)))
    longer = session.settled(NOON - timedelta(seconds=10), NOON + timedelta(seconds=90))
    assert (longer.duration_seconds, longer.end_time) == (100, NOON + timedelta(seconds=90))
    answered = ended(a_session()).model_copy(update={"avg_response_time_ms": 2500.0})
    assert answered.settled(NOON, NOON).duration_seconds == 3


def test_a_session_whose_turns_are_taken_out_keeps_its_span_and_has_no_quality() -> None:
    session = ended(a_session(total_queries=4, last_activity=NOON + timedelta(seconds=60)))
    emptied = session.model_copy(update={"total_queries": 0}).settled(None, None)
    assert (session.session_quality, emptied.session_quality) == ("good", "unknown")
    assert (emptied.start_time, emptied.last_activity, emptied.duration_seconds) == (NOON, session.last_activity, 60)
