from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models.accounts.limits import Limits
from models.usage.allowance import Allowance
from models.usage.rate_limit import LARGEST, rate_limit_headers
from models.usage.windows import Clock

NOW = datetime(2026, 11, 20, 9, 30, 29, 500_000, tzinfo=UTC)
USER = "33333333-3333-4333-8333-333333333333"


def test_each_limit_is_an_item_the_shortest_window_first() -> None:
    limits: Limits = {("day", "cost_nano_usd"): 10_000_000_000, ("minute", "queries"): 30, ("month", "tokens"): 5000}
    clock = Clock(NOW)
    used = {f"{clock.key('minute')}:queries": 4, f"{clock.key('day')}:cost_nano_usd": 1_234_567_890}
    allowance = Allowance.of(USER).model_copy(update={"used": used})
    assert rate_limit_headers(allowance, limits, clock) == {
        "RateLimit-Policy": '"minute-queries";q=30;w=60, "day-cost";q=10000000;qu="micro-usd";w=86400, '
        '"month-tokens";q=5000;qu="tokens";w=2592000',
        "RateLimit": '"minute-queries";r=26;t=31, "day-cost";r=8765432;t=52171, "month-tokens";r=5000;t=916171',
    }


@pytest.mark.parametrize(("used", "left"), [(30, 0), (35, 0), (29, 1)])
def test_nothing_is_left_of_what_is_used_up(used: int, left: int) -> None:
    clock = Clock(NOW)
    allowance = Allowance.of(USER).model_copy(update={"used": {f"{clock.key('minute')}:queries": used}})
    headers = rate_limit_headers(allowance, {("minute", "queries"): 30}, clock)
    assert headers["RateLimit"] == f'"minute-queries";r={left};t=31'


def test_a_day_of_23_hours_is_told_as_such() -> None:
    clock = Clock(datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Paris")
    assert rate_limit_headers(None, {("day", "queries"): 9}, clock) == {"RateLimit-Policy": '"day-queries";q=9;w=82800'}


def test_amounts_fit_into_structured_fields() -> None:
    headers = rate_limit_headers(None, {("month", "tokens"): 2**53 - 1}, Clock(NOW))
    assert f"q={LARGEST};" in headers["RateLimit-Policy"]


def test_without_limits_there_is_nothing_to_tell() -> None:
    assert rate_limit_headers(Allowance.of(USER), {}, Clock(NOW)) == {}
