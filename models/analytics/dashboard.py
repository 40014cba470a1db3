"""The user's dashboard: the seed's four blocks, from rollups alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from models.analytics.recommendations import recommendations
from models.analytics.rollup import Rollup
from models.core.day_parts import part_of_day
from models.core.document import Message
from models.core.values import Count, Timestamp, Total
from models.counting.bucket import Bucket, by_count, numbers_by_count
from models.counting.fold import OTHER

WEEKS_BEFORE = 3
DAYS_NEEDED = 7


class LearningGrowth(Message):
    """What a user has explored so far."""

    total_sessions: Count = Field(description="Sessions started")
    topics_explored: list[str] = Field(description="Query categories, most turns first")
    favorite_personality: str | None = Field(description="The one asked most often")
    knowledge_progression: str | None = Field(
        description="Level after the first week with turns and now, like `beginner -> intermediate`: see "
        "`learning_progress`; null while all turns are of one week"
    )
    progression_basis: str | None = Field(
        default=None, description="What the two levels go by, in numbers; null without `knowledge_progression`"
    )


class UsageInsights(Message):
    """When and how a user asks."""

    most_active_time: str | None = Field(description="Two hours of the user's day with most turns: `evenings (7-9 PM)`")
    avg_session_duration: str | None = Field(
        description="Mean over `timed_sessions`, like `12 minutes`; null without one"
    )
    timed_sessions: Count = Field(default=0, description="Sessions that have ended, and whose duration is known")
    consistency_score: float | None = Field(
        ge=0,
        le=10,
        description="10 x days with a turn / days up to today, of this week and the three before it from the first "
        "turn on; null before the first turn is a week ago",
    )
    deep_dive_topics: list[str] = Field(
        description="Up to five categories asked about at least three times within one session, those of most sessions "
        "first; not `other`"
    )


class InteractionQuality(Message):
    """How a user liked the answers."""

    avg_rating: float | None = Field(description="Mean of the ratings 1-5 of `rated_interactions`; null without one")
    rated_interactions: Count = Field(default=0, description="Turns that are rated")
    bookmark_rate: float = Field(description="Turns bookmarked by turns, 0-1; 0 without a turn")
    share_rate: float = Field(description="Turns shared by turns, 0-1; 0 without a turn")
    return_rate: float = Field(description="Sessions with a second question by sessions, 0-1; 0 without one")


class Dashboard(Message):
    """What a user sees of their own use. `as_of` says how fresh it is."""

    as_of: Timestamp | None = Field(description="When the newest turn in it was counted; null before the first")
    total_interactions: Count = Field(description="Turns")
    total_tokens: Total = Field(description="Tokens of all kinds")
    total_cost_usd: float = Field(description="USD; turns whose model has no price are left out")
    learning_growth_metrics: LearningGrowth = Field(description="What the user has explored")
    usage_insights: UsageInsights = Field(description="When and how they ask")
    interaction_quality: InteractionQuality = Field(description="How they liked it")
    personalized_suggestions: list[str] = Field(description="What to try next: see the recommendations for reasons")


def first_weeks(all_time: Rollup | None) -> list[Bucket]:
    """The weeks of which one is the user's first with turns, the earliest first; none of who has asked nothing.

    A turn counts in the calendar of the zone stamped on it: more than one where the user has been in several.
    """
    days = _days_of(all_time, all_time.first_activity if all_time else None)
    return [Bucket("weekly", key) for key in sorted({f"{day:%G-W%V}" for day in days})]


def latest_months(all_time: Rollup | None) -> list[Bucket]:
    """The months of which one is the user's latest with turns, the latest first."""
    days = _days_of(all_time, all_time.last_activity if all_time else None)
    return [Bucket("monthly", key) for key in sorted({f"{day:%Y-%m}" for day in days}, reverse=True)]


def _days_of(all_time: Rollup | None, moment: datetime | None) -> list[date]:
    """The days that it was then, in the zones that anything is stamped with."""
    if all_time is None or moment is None:
        return []
    zones = by_count(all_time.sums, "timezone").keys() - {OTHER}
    return sorted({moment.astimezone(ZoneInfo(zone)).date() for zone in zones})


