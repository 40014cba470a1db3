"""The settings of limits and prices, as an operator writes them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from functions.core.settings import SettingsError, read_settings
from models.accounts.limits import DEFAULT_LIMITS, effective
from models.usage.pricing import PriceTable
from models.usage.token_usage import TokenUsage
from tests.models.examples import NOON


@pytest.fixture(autouse=True)
def _others(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIMITS", "RESERVATION_SECONDS", "PRICE_OVERRIDES"):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_need_no_setting() -> None:
    found = read_settings()
    assert (found.limits, timedelta(seconds=found.reservation_seconds)) == (DEFAULT_LIMITS, timedelta(minutes=10))


def test_limits_are_json_in_place_of_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMITS", '{"minute": {"queries": 3}, "month": {"cost_usd": 7.5, "tokens": "unlimited"}}')
    assert effective(read_settings().limits, None, NOON) == {
        ("minute", "queries"): 3,
        ("month", "cost_nano_usd"): 7_500_000_000,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIMITS", '{"hour": {}}'),
        ("LIMITS", '{"day": {"queries": -1}}'),
        ("RESERVATION_SECONDS", "0"),
        ("PRICE_OVERRIDES", '{"m": {"input": -1, "output": 1}}'),
        ("PRICE_OVERRIDES", '{"m": [{"input": 1, "output": 1}, {"input": 2, "output": 2}]}'),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_settings()


def test_prices_may_change_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    since = NOON.isoformat()
    prices = [{"input": 1, "output": 1}, {"input": 3, "output": 1, "effective_from": since}]
    monkeypatch.setenv("PRICE_OVERRIDES", json.dumps({"mine": prices}))
    table = PriceTable(read_settings().price_overrides)
    usage = TokenUsage(input_uncached=1_000_000)
    moments = (NOON - timedelta(microseconds=1), NOON)
    assert [table.price("mine", usage, moment).cost_usd for moment in moments] == [1, 3]
