"""The settings of limits, as an operator writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.settings import SettingsError, read_settings
from models.limits import DEFAULT_LIMITS, effective
from tests.models.examples import NOON


@pytest.fixture(autouse=True)
def _others(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIMITS", "RESERVATION_SECONDS"):
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
    [("LIMITS", '{"hour": {}}'), ("LIMITS", '{"day": {"queries": -1}}'), ("RESERVATION_SECONDS", "0")],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_settings()
