"""Users' documents: rollups, presences, and the totals of sessions and profiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from bench.recount.definitions import signs
from bench.recount.definitions.turns import (
    CALENDAR,
    OTHER,
    Counted,
    Fields,
    Item,
    Stored,
    Turn,
    fallbacks,
    follow_ups,
    mean,
    moment,
    names_of,
    nano,
    of_servers,
    ranked,
    ratings,
    share,
    times,
    tokens,
    told,
    unpriced,
    usd,
    week_of,
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TOKENS = (
    *("input_tokens", "cached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "input_audio_tokens"),
    *("output_tokens", "reasoning_tokens", "output_audio_tokens"),
)
DIMENSIONS = {
    "personality": "personality_used",
    "topic": "query_category",
    "model": "model_used",
    "language": "user_query_language",
    "complexity": "query_complexity",
    "quality": "response_quality",
}
ADDRESS_DIGITS = 12


def rollups(stored: Stored) -> dict[str, Fields]:
    """By id."""
    days = {
        (user, key): signs.of_day(counted.turns, stored.advertises)
        for (user, period, key), counted in stored.periods.items()
        if period == "daily"
    }
    within: dict[tuple[str, str, str], list[signs.Signs]] = {}
    for (user, day), found in days.items():
        for period, key in names_of(date.fromisoformat(day)).items():
            within.setdefault((user, period, key), []).append(found)
    return {
        f"{user}:{period}:{key}".rstrip(":"): rollup(stored, user, period, key)
        | signs.fields_of(signs.worst(within.get((user, period, key), [])))
        | {"sums": _sums(stored, period, counted, within.get((user, period, key), []))}
        for (user, period, key), counted in stored.periods.items()
    }


def rollup(stored: Stored, user: str, period: str, key: str = "") -> Fields:
    """All of it but what it says of misuse."""
    counted = stored.of(user, period, key)
    turns, dated = counted.turns, period != "session"
    start, end = _bounds(period, key, counted)
    hours = ranked(turn.local.hour for turn in turns) if dated else {}
    weekdays = ranked(turn.local.weekday() for turn in turns) if dated else {}
    cited = ranked(source for turn in turns for source in set(turn["citations_provided"])) if dated else {}
    return {
        "user_id": user,
        "partition_key": user,
        "analytics_period": period,
        "period_key": key,
        "timezone": counted.zone,
        "first_activity": told(turns[0].at if turns else None),
        "last_activity": told(turns[-1].at if turns else None),
        "period_start": told(start),
        "period_end": told(end),
        "total_sessions": len(counted.sessions),
        "total_interactions": len(turns),
        "total_tokens": tokens(turns),
        "total_cost_usd": usd(turns),
        "unpriced_interactions": unpriced(turns),
        "avg_session_duration": mean(counted.durations),
        "timed_sessions": len(counted.durations),
        "avg_queries_per_session": len(turns) / len(counted.sessions) if counted.sessions else None,
        "personality_usage": counted.by("personality_used"),
        "topic_distribution": counted.by("query_category"),
        "query_complexity_breakdown": counted.by("query_complexity"),
        "response_quality_breakdown": counted.by("response_quality"),
        "most_active_hours": list(hours)[:3],
        "most_active_days": [WEEKDAYS[day] for day in list(weekdays)[:3]],
        "avg_response_time_ms": mean(times(turns)),
        "timed_interactions": len(times(turns)),
        "avg_response_rating": mean(ratings(turns)),
        "rated_interactions": len(ratings(turns)),
        "total_bookmarks": len(counted.bookmarks),
        "bookmark_rate": share(sum(turn["was_bookmarked"] for turn in turns), len(turns)),
        "share_rate": share(sum(turn["was_shared"] for turn in turns), len(turns)),
        "learning_journey_progress": progress(turns),
        "knowledge_areas_explored": list(counted.by("query_category")),
        "favorite_sources": [source for source in cited if source != OTHER][:10],
        "deep_dive_topics": list(ranked(counted.deep)),
    }


def _sums(stored: Stored, period: str, counted: Counted, days: Sequence[signs.Signs]) -> dict[str, int]:
    """Whole numbers by measure: what all else is told from."""
    turns, sums = counted.turns, Counter[str]()
    sums["interactions"], sums["tokens"] = len(turns), tokens(turns)
    sums.update({name: sum(turn[name] for turn in turns) for name in TOKENS})
    sums["response_time_ms"], sums["timed"] = sum(times(turns)), len(times(turns))
    sums["cost_nano_usd"], sums["unpriced"] = nano(turns), unpriced(turns)
    for measure, name in (("bookmarked", "was_bookmarked"), ("shared", "was_shared"), ("flagged", "was_flagged")):
        sums[measure] = sum(turn[name] for turn in turns)
    sums["follow_ups"] = follow_ups(turns)
    sums["helpful"] = sum(turn["was_helpful"] is True for turn in turns)
    sums["unhelpful"] = sum(turn["was_helpful"] is False for turn in turns)
    sums.update(f"rating:{stars}" for stars in ratings(turns))
    for dimension, name in DIMENSIONS.items():
        sums.update(f"{dimension}:{turn[name]}" for turn in turns)
    if period == "session":
        sums.update(f"timezone:{turn['timezone']}" for turn in turns)
    else:
        sums.update({f"timezone:{zone}": count for zone, count in counted.zones.items()})
        sums.update(_dated(stored, period, counted, days))
    return {measure: value for measure, value in sums.items() if value}


def _dated(stored: Stored, period: str, counted: Counted, days: Sequence[signs.Signs]) -> Counter[str]:
    """What periods count that have days, and sessions don't."""
    turns, sums = counted.turns, Counter[str]()
    sums.update(f"hour:{turn.local.hour}" for turn in turns)
    sums.update(f"weekday:{turn.local.weekday()}" for turn in turns)
    sums.update(f"source:{source}" for turn in turns for source in set(turn["citations_provided"]))
    sums.update(f"deep_dive:{topic}" for topic in counted.deep)
    sums.update(signs.counts_of(turns, stored.advertises))
    sums["sessions"], sums["bookmarks"] = len(counted.sessions), len(counted.bookmarks)
    sums["ended_sessions"], sums["session_seconds"] = len(counted.durations), sum(counted.durations)
    if period == "daily":
        sums.update(f"address:{turn['ip_address'][:ADDRESS_DIGITS]}" for turn in turns if turn["ip_address"])
        return sums
    sums["active_days"] = len(counted.days)
    sums.update(f"sign:{rule}/{pattern}/{round(100 * s)}" for day in days for (rule, pattern), s in day.items())
    if period == "all_time":
        sums.update(f"week:{week_of(day)}" for day in counted.days)
    return sums


