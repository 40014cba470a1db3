"""What users see of their allowance, and the alerts that it calls for."""

from __future__ import annotations

from datetime import UTC, datetime

from models.accounts.limits import Limits
from models.usage.alert import due
from models.usage.allowance import Allowance, Spent, settle
from models.usage.allowance_view import usage
from models.usage.windows import Clock
from tests.models.examples import ALICE

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CLOCK = Clock(NOW, "Asia/Kolkata")
LIMITS: Limits = {("month", "cost_nano_usd"): 4_000_000_000, ("minute", "queries"): 2, ("day", "tokens"): 100}


def used(*tokens: int, cost: int | None = 0) -> Allowance:
    return settle(Allowance.of(ALICE.user_id), [Spent(NOW, amount, cost) for amount in tokens], CLOCK)


def test_each_limit_is_shown_with_what_is_left() -> None:
    shown = usage(used(30, 60, 30, cost=500_000_000), LIMITS, CLOCK)
    assert [(line.window, line.measure, line.limit, line.used, line.left) for line in shown.limits] == [
        ("minute", "queries", 2, 3, 0),
        ("day", "tokens", 100, 120, 0),
        ("month", "cost_usd", 4.0, 1.5, 2.5),
    ]
    assert [line.resets_at for line in shown.limits] == [CLOCK.end("minute"), CLOCK.end("day"), CLOCK.end("month")]
    assert (shown.as_of, shown.timezone, shown.unpriced_queries) == (NOW, "Asia/Kolkata", 0)


def test_unpriced_turns_are_counted_and_cost_nothing() -> None:
    shown = usage(used(1, 1, cost=None), LIMITS, CLOCK)
    assert (shown.limits[2].used, shown.unpriced_queries) == (0.0, 2)


def test_an_alert_is_due_for_each_threshold_that_is_reached() -> None:
    assert [alert.id for alert in due(used(49), LIMITS, NOW)] == ["alert:minute:2026-11-20T12:00:queries:50"]
    thresholds = [alert.threshold for alert in due(used(80), LIMITS, NOW) if alert.window == "day"]
    assert thresholds == [50, 80]
    last = due(used(100), LIMITS, NOW)[-1]
    assert (last.id, last.used, last.limit) == ("alert:day:2026-11-20:tokens:100", 100, 100)


def test_an_alert_that_was_raised_is_not_due_but_shown() -> None:
    allowance = used(80)
    allowance = allowance.model_copy(update={"alerts": {alert.key: NOW for alert in due(allowance, LIMITS, NOW)}})
    assert due(allowance, LIMITS, NOW) == []
    (day,) = (line for line in usage(allowance, LIMITS, CLOCK).limits if line.window == "day")
    assert [alert.threshold for alert in day.alerts] == [50, 80]


def test_there_are_no_alerts_without_limits() -> None:
    assert due(used(10**9), {}, NOW) == []
