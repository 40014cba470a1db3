"""The platform, for admins: its health, its growth, what is asked most, who stands out, and what it costs."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cosmos.analytics.insights import PlatformInsights
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Query
from models.analytics.actions import READ_INSIGHTS
from models.analytics.insights import Insights, PlatformUse, platform_use
from models.analytics.user_analytics import MAX_DAYS, day_range
from models.chat.names import Dimension
from models.core.values import Day
from models.counting.bucket import Bucket

routes = Routes()


class InsightsQuery(Query):
    """Which month to tell of."""

    month: str | None = Field(
        default=None, pattern=r"^20\d{2}-(0[1-9]|1[0-2])$", description="Of UTC, such as 2026-11; this one if absent"
    )


class UseQuery(Query):
    """Which days to tell of, and by what. Months count whole, also those that the range only begins or ends in."""

    by: Dimension
    interval: Literal["day", "month"] = "day"
    from_: Day | None = Field(default=None, alias="from", description="First day; 29 days before the last if absent")
    to: Day | None = Field(
        default=None, description=f"Last day, counted in; today if absent, but at most {MAX_DAYS} days from the first"
    )

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.from_ and self.to and not 0 <= (self.to - self.from_).days < MAX_DAYS:
            raise ValueError(f"from and to must be in order, and at most {MAX_DAYS} days")
        return self


@routes.operation(
    "GET",
    "admin/insights",
    summary="High-risk users, health, common questions and growth, from rollups alone",
    action=READ_INSIGHTS,
    query=InsightsQuery,
    returns=Insights,
    hashed=True,
)
async def get_insights(call: Call[None]) -> Insights:
    """Who scores high and who came back is told as of now; health and new users, of the month."""
    month = call.query.month or call.now.date().isoformat()[:7]
    return await call.store[PlatformInsights].insights(month, call.now)


@routes.operation(
    "GET",
    "admin/analytics",
    summary="Cost and use over time, by model, personality, category or language",
    action=READ_INSIGHTS,
    query=UseQuery,
    returns=PlatformUse,
    hashed=True,
)
async def get_platform_use(call: Call[None]) -> PlatformUse:
    """Days and months are those of UTC."""
    query: UseQuery = call.query
    first, last = day_range(query.from_, query.to, call.now.date())
    keys = [first.isoformat(), last.isoformat()]
    if query.interval == "month":
        start, end = (Bucket("utc_monthly", key[:7]) for key in keys)
    else:
        start, end = (Bucket("utc_daily", key) for key in keys)
    return platform_use(await call.store[PlatformInsights].periods(start, end), query.by, first, last)