def dashboard(
    all_time: Rollup | None, first_week: Rollup | None, last_month: Rollup | None, now: datetime
) -> Dashboard:
    """The dashboard of a user with these rollups; of somebody who has asked nothing yet, without any."""
    progression = _progression(first_week, all_time)
    sums: Mapping[str, int] = all_time.sums if all_time else {}
    turns, sessions = sums.get("interactions", 0), sums.get("sessions", 0)
    return Dashboard(
        as_of=all_time.last_updated if all_time else None,
        total_interactions=turns,
        total_tokens=sums.get("tokens", 0),
        total_cost_usd=all_time.total_cost_usd if all_time else 0.0,
        learning_growth_metrics=LearningGrowth(
            total_sessions=sessions,
            topics_explored=list(by_count(sums, "topic")),
            favorite_personality=next(iter(by_count(sums, "personality")), None),
            knowledge_progression=progression[0] if progression else None,
            progression_basis=progression[1] if progression else None,
        ),
        usage_insights=UsageInsights(
            most_active_time=most_active_time(sums),
            avg_session_duration=_duration(sums),
            timed_sessions=sums.get("ended_sessions", 0),
            consistency_score=consistency(all_time, now) if all_time else None,
            deep_dive_topics=all_time.deep_dive_topics[:5] if all_time else [],
        ),
        interaction_quality=InteractionQuality(
            avg_rating=all_time.avg_response_rating if all_time else None,
            rated_interactions=all_time.rated_interactions if all_time else 0,
            bookmark_rate=all_time.bookmark_rate if all_time else 0.0,
            share_rate=all_time.share_rate if all_time else 0.0,
            return_rate=min(1.0, sums.get("follow_ups", 0) / sessions) if sessions else 0.0,
        ),
        personalized_suggestions=[item.text for item in recommendations(all_time, last_month)],
    )


def most_active_time(sums: Mapping[str, int]) -> str | None:
    """The two hours in a row of the user's day with most turns, the earlier of equal ones. None without a turn."""
    hours = numbers_by_count(sums, "hour")
    if not hours:
        return None
    start = max(range(24), key=lambda hour: (hours.get(hour, 0) + hours.get((hour + 1) % 24, 0), -hour))
    return f"{part_of_day(start)}s ({_clock(start, (start + 2) % 24)})"


def _clock(start: int, end: int) -> str:
    def hour(value: int) -> tuple[int, str]:
        return (value % 12 or 12, "AM" if value < 12 else "PM")

    (first, first_half), (last, last_half) = hour(start), hour(end)
    return f"{first}-{last} {last_half}" if first_half == last_half else f"{first} {first_half}-{last} {last_half}"


def _duration(sums: Mapping[str, int]) -> str | None:
    ended = sums.get("ended_sessions", 0)
    if not ended:
        return None
    minutes = round(sums.get("session_seconds", 0) / ended / 60)
    return "less than a minute" if minutes == 0 else "1 minute" if minutes == 1 else f"{minutes} minutes"


def consistency(all_time: Rollup, now: datetime) -> float | None:
    """How regularly somebody asks, 0-10: ten times the share of days with a turn.

    Of the days of this ISO week and of the `WEEKS_BEFORE` before it, from that of the first turn up to today; days are
    those of the time zone that most turns were stamped with. None before there are `DAYS_NEEDED` such days: a single
    day is always full. Who has left comes down to 0.
    """
    if all_time.first_activity is None:
        return None
    zone = ZoneInfo(all_time.timezone)
    today, first = now.astimezone(zone).date(), all_time.first_activity.astimezone(zone).date()
    start = today - timedelta(days=today.weekday(), weeks=WEEKS_BEFORE)
    days = (today - max(start, first)).days + 1
    if days < DAYS_NEEDED:
        return None
    weeks = {f"{start + timedelta(weeks=week):%G-W%V}" for week in range(WEEKS_BEFORE + 1)}
    active = sum(count for week, count in by_count(all_time.sums, "week").items() if week in weeks)
    return round(min(10.0, 10 * active / days), 1)


def _progression(first_week: Rollup | None, all_time: Rollup | None) -> tuple[str, str] | None:
    """The levels then and now, and what they go by; None while there is nothing to compare."""
    if first_week is None or all_time is None or len(by_count(all_time.sums, "week")) < 2:
        return None
    then, now = first_week.learning_journey_progress, all_time.learning_journey_progress
    return f"{then['level']} -> {now['level']}", f"{_reached(then)} after the first week; {_reached(now)} now"


def _reached(progress: Mapping[str, Any]) -> str:
    areas, followed, harder = (progress[name] for name in ("areas_revisited", "follow_ups", "harder_questions"))
    return f"{areas} areas asked about three times, {followed} sessions followed up, {harder} harder questions"
