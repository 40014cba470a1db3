"""Container `user_analytics`: that a user has come close to a limit, or has reached it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from models.accounts.limits import WINDOWS, Limits
from models.core.document import Document
from models.core.limits import Measure, Window
from models.core.values import Count, Timestamp, Uuid
from models.usage.allowance import Allowance

THRESHOLDS = (50, 80, 100)
"""Percent of a limit, without what is only reserved."""

MEASURES: tuple[Measure, ...] = ("queries", "tokens", "cost_nano_usd")

_DAY = 86_400
_KEPT: dict[Window, int] = {"minute": _DAY, "day": 35 * _DAY, "month": 400 * _DAY}


class Alert(Document):
    """One threshold of one limit, passed in one window. There is at most one: its id follows from these."""

    container: ClassVar[str] = "user_analytics"

    partition_key: Uuid
    kind: Literal["alert"] = "alert"
    ttl: int | None = Field(default=None, description="A day, 35 days or 400 days, by window")

    user_id: Uuid = Field(description="Whose limit it is; same as `partition_key`")
    window: Window = Field(description="Which kind of window the limit holds in")
    window_key: str = Field(description="Which: minute:2026-11-20T12:03, day:2026-11-20, month:2026-11")
    measure: Measure = Field(description="What is limited; cost in 1e-9 USD")
    threshold: int = Field(description="Percent of the limit: 50, 80 or 100")
    used: Count = Field(description="When it was raised")
    limit: Count = Field(description="The limit, in the same unit as `used`")
    raised_at: Timestamp = Field(description="When the threshold was found to be passed")

    @property
    def key(self) -> str:
        """As the allowance remembers it."""
        return f"{self.window_key}:{self.measure}:{self.threshold}"


def due(allowance: Allowance, limits: Limits, now: datetime) -> list[Alert]:
    """The alerts that are to be raised: of thresholds that are passed, those that the allowance knows nothing of."""
    return [
        _alert(allowance, window, window_key, measure, threshold, limits[window, measure], now)
        for window in WINDOWS
        for window_key in _window_keys(allowance, window)
        for measure in MEASURES
        for threshold in THRESHOLDS
        if (window, measure) in limits
        and 100 * allowance.used.get(f"{window_key}:{measure}", 0) >= threshold * limits[window, measure]
        and f"{window_key}:{measure}:{threshold}" not in allowance.alerts
    ]


def _window_keys(allowance: Allowance, window: Window) -> list[str]:
    """The windows of a kind in which something has been used."""
    return sorted({key.rpartition(":")[0] for key in allowance.used if key.startswith(f"{window}:")})


def _alert(
    allowance: Allowance,
    window: Window,
    window_key: str,
    measure: Measure,
    threshold: int,
    limit: int,
    now: datetime,
) -> Alert:
    return Alert(
        id=f"alert:{window_key}:{measure}:{threshold}",
        partition_key=allowance.partition_key,
        user_id=allowance.partition_key,
        window=window,
        window_key=window_key,
        measure=measure,
        threshold=threshold,
        used=allowance.used.get(f"{window_key}:{measure}", 0),
        limit=limit,
        raised_at=now,
        ttl=_KEPT[window],
    )
