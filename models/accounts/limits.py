"""How much a user may use: limits by window and measure, from the settings, with what staff decided for one user."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from models.accounts.moderation import Reason
from models.core.document import Message
from models.core.limits import Measure, Window
from models.core.values import Count, Timestamp

LimitKey = tuple[Window, Measure]
Limits = Mapping[LimitKey, int]
"""What may be used at most, cost in 1e-9 USD. What is not there has no limit."""

WINDOWS: tuple[Window, ...] = get_args(Window)
UNLIMITED = "unlimited"

NANO = 1_000_000_000
_Unlimited = Literal["unlimited"]
_Usd = Annotated[float, Field(ge=0, le=9_000_000, allow_inf_nan=False)]


class WindowLimits(Message):
    """The limits of one window."""

    queries: Count | _Unlimited | None = Field(default=None, description="Turns, and admissions that are not settled")
    tokens: Count | _Unlimited | None = Field(default=None, description="Tokens of all kinds")
    cost_usd: _Usd | _Unlimited | None = Field(default=None, description="USD; models without a price add nothing")

    def given(self) -> dict[Measure, int | None]:
        """What it says, with None for no limit; what is absent is not in it."""
        cost = None if self.cost_usd in (None, UNLIMITED) else int(Decimal(str(self.cost_usd)) * NANO)
        said: dict[Measure, tuple[Any, int | None]] = {
            "queries": (self.queries, self.queries if isinstance(self.queries, int) else None),
            "tokens": (self.tokens, self.tokens if isinstance(self.tokens, int) else None),
            "cost_nano_usd": (self.cost_usd, cost),
        }
        return {measure: value for measure, (field, value) in said.items() if field is not None}


class LimitTable(Message):
    """Limits by window: the UTC minute, and the day and the month of the user's own calendar."""

    minute: WindowLimits = Field(default_factory=WindowLimits, description="Of a minute of UTC")
    day: WindowLimits = Field(default_factory=WindowLimits, description="Of a day of the user's own calendar")
    month: WindowLimits = Field(default_factory=WindowLimits, description="Of a month of the user's own calendar")

    def given(self) -> dict[LimitKey, int | None]:
        rows: dict[Window, WindowLimits] = {"minute": self.minute, "day": self.day, "month": self.month}
        return {(window, measure): value for window, row in rows.items() for measure, value in row.given().items()}


DEFAULT_LIMITS = LimitTable(
    minute=WindowLimits(queries=30, tokens=300_000),
    day=WindowLimits(queries=1_000, tokens=5_000_000, cost_usd=10),
    month=WindowLimits(tokens=50_000_000, cost_usd=100),
)
"""More than somebody needs who asks all day, and less than a script takes in an hour."""


class NewLimits(Message):
    """What staff decide for one user. What is absent stays as for everybody."""

    limits: LimitTable = Field(description='"unlimited" lifts a limit; an empty object ends what was decided before')
    until: Timestamp | None = Field(default=None, description="From then on as for everybody; null: until changed")
    reason: Reason = Field(description="Why, as who decided it says")


class LimitOverride(NewLimits):
    """What staff decided for one user, as the profile keeps it."""

    by: str = Field(min_length=1, max_length=64, description="The user_id of who decided it")
    at: Timestamp = Field(description="When it was decided")


def effective(everybody: LimitTable, override: LimitOverride | None, now: datetime) -> Limits:
    """The limits of a user at `now`."""
    limits = everybody.given()
    if override is not None and (override.until is None or now < override.until):
        limits |= override.limits.given()
    return {key: value for key, value in limits.items() if value is not None}
