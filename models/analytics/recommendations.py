"""What a user might do next: rules over their rollups, each with its reason.

A rule looks at the exact sums of all time and of the user's latest month, and says something or nothing. It quotes the
figures that it goes by, so that nobody has to wonder why they are told so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field

from models.analytics.rollup import Rollup, learning_progress
from models.core.day_parts import part_of_day
from models.core.document import Message
from models.core.values import Timestamp
from models.counting.bucket import by_count

MOST = 5
"""Recommendations at once: those of the first rules that have something to say."""

FEW_TURNS = 5
MANY_TURNS = 20
"""Fewer turns than these say nothing about a habit: the first about what was asked, the second about how."""

MAIN_SHARE = 0.6
"""From this share of the questions on, a personality is asked before all others, and a part of the day is a habit."""

FORGOTTEN_TURNS = 2
SIMPLE_DEPTH = 0.25
"""Below this depth questions are nearly all simple: see `learning_progress`."""

SAVED_RATE = 0.1
FOLLOW_UP_RATE = 0.3


class Recommendation(Message):
    """One thing to try next."""

    rule: str = Field(description="Which rule says so: a stable name")
    text: str = Field(description="What to do")
    reason: str = Field(description="Why, with the figures that the rule goes by")


class Recommendations(Message):
    """What to try next, the most telling first."""

    as_of: Timestamp | None = Field(description="When the newest turn that counts was counted; null before the first")
    items: list[Recommendation] = Field(description="Up to five")


@dataclass(frozen=True)
class _Habits:
    """What the rules go by."""

    sums: dict[str, int]
    month: str
    month_sums: dict[str, int]

    @property
    def turns(self) -> int:
        return self.sums.get("interactions", 0)


def recommendations(all_time: Rollup | None, latest_month: Rollup | None) -> list[Recommendation]:
    """What the rules recommend to a user with these rollups; nothing before the first turn."""
    if all_time is None or latest_month is None:
        return []
    habits = _Habits(all_time.sums, latest_month.period_key, latest_month.sums)
    found = ((rule.__name__.lstrip("_"), rule(habits)) for rule in _RULES)
    said = [Recommendation(rule=name, text=words[0], reason=words[1]) for name, words in found if words]
    return said[:MOST]


def _another_personality(habits: _Habits) -> tuple[str, str] | None:
    """Who has only asked one personality."""
    asked = by_count(habits.sums, "personality")
    if len(asked) != 1:
        return None
    (name, count), *_ = asked.items()
    only = "Your only question" if count == 1 else f"All {count} of your questions"
    return f"Ask another personality than {name}, and compare the answers.", f"{only} went to {name}."


def _other_view(habits: _Habits) -> tuple[str, str] | None:
    """Who asks one personality before all others."""
    asked, topics = by_count(habits.sums, "personality"), by_count(habits.sums, "topic")
    if len(asked) < 2 or not topics or habits.turns < FEW_TURNS:
        return None
    (main, most), *_, (rare, least) = asked.items()
    if most < MAIN_SHARE * habits.turns:
        return None
    topic = next(iter(topics))
    return (
        f"Try exploring {rare}'s thoughts on {topic}.",
        f"{most} of your {habits.turns} questions went to {main}, {least} to {rare}; most were about {topic}.",
    )


def _forgotten_topic(habits: _Habits) -> tuple[str, str] | None:
    """Who has not come back to a topic in their latest month, once they have asked some questions in it."""
    if habits.month_sums.get("interactions", 0) < FEW_TURNS:
        return None
    recent = by_count(habits.month_sums, "topic")
    topics = by_count(habits.sums, "topic").items()
    for topic, count in topics:
        if count >= FORGOTTEN_TURNS and topic not in recent:
            return f"Come back to {topic}.", f"You asked {count} questions about {topic}, but none in {habits.month}."
    return None


def _save_answers(habits: _Habits) -> tuple[str, str] | None:
    """Who goes deep, and saves little of what they find."""
    deep, saved = by_count(habits.sums, "deep_dive"), habits.sums.get("bookmarked", 0)
    topic = next(iter(deep), None)
    if topic is None or saved >= SAVED_RATE * habits.turns:
        return None
    sessions = "one session" if deep[topic] == 1 else f"{deep[topic]} sessions"
    return (
        f"Bookmark the best answers about {topic}, to find them again.",
        f"You asked about {topic} three times or more in {sessions}, and {saved} of {habits.turns} answers are saved.",
    )


def _harder_questions(habits: _Habits) -> tuple[str, str] | None:
    """Who asks a lot, and nearly always simply."""
    topic = next(iter(by_count(habits.sums, "topic")), None)
    if topic is None or habits.turns < MANY_TURNS or learning_progress(habits.sums)["depth"] >= SIMPLE_DEPTH:
        return None
    simple = habits.sums.get("complexity:simple", 0)
    return (
        f"Ask how two views on {topic} differ: answers to harder questions take you further.",
        f"{simple} of your {habits.turns} questions were simple.",
    )


def _follow_up(habits: _Habits) -> tuple[str, str] | None:
    """Who leaves after the first answer."""
    sessions, followed = habits.sums.get("sessions", 0), habits.sums.get("follow_ups", 0)
    if sessions < FEW_TURNS or followed >= FOLLOW_UP_RATE * sessions:
        return None
    text = "Ask a follow-up question: the second answer builds on the first."
    return text, f"{followed} of your {sessions} sessions had a second question."


def _other_time(habits: _Habits) -> tuple[str, str] | None:
    """Who always comes at the same part of the day."""
    parts: Counter[str] = Counter()
    for hour, count in by_count(habits.sums, "hour").items():
        parts[part_of_day(int(hour))] += count
    if habits.turns < MANY_TURNS or not parts:
        return None
    (part, count), *_ = parts.most_common(1)
    if count < MAIN_SHARE * habits.turns:
        return None
    other = "evening" if part == "morning" else "morning"
    return f"Consider a session in the {other}.", f"{count} of your {habits.turns} questions came in the {part}."


def _rate_answers(habits: _Habits) -> tuple[str, str] | None:
    """Who has never rated an answer."""
    if habits.turns < MANY_TURNS or by_count(habits.sums, "rating"):
        return None
    return "Rate some answers, to see which of them serve you best.", f"None of your {habits.turns} answers is rated."


_RULES: tuple[Callable[[_Habits], tuple[str, str] | None], ...] = (
    _another_personality,
    _other_view,
    _forgotten_topic,
    _save_answers,
    _harder_questions,
    _follow_up,
    _other_time,
    _rate_answers,
)
