"""What is stored of users, and what of it counts in which period."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

Item = Mapping[str, Any]
Fields = dict[str, Any]

CALENDAR = ("daily", "weekly", "monthly")
OTHER = "other"
"""Stands for values beyond those that are counted by name. So it is none itself."""

DEEP = 3
"""Turns about a topic within a session that make it a deep dive."""

ABSENT: Fields = {
    "cache_write_5m_tokens": 0,
    "cache_write_1h_tokens": 0,
    "input_audio_tokens": 0,
    "output_audio_tokens": 0,
}
"""What a stored turn has where it does not say so."""


@dataclass(frozen=True)
class Turn:
    """A stored turn, with its time of UTC and that of its user."""

    item: Item
    at: datetime
    local: datetime

    @classmethod
    def of(cls, item: Item) -> Turn:
        at = moment(item["timestamp"])
        return cls(ABSENT | dict(item), at, at.astimezone(ZoneInfo(item["timezone"])))

    def __getitem__(self, name: str) -> Any:
        return self.item[name]


@dataclass
class Counted:
    """What counts in one period of one user. `deep` are its deep dives, by topic; `days` the days with turns."""

    turns: list[Turn] = field(default_factory=list)
    sessions: list[Item] = field(default_factory=list)
    bookmarks: list[Item] = field(default_factory=list)
    deep: list[str] = field(default_factory=list)

    @cached_property
    def zones(self) -> Counter[str]:
        zones = Counter(turn["timezone"] for turn in self.turns)
        zones.update(item["timezone"] for item in (*self.sessions, *self.bookmarks))
        return zones

    @cached_property
    def zone(self) -> str:
        return min(self.zones, key=lambda zone: (-self.zones[zone], zone), default="UTC")

    @cached_property
    def days(self) -> list[date]:
        return sorted({turn.local.date() for turn in self.turns})

    @property
    def durations(self) -> list[int]:
        """Those of its sessions that are known."""
        return [item["duration_seconds"] for item in self.sessions if item["duration_seconds"] is not None]

    def by(self, name: str) -> dict[str, int]:
        return ranked(turn[name] for turn in self.turns)


class Stored:
    """All that counts, by user and period.

    Args:
        turns, sessions, bookmarks: As they are stored.
        advertises: Whether a turn's question does.

    Attributes:
        newest: When the newest turn of each session was, whether it counts or not.
    """

    def __init__(
        self,
        turns: Iterable[Item],
        sessions: Iterable[Item],
        bookmarks: Iterable[Item],
        advertises: Callable[[Item], bool] = lambda turn: False,
    ) -> None:
        every, self.every_session = list(turns), list(sessions)
        in_time = sorted(every, key=lambda item: str(item["timestamp"]))
        self.newest = {item["session_id"]: item["timestamp"] for item in in_time}
        found = [Turn.of(item) for item in every if item.get("analytics_consent", True)]
        self.turns = sorted(found, key=lambda turn: (turn.at, turn["id"]))
        self.sessions = [item for item in self.every_session if item.get("analytics_consent", True)]
        self.bookmarks = [item for item in bookmarks if item.get("analytics_consent", True)]
        self.advertises = advertises

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
            asked = ranked(turn["query_category"] for turn in turns)
            topics = [topic for topic, times in asked.items() if times >= DEEP and topic != OTHER]
            began = turns[0].at.astimezone(ZoneInfo(found[user, "session", session_id].zone)).date()
            for period, key in names_of(began).items():
                found[user, period, key].deep.extend(topics)
        return dict(found)

    def of(self, user: str, period: str, key: str = "") -> Counted:
        return self.periods.get((user, period, key)) or Counted()

    @cached_property
    def by_utc_day(self) -> dict[tuple[str, str], list[Turn]]:
        """Turns by user and day of UTC."""
        found: dict[tuple[str, str], list[Turn]] = defaultdict(list)
        for turn in self.turns:
            found[turn["user_id"], f"{turn.at:%Y-%m-%d}"].append(turn)
        return dict(found)

    @cached_property
    def users(self) -> dict[str, Counted]:
        """Everything of each user with turns."""
        found = {user: counted for (user, period, _), counted in self.periods.items() if period == "all_time"}
        return {user: counted for user, counted in found.items() if counted.turns}


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


def nano(turns: Iterable[Turn]) -> int:
    """1e-9 USD."""
    return sum(turn["cost_nano_usd"] or 0 for turn in turns)


def usd(turns: Iterable[Turn]) -> float:
    return nano(turns) / 10**9


def unpriced(turns: Iterable[Turn]) -> int:
    return sum(turn["cost_nano_usd"] is None for turn in turns)


def cost_per_turn(turns: Sequence[Turn]) -> float | None:
    priced = len(turns) - unpriced(turns)
    return nano(turns) / priced / 10**9 if priced else None


def tokens(turns: Iterable[Turn]) -> int:
    return sum(turn["total_tokens"] for turn in turns)


def times(turns: Iterable[Turn]) -> list[int]:
    """Those of the turns that report theirs, ascending."""
    return sorted(turn["response_time_ms"] for turn in turns if turn["response_time_ms"])


def ratings(turns: Iterable[Turn]) -> list[int]:
    return sorted(turn["user_rating"] for turn in turns if turn["user_rating"] is not None)


def fallbacks(turns: Iterable[Turn]) -> int:
    return sum(turn["response_quality"] == "fallback" for turn in turns)


def follow_ups(turns: Iterable[Turn]) -> int:
    return sum(turn["interaction_sequence"] == 2 for turn in turns)


def of_servers(turns: Iterable[Turn]) -> list[Turn]:
    """The turns that servers recorded: the platform's use is told of these."""
    return [turn for turn in turns if turn["recorded_by"] != "user"]


def local_day(text: str, zone: str) -> date:
    return moment(text).astimezone(ZoneInfo(zone)).date()


def week_of(day: date) -> str:
    return f"{day:%G-W%V}"


def names_of(day: date) -> dict[str, str]:
    """The user's periods that a day is in."""
    return {"daily": f"{day}", "weekly": week_of(day), "monthly": f"{day:%Y-%m}", "all_time": ""}
