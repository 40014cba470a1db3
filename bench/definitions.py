"""What every figure has to be, counted anew from turns, sessions and bookmarks by its definition.

Nothing of the app is used here: not its models, its rules, or its sums. Documents go in as they are stored, and for
each document that tells figures the fields that it must have come out.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

Item = Mapping[str, Any]
Fields = dict[str, Any]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CALENDAR = ("daily", "weekly", "monthly")


@dataclass(frozen=True)
class Turn:
    """A stored turn, with its time of UTC and that of its user."""

    item: Item
    at: datetime
    local: datetime

    @classmethod
    def of(cls, item: Item) -> Turn:
        at = moment(item["timestamp"])
        return cls(item, at, at.astimezone(ZoneInfo(item["timezone"])))

    def __getitem__(self, name: str) -> Any:
        return self.item[name]


@dataclass
class Counted:
    """What counts in one period of one user."""

    turns: list[Turn] = field(default_factory=list)
    sessions: list[Item] = field(default_factory=list)
    bookmarks: list[Item] = field(default_factory=list)
    deep: list[str] = field(default_factory=list)

    @cached_property
    def zone(self) -> str:
        zones = Counter(turn["timezone"] for turn in self.turns)
        zones.update(item["timezone"] for item in (*self.sessions, *self.bookmarks))
        return min(zones, key=lambda zone: (-zones[zone], zone), default="UTC")

    def by(self, name: str) -> dict[str, int]:
        return ranked(turn[name] for turn in self.turns)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def told(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None


def ranked(values: Iterable[Any]) -> dict[Any, int]:
    """How often each, most often first, of equal ones the smaller."""
    counts = Counter(values)
    return {value: counts[value] for value in sorted(counts, key=lambda value: (-counts[value], value))}


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def local_day(text: str, zone: str) -> date:
    return moment(text).astimezone(ZoneInfo(zone)).date()


def names_of(day: date) -> dict[str, str]:
    """The user's periods that a day is in."""
    return {"daily": f"{day}", "weekly": f"{day:%G-W%V}", "monthly": f"{day:%Y-%m}", "all_time": ""}


