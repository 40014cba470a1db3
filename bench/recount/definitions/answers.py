"""What users are told: the dashboard, and what to try next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.recount.definitions.turns import (
    Counted,
    Fields,
    Stored,
    Turn,
    follow_ups,
    mean,
    ranked,
    share,
    tokens,
    usd,
    week_of,
)
from bench.recount.definitions.users import progress, rollup

PARTS = ("night",) * 5 + ("morning",) * 7 + ("afternoon",) * 5 + ("evening",) * 5 + ("night",) * 2
"""By hour of the day."""

Said = tuple[str, str, str]
"""A rule, what it says, and why."""


def dashboard(stored: Stored, user: str, now: datetime) -> Fields:
    """The user's dashboard, but for when it was counted."""
    counted = stored.of(user, "all_time")
    all_time, turns = rollup(stored, user, "all_time"), counted.turns
    progression, basis = _progression(stored, user, counted)
    return {
        "total_interactions": len(turns),
        "total_tokens": tokens(turns),
        "total_cost_usd": usd(turns),
        "learning_growth_metrics": {
            "total_sessions": len(counted.sessions),
            "topics_explored": all_time["knowledge_areas_explored"],
            "favorite_personality": next(iter(all_time["personality_usage"]), None),
            "knowledge_progression": progression,
            "progression_basis": basis,
        },
        "usage_insights": {
            "most_active_time": _most_active_time(turns),
            "avg_session_duration": _minutes(mean(counted.durations)),
            "timed_sessions": len(counted.durations),
            "consistency_score": _consistency(counted, now),
            "deep_dive_topics": all_time["deep_dive_topics"][:5],
        },
        "interaction_quality": {
            "avg_rating": all_time["avg_response_rating"],
            "rated_interactions": all_time["rated_interactions"],
            "bookmark_rate": all_time["bookmark_rate"],
            "share_rate": all_time["share_rate"],
            "return_rate": min(1.0, share(follow_ups(turns), len(counted.sessions))),
        },
        "personalized_suggestions": [said["text"] for said in suggestions(stored, user)],
    }


def _progression(stored: Stored, user: str, counted: Counted) -> tuple[str, str] | tuple[None, None]:
    """Levels after the first week and now, and what they go by; nothing while all turns are of one week."""
    turns = counted.turns
    if len({week_of(day) for day in counted.days}) < 2:
        return None, None
    first = week_of(counted.days[0])
    then, now = progress(stored.of(user, "weekly", first).turns), progress(turns)
    return f"{then['level']} -> {now['level']}", f"{_basis(then)} after the first week; {_basis(now)} now"


def _basis(found: Fields) -> str:
    areas, followed, harder = found["areas_revisited"], found["follow_ups"], found["harder_questions"]
    return f"{areas} areas asked about three times, {followed} sessions followed up, {harder} harder questions"


def _consistency(counted: Counted, now: datetime) -> float | None:
    if not counted.turns:
        return None
    zone = ZoneInfo(counted.zone)
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday() + 21)
    first = counted.turns[0].at.astimezone(zone).date()
    length = (today - max(first, monday)).days + 1
    if length < 7:
        return None
    active = _within(counted.days, monday, monday + timedelta(days=27))
    return round(min(10.0, 10 * active / length), 1)


def _within(days: Sequence[date], first: date, last: date) -> int:
    return sum(first <= day <= last for day in days)


def _most_active_time(turns: Sequence[Turn]) -> str | None:
    if not turns:
        return None
    hours = Counter(turn.local.hour for turn in turns)
    start = max(range(24), key=lambda hour: (hours[hour] + hours[(hour + 1) % 24], -hour))
    first, last = (datetime(2000, 1, 1, hour % 24) for hour in (start, start + 2))
    begins = f"{first:%I}".lstrip("0") + (f" {first:%p}" if f"{first:%p}" != f"{last:%p}" else "")
    return f"{PARTS[start]}s ({begins}-{f'{last:%I}'.lstrip('0')} {last:%p})"


