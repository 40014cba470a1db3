"""What the user's own rollups tell them: the dashboard, analytics over time, and what to try next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from cosmos.accounts.users import Users
from cosmos.analytics.rollups import Rollups
from functions.accounts.acting import AUDIT_REASON, read_about
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Query, Reply
from models.analytics.actions import READ_ANALYTICS, READ_DASHBOARD_OF
from models.analytics.dashboard import Dashboard, dashboard, first_weeks, latest_months
from models.analytics.recommendations import Recommendations, recommendations
from models.analytics.rollup import Rollup
from models.analytics.user_analytics import MAX_DAYS, Analytics, AnalyticsPeriod, bucket_of, day_range, totals
from models.core.calendar import day_of
from models.core.values import Day, format_timestamp
from models.counting.bucket import Bucket

routes = Routes()


class AnalyticsQuery(Query):
    """Which rollups to list. Weeks and months count whole, also those that the range only begins or ends in."""

    period: AnalyticsPeriod = "daily"
    from_: Day | None = Field(default=None, alias="from", description="First day; 29 days before the last if absent")
    to: Day | None = Field(
        default=None, description=f"Last day, counted in; today if absent, but at most {MAX_DAYS} days from the first"
    )

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.period == "all_time" and (self.from_ or self.to):
            raise ValueError("all time has neither a first day nor a last")
        if self.from_ and self.to and not 0 <= (self.to - self.from_).days < MAX_DAYS:
            raise ValueError(f"from and to must be in order, and at most {MAX_DAYS} days")
        return self


@routes.operation(
    "GET",
    "me/dashboard",
    summary="The user's dashboard, from rollups alone",
    action=READ_ANALYTICS,
    returns=Dashboard,
    etag=True,
)
async def get_my_dashboard(call: Call[None]) -> Reply:
    return await dashboard_of(call, call.person.user_id)


@routes.operation(
    "GET",
    "admin/users/{user_id}/dashboard",
    summary="A user's dashboard; it is audited",
    action=READ_DASHBOARD_OF,
    returns=Dashboard,
    problems=("audit-reason-required", "outranked"),
    headers=(AUDIT_REASON,),
    etag=True,
)
async def get_user_dashboard(call: Call[None]) -> Reply:
    """Not of an account with more rights than one's own."""
    profile = await read_about(call, "read_dashboard", "you read this user's dashboard")
    return await dashboard_of(call, profile.id)


async def dashboard_of(call: Call[None], user_id: str) -> Reply:
    """A user's dashboard."""
    stored = call.store[Rollups]
    all_time = await stored.rollup(user_id, Bucket("all_time"))
    etag = _etag(all_time, call.now)
    if call.has(etag):
        return Reply(None, etag=etag)
    periods = first_weeks(all_time), latest_months(all_time)
    week, month = await asyncio.gather(*(_first_with_turns(stored, user_id, some) for some in periods))
    return Reply(dashboard(all_time, week, month, call.now), etag=etag)


def _etag(all_time: Rollup | None, now: datetime) -> str:
    """The ETag of what is told of a user's weeks and months: whatever is counted in one of them is counted in all time
    with it, in one transaction; and how regularly somebody asks is told up to today."""
    if all_time is None:
        return '"0"'
    today = day_of(now, all_time.timezone)
    return f'"{all_time.revision}-{format_timestamp(all_time.last_updated)}-{today}"'


@routes.operation(
    "GET",
    "me/analytics",
    summary="The user's rollups over a range of days, and what they sum to",
    action=READ_ANALYTICS,
    query=AnalyticsQuery,
    returns=Analytics,
    hashed=True,
)
async def get_my_analytics(call: Call[None]) -> Analytics:
    """Days are the user's own: a turn counts in the day of the time zone that it was stamped with."""
    query: AnalyticsQuery = call.query
    stored, user_id = call.store[Rollups], call.person.user_id
    if query.period == "all_time":
        all_time = await stored.rollup(user_id, Bucket("all_time"))
        rollups = [all_time] if all_time and all_time.sums else []
        return Analytics(period="all_time", first_day=None, last_day=None, items=rollups, total=totals(rollups))
    profile = await call.store[Users].recent(user_id)
    today = day_of(call.now, (profile and profile.timezone) or "UTC")
    first, last = day_range(query.from_, query.to, today)
    period = query.period
    rollups = await stored.rollups(user_id, bucket_of(first, period), bucket_of(last, period))
    return Analytics(period=period, first_day=first, last_day=last, items=rollups, total=totals(rollups))


@routes.operation(
    "GET",
    "me/recommendations",
    summary="What the user might try next, and why",
    action=READ_ANALYTICS,
    returns=Recommendations,
)
async def get_my_recommendations(call: Call[None]) -> Recommendations:
    stored, user_id = call.store[Rollups], call.person.user_id
    all_time = await stored.rollup(user_id, Bucket("all_time"))
    latest_month = await _first_with_turns(stored, user_id, latest_months(all_time))
    if all_time is None or latest_month is None:
        return Recommendations(as_of=None, items=[])
    return Recommendations(as_of=all_time.last_updated, items=recommendations(all_time, latest_month))


async def _first_with_turns(stored: Rollups, user_id: str, periods: Sequence[Bucket]) -> Rollup | None:
    """The first of some periods in which the user asked anything."""
    found = await asyncio.gather(*(stored.rollup(user_id, period) for period in periods))
    return next((rollup for rollup in found if rollup and rollup.total_interactions), None)
