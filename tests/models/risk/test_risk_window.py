"""The window's bounds, and what becomes of findings: score, decay, policy, dismissal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.accounts.finding import Rule
from models.core.errors import FindingChanged
from models.risk.facts import TurnFacts
from models.risk.judgement import decision_of, findings_in, judged, points, score_of
from models.risk.thresholds import RiskSettings, Thresholds
from models.risk.window import DAYS_KEPT, TURNS_KEPT, RiskWindow
from tests.models.risk_turns import (
    DAY,
    HOUR,
    LIMITS,
    MINUTE,
    START,
    a_fact,
    a_window,
    at_human_pace,
    conversation,
    different_questions,
)

SETTINGS = RiskSettings()
REPEATED = conversation(at_human_pace(24), ["What is the meaning of life?"] * 24)


def test_the_window_keeps_the_newest_turns() -> None:
    window = a_window(a_fact(number * MINUTE) for number in range(TURNS_KEPT + 50))
    assert [turn.at for turn in window.turns] == [a_fact((number + 50) * MINUTE).at for number in range(TURNS_KEPT)]
    assert sum(window.hours.values()) == TURNS_KEPT + 50


def test_the_window_forgets_what_is_old() -> None:
    window = a_window([a_fact(0), a_fact(DAYS_KEPT.total_seconds() + HOUR)])
    assert len(window.turns) == len(window.hours) == 1


def test_the_window_stays_small() -> None:
    turns = (a_fact(number * 5 * MINUTE) for number in range(14 * 24 * 12))
    assert len(str(a_window(turns).body())) < 50_000


def test_the_window_can_be_stored_and_read() -> None:
    window = judged(a_window(REPEATED), SETTINGS)
    dismissed = window.dismiss(
        "repetitive_queries", window.findings["repetitive_queries"].fingerprint, "ok", "m", START
    )
    for one in (window, dismissed):
        assert RiskWindow.parse(one.body() | {"_etag": "1"}) == one


turns_of_a_month = st.lists(
    st.builds(
        a_fact,
        st.floats(0, 30 * DAY, allow_nan=False),
        st.sampled_from(["What is wisdom?", "Buy cheap pills at http://pills.example!!!", *different_questions(5)]),
        session=st.sampled_from("abc"),
        address=st.sampled_from(["", "home", "office"]),
        tokens=st.integers(0, 100_000),
    ),
    max_size=60,
)


@given(turns_of_a_month, st.data())
def test_neither_order_nor_batches_matter(turns: list[TurnFacts], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(turns))
    cut = data.draw(st.integers(0, len(turns)))
    at_once = a_window(turns)
    in_two = a_window(shuffled[:cut]).with_turns(shuffled[cut:])
    assert at_once == in_two
    assert findings_in(at_once, LIMITS) == findings_in(in_two, LIMITS)


@given(turns_of_a_month)
def test_judging_again_changes_nothing(turns: list[TurnFacts]) -> None:
    once = judged(a_window(turns), SETTINGS)
    assert judged(once, SETTINGS) == once


def test_a_finding_outlives_its_evidence() -> None:
    window = judged(a_window(REPEATED), SETTINGS)
    times = [at for day in range(1, 9) for at in at_human_pace(TURNS_KEPT // 8, day * DAY)]
    later = window.with_turns(conversation(times, different_questions(TURNS_KEPT)))
    assert not findings_in(later, LIMITS)
    assert set(judged(later, SETTINGS).findings) == {"repetitive_queries"}


def test_a_finding_halves_with_every_half_life_and_is_forgotten() -> None:
    window = judged(a_window(REPEATED), SETTINGS)
    found = window.findings["repetitive_queries"]
    seen, half_life = found.last_seen, timedelta(days=SETTINGS.half_life_days)
    assert points(found, SETTINGS, seen) == 90
    assert points(found, SETTINGS, seen + half_life) == 45
    assert score_of(window.findings, SETTINGS, seen + 2 * half_life) == 22.5
    a_long_time = 5 * half_life.total_seconds()
    assert judged(window.with_turns([a_fact(a_long_time)]), SETTINGS).findings == {}


def test_a_score_before_its_evidence_is_not_more_than_all_of_it() -> None:
    window = judged(a_window(REPEATED), SETTINGS)
    assert score_of(window.findings, SETTINGS, START - timedelta(days=99)) == window.score == 90


def test_rules_add_up_to_a_hundred_at_most() -> None:
    heavy = [turn._replace(session=f"s{index}", fresh_input=80_000) for index, turn in enumerate(REPEATED)]
    window = judged(a_window(heavy), SETTINGS)
    assert set(window.findings) == {"repetitive_queries", "token_abuse"}
    assert (window.score, window.decision) == (100, "suspend")


@pytest.mark.parametrize(
    ("strengths", "decision"),
    [
        ({}, "nothing"),
        ({"spam": 0.33}, "nothing"),
        ({"spam": 0.34}, "flag"),
        ({"spam": 0.9}, "suspend"),
        ({"repetitive_queries": 1.0}, "flag"),
        ({"repetitive_queries": 1.0, "spam": 0.3}, "flag"),
        ({"repetitive_queries": 1.0, "spam": 0.5}, "suspend"),
    ],
)
def test_the_policy_follows_from_the_findings(strengths: dict[Rule, float], decision: str) -> None:
    seen = judged(a_window(REPEATED), SETTINGS).findings["repetitive_queries"]
    findings = {rule: seen.model_copy(update={"rule": rule, "strength": one}) for rule, one in strengths.items()}
    assert decision_of(findings, SETTINGS, seen.last_seen) == decision


def test_shadow_mode_is_the_default_and_judges_alike() -> None:
    assert SETTINGS.shadow
    enforcing = RiskSettings(shadow=False)
    assert judged(a_window(REPEATED), enforcing) == judged(a_window(REPEATED), SETTINGS)


def test_settings_are_checked() -> None:
    with pytest.raises(ValidationError, match="suspend_from"):
        RiskSettings(flag_from=90, suspend_from=50)
    with pytest.raises(ValidationError):
        RiskSettings.model_validate({"thresholds": {"spam": {"no_such": 1}}})


def test_thresholds_decide() -> None:
    lenient = Thresholds.model_validate({"repetitive_queries": {"repeats_per_day": 100, "beyond_habit": 100}})
    assert not findings_in(a_window(REPEATED), lenient)


def _dismissed() -> RiskWindow:
    window = judged(a_window(REPEATED), SETTINGS)
    found = window.findings["repetitive_queries"]
    return judged(window.dismiss("repetitive_queries", found.fingerprint, "A test of ours", "mod", START), SETTINGS)


def test_what_is_dismissed_does_not_come_back() -> None:
    window = _dismissed()
    assert (window.findings, window.score) == ({}, 0)
    assert judged(window.with_turns([a_fact(DAY, "Something else?")]), SETTINGS).findings == {}


def test_after_a_dismissal_only_what_is_new_counts() -> None:
    window = _dismissed()
    few = window.with_turns(conversation(at_human_pace(5, DAY), ["What is the meaning of life?"] * 5))
    assert judged(few, SETTINGS).findings == {}
    many = window.with_turns(conversation(at_human_pace(20, DAY), ["What is the meaning of life?"] * 20))
    assert judged(many, SETTINGS).findings["repetitive_queries"].turns == 20


def test_a_dismissal_holds_for_counts_by_the_hour() -> None:
    window = judged(a_window(a_fact(number * 2 * MINUTE) for number in range(300)), SETTINGS)
    found = window.findings["excessive_usage"]
    quiet = window.dismiss("excessive_usage", found.fingerprint, "Exam", "mod", START)
    assert "excessive_usage" not in judged(quiet, SETTINGS).findings


def test_a_dismissal_is_about_what_was_seen() -> None:
    window = judged(a_window(REPEATED), SETTINGS)
    seen = window.findings["repetitive_queries"].fingerprint
    grown = judged(
        window.with_turns(conversation(at_human_pace(9, 2 * HOUR), ["What is the meaning of life?"] * 9)), SETTINGS
    )
    with pytest.raises(FindingChanged):
        grown.dismiss("repetitive_queries", seen, "?", "mod", START)
    with pytest.raises(FindingChanged):
        window.dismiss("spam", seen, "?", "mod", START)
