"""Accounts that stand out, for staff: by their risk, and by their use though nothing was found."""

from __future__ import annotations

from typing import TypeVar

from pydantic import Field

from cosmos.accounts.users import Users
from cosmos.analytics.insights import PlatformInsights
from cosmos.risk.risk import Risk
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from models.analytics.actions import READ_STANDINGS
from models.analytics.insights import HighRiskUser
from models.core.document import Message
from models.core.errors import AccountClosed
from models.core.values import Count, Timestamp, Uuid
from models.risk.standing import as_it_stands

routes = Routes()

T = TypeVar("T")
MONTH = r"^20\d{2}-(0[1-9]|1[0-2])$"


class RiskyQuery(Paged):
    """Which month to tell of."""

    month: str | None = Field(default=None, pattern=MONTH, description="Of UTC, such as 2026-11; this one if absent")


class BusyQuery(RiskyQuery):
    """Which month to tell of, and from how many turns a day on."""

    least: int = Field(default=50, ge=1, le=100_000, description="Turns of a day that make it busy")


class BusyUser(Message):
    """An account with busy days. That is no finding: people may ask a lot."""

    user_id: Uuid = Field(description="Whose account it is")
    account_status: str = Field(description="As on the profile")
    peak_day: str = Field(description="The busiest day of the user's own calendar in the month")
    peak_queries: Count = Field(description="Turns on that day")
    busy_days: Count = Field(description="Days with at least so many turns as were asked for")
    busy_queries: Count = Field(description="Turns on these days")
    busy_cost_usd: float = Field(description="USD on these days; turns whose model has no price are left out")
    risk_score: float = Field(description="0-100, decayed to `risk_score_at`")
    risk_score_at: Timestamp = Field(description="When the score is told")
    red_flags: list[str] = Field(description="Rules that found something, by name; mostly none")


@routes.operation(
    "GET",
    "admin/high-risk-users",
    summary="The accounts that are flagged as of a month, the highest scores first",
    action=READ_STANDINGS,
    query=RiskyQuery,
    returns=Page[HighRiskUser],
)
async def list_high_risk_users(call: Call[None]) -> Page[HighRiskUser]:
    """Scores are those of the month's end, or of now. A past month is told by what had been found by its end, for 400
    days: what is found later, or decays later, does not change it. What is dismissed is told of no month any more."""
    flagged = await call.store[PlatformInsights].standings.flagged(_month(call), call.now)
    some, following = _page(call, flagged)
    return Page(
        items=await call.store[PlatformInsights].described(some, _month(call), call.now), continuation=following
    )


@routes.operation(
    "GET",
    "admin/busy-users",
    summary="The accounts with the busiest days of a month, whether anything was found or not",
    action=READ_STANDINGS,
    query=BusyQuery,
    returns=Page[BusyUser],
)
async def list_busy_users(call: Call[None]) -> Page[BusyUser]:
    """Somebody who asks 137 times a day may be a person. An erased account is not told."""
    some, following = _page(call, await call.store[PlatformInsights].standings.busy(_month(call), call.query.least))
    items = []
    for busy in some:
        try:
            profile = await call.store[Users].find(busy.user_id)
        except AccountClosed:
            continue
        if profile is None:
            continue
        shown = as_it_stands(profile, call.store[Risk].settings, call.now)
        items.append(
            BusyUser(
                user_id=busy.user_id,
                account_status=shown.account_status,
                peak_day=busy.peak_day,
                peak_queries=busy.peak_turns,
                busy_days=busy.busy_days,
                busy_queries=busy.busy_turns,
                busy_cost_usd=busy.busy_cost_usd,
                risk_score=shown.risk_score,
                risk_score_at=call.now,
                red_flags=shown.abuse_flags,
            )
        )
    return Page(items=items, continuation=following)


def _month(call: Call[None]) -> str:
    month: str | None = call.query.month
    return month or call.now.date().isoformat()[:7]


def _page(call: Call[None], found: list[T]) -> tuple[list[T], str | None]:
    """The next of a list that is found anew for each page."""
    start = int(verified_continuation(call) or 0)
    end = start + call.query.limit
    return found[start:end], signed_continuation(call, str(end) if end < len(found) else None)
