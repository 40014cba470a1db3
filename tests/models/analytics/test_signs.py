"""Signs of misuse: what days count says, and longer periods say of their days."""

from __future__ import annotations

import pytest

from models.analytics import signs
from models.risk.facts import TurnFacts
from models.risk.text import Signal
from tests.models.risk_turns import a_fact


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        ({"interactions": 149}, {}),
        ({"interactions": 225}, {("excessive_usage", "turns_per_day"): 0.75}),
        ({"interactions": 120, "hour:9": 120}, {("excessive_usage", "turns_per_hour"): 0.55}),
        ({"interactions": 100, "automated": 49}, {}),
        ({"interactions": 60, "automated": 50}, {("bot_like_patterns", "automated_turns"): 1.0}),
        ({"interactions": 20, "advertisements": 8}, {("spam", "advertisements"): 0.5}),
        ({"interactions": 100, "advertisements": 8}, {}),
        ({"interactions": 30, "heavy_turns": 19, "heavy_tokens": 900_000}, {}),
        ({"interactions": 30, "heavy_turns": 25, "heavy_tokens": 300_000}, {("token_abuse", "tokens_per_day"): 0.6}),
    ],
)
def test_a_day_shows_signs_by_what_it_counts(sums: dict[str, int], expected: signs.Signs) -> None:
    assert signs.of_a_day(sums) == expected
    assert signs.of_days(signs.to_longer_periods(sums)) == expected


def test_a_longer_period_is_as_bad_as_its_worst_day() -> None:
    held = {
        "sign:spam/advertisements/50": 3,
        "sign:spam/advertisements/80": 1,
        "sign:excessive_usage/turns_per_day/60": 2,
    }
    seen = signs.of_days(held)
    assert signs.anomalies(seen) == ["advertisements", "turns_per_day"]
    assert signs.indicators(seen) == {"excessive_usage": 0.6, "spam": 0.8}
    assert signs.likelihood(seen) == 0.92


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (a_fact(0), {}),
        (a_fact(0)._replace(signals=int(Signal.AUTOMATED)), {"automated": 1}),
        (a_fact(0, output=9_000), {"heavy_turns": 1, "heavy_tokens": 4_000}),
        (a_fact(0, tokens=90_000), {}),
        (
            a_fact(0, "Why?", tokens=90_004, output=0)._replace(signals=int(Signal.FIRST)),
            {"heavy_turns": 1, "heavy_tokens": 85_000},
        ),
    ],
)
def test_a_turn_adds_what_stands_out(facts: TurnFacts, expected: dict[str, int]) -> None:
    assert signs.of_facts(facts) == expected
