"""Container `user_analytics`: rollups of a user's turns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from math import prod
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from models.analytics.contribution import of_day
from models.core.values import Count, Timestamp, Total, Uuid
from models.counting.bucket import Balance, Bucket, UserPeriod, average_rating, bucket_id, by_count, ratio
from models.counting.bucket_document import Counted
from models.counting.fold import OTHER, Source
from models.risk.finding import Finding

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NANO = 1_000_000_000


class Rollup(Counted):
    """What one user did in one period. Every figure is derived from `sums`, which are exact integers.

    `id` is `<user_id>:<period>:<key>`, as in `…:daily:2026-11-20`, `…:weekly:2026-W47`, `…:monthly:2026-11`,
    `…:session:<session_id>`, and `…:all_time`.
    """

    kind: Literal["rollup"] = "rollup"

    user_id: Uuid = Field(description="Whose it is; same as `partition_key`")
    analytics_period: UserPeriod = Field(description="Which kind of period it counts")
    timezone: str = Field(description="IANA time zone that most of what is counted was stamped with")
    period_start: Timestamp | None = Field(
        description="First instant, in the user's zone; of sessions and all time `first_activity`"
    )
    period_end: Timestamp | None = Field(description="First instant after it; of sessions and all time `last_activity`")
    last_updated: Timestamp = Field(description="When it was written last")

    total_sessions: Count = Field(description="Sessions started in the period")
    total_interactions: Count = Field(description="Turns")
    total_tokens: Total = Field(description="Tokens of all kinds")
    total_cost_usd: float = Field(description="USD; turns whose model has no price are left out, see unpriced")
    unpriced_interactions: Count = Field(description="Turns whose model has no price")
    avg_session_duration: float = Field(description="Seconds, over the sessions that have ended; 0 without one")
    avg_queries_per_session: float = Field(description="Turns by sessions started; 0 without a session")

    personality_usage: dict[str, int] = Field(description="Turns by personality")
    topic_distribution: dict[str, int] = Field(description="Turns by query category")
    query_complexity_breakdown: dict[str, int] = Field(description="Turns by complexity")
    response_quality_breakdown: dict[str, int] = Field(description="Turns by quality of the response")

    most_active_hours: list[int] = Field(description="Up to three hours of the user's day (0-23), most turns first")
    most_active_days: list[str] = Field(description="Up to three days of the week, most turns first")
    avg_response_rating: float | None = Field(description="Mean of the ratings 1-5; null without one")
    total_bookmarks: Count = Field(default=0, description="Turns saved in the period, whenever they were asked")
    bookmark_rate: float = Field(description="Turns bookmarked by turns, 0-1")
    share_rate: float = Field(description="Turns shared by turns, 0-1")

    learning_journey_progress: dict[str, Any] = Field(description="See `learning_progress`")
    knowledge_areas_explored: list[str] = Field(description="Query categories, most turns first")
    favorite_sources: list[str] = Field(description="Up to ten sources, most cited first")

    usage_anomalies: list[str] = Field(default_factory=list, description="See `anomalies`")
    risk_indicators: dict[str, float] = Field(default_factory=dict, description="Strength 0-1 by rule, see `anomalies`")
    abuse_likelihood: float = Field(default=0.0, ge=0, le=1, description="See `likelihood`")

    def as_source(self) -> Source:
        """A day's rollup as a source of the week, the month and all time."""
        return of_day(self.period_key, self.id, self.revision, self.sums, self.first_activity, self.last_activity)

    @classmethod
    def of(
        cls,
        user_id: str,
        bucket: Bucket,
        balance: Balance,
        revision: int,
        now: datetime,
        findings: Collection[Finding] = (),
    ) -> Rollup:
        """The rollup that says what `balance` holds.

        Args:
            findings: What the rules on abuse have found in the user's turns when it is written.
        """
        sums = balance.sums
        turns, sessions = sums.get("interactions", 0), sums.get("sessions", 0)
        zone = next(iter(by_count(sums, "timezone")), "UTC")
        start, end = bounds_of(bucket, zone, balance)
        hours, days = by_count(sums, "hour"), by_count(sums, "weekday")
        found = anomalies(findings, start, end)
        return cls(
            id=bucket_id(user_id, bucket),
            partition_key=user_id,
            revision=revision,
            user_id=user_id,
            analytics_period=bucket.period,  # type: ignore[arg-type]  # a user's, or pydantic refuses it
            period_key=bucket.key,
            timezone=zone,
            period_start=start,
            period_end=end,
            last_updated=now,
            sums=sums,
            first_activity=balance.first,
            last_activity=balance.last,
            total_sessions=sessions,
            total_interactions=turns,
            total_tokens=sums.get("tokens", 0),
            total_cost_usd=sums.get("cost_nano_usd", 0) / NANO,
            unpriced_interactions=sums.get("unpriced", 0),
            avg_session_duration=ratio(sums.get("session_seconds", 0), sums.get("ended_sessions", 0)),
            avg_queries_per_session=ratio(turns, sessions),
            personality_usage=by_count(sums, "personality"),
            topic_distribution=by_count(sums, "topic"),
            query_complexity_breakdown=by_count(sums, "complexity"),
            response_quality_breakdown=by_count(sums, "quality"),
            most_active_hours=[int(hour) for hour in list(hours)[:3]],
            most_active_days=[WEEKDAYS[int(day)] for day in list(days)[:3]],
            avg_response_rating=average_rating(sums),
            total_bookmarks=sums.get("bookmarks", 0),
            bookmark_rate=ratio(sums.get("bookmarked", 0), turns),
            share_rate=ratio(sums.get("shared", 0), turns),
            learning_journey_progress=learning_progress(sums),
            knowledge_areas_explored=list(by_count(sums, "topic")),
            favorite_sources=[name for name in by_count(sums, "source") if name != OTHER][:10],
            usage_anomalies=sorted({one.pattern for one in found}),
            risk_indicators={one.rule: one.strength for one in found},
            abuse_likelihood=likelihood(found),
        )


