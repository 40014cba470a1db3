"""Rebuilds a user's dashboard from their export alone: twice, from what they did and from what was counted of it.

    python dashboard_of_export.py export.ndjson

Prints `{"sources": …, "rollups": …}`, each a dashboard as `GET /api/me/dashboard` serves it; one from turns, sessions
and bookmarks does not say when they were counted (`as_of`). It shares nothing with the program that serves it, so that
the two can be compared: whoever has an export could write this.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Counts = Counter[str]


@dataclass
class Figures:
    """What a dashboard is made of. Counts are of turns, unless they say otherwise."""

    turns: int = 0
    tokens: int = 0
    cost_nano_usd: int = 0
    bookmarked: int = 0
    shared: int = 0
    second_questions: int = 0
    sessions: int = 0
    ended_sessions: int = 0
    session_seconds: int = 0
    topics: Counts = field(default_factory=Counter)
    deep_topics: Counts = field(default_factory=Counter)
    personalities: Counts = field(default_factory=Counter)
    complexities: Counts = field(default_factory=Counter)
    stars: Counts = field(default_factory=Counter)
    hours: Counts = field(default_factory=Counter)
    zones: Counts = field(default_factory=Counter)
    months: dict[str, Figures] = field(default_factory=dict)
    weeks: dict[str, Figures] = field(default_factory=dict)
    active_days: set[str] = field(default_factory=set)
    times: list[datetime] = field(default_factory=list)

    def parts(self, day: date) -> tuple[Figures, Figures, Figures]:
        """Itself, and its part of the day's week and month."""
        week, month = f"{day:%G-W%V}", f"{day:%Y-%m}"
        return self, self.weeks.setdefault(week, Figures()), self.months.setdefault(month, Figures())

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of most turns, sessions and bookmarks."""
        return ZoneInfo(most(self.zones)[0])

    def span(self) -> tuple[date, date]:
        """The first day with a turn and the last, in the time zone of most."""
        return min(self.times).astimezone(self.zone).date(), max(self.times).astimezone(self.zone).date()


def documents(export: Iterable[str]) -> dict[str, list[Json]]:
    """The export's documents by kind, once its end has confirmed that all are there."""
    kinds: dict[str, list[Json]] = {}
    counts: dict[str, Counts] = {}
    record: Json = {}
    for line in export:
        record = json.loads(line)
        if record["record"] == "document":
            kinds.setdefault(record["document"]["kind"], []).append(record["document"])
            counts.setdefault(record["container"], Counter())[record["document"]["kind"]] += 1
    if record["record"] != "end" or record["counts"] != counts:
        raise SystemExit("the export is not whole")
    return kinds


def of_sources(kinds: dict[str, list[Json]]) -> Figures:
    """From each turn, session and bookmark that was made with consent to analytics."""
    figures = Figures()
    saved = {bookmark["interaction_id"] for bookmark in kinds.get("bookmark", [])}
    asked: Counter[tuple[str, str]] = Counter()
    for turn in consented(kinds, "interaction"):
        local = moment(turn["timestamp"]).astimezone(ZoneInfo(turn["timezone"]))
        marked = turn["id"] in saved if turn["bookmark_revision"] else turn["was_bookmarked"]
        for part in figures.parts(local.date()):
            part.turns += 1
            part.topics[turn["query_category"]] += 1
            part.complexities[turn["query_complexity"]] += 1
            part.second_questions += turn["interaction_sequence"] == 2
        figures.tokens += turn["total_tokens"]
        figures.cost_nano_usd += turn["cost_nano_usd"] or 0
        figures.bookmarked += marked
        figures.shared += turn["was_shared"]
        figures.personalities[turn["personality_used"]] += 1
        asked[turn["session_id"], turn["query_category"]] += 1
        figures.stars[str(turn["user_rating"])] += turn["user_rating"] is not None
        figures.hours[str(local.hour)] += 1
        figures.active_days.add(f"{local:%Y-%m-%d}")
        figures.times.append(moment(turn["timestamp"]))
        figures.zones[turn["timezone"]] += 1
    figures.deep_topics = Counter(topic for (_, topic), turns in asked.items() if turns >= 3)
    for session in consented(kinds, "session"):
        figures.sessions += 1
        figures.ended_sessions += session["duration_seconds"] is not None
        figures.session_seconds += session["duration_seconds"] or 0
        figures.zones[session["timezone"]] += 1
    figures.zones += Counter(bookmark["timezone"] for bookmark in consented(kinds, "bookmark"))
    return figures


