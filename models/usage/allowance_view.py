"""What a user sees of their allowance."""

from __future__ import annotations

from pydantic import Field

from models.accounts.limits import NANO, WINDOWS, Limits
from models.core.document import Message
from models.core.limits import Measure, ShownMeasure, Window
from models.core.values import Timestamp
from models.usage.alert import THRESHOLDS
from models.usage.allowance import Allowance
from models.usage.windows import Clock

_SHOWN: dict[Measure, ShownMeasure] = {"queries": "queries", "tokens": "tokens", "cost_nano_usd": "cost_usd"}


class AlertShown(Message):
    """A threshold that has been passed."""

    threshold: int = Field(description="Percent of the limit: 50, 80 or 100")
    raised_at: Timestamp = Field(description="When it was found to be passed")


class LimitUse(Message):
    """How much of one limit is used. Amounts are counts of queries or tokens, or USD."""

    window: Window = Field(description="The UTC minute, or the day or month of the user's calendar")
    measure: ShownMeasure = Field(description="What is limited")
    limit: int | float = Field(description="What may be used")
    used: int | float = Field(description="By turns that have been recorded")
    reserved: int | float = Field(description="By admissions that are neither settled nor released nor expired")
    left: int | float = Field(description="The limit without what is used and reserved; 0 at least")
    resets_at: Timestamp = Field(description="First instant after the window")
    alerts: list[AlertShown] = Field(description="In this window so far, raised some seconds after they were passed")


class Usage(Message):
    """A user's allowance in the windows that are current."""

    as_of: Timestamp = Field(description="When this was so")
    timezone: str = Field(description="IANA time zone of the day and the month")
    limits: list[LimitUse] = Field(description="Minute, day and month; what is not here has no limit")
    unpriced_queries: int = Field(description="Turns of this month whose model has no price: they add no cost")


def shown_measure(measure: Measure) -> ShownMeasure:
    return _SHOWN[measure]


def shown_amount(measure: Measure, amount: int) -> int | float:
    """An amount as it is shown: cost in USD."""
    return amount / NANO if measure == "cost_nano_usd" else amount


def limit_uses(allowance: Allowance, limits: Limits, clock: Clock) -> list[LimitUse]:
    """How much of each limit is used, the shortest window first."""
    ordered = sorted(limits, key=lambda key: WINDOWS.index(key[0]))
    return [_use(allowance, window, measure, limits[window, measure], clock) for window, measure in ordered]


def usage(allowance: Allowance, limits: Limits, clock: Clock) -> Usage:
    return Usage(
        as_of=clock.now,
        timezone=clock.zone,
        limits=limit_uses(allowance, limits, clock),
        unpriced_queries=allowance.used_in(clock, "month", "unpriced"),
    )


def _use(allowance: Allowance, window: Window, measure: Measure, limit: int, clock: Clock) -> LimitUse:
    used, reserved = allowance.used_in(clock, window, measure), allowance.reserved(measure, clock.now)
    raised = {threshold: allowance.alerts.get(f"{clock.key(window)}:{measure}:{threshold}") for threshold in THRESHOLDS}
    return LimitUse(
        window=window,
        measure=shown_measure(measure),
        limit=shown_amount(measure, limit),
        used=shown_amount(measure, used),
        reserved=shown_amount(measure, reserved),
        left=shown_amount(measure, max(0, limit - used - reserved)),
        resets_at=clock.end(window),
        alerts=[AlertShown(threshold=threshold, raised_at=at) for threshold, at in raised.items() if at],
    )