def presences(stored: Stored) -> dict[str, Fields]:
    """By id."""
    return {
        f"{user}:presence:{day}": {
            "partition_key": user,
            "analytics_period": "presence",
            "period_key": day,
            "first_activity": told(turns[0].at),
            "last_activity": told(turns[-1].at),
            "turns": len(turns),
            "sums": _presence_sums(turns),
        }
        for (user, day), turns in stored.by_utc_day.items()
    }


def _presence_sums(turns: Sequence[Turn]) -> dict[str, int]:
    served = of_servers(turns)
    sums = {"interactions": len(turns), "served": len(served), "cost_nano_usd": nano(served)}
    return {measure: value for measure, value in (sums | {"unpriced": unpriced(served)}).items() if value}


def session_totals(stored: Stored) -> dict[str, Fields]:
    """What sessions say of their turns, by id."""
    return {session["id"]: _of_session(stored, session) for session in stored.every_session}


def _of_session(stored: Stored, session: Item) -> Fields:
    counted = stored.of(session["user_id"], "session", session["session_id"])
    turns, failed, is_active = counted.turns, fallbacks(counted.turns), session["is_active"]
    span = int((moment(session["last_activity"]) - moment(session["start_time"])).total_seconds())
    lasted = max(span, ceil((mean(times(turns)) or 0) / 1000)) or None
    return {
        "total_queries": len(turns),
        "total_responses": len(turns) - failed,
        "error_count": failed,
        "total_tokens": tokens(turns),
        "total_cost_usd": usd(turns),
        "personalities_used": list(counted.by("personality_used")),
        "topics_discussed": list(counted.by("query_category")),
        "avg_response_time_ms": mean(times(turns)),
        "user_satisfaction_ratings": ratings(turns),
        "session_quality": "unknown" if is_active else _quality(turns),
        "duration_seconds": None if is_active else lasted,
        "end_time": None if is_active else session["last_activity"],
        "start_time": min([session["start_time"], *(str(told(turn.at)) for turn in turns)]),
        "last_activity": max(session["start_time"], stored.newest.get(session["session_id"], "")),
    }


