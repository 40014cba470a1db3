"""Turns as the rules of abuse see them, for tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from models.risk.facts import TurnFacts
from models.risk.text import question_hash, signals_of, sketch
from models.risk.thresholds import Thresholds
from models.risk.window import RiskWindow

START = datetime(2026, 11, 2, tzinfo=UTC)
USER_ID = str(uuid.UUID(int=7))
LIMITS = Thresholds()
SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86400.0


def a_fact(
    seconds: float,
    query: str = "What is wisdom?",
    session: str = "s",
    address: str = "home",
    device: str = "desktop",
    tokens: int = 1000,
    output: int = 200,
    response_ms: int = 1000,
    cached: int = 0,
) -> TurnFacts:
    """A turn so many seconds after START."""
    signals, promotion = signals_of(query)
    return TurnFacts(
        at=int((START.timestamp() + seconds) * 1000),
        session=session,
        question=question_hash(query),
        sketch=sketch(query),
        size=len(query.strip().encode()),
        fresh_input=tokens,
        cached_input=cached,
        output=output,
        response_ms=response_ms,
        address=address,
        device=device,
        signals=int(signals),
        promotion=promotion,
    )


def different_questions(count: int) -> list[str]:
    """Questions that have little in common."""
    subjects = ["rivers", "stars", "bread", "music", "glass", "horses", "winter", "copper", "honey", "ladders"]
    frames = ("Why do {} matter to {}?", "Who was first to study {} and {}?", "Are {} older than {}, or is it a myth?")
    pairs = [(one, other) for one in subjects for other in subjects if one != other]
    return [frames[number % 3].format(*pairs[number % len(pairs)]) for number in range(count)]


def at_human_pace(count: int, start: float = 0) -> list[float]:
    """Times with gaps between 15 and 400 seconds, as a person's: short ones mostly, with no order in them."""
    gaps = (40, 95, 15, 200, 60, 25, 400, 75, 30, 130, 55, 18, 310, 90, 45)
    times = [start]
    for number in range(count - 1):
        times.append(times[-1] + gaps[(number * 7 + number // 15) % len(gaps)])
    return times


def a_window(turns: Iterable[TurnFacts]) -> RiskWindow:
    return RiskWindow.empty(USER_ID).with_turns(turns)


def conversation(times: Sequence[float], queries: Sequence[str], **changes: object) -> list[TurnFacts]:
    return [a_fact(at, query, **changes) for at, query in zip(times, queries, strict=True)]  # type: ignore[arg-type]
