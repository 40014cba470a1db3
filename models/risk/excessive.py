"""Excessive usage: more turns than a person asks, by the hour, the day and the week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.accounts.finding import Finding
from models.risk.facts import TurnFacts
from models.risk.finding import moment, strength, strongest
from models.risk.thresholds import ExcessiveLimits

HOUR = 3_600_000


def excessive_usage(hours: Mapping[int, int], limits: ExcessiveLimits) -> Finding | None:
    """Judges counts by clock hour, which reach further back than the turns themselves are kept.

    Args:
        hours: Turns by hours since 1970.
    """
    return strongest(
        [
            _busiest(hours, 1, limits.turns_per_hour, "turns_per_hour"),
            _busiest(hours, 24, limits.turns_per_day, "turns_per_day"),
            _busiest(hours, 168, limits.turns_per_week, "turns_per_week"),
        ]
    )


def _busiest(hours: Mapping[int, int], span: int, limit: int, pattern: str) -> Finding | None:
    """The last of the spans of consecutive hours with the most turns, if it has `limit` or more."""
    used = sorted(hours)
    total = start = 0
    best: tuple[int, int, int] | None = None
    for hour in used:
        total += hours[hour]
        while used[start] <= hour - span:
            total -= hours[used[start]]
            start += 1
        if total >= max(limit, best[0] if best else 0):
            best = (total, used[start], hour)
    if best is None:
        return None
    turns, first, last = best
    return Finding(
        rule="excessive_usage",
        pattern=pattern,
        strength=strength(turns / limit),
        observed=turns,
        threshold=limit,
        turns=turns,
        first_seen=moment(first * HOUR),
        last_seen=moment((last + 1) * HOUR - 1),
        summary=f"{turns} turns in {span} h or less; people stay below {limit}",
    )


def hour_of(turn: TurnFacts) -> int:
    return turn.at // HOUR


def counted(turns: Sequence[TurnFacts]) -> dict[int, int]:
    """Turns by hours since 1970."""
    hours: dict[int, int] = {}
    for turn in turns:
        hours[hour_of(turn)] = hours.get(hour_of(turn), 0) + 1
    return hours