def consented(kinds: dict[str, list[Json]], kind: str) -> list[Json]:
    return [document for document in kinds.get(kind, []) if document["analytics_consent"]]


def of_rollups(kinds: dict[str, list[Json]]) -> Figures:
    """From the days that were counted; neither from the longer periods, nor from all time, which is what is served."""
    figures = Figures()
    for day in kinds.get("rollup", []):
        if day["analytics_period"] != "daily":
            continue
        sums: Counts = Counter(day["sums"])
        for part in figures.parts(date.fromisoformat(day["period_key"])):
            part.turns += sums["interactions"]
            part.topics += values(sums, "topic")
            part.complexities += values(sums, "complexity")
            part.second_questions += sums["follow_ups"]
        figures.tokens += sums["tokens"]
        figures.cost_nano_usd += sums["cost_nano_usd"]
        figures.bookmarked += sums["bookmarked"]
        figures.shared += sums["shared"]
        figures.sessions += sums["sessions"]
        figures.ended_sessions += sums["ended_sessions"]
        figures.session_seconds += sums["session_seconds"]
        figures.personalities += values(sums, "personality")
        figures.deep_topics += values(sums, "deep_dive")
        figures.stars += values(sums, "rating")
        figures.hours += values(sums, "hour")
        figures.zones += values(sums, "timezone")
        figures.active_days |= {day["period_key"]} if sums["interactions"] else set()
        figures.times += [moment(day[name]) for name in ("first_activity", "last_activity") if day[name]]
    return figures


def dashboard(figures: Figures, now: datetime) -> Json:
    turns = figures.turns
    rated = figures.stars.total()
    first, last = figures.span() if figures.times else (None, None)
    progressed, basis = progression(figures, first)
    return {
        "total_interactions": turns,
        "total_tokens": figures.tokens,
        "total_cost_usd": figures.cost_nano_usd / 10**9,
        "learning_growth_metrics": {
            "total_sessions": figures.sessions,
            "topics_explored": most(figures.topics),
            "favorite_personality": next(iter(most(figures.personalities)), None),
            "knowledge_progression": progressed,
            "progression_basis": basis,
        },
        "usage_insights": {
            "most_active_time": busiest(figures.hours),
            "avg_session_duration": duration(figures),
            "timed_sessions": figures.ended_sessions,
            "consistency_score": consistency(figures, first, now),
            "deep_dive_topics": most(figures.deep_topics)[:5],
        },
        "interaction_quality": {
            "avg_rating": sum(int(star) * count for star, count in figures.stars.items() if count) / rated
            if rated
            else None,
            "rated_interactions": rated,
            "bookmark_rate": figures.bookmarked / turns if turns else 0.0,
            "share_rate": figures.shared / turns if turns else 0.0,
            "return_rate": min(1.0, figures.second_questions / figures.sessions) if figures.sessions else 0.0,
        },
        "personalized_suggestions": suggestions(figures, last)[:5],
    }


def progression(figures: Figures, first: date | None) -> tuple[str, str] | tuple[None, None]:
    """The level after the first week and now, and what they go by; nothing while all turns are of one week."""
    asked = [week for week in figures.weeks.values() if week.turns]
    if first is None or len(asked) < 2:
        return None, None
    then, now = reached(figures.weeks[f"{first:%G-W%V}"]), reached(figures)
    return f"{level(then)} -> {level(now)}", f"{basis(then)} after the first week; {basis(now)} now"


def reached(figures: Figures) -> tuple[int, int, int]:
    """Categories asked about three times, sessions with a second question, and questions that are not simple."""
    harder = figures.complexities["moderate"] + figures.complexities["complex"]
    return sum(turns >= 3 for turns in figures.topics.values()), figures.second_questions, harder


def level(numbers: tuple[int, int, int]) -> str:
    for name, needed in (("advanced", (5, 10, 3)), ("intermediate", (2, 3, 1))):
        if all(has >= needs for has, needs in zip(numbers, needed, strict=True)):
            return name
    return "beginner"


def basis(numbers: tuple[int, int, int]) -> str:
    areas, followed, harder = numbers
    return f"{areas} areas asked about three times, {followed} sessions followed up, {harder} harder questions"


def depth(complexities: Counts) -> float:
    """The mean complexity: simple 0, moderate 1/2, complex 1."""
    asked = 2 * complexities.total()
    return (complexities["moderate"] + 2 * complexities["complex"]) / asked if asked else 0.0