class Definitions:
    """All documents and answers that tell figures, from what is stored of users.

    Args:
        turns, sessions, bookmarks: As they are stored.
        now: When answers are given.
    """

    def __init__(self, turns: Iterable[Item], sessions: Iterable[Item], bookmarks: Iterable[Item], now: datetime):
        stored = [Turn.of(item) for item in turns if item.get("analytics_consent", True)]
        self.turns = sorted(stored, key=lambda turn: (turn.at, turn["id"]))
        self.sessions = [item for item in sessions if item.get("analytics_consent", True)]
        self.bookmarks = [item for item in bookmarks if item.get("analytics_consent", True)]
        self.now = now

    @cached_property
    def periods(self) -> dict[tuple[str, str, str], Counted]:
        """What counts, by user, period and which."""
        found: dict[tuple[str, str, str], Counted] = defaultdict(Counted)
        of_session: dict[tuple[str, str], list[Turn]] = defaultdict(list)
        for turn in self.turns:
            user = turn["user_id"]
            of_session[user, turn["session_id"]].append(turn)
            found[user, "session", turn["session_id"]].turns.append(turn)
            for period, key in names_of(turn.local.date()).items():
                found[user, period, key].turns.append(turn)
        for session in self.sessions:
            for period, key in names_of(local_day(session["start_time"], session["timezone"])).items():
                found[session["user_id"], period, key].sessions.append(session)
        for bookmark in self.bookmarks:
            for period, key in names_of(local_day(bookmark["bookmarked_at"], bookmark["timezone"])).items():
                found[bookmark["user_id"], period, key].bookmarks.append(bookmark)
        for (user, session_id), turns in of_session.items():
            topics = [topic for topic, asked in ranked(turn["query_category"] for turn in turns).items() if asked >= 3]
            began = turns[0].at.astimezone(ZoneInfo(found[user, "session", session_id].zone)).date()
            for period, key in names_of(began).items():
                found[user, period, key].deep.extend(topics)
        return dict(found)

    @cached_property
    def by_utc_day(self) -> dict[tuple[str, str], list[Turn]]:
        """Turns by user and day of UTC."""
        found: dict[tuple[str, str], list[Turn]] = defaultdict(list)
        for turn in self.turns:
            found[turn["user_id"], f"{turn.at:%Y-%m-%d}"].append(turn)
        return dict(found)

    # users' documents

    def rollups(self) -> dict[str, Fields]:
        """By id."""
        return {
            f"{user}:{period}:{key}".rstrip(":"): self._rollup(user, period, key, counted)
            for (user, period, key), counted in self.periods.items()
        }

    def _rollup(self, user: str, period: str, key: str, counted: Counted) -> Fields:
        turns = counted.turns
        start, end = _bounds(period, key, counted)
        known = [item["duration_seconds"] for item in counted.sessions if item["duration_seconds"] is not None]
        rated = [turn["user_rating"] for turn in turns if turn["user_rating"] is not None]
        times = [turn["response_time_ms"] for turn in turns if turn["response_time_ms"]]
        weekdays = ranked(turn.local.weekday() for turn in turns) if period != "session" else {}
        hours = ranked(turn.local.hour for turn in turns) if period != "session" else {}
        cited = ranked(source for turn in turns for source in set(turn["citations_provided"]))
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
            "total_tokens": sum(turn["total_tokens"] for turn in turns),
            "total_cost_usd": cost(turns),
            "unpriced_interactions": sum(turn["cost_nano_usd"] is None for turn in turns),
            "avg_session_duration": mean(known),
            "timed_sessions": len(known),
            "avg_queries_per_session": len(turns) / len(counted.sessions) if counted.sessions else None,
            "personality_usage": counted.by("personality_used"),
            "topic_distribution": counted.by("query_category"),
            "query_complexity_breakdown": counted.by("query_complexity"),
            "response_quality_breakdown": counted.by("response_quality"),
            "most_active_hours": list(hours)[:3],
            "most_active_days": [DAYS[day] for day in list(weekdays)[:3]],
            "avg_response_time_ms": mean(times),
            "timed_interactions": len(times),
            "avg_response_rating": mean(rated),
            "rated_interactions": len(rated),
            "total_bookmarks": len(counted.bookmarks),
            "bookmark_rate": share(sum(turn["was_bookmarked"] for turn in turns), len(turns)),
            "share_rate": share(sum(turn["was_shared"] for turn in turns), len(turns)),
            "learning_journey_progress": _progress(turns),
            "knowledge_areas_explored": list(counted.by("query_category")),
            "favorite_sources": list(cited)[:10] if period != "session" else [],
            "deep_dive_topics": list(ranked(counted.deep)),
        }

    def presences(self) -> dict[str, Fields]:
        return {
            f"{user}:presence:{day}": {
                "partition_key": user,
                "analytics_period": "presence",
                "period_key": day,
                "first_activity": told(turns[0].at),
                "last_activity": told(turns[-1].at),
                "turns": len(turns),
            }
            for (user, day), turns in self.by_utc_day.items()
        }

    def session_totals(self) -> dict[str, Fields]:
        """What sessions say of their turns, by id."""
        found = {}
        for session in self.sessions:
            counted = self.periods.get((session["user_id"], "session", session["session_id"]))
            if counted is None:
                continue
            turns = counted.turns
            times = [turn["response_time_ms"] for turn in turns if turn["response_time_ms"]]
            failed = sum(turn["response_quality"] == "fallback" for turn in turns)
            span = int((moment(session["last_activity"]) - moment(session["start_time"])).total_seconds())
            lasted = max(span, ceil((mean(times) or 0) / 1000)) or None
            found[session["id"]] = {
                "total_queries": len(turns),
                "total_responses": len(turns) - failed,
                "error_count": failed,
                "total_tokens": sum(turn["total_tokens"] for turn in turns),
                "total_cost_usd": cost(turns),
                "personalities_used": list(counted.by("personality_used")),
                "topics_discussed": list(counted.by("query_category")),
                "avg_response_time_ms": mean(times),
                "user_satisfaction_ratings": sorted(
                    turn["user_rating"] for turn in turns if turn["user_rating"] is not None
                ),
                "duration_seconds": None if session["is_active"] else lasted,
                "end_time": None if session["is_active"] else session["last_activity"],
            }
        return found

    def profile_totals(self) -> dict[str, Fields]:
        """What profiles say of use, by user; of users with turns."""
        return {
            user: {
                "total_sessions": len(counted.sessions),
                "total_queries": len(counted.turns),
                "total_tokens_used": sum(turn["total_tokens"] for turn in counted.turns),
                "total_cost_usd": cost(counted.turns),
                "first_session_date": told(counted.turns[0].at),
                "last_activity": told(counted.turns[-1].at),
            }
            for (user, period, _), counted in self.periods.items()
            if period == "all_time" and counted.turns
        }

    # the platform's documents

    def platform(self) -> dict[str, Fields]:
        """Days and months of UTC, cohorts, by id in the partition `platform`."""
        days: dict[str, list[Turn]] = defaultdict(list)
        for turn in self.turns:
            days[f"{turn.at:%Y-%m-%d}"].append(turn)
        sessions = Counter(moment(item["start_time"]).strftime("%Y-%m-%d") for item in self.sessions)
        news = Counter(f"{counted.turns[0].at:%Y-%m-%d}" for counted in self._whole.values())
        active = Counter(day for _, day in self.by_utc_day)
        found: dict[str, Fields] = {}
        for day in days.keys() | sessions.keys():
            found[f"platform:utc_daily:{day}"] = _platform_period(days[day], sessions[day], active[day], news[day], {})
        owners = Counter(
            key for (_, period, key), counted in self.periods.items() if period == "monthly" and counted.turns
        )
        for month in {day[:7] for day in days} | {day[:7] for day in sessions} | owners.keys():
            turns = [turn for turn in self.turns if f"{turn.at:%Y-%m}" == month]
            began = sum(count for day, count in sessions.items() if day[:7] == month)
            new = sum(count for day, count in news.items() if day[:7] == month)
            fields = _platform_period(turns, began, owners[month], new, self.features(month))
            found[f"platform:utc_monthly:{month}"] = fields
        for began_on, spans in self.cohorts().items():
            found[f"platform:cohort:{began_on}"] = {
                "period_key": f"{began_on}",
                "first_activity": None,
                "last_activity": None,
                "users": len(spans),
                **{f"returned_day_{n}": sum(span >= n for span in spans) for n in (1, 7, 30)},
            }
        return found

    @cached_property
    def _whole(self) -> dict[str, Counted]:
        found = {user: counted for (user, period, _), counted in self.periods.items() if period == "all_time"}
        return {user: counted for user, counted in found.items() if counted.turns}

    def features(self, month: str) -> dict[str, int]:
        """Users with turns in a month of their own calendar, by feature that they used in it."""
        used: Counter[str] = Counter()
        for (_, period, key), counted in self.periods.items():
            if period == "monthly" and key == month and counted.turns:
                used["bookmarking"] += bool(counted.bookmarks)
                used["multiple_personalities"] += len(counted.by("personality_used")) > 1
                used["follow_up_questions"] += any(turn["interaction_sequence"] == 2 for turn in counted.turns)
        return ranked((+used).elements())

    def cohorts(self) -> dict[date, list[int]]:
        """Days from the first to the last with turns, of the users who began on a day."""
        found: dict[date, list[int]] = defaultdict(list)
        for counted in self._whole.values():
            zone = ZoneInfo(counted.zone)
            first, last = (turn.at.astimezone(zone).date() for turn in (counted.turns[0], counted.turns[-1]))
            found[first].append((last - first).days)
        return dict(found)

    # answers

    def questions(self, month: str, without: Iterable[str] = ()) -> list[tuple[str, int, int, int, float | None]]:
        """Common questions of a month of UTC in their order: text, askers, frequency, ratings and their mean."""
        left_out, asked = set(without), defaultdict(list)
        for turn in self.turns:
            text = normalised(turn["user_query"] or "")
            if text and f"{turn.at:%Y-%m}" == month:
                asked[text].append(turn)
        rows = []
        for text, turns in asked.items():
            kept = [turn for turn in turns if turn["user_id"] not in left_out]
            a_day = Counter((turn["user_id"], turn.at.day) for turn in kept)
            askers, frequency = len({user for user, _ in a_day}), sum(min(3, count) for count in a_day.values())
            rated = [turn["user_rating"] for turn in kept if turn["user_rating"] is not None]
            if askers >= 3:
                rows.append((text[:500], askers, frequency, len(rated), mean(rated)))
        return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))

    def growth(self, month: str) -> Fields:
        """`growth_metrics` of a month, but for its list of cohorts."""
        end = (date.fromisoformat(f"{month}-01") + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        end = min(end, self.now.date() + timedelta(days=1))
        cohorts = {day: spans for day, spans in self.cohorts().items() if end - timedelta(weeks=12) <= day <= end}
        retention = []
        for days in (1, 7, 30):
            could = [span for day, spans in cohorts.items() if self._over(day, days) for span in spans]
            back = sum(span >= days for span in could)
            rate = back / len(could) if could else None
            retention.append({"day": days, "could_return": len(could), "returned": back, "rate": rate})
        firsts = [f"{counted.turns[0].at:%Y-%m}" for counted in self._whole.values()]
        features, active = self.features(month), self.active_in(month)
        names = ("bookmarking", "multiple_personalities", "follow_up_questions")
        return {
            "new_users_this_month": firsts.count(month),
            "total_users": sum(first <= month for first in firsts),
            "retention": retention,
            "retention_rate": retention[1]["rate"],
            "feature_adoption": {name: share(features.get(name, 0), active) for name in names},
        }

    def active_in(self, month: str) -> int:
        return sum(p == "monthly" and key == month and bool(c.turns) for (_, p, key), c in self.periods.items())

    def _over(self, day: date, days: int) -> bool:
        return self.now.date() >= day + timedelta(days=days + 2)

    def without_flagged(self, month: str, flagged: Iterable[str]) -> Fields:
        """What the accounts that are flagged had of a month, and a turn's cost without them."""
        known = set(flagged)
        turns = [turn for turn in self.turns if f"{turn.at:%Y-%m}" == month and turn["recorded_by"] != "user"]
        theirs = [turn for turn in turns if turn["user_id"] in known]
        rest = [turn for turn in turns if turn["user_id"] not in known]
        return {
            "cost_per_interaction_without_flagged_usd": cost_per_turn(rest),
            "flagged": {
                "accounts": len(known),
                "interactions": len(theirs),
                "share_of_interactions": len(theirs) / len(turns) if turns else None,
                "cost_usd": cost(theirs),
                "share_of_cost": nano(theirs) / nano(turns) if nano(turns) else None,
                "cost_per_interaction_usd": cost_per_turn(theirs),
            },
        }

    def dashboard(self, user: str) -> Fields:
        """The user's dashboard, but for when it was counted and what is suggested."""
        counted = self.periods.get((user, "all_time", ""), Counted())
        all_time, turns = self._rollup(user, "all_time", "", counted), counted.turns
        known = [item["duration_seconds"] for item in counted.sessions if item["duration_seconds"] is not None]
        followed = sum(turn["interaction_sequence"] == 2 for turn in turns)
        progression = basis = None
        weeks = {f"{turn.local:%G-W%V}" for turn in turns}
        if turns and len(weeks) > 1:
            zone = ZoneInfo(counted.zone)
            first = f"{turns[0].at.astimezone(zone):%G-W%V}"
            then, now = _progress(self.periods[user, "weekly", first].turns), _progress(turns)
            progression = f"{then['level']} -> {now['level']}"
            basis = f"{_basis(then)} after the first week; {_basis(now)} now"
        return {
            "total_interactions": len(turns),
            "total_tokens": all_time["total_tokens"],
            "total_cost_usd": all_time["total_cost_usd"],
            "learning_growth_metrics": {
                "total_sessions": len(counted.sessions),
                "topics_explored": all_time["knowledge_areas_explored"],
                "favorite_personality": next(iter(all_time["personality_usage"]), None),
                "knowledge_progression": progression,
                "progression_basis": basis,
            },
            "usage_insights": {
                "most_active_time": _most_active_time(turns),
                "avg_session_duration": _minutes(mean(known)),
                "timed_sessions": len(known),
                "consistency_score": self._consistency(counted),
                "deep_dive_topics": all_time["deep_dive_topics"][:5],
            },
            "interaction_quality": {
                "avg_rating": all_time["avg_response_rating"],
                "rated_interactions": all_time["rated_interactions"],
                "bookmark_rate": all_time["bookmark_rate"],
                "share_rate": all_time["share_rate"],
                "return_rate": min(1.0, share(followed, len(counted.sessions))),
            },
        }

    def _consistency(self, counted: Counted) -> float | None:
        if not counted.turns:
            return None
        zone = ZoneInfo(counted.zone)
        today = self.now.astimezone(zone).date()
        monday = today - timedelta(days=today.weekday() + 21)
        first = counted.turns[0].at.astimezone(zone).date()
        length = (today - max(first, monday)).days + 1
        if length < 7:
            return None
        sunday = monday + timedelta(days=27)
        days = {turn.local.date() for turn in counted.turns if monday <= turn.local.date() <= sunday}
        return round(min(10.0, 10 * len(days) / length), 1)


def nano(turns: Iterable[Turn]) -> int:
    return sum(turn["cost_nano_usd"] or 0 for turn in turns)


def cost(turns: Iterable[Turn]) -> float:
    return nano(turns) / 10**9


def cost_per_turn(turns: Sequence[Turn]) -> float | None:
    priced = sum(turn["cost_nano_usd"] is not None for turn in turns)
    return nano(turns) / priced / 10**9 if priced else None


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


def _progress(turns: Sequence[Turn]) -> Fields:
    topics = Counter(turn["query_category"] for turn in turns)
    levels = Counter(turn["query_complexity"] for turn in turns)
    areas = sum(asked >= 3 for asked in topics.values())
    followed = sum(turn["interaction_sequence"] == 2 for turn in turns)
    harder = levels["moderate"] + levels["complex"]
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


def _basis(progress: Fields) -> str:
    areas, followed, harder = progress["areas_revisited"], progress["follow_ups"], progress["harder_questions"]
    return f"{areas} areas asked about three times, {followed} sessions followed up, {harder} harder questions"


def _most_active_time(turns: Sequence[Turn]) -> str | None:
    if not turns:
        return None
    hours = Counter(turn.local.hour for turn in turns)
    start = max(range(24), key=lambda hour: (hours[hour] + hours[(hour + 1) % 24], -hour))
    part = (
        "morning"
        if 5 <= start < 12
        else "afternoon"
        if 12 <= start < 17
        else "evening"
        if 17 <= start < 22
        else "night"
    )
    first, last = (datetime(2000, 1, 1, hour % 24) for hour in (start, start + 2))
    begins = f"{first:%I}".lstrip("0") + (f" {first:%p}" if f"{first:%p}" != f"{last:%p}" else "")
    return f"{part}s ({begins}-{f'{last:%I}'.lstrip('0')} {last:%p})"


def _minutes(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    minutes = round(seconds / 60)
    return {0: "less than a minute", 1: "1 minute"}.get(minutes, f"{minutes} minutes")


def _platform_period(
    turns: Sequence[Turn], sessions: int, active: int, new: int, features: Mapping[str, int]
) -> Fields:
    """A day or a month of UTC. Use and cost are those that servers recorded; times are those of all turns."""
    first, last = (turns[0].at, turns[-1].at) if turns else (None, None)
    served = [turn for turn in turns if turn["recorded_by"] != "user"]
    times = sorted(turn["response_time_ms"] for turn in served if turn["response_time_ms"])
    rated = [turn["user_rating"] for turn in served if turn["user_rating"] is not None]
    return {
        "first_activity": told(first),
        "last_activity": told(last),
        "total_interactions": len(served),
        "total_sessions": sessions,
        "total_tokens": sum(turn["total_tokens"] for turn in served),
        "total_cost_usd": cost(served),
        "unpriced_interactions": sum(turn["cost_nano_usd"] is None for turn in served),
        "active_users": active,
        "new_users": new,
        "avg_response_time_ms": mean(times),
        "timed_interactions": len(times),
        "response_time_p50_ms": times[int(0.5 * (len(times) - 1))] if times else None,
        "response_time_p95_ms": times[int(0.95 * (len(times) - 1))] if times else None,
        "error_rate": share(sum(turn["response_quality"] == "fallback" for turn in served), len(served)),
        "user_satisfaction": mean(rated),
        "rated_interactions": len(rated),
        "cost_per_interaction_usd": cost_per_turn(served),
        "feature_adoption": dict(features),
        "model_usage": ranked(turn["model_used"] for turn in served),
        "personality_usage": ranked(turn["personality_used"] for turn in served),
        "topic_distribution": ranked(turn["query_category"] for turn in served),
        "language_distribution": ranked(turn["user_query_language"] for turn in served),
    }


def normalised(text: str) -> str:
    """A question's text without case, width, spacing, punctuation and a trailing counter."""
    folded = unicodedata.normalize("NFKC", text[:4000]).casefold().strip()
    end = len(folded)
    while end and not (folded[end - 1].isalnum() or folded[end - 1] == "_"):
        end -= 1
    start = end
    while start and folded[start - 1].isdecimal():
        start -= 1
    if 0 < end - start <= 6:
        before = folded[:start]
        signed = before[-1:] in tuple("#№([") and before[-2:-1].isspace()
        if before.rstrip()[-1:] in tuple("?!.।؟") or signed:
            folded = before
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMNS" else " " for c in folded).split())