def _minutes(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    minutes = round(seconds / 60)
    return {0: "less than a minute", 1: "1 minute"}.get(minutes, f"{minutes} minutes")


def suggestions(stored: Stored, user: str) -> list[Fields]:
    """The first five things that the rules have to say, with their reasons."""
    counted = stored.of(user, "all_time")
    if not counted.turns:
        return []
    latest = f"{counted.days[-1]:%Y-%m}"
    found = [*_of_whom(counted), *_of_what(counted, stored.of(user, "monthly", latest), latest)]
    found += _of_how(counted)
    return [{"rule": rule, "text": text, "reason": reason} for rule, text, reason in found[:5]]


def _of_whom(counted: Counted) -> list[Said]:
    """Of personalities: one alone, or one before all others (60 % of five questions and more)."""
    turns, asked = len(counted.turns), counted.by("personality_used")
    (main, most), topic = next(iter(asked.items())), next(iter(counted.by("query_category")))
    if len(asked) == 1:
        only = "Your only question" if most == 1 else f"All {most} of your questions"
        text = f"Ask another personality than {main}, and compare the answers."
        return [("another_personality", text, f"{only} went to {main}.")]
    if turns < 5 or most < 0.6 * turns:
        return []
    rare, least = list(asked.items())[-1]
    reason = f"{most} of your {turns} questions went to {main}, {least} to {rare}; most were about {topic}."
    return [("other_view", f"Try exploring {rare}'s thoughts on {topic}.", reason)]


def _of_what(counted: Counted, month: Counted, key: str) -> list[Said]:
    """Of topics: one asked about twice, and not in the latest month though that has five questions; one dived into,
    with less than a tenth saved; and the main one, where 20 questions and more were nearly all simple."""
    said: list[Said] = []
    turns, topics = len(counted.turns), counted.by("query_category")
    forgotten = [topic for topic, asked in topics.items() if asked >= 2 and topic not in month.by("query_category")]
    if forgotten and len(month.turns) >= 5:
        topic = forgotten[0]
        reason = f"You asked {topics[topic]} questions about {topic}, but none in {key}."
        said.append(("forgotten_topic", f"Come back to {topic}.", reason))
    deep, saved = ranked(counted.deep), sum(turn["was_bookmarked"] for turn in counted.turns)
    if deep and saved < 0.1 * turns:
        topic, times = next(iter(deep.items()))
        sessions = "one session" if times == 1 else f"{times} sessions"
        reason = f"You asked about {topic} three times or more in {sessions}, and {saved} of {turns} answers are saved."
        said.append(("save_answers", f"Bookmark the best answers about {topic}, to find them again.", reason))
    if turns >= 20 and progress(counted.turns)["depth"] < 0.25:
        main, simple = next(iter(topics)), sum(turn["query_complexity"] == "simple" for turn in counted.turns)
        text = f"Ask how two views on {main} differ: answers to harder questions take you further."
        said.append(("harder_questions", text, f"{simple} of your {turns} questions were simple."))
    return said


def _of_how(counted: Counted) -> list[Said]:
    """Of habits: few second questions in five sessions and more; always the same part of the day, and no ratings, in 20
    questions and more."""
    said: list[Said] = []
    turns, sessions, followed = len(counted.turns), len(counted.sessions), follow_ups(counted.turns)
    if sessions >= 5 and followed < 0.3 * sessions:
        text = "Ask a follow-up question: the second answer builds on the first."
        said.append(("follow_up", text, f"{followed} of your {sessions} sessions had a second question."))
    if turns < 20:
        return said
    part, count = Counter(PARTS[turn.local.hour] for turn in counted.turns).most_common(1)[0]
    if count >= 0.6 * turns:
        other = "evening" if part == "morning" else "morning"
        reason = f"{count} of your {turns} questions came in the {part}."
        said.append(("other_time", f"Consider a session in the {other}.", reason))
    if all(turn["user_rating"] is None for turn in counted.turns):
        text = "Rate some answers, to see which of them serve you best."
        said.append(("rate_answers", text, f"None of your {turns} answers is rated."))
    return said