def learning_progress(sums: Mapping[str, int]) -> dict[str, Any]:
    """How far the user's questions have come.

    - `areas`: number of query categories.
    - `depth`: mean complexity of the questions, simple 0, moderate 0.5, complex 1.
    - `level`: beginner below a depth of 0.25, advanced from 0.6 on, intermediate between.
    """
    complexity = by_count(sums, "complexity")
    asked = sum(complexity.values())
    depth = ratio(complexity.get("moderate", 0) + 2 * complexity.get("complex", 0), 2 * asked)
    level = "beginner" if depth < 0.25 else "advanced" if depth >= 0.6 else "intermediate"
    return {"areas": len(by_count(sums, "topic")), "depth": depth, "level": level}


def anomalies(findings: Collection[Finding], start: datetime | None, end: datetime | None) -> list[Finding]:
    """The findings on abuse with evidence in a period, by rule: their patterns are the period's `usage_anomalies`, such
    as `turns_per_day`, and their strengths its `risk_indicators`."""
    if start is None or end is None:
        return []
    within = (one for one in findings if one.first_seen <= end and one.last_seen >= start)
    return sorted(within, key=lambda one: one.rule)


def likelihood(findings: Collection[Finding]) -> float:
    """`abuse_likelihood`: the chance, 0-1, that one finding is true, if each is with the chance of its strength."""
    return round(1 - prod(1 - one.strength for one in findings), 4)


def bounds_of(bucket: Bucket, timezone: str, balance: Balance) -> tuple[datetime | None, datetime | None]:
    """The first instant of a period and the first one after it.

    Sessions and all time have no calendar: theirs are the first and last time counted.
    """
    if bucket.period in ("session", "all_time"):
        return balance.first, balance.last
    return period_bounds(bucket, timezone)


def period_bounds(bucket: Bucket, timezone: str) -> tuple[datetime, datetime]:
    """The first instant of a day, a week or a month and the first one after it, by the calendar of `timezone`."""
    if bucket.period == "daily":
        start = date.fromisoformat(bucket.key)
        end = start + timedelta(days=1)
    elif bucket.period == "weekly":
        start = date.fromisoformat(bucket.key + "-1")
        end = start + timedelta(days=7)
    else:
        start = date.fromisoformat(bucket.key + "-01")
        end = (start + timedelta(days=31)).replace(day=1)
    zone = ZoneInfo(timezone)
    return (
        datetime.combine(start, time.min, zone).astimezone(UTC),
        datetime.combine(end, time.min, zone).astimezone(UTC),
    )
