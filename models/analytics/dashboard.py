"""The user's dashboard: the seed's four blocks, from rollups alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from models.analytics.recommendations import recommendations
from models.analytics.rollup import Rollup
from models.core.day_parts import part_of_day
from models.core.document import Message
from models.core.values import Count, Timestamp, Total
from models.counting.bucket import Bucket, by_count


class LearningGrowth(Message):
    """What a user has explored so far."""

    total_sessions: Count = Field(description="Sessions started")
    topics_explored: list[str] = Field(description="Query categories, most turns first")
    favorite_personality: str | None = Field(description="The one asked most often")
    knowledge_progression: str | None = Field(
        description="Level in the first month and in the latest, like `beginner -> intermediate`"
    )


class UsageInsights(Message):
    """When and how a user asks."""

    most_active_time: str | None = Field(description="Two hours of the user's day with most turns: `evenings (7-9 PM)`")
    avg_session_duration: str | None = Field(description="Over the sessions that have ended, like `12 minutes`")
    consistency_score: float = Field(ge=0, le=10, description="10 x days with a turn / days from the first to the last")
    deep_dive_topics: list[str] = Field(description="Up to five categories asked about three turns deep and more")


class InteractionQuality(Message):
    """How a user liked the answers."""

    avg_rating: float | None = Field(description="Mean of the ratings 1-5; null without one")
    bookmark_rate: float = Field(description="Turns bookmarked by turns, 0-1")
    share_rate: float = Field(description="Turns shared by turns, 0-1")
    return_rate: float = Field(description="Sessions with a follow-up question by sessions, 0-1")


class Dashboard(Message):
    """What a user sees of their own use. `as_of` says how fresh it is."""

    as_of: Timestamp | None = Field(description="When the newest turn in it was counted; null before the first")
    total_interactions: Count = Field(description="Turns")
    total_tokens: Total = Field(description="Tokens of all four kinds")
    total_cost_usd: float = Field(description="USD; turns whose model has no price are left out")
    learning_growth_metrics: LearningGrowth = Field(description="What the user has explored")
    usage_insights: UsageInsights = Field(description="When and how they ask")
    interaction_quality: InteractionQuality = Field(description="How they liked it")
    personalized_suggestions: list[str] = Field(description="What to try next: see the recommendations for reasons")


def months_of(all_time: Rollup | None) -> tuple[Bucket, Bucket] | None:
    """The user's first and latest month; None of somebody who has done nothing yet."""
    if all_time is None or all_time.first_activity is None or all_time.last_activity is None:
        return None
    zone = ZoneInfo(all_time.timezone)
    first, last = (f"{moment.astimezone(zone):%Y-%m}" for moment in (all_time.first_activity, all_time.last_activity))
    return Bucket("monthly", first), Bucket("monthly", last)


def dashboard(all_time: Rollup | None, first_month: Rollup | None, last_month: Rollup | None) -> Dashboard:
    """The dashboard of a user with these rollups; of somebody who has asked nothing yet, without any."""
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
            knowledge_progression=_progression(first_month, last_month) if turns else None,
        ),
        usage_insights=UsageInsights(
            most_active_time=most_active_time(sums),
            avg_session_duration=_duration(sums),
            consistency_score=_consistency(all_time) if all_time else 0.0,
            deep_dive_topics=list(by_count(sums, "deep_dive"))[:5],
        ),
        interaction_quality=InteractionQuality(
            avg_rating=all_time.avg_response_rating if all_time else None,
            bookmark_rate=all_time.bookmark_rate if all_time else 0.0,
            share_rate=all_time.share_rate if all_time else 0.0,
            return_rate=min(1.0, sums.get("follow_ups", 0) / sessions) if sessions else 0.0,
        ),
        personalized_suggestions=[item.text for item in recommendations(all_time, last_month)],
    )


def most_active_time(sums: Mapping[str, int]) -> str | None:
    """The two hours in a row of the user's day with most turns, the earlier of equal ones. None without a turn."""
    hours = {int(hour): count for hour, count in by_count(sums, "hour").items()}
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


def _consistency(all_time: Rollup) -> float:
    if all_time.first_activity is None or all_time.last_activity is None:
        return 0.0
    zone = ZoneInfo(all_time.timezone)
    first, last = (moment.astimezone(zone).date() for moment in (all_time.first_activity, all_time.last_activity))
    days = (last - first + timedelta(days=1)).days
    return round(min(10.0, 10 * all_time.sums.get("active_days", 0) / days), 1)


def _progression(first: Rollup | None, last: Rollup | None) -> str | None:
    if first is None or last is None:
        return None
    return f"{first.learning_journey_progress['level']} -> {last.learning_journey_progress['level']}"
