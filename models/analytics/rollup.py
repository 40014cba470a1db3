"""Container `user_analytics`: rollups of a user's turns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from models.analytics import signs
from models.analytics.contribution import of_day
from models.core.calendar import day_bounds, month_bounds, week_bounds
from models.core.values import Count, Timestamp, Total, Uuid
from models.counting.bucket import (
    Balance,
    Bucket,
    UserPeriod,
    average_rating,
    bucket_id,
    by_count,
    mean,
    numbers_by_count,
    ratio,
)
from models.counting.bucket_document import BucketDocument
from models.counting.fold import OTHER, Source

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NANO = 1_000_000_000

REVISITED = 3
LEVELS = (("advanced", (5, 10, 3)), ("intermediate", (2, 3, 1)), ("beginner", (0, 0, 0)))
"""What is needed for each level: areas revisited, follow-ups and harder questions."""


class Rollup(BucketDocument):
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
    avg_session_duration: float | None = Field(description="Mean in seconds of `timed_sessions`; null without one")
    timed_sessions: Count = Field(
        default=0, description="Sessions started in the period that have ended, and whose duration is known"
    )
    avg_queries_per_session: float | None = Field(
        description="Turns by sessions started; null without a session started"
    )

    personality_usage: dict[str, int] = Field(description="Turns by personality")
    topic_distribution: dict[str, int] = Field(description="Turns by query category")
    query_complexity_breakdown: dict[str, int] = Field(description="Turns by complexity")
    response_quality_breakdown: dict[str, int] = Field(description="Turns by quality of the response")

    most_active_hours: list[int] = Field(
        description="Up to three hours of the user's day (0-23), most turns first, of equal ones the earlier"
    )
    most_active_days: list[str] = Field(
        description="Up to three days of the week, most turns first, of equal ones the earlier from Monday on"
    )
    avg_response_time_ms: float | None = Field(
        default=None, description="Mean in milliseconds over `timed_interactions`; null without one"
    )
    timed_interactions: Count = Field(default=0, description="Turns that report their response time")
    avg_response_rating: float | None = Field(
        description="Mean of the ratings 1-5 of `rated_interactions`; null without one"
    )
    rated_interactions: Count = Field(default=0, description="Turns that are rated")
    total_bookmarks: Count = Field(default=0, description="Turns saved in the period, whenever they were asked")
    bookmark_rate: float = Field(description="Turns bookmarked by turns, 0-1; 0 without a turn")
    share_rate: float = Field(description="Turns shared by turns, 0-1; 0 without a turn")

    learning_journey_progress: dict[str, Any] = Field(
        description="What the questions have reached, in numbers and a level: see `learning_progress`"
    )
    knowledge_areas_explored: list[str] = Field(description="Query categories, most turns first")
    favorite_sources: list[str] = Field(
        description="Up to ten sources that answers cited (`citations_provided`), those of most turns first; not what "
        "was only retrieved, and not `other`"
    )
    deep_dive_topics: list[str] = Field(
        default_factory=list,
        description="Query categories asked about at least three times within one session, those of most sessions "
        "first; of sessions whose first turn was in the period; not `other`",
    )

    usage_anomalies: list[str] = Field(
        default_factory=list,
        description="Patterns that people seldom show, by what days count, such as `turns_per_day`: see `anomalies`",
    )
    risk_indicators: dict[str, float] = Field(
        default_factory=dict, description="How strongly they show, 0.5-1, by rule on abuse: see `indicators`"
    )
    abuse_likelihood: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Chance that one of them is abuse, 0-1, by the days' counts alone; what an account is judged by is "
        "its `risk_score`. See `likelihood`",
    )

    def as_source(self) -> Source:
        """A day's rollup as a source of the week, the month and all time."""
        return day_source(self.partition_key, self.bucket, self.revision, self.balance)

    @classmethod
    def of(
        cls,
        user_id: str,
        bucket: Bucket,
        balance: Balance,
        revision: int,
        now: datetime,
    ) -> Rollup:
        """The rollup that says what `balance` holds."""
        sums = balance.sums
        turns, sessions = sums.get("interactions", 0), sums.get("sessions", 0)
        zone = next(iter(by_count(sums, "timezone")), "UTC")
        start, end = bounds_of(bucket, zone, balance)
        seen = signs_of(bucket, sums)
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
            avg_session_duration=mean(sums.get("session_seconds", 0), sums.get("ended_sessions", 0)),
            timed_sessions=sums.get("ended_sessions", 0),
            avg_queries_per_session=mean(turns, sessions),
            personality_usage=by_count(sums, "personality"),
            topic_distribution=by_count(sums, "topic"),
            query_complexity_breakdown=by_count(sums, "complexity"),
            response_quality_breakdown=by_count(sums, "quality"),
            most_active_hours=list(numbers_by_count(sums, "hour"))[:3],
            most_active_days=[WEEKDAYS[day] for day in list(numbers_by_count(sums, "weekday"))[:3]],
            avg_response_time_ms=mean(sums.get("response_time_ms", 0), sums.get("timed", 0)),
            timed_interactions=sums.get("timed", 0),
            avg_response_rating=average_rating(sums),
            rated_interactions=sum(by_count(sums, "rating").values()),
            total_bookmarks=sums.get("bookmarks", 0),
            bookmark_rate=ratio(sums.get("bookmarked", 0), turns),
            share_rate=ratio(sums.get("shared", 0), turns),
            learning_journey_progress=learning_progress(sums),
            knowledge_areas_explored=list(by_count(sums, "topic")),
            favorite_sources=[name for name in by_count(sums, "source") if name != OTHER][:10],
            deep_dive_topics=[name for name in by_count(sums, "deep_dive") if name != OTHER],
            usage_anomalies=signs.anomalies(seen),
            risk_indicators=signs.indicators(seen),
            abuse_likelihood=signs.likelihood(seen),
        )