def busiest(hours: Counts) -> str | None:
    """The two hours with most turns, the earlier of equal ones."""
    if not hours:
        return None
    both = [hours[str(hour)] + hours[str((hour + 1) % 24)] for hour in range(24)]
    begin = both.index(max(both))
    begins, ends = twelve(begin), twelve((begin + 2) % 24)
    shown = f"{begins[0]}-{ends[0]} {ends[1]}" if begins[1] == ends[1] else f"{' '.join(begins)}-{' '.join(ends)}"
    return f"{part_of_day(begin)}s ({shown})"


def twelve(hour: int) -> tuple[str, str]:
    return str(hour % 12 or 12), "PM" if hour >= 12 else "AM"


def part_of_day(hour: int) -> str:
    if hour < 5 or hour >= 22:
        return "night"
    return "morning" if hour < 12 else "afternoon" if hour < 17 else "evening"


def duration(figures: Figures) -> str | None:
    if not figures.ended_sessions:
        return None
    minutes = round(figures.session_seconds / figures.ended_sessions / 60)
    return {0: "less than a minute", 1: "1 minute"}.get(minutes, f"{minutes} minutes")


def consistency(figures: Figures, first: date | None, now: datetime) -> float | None:
    """Ten times the share of days with a turn, of this week and the three before; nothing in somebody's first week."""
    if first is None:
        return None
    today = now.astimezone(figures.zone).date()
    monday = today - timedelta(days=today.weekday() + 21)
    days = (today - max(first, monday)).days + 1
    if days < 7:
        return None
    last = monday + timedelta(days=27)
    active = sum(monday <= date.fromisoformat(day) <= last for day in figures.active_days)
    return round(min(10.0, 10 * active / days), 1)


def suggestions(figures: Figures, last: date | None) -> list[str]:
    """All that there is to say, in the order in which it is said."""
    month = figures.months.get(f"{last:%Y-%m}") if last else None
    if month is None:
        return []
    turns, said = figures.turns, []
    names, topics, deep = most(figures.personalities), most(figures.topics), most(figures.deep_topics)
    parts = Counter(dict.fromkeys(("night", "morning", "afternoon", "evening"), 0))
    for hour, count in figures.hours.items():
        parts[part_of_day(int(hour))] += count
    if len(names) == 1:
        said.append(f"Ask another personality than {names[0]}, and compare the answers.")
    if len(names) > 1 and topics and turns >= 5 and figures.personalities[names[0]] >= 0.6 * turns:
        said.append(f"Try exploring {names[1]}'s thoughts on {topics[0]}.")
    forgotten = [topic for topic in topics if figures.topics[topic] >= 2 and topic not in month.topics]
    said += [f"Come back to {topic}." for topic in forgotten[:1] if month.turns >= 5]
    if deep and figures.bookmarked < 0.1 * turns:
        said.append(f"Bookmark the best answers about {deep[0]}, to find them again.")
    if topics and turns >= 20 and depth(figures.complexities) < 0.25:
        said.append(f"Ask how two views on {topics[0]} differ: answers to harder questions take you further.")
    if figures.sessions >= 5 and figures.second_questions < 0.3 * figures.sessions:
        said.append("Ask a follow-up question: the second answer builds on the first.")
    part, count = max(parts.items(), key=lambda item: item[1])
    if turns >= 20 and count >= 0.6 * turns:
        said.append(f"Consider a session in the {'evening' if part == 'morning' else 'morning'}.")
    if turns >= 20 and not figures.stars.total():
        said.append("Rate some answers, to see which of them serve you best.")
    return said


def most(counts: Counts) -> list[str]:
    """The names that count, highest first, equal ones by name."""
    return sorted((name for name, count in counts.items() if count), key=lambda name: (-counts[name], name))


def values(sums: Counts, dimension: str) -> Counts:
    named = ((measure.partition(":"), count) for measure, count in sums.items())
    return Counter({value: count for (name, _, value), count in named if name == dimension and value})


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def main(path: str) -> None:
    with Path(path).open(encoding="utf-8") as export:
        kinds = documents(export)
    counted = [rollup["last_updated"] for rollup in kinds.get("rollup", []) if rollup["analytics_period"] == "all_time"]
    now = datetime.now(UTC)
    rollups = {"as_of": next(iter(counted), None)} | dashboard(of_rollups(kinds), now)
    print(json.dumps({"sources": dashboard(of_sources(kinds), now), "rollups": rollups}))


if __name__ == "__main__":
    main(sys.argv[1])
