"""Limits: from the settings, and as staff decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from models.accounts.limits import DEFAULT_LIMITS, LimitOverride, LimitTable, effective

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EVERYBODY = LimitTable.model_validate({"minute": {"queries": 3}, "day": {"tokens": 100, "cost_usd": 0.29}})


def an_override(until: datetime | None = None) -> LimitOverride:
    limits = LimitTable.model_validate(
        {"minute": {"queries": "unlimited"}, "day": {"tokens": 0}, "month": {"cost_usd": 5}}
    )
    return LimitOverride(limits=limits, until=until, reason="a workshop", by="somebody", at=NOW)


def test_cost_is_exact_in_nano_dollars() -> None:
    assert effective(EVERYBODY, None, NOW) == {
        ("minute", "queries"): 3,
        ("day", "tokens"): 100,
        ("day", "cost_nano_usd"): 290_000_000,
    }


def test_an_override_replaces_what_it_says_and_leaves_the_rest() -> None:
    assert effective(EVERYBODY, an_override(), NOW) == {
        ("day", "tokens"): 0,
        ("day", "cost_nano_usd"): 290_000_000,
        ("month", "cost_nano_usd"): 5_000_000_000,
    }


def test_an_override_ends_when_it_is_said_to() -> None:
    temporary = an_override(until=NOW + timedelta(hours=1))
    assert ("minute", "queries") not in effective(EVERYBODY, temporary, NOW)
    assert effective(EVERYBODY, temporary, NOW + timedelta(hours=1)) == effective(EVERYBODY, None, NOW)


def test_an_override_survives_being_stored() -> None:
    stored = LimitOverride.model_validate_json(an_override().model_dump_json())
    assert effective(EVERYBODY, stored, NOW) == effective(EVERYBODY, an_override(), NOW)


@pytest.mark.parametrize(
    "text",
    ['{"hour": {}}', '{"day": {"queries": -1}}', '{"day": {"tokens": 1.5}}', '{"day": {"cost_usd": "much"}}'],
)
def test_limits_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        LimitTable.model_validate_json(text)


def test_the_defaults_limit_each_window() -> None:
    assert {window for window, _ in effective(DEFAULT_LIMITS, None, NOW)} == {"minute", "day", "month"}