def day_source(user_id: str, day: Bucket, revision: int, balance: Balance) -> Source:
    """A user's day as a source of the week, the month and all time."""
    return of_day(day.key, bucket_id(user_id, day), revision, balance.sums, balance.first, balance.last)


def learning_progress(sums: Mapping[str, int]) -> dict[str, Any]:
    """How far the user's questions have come in a period.

    - `areas`: number of query categories.
    - `depth`: mean complexity of the questions, simple 0, moderate 0.5, complex 1.
    - `areas_revisited`: query categories, but `other`, asked about at least `REVISITED` times.
    - `follow_ups`: sessions with a second question.
    - `harder_questions`: questions that are moderate or complex.
    - `level`: the highest of `LEVELS` whose three numbers the last three reach: it grows with what has been explored,
      and says nothing of what was understood.
    """
    complexity = by_count(sums, "complexity")
    moderate, hard = complexity.get("moderate", 0), complexity.get("complex", 0)
    topics = by_count(sums, "topic")
    revisited = sum(turns >= REVISITED for topic, turns in topics.items() if topic != OTHER)
    reached = (revisited, sums.get("follow_ups", 0), moderate + hard)
    level = next(
        name for name, needed in LEVELS if all(has >= needs for has, needs in zip(reached, needed, strict=True))
    )
    return {
        "areas": len(topics),
        "depth": ratio(moderate + 2 * hard, 2 * sum(complexity.values())),
        "areas_revisited": reached[0],
        "follow_ups": reached[1],
        "harder_questions": reached[2],
        "level": level,
    }


def signs_of(bucket: Bucket, sums: Mapping[str, int]) -> signs.Signs:
    """The signs of misuse on a day, or on the days of a longer period; none of a session."""
    if bucket.period == "session":
        return {}
    return signs.of_a_day(sums) if bucket.period == "daily" else signs.of_days(sums)


def bounds_of(bucket: Bucket, timezone: str, balance: Balance) -> tuple[datetime | None, datetime | None]:
    """The first instant of a period and the first one after it.

    Sessions and all time have no calendar: theirs are the first and last time counted.
    """
    if bucket.period in ("session", "all_time"):
        return balance.first, balance.last
    return period_bounds(bucket, timezone)


BOUNDS = {"daily": day_bounds, "weekly": week_bounds, "monthly": month_bounds}
"""Of a user's periods that have a calendar."""


def period_bounds(bucket: Bucket, timezone: str) -> tuple[datetime, datetime]:
    """The first instant of a day, a week or a month and the first one after it, by the calendar of `timezone`."""
    return BOUNDS[bucket.period](bucket.key, timezone)
