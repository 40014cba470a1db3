"""A user's rollups over a range of days, with what they sum to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from pydantic import Field

from models.analytics.rollup import NANO, Rollup
from models.core.document import Message
from models.core.values import Count, Total
from models.counting.bucket import Bucket, average_rating

MAX_DAYS = 366
DEFAULT_DAYS = 30

CalendarPeriod = Literal["daily", "weekly", "monthly"]
AnalyticsPeriod = Literal["daily", "weekly", "monthly", "all_time"]


class Totals(Message):
    """The sums over a range, exactly: each is the sum of the items' own."""

    sums: dict[str, int] = Field(description="By measure, as in the items")
    total_sessions: Count = Field(description="Sessions started")
    total_interactions: Count = Field(description="Turns")
    total_tokens: Total = Field(description="Tokens of all kinds")
    total_cost_usd: float = Field(description="USD; turns whose model has no price are left out")
    unpriced_interactions: Count = Field(description="Turns whose model has no price")
    active_days: Count = Field(description="Days with a turn")
    avg_response_rating: float | None = Field(description="Mean of the ratings 1-5; null without one")


class Analytics(Message):
    """Rollups in order of time. A day is one of the user's own calendar, as its turns were stamped."""

    period: AnalyticsPeriod
    first_day: date | None = Field(description="First day of the range; null for all time")
    last_day: date | None = Field(description="Last day of the range, counted in; null for all time")
    items: list[Rollup] = Field(description="Those of the range in which something was counted")
    total: Totals


def day_range(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """The days to tell of: those given, else the `DEFAULT_DAYS` up to the last or today, never more than `MAX_DAYS`."""
    if first is None:
        last = last or today
        return last - timedelta(days=DEFAULT_DAYS - 1), last
    return first, last or min(max(today, first), first + timedelta(days=MAX_DAYS - 1))


def bucket_of(day: date, period: CalendarPeriod) -> Bucket:
    """The day, or the week or month that it is in."""
    if period == "weekly":
        year, week, _ = day.isocalendar()
        return Bucket("weekly", f"{year}-W{week:02}")
    return Bucket(period, day.isoformat() if period == "daily" else day.isoformat()[:7])


def totals(rollups: Sequence[Rollup]) -> Totals:
    """What rollups of the same period sum to."""
    sums: Counter[str] = Counter()
    for rollup in rollups:
        sums.update(rollup.sums)
    return Totals(
        sums=dict(sums),
        total_sessions=sums["sessions"],
        total_interactions=sums["interactions"],
        total_tokens=sums["tokens"],
        total_cost_usd=sums["cost_nano_usd"] / NANO,
        unpriced_interactions=sums["unpriced"],
        active_days=sum(map(_active_days, rollups)),
        avg_response_rating=average_rating(sums),
    )


def _active_days(rollup: Rollup) -> int:
    if rollup.analytics_period == "daily":
        return int(rollup.total_interactions > 0)
    return rollup.sums.get("active_days", 0)
