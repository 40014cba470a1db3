"""What a user's documents add to which of the user's buckets: the one place that says how things are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from models.analytics import signs
from models.chat.facts import facts_of
from models.chat.interaction import UserInteraction
from models.chat.session import UserSession
from models.core.calendar import day_of
from models.counting.bucket import Bucket, Sums, by_count
from models.counting.fold import OTHER, Source
from models.library.bookmark import DeletedBookmark, UserBookmark
from models.risk.facts import ADDRESS_DIGITS
from models.usage.token_usage import FIELDS

DEEP_TURNS = 3
"""Turns about the same topic that make a session a deep dive into it."""

NEVER = -1
"""The `ttl` of what does not expire."""


OF_DAYS_ALONE = ("address:", "org_")
"""Measures of a day that weeks, months and all time are not told."""


def day_bucket(moment: datetime, timezone: str) -> Bucket:
    return Bucket("daily", day_of(moment, timezone).isoformat())


def _dimension(name: str, values: Iterable[str]) -> Sums:
    return {f"{name}:{value}": 1 for value in values}


def _turn_measures(turn: UserInteraction) -> Sums:
    measures = Counter(
        {
            "interactions": 1,
            "tokens": turn.total_tokens,
            **{field: getattr(turn, field) for field in FIELDS},
            "response_time_ms": turn.response_time_ms,
            "timed": int(turn.response_time_ms > 0),
            "cost_nano_usd": turn.cost_nano_usd or 0,
            "unpriced": int(turn.cost_nano_usd is None),
            "bookmarked": int(turn.was_bookmarked),
            "shared": int(turn.was_shared),
            "flagged": int(turn.was_flagged),
            "follow_ups": int(turn.interaction_sequence == 2),
            "helpful": int(turn.was_helpful is True),
            "unhelpful": int(turn.was_helpful is False),
            f"personality:{turn.personality_used}": 1,
            f"topic:{turn.query_category}": 1,
            f"model:{turn.model_used}": 1,
            f"language:{turn.user_query_language}": 1,
            f"complexity:{turn.query_complexity}": 1,
            f"quality:{turn.response_quality}": 1,
            f"timezone:{turn.timezone}": 1,
        }
    )
    if turn.user_rating is not None:
        measures[f"rating:{turn.user_rating}"] = 1
    return {measure: value for measure, value in measures.items() if value}


def _organization_measures(turn: UserInteraction) -> Sums:
    """What a turn counts for the organization that it was for: its rollups are those of its members' days."""
    if turn.organization_id is None:
        return {}
    organization, cost = turn.organization_id, turn.cost_nano_usd or 0
    measures = {
        f"org_interactions:{organization}": 1,
        f"org_tokens:{organization}": turn.total_tokens,
        f"org_cost_nano_usd:{organization}": cost,
        f"org_model_interactions:{organization}/{turn.model_used}": 1,
        f"org_model_cost_nano_usd:{organization}/{turn.model_used}": cost,
    }
    return {measure: value for measure, value in measures.items() if value}


def _presence_measures(turn: UserInteraction) -> Sums:
    """That the user was there; and what servers say it cost, for a share of the platform's to be told."""
    if turn.recorded_by == "user":
        return {"interactions": 1}
    cost = turn.cost_nano_usd
    measures = {"interactions": 1, "served": 1, "cost_nano_usd": cost or 0, "unpriced": int(cost is None)}
    return {measure: value for measure, value in measures.items() if value}


def of_interaction(turn: UserInteraction) -> Source:
    """A turn counts in its session, in the user's day by the time zone stamped on it, and in the user's day of UTC.

    Without its user's consent to analytics it counts nowhere; abuse is judged all the same, which is no analytics.
    """
    local = turn.timestamp.astimezone(ZoneInfo(turn.timezone))
    measures = _turn_measures(turn)
    day_measures = (
        measures
        | {f"hour:{local.hour}": 1, f"weekday:{local.weekday()}": 1}
        | _dimension("address", [turn.ip_address[:ADDRESS_DIGITS]] if turn.ip_address else [])
        | _dimension("source", {*turn.citations_provided})
        | _organization_measures(turn)
    )
    facts = facts_of(turn)
    utc_day = Bucket("presence", turn.timestamp.astimezone(UTC).date().isoformat())
    return Source(
        key=f"interaction:{turn.id}",
        revision=turn.revision,
        contributions={
            day_bucket(turn.timestamp, turn.timezone): day_measures | signs.of_facts(facts),
            Bucket("session", turn.session_id): measures,
            utc_day: _presence_measures(turn),
        }
        if turn.analytics_consent
        else {},
        first=turn.timestamp,
        last=turn.timestamp,
        context=facts,
    )


def of_session(session: UserSession) -> Source:
    """A session counts in the day it started, its duration once it has ended and is known; nowhere without consent to
    analytics.

    It is no activity: that is what was asked, which does not move when a session is edited.
    """
    measures = {"sessions": 1, f"timezone:{session.timezone}": 1}
    if session.duration_seconds is not None:
        measures |= {"ended_sessions": 1, "session_seconds": session.duration_seconds}
    return Source(
        key=f"session:{session.session_id}",
        revision=session.revision,
        contributions={day_bucket(session.start_time, session.timezone): measures} if session.analytics_consent else {},
    )


def of_bookmark(bookmark: UserBookmark | DeletedBookmark) -> Source:
    """A bookmark counts in the day it was saved, until it is deleted; nowhere without consent to analytics.

    It is no activity: that is what was asked. The ledger remembers it for ever.
    """
    key = f"bookmark:{bookmark.id}"
    if isinstance(bookmark, DeletedBookmark) or not bookmark.analytics_consent:
        return Source(key, bookmark.revision, {}, ttl=NEVER)
    measures = {"bookmarks": 1, f"timezone:{bookmark.timezone}": 1}
    return Source(key, bookmark.revision, {day_bucket(bookmark.bookmarked_at, bookmark.timezone): measures}, ttl=NEVER)


def deep_dives(sums: Sums, first: datetime | None, timezone: str) -> dict[Bucket, Sums]:
    """The topics that a session asked about at least `DEEP_TURNS` times, each once, in the day of its first turn.

    Args:
        sums: The session's.
        first: Its first turn.
    """
    topics = [topic for topic, turns in by_count(sums, "topic").items() if turns >= DEEP_TURNS and topic != OTHER]
    return {day_bucket(first, timezone): _dimension("deep_dive", topics)} if topics and first else {}


def of_day(day: str, key: str, revision: int, sums: Sums, first: datetime | None, last: datetime | None) -> Source:
    """A user's day counts in its ISO week, its month and the user's whole time.

    All time also knows how many days of each week had turns, which is what consistency is told from.

    Args:
        day: ISO date in the user's own calendar.
        key: The id of the day's rollup.
    """
    year, number, _ = date.fromisoformat(day).isocalendar()
    week = f"{year}-W{number:02}"
    is_active = bool(sums.get("interactions"))
    measures = {measure: value for measure, value in sums.items() if not measure.startswith(OF_DAYS_ALONE)}
    measures |= signs.to_longer_periods(sums) | ({"active_days": 1} if is_active else {})
    all_time = measures | {f"week:{week}": 1} if is_active else measures
    contributions = {
        Bucket("weekly", week): measures,
        Bucket("monthly", day[:7]): measures,
        Bucket("all_time"): all_time,
    }
    return Source(f"rollup:{key}", revision, contributions, first, last)
