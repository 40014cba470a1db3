"""Repetitive queries: one question over and over, beyond what habit explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from models.risk.facts import TurnFacts
from models.risk.finding import Finding, finding, strongest
from models.risk.likeness import alike
from models.risk.spam import is_advertisement
from models.risk.spans import DAY, between, within
from models.risk.thresholds import RepetitionLimits


def repetitive_queries(turns: Sequence[TurnFacts], limits: RepetitionLimits) -> Finding | None:
    """Judges turns in time order. Advertisements are left to the rule on spam.

    A habit is a question that comes back day after day; it is told from abuse by how often it comes in one day.
    """
    questions = [turn for turn in turns if not is_advertisement(turn)]
    groups = [group for group in alike(questions, limits.similarity) if len(group) >= limits.repeats_per_day]
    return strongest(
        [found for group in groups for found in (_in_a_day(group, turns, limits), _over_days(group, turns, limits))]
    )


def _allowed(group: Sequence[TurnFacts], limits: RepetitionLimits) -> float:
    """How much more often than others this question may be repeated."""
    return limits.short_factor if min(turn.size for turn in group) < limits.short_bytes else 1.0


def _in_a_day(group: Sequence[TurnFacts], turns: Sequence[TurnFacts], limits: RepetitionLimits) -> Finding | None:
    start, end = max(within(group, DAY), key=lambda span: span[1] - span[0])
    repeats, limit = group[start:end], limits.repeats_per_day * _allowed(group, limits)
    share = len(repeats) / len(between(turns, repeats[0].at, repeats[-1].at))
    if len(repeats) < limit or share < limits.share:
        return None
    summary = f"one question {len(repeats)} times in 24 h, {share:.0%} of the turns; {limit:.0f} times are allowed"
    return finding("repetitive_queries", "repeats_per_day", len(repeats), limit, repeats, summary)


def _over_days(group: Sequence[TurnFacts], turns: Sequence[TurnFacts], limits: RepetitionLimits) -> Finding | None:
    habit, limit = limits.habit_per_day * _allowed(group, limits), limits.beyond_habit * _allowed(group, limits)
    days = Counter(turn.at // DAY for turn in group)
    beyond = sum(max(0.0, count - habit) for count in days.values())
    share = len(group) / len(between(turns, group[0].at, group[-1].at))
    if beyond < limit or share < limits.share:
        return None
    summary = (
        f"one question {len(group)} times on {len(days)} days, {beyond:.0f} beyond a habit of {habit:.0f} a day; "
        f"{limit:.0f} are allowed"
    )
    return finding("repetitive_queries", "beyond_habit", beyond, limit, group, summary)