def _quality(turns: Sequence[Turn]) -> str:
    """Points are the mean of the ratings, or 3.5 and a half each from the fifth and the tenth turn on; less up to three
    for fallbacks."""
    if not turns:
        return "unknown"
    points = mean(ratings(turns))
    if points is None:
        points = 3.5 + 0.5 * (len(turns) >= 5) + 0.5 * (len(turns) >= 10)
    points -= 3.0 * fallbacks(turns) / len(turns)
    return "excellent" if points >= 4.25 else "good" if points >= 3.25 else "fair" if points >= 2.25 else "poor"


def profile_totals(stored: Stored, users: Iterable[str]) -> dict[str, Fields]:
    """What profiles say of use, by user."""
    return {user: _of_profile(stored, user) for user in users}


def _of_profile(stored: Stored, user: str) -> Fields:
    counted = stored.of(user, "all_time")
    turns = counted.turns
    fields = {
        "total_sessions": len(counted.sessions),
        "total_queries": len(turns),
        "total_tokens_used": tokens(turns),
        "total_cost_usd": usd(turns),
        "first_session_date": told(turns[0].at) if turns else None,
    }
    return fields | ({"last_activity": told(turns[-1].at)} if turns else {})


def progress(turns: Sequence[Turn]) -> Fields:
    """`learning_journey_progress`."""
    topics = Counter(turn["query_category"] for turn in turns)
    levels = Counter(turn["query_complexity"] for turn in turns)
    areas = sum(asked >= 3 for topic, asked in topics.items() if topic != OTHER)
    followed, harder = follow_ups(turns), levels["moderate"] + levels["complex"]
    level = "beginner"
    if areas >= 2 and followed >= 3 and harder >= 1:
        level = "advanced" if areas >= 5 and followed >= 10 and harder >= 3 else "intermediate"
    return {
        "areas": len(topics),
        "depth": share(levels["moderate"] + 2 * levels["complex"], 2 * len(turns)),
        "areas_revisited": areas,
        "follow_ups": followed,
        "harder_questions": harder,
        "level": level,
    }


def _bounds(period: str, key: str, counted: Counted) -> tuple[datetime | None, datetime | None]:
    if period not in CALENDAR:
        return (counted.turns[0].at, counted.turns[-1].at) if counted.turns else (None, None)
    if period == "daily":
        start = date.fromisoformat(key)
        end = start + timedelta(days=1)
    elif period == "weekly":
        start = date.fromisocalendar(int(key[:4]), int(key[6:]), 1)
        end = start + timedelta(days=7)
    else:
        start = date.fromisoformat(key + "-01")
        end = date(start.year + start.month // 12, start.month % 12 + 1, 1)
    zone = ZoneInfo(counted.zone)
    return datetime.combine(start, time(), zone), datetime.combine(end, time(), zone)
