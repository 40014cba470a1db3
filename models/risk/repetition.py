"""Repetitive queries: one question over and over, beyond what habit explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from models.accounts.finding import Finding
from models.risk.brought import brought
from models.risk.facts import TurnFacts
from models.risk.finding import finding, strongest
from models.risk.night import share_at_night
from models.risk.spam import is_advertisement
from models.risk.spans import DAY, between, within
from models.risk.text import Signal
from models.risk.thresholds import RepetitionLimits, TimingLimits

Repeats = list[TurnFacts]


def repetitive_queries(turns: Sequence[TurnFacts], limits: RepetitionLimits, timing: TimingLimits) -> Finding | None:
    """Judges turns in time order. Advertisements are left to the rule on spam.

    A habit is a question that comes back day after day; it is told from abuse by how often it comes in one day.
    """
    groups = _by_subject(turns, limits)
    return strongest(
        [
            _in_a_day(groups, turns, limits),
            *(_over_days(group, turns, limits) for group in groups),
            _day_and_night(groups, turns, limits, timing),
        ]
    )


def _by_subject(turns: Sequence[TurnFacts], limits: RepetitionLimits) -> list[Repeats]:
    """The turns by what they ask, and about which document, in time order; without those of an image alone."""
    groups: dict[tuple[str, int], Repeats] = {}
    for turn, new, _ in brought(turns):
        if turn.size and not is_advertisement(turn) and not turn.has(Signal.FAILED):
            document = new if new >= limits.document_tokens else 0
            groups.setdefault((turn.question, document), []).append(turn)
    return list(groups.values())


def _is_short(group: Repeats, limits: RepetitionLimits) -> bool:
    return group[0].has(Signal.CONTINUES) or min(turn.size for turn in group) < limits.short_bytes


def _allowed(group: Repeats, limits: RepetitionLimits) -> float:
    """How much more often than others this question may be repeated."""
    return limits.short_factor if _is_short(group, limits) else 1.0


def _in_a_day(groups: Sequence[Repeats], turns: Sequence[TurnFacts], limits: RepetitionLimits) -> Finding | None:
    """The question that is asked most in 24 hours; with the others that are, it has to be a good part of all turns."""
    often: list[tuple[Repeats, float]] = []
    for group in groups:
        start, end = max(within(group, DAY), key=lambda span: span[1] - span[0])
        limit = limits.repeats_per_day * _allowed(group, limits)
        if end - start >= limit:
            often.append((group[start:end], limit))
    if not often:
        return None
    repeats, limit = max(often, key=lambda one: (len(one[0]) / one[1], one[0][-1].at, one[0][0].question))
    first, last = repeats[0].at, repeats[-1].at
    share = sum(len(between(others, first, last)) for others, _ in often) / len(between(turns, first, last))
    if share < limits.share:
        return None
    summary = f"one question {len(repeats)} times in 24 h, {share:.0%} of the turns; {limit:.0f} times are allowed"
    return finding("repetitive_queries", "repeats_per_day", len(repeats), limit, repeats, summary)


def _over_days(group: Repeats, turns: Sequence[TurnFacts], limits: RepetitionLimits) -> Finding | None:
    habit, limit = limits.habit_per_day * _allowed(group, limits), limits.beyond_habit * _allowed(group, limits)
    days = Counter(turn.at // DAY for turn in group)
    beyond = sum(max(0.0, count - habit) for count in days.values())
    if beyond < limit or len(group) < limits.share * len(between(turns, group[0].at, group[-1].at)):
        return None
    summary = (
        f"one question {len(group)} times on {len(days)} days, {beyond:.0f} beyond a habit of {habit:.0f} a day; "
        f"{limit:.0f} are allowed"
    )
    return finding("repetitive_queries", "beyond_habit", beyond, limit, group, summary)


def _day_and_night(
    groups: Sequence[Repeats], turns: Sequence[TurnFacts], limits: RepetitionLimits, timing: TimingLimits
) -> Finding | None:
    """A few wordings in turn, at all hours: somebody's habit has a night."""
    asked = sorted((group for group in groups if not _is_short(group, limits)), key=len, reverse=True)
    few = sorted(turn for group in asked[: limits.few_questions] if len(group) > 1 for turn in group)
    if len(few) < limits.few_repeats or len(few) < limits.few_share * len(between(turns, few[0].at, few[-1].at)):
        return None
    if share_at_night(few, timing) is None:
        return None
    different = len({turn.question for turn in few})
    summary = f"{different} questions {len(few)} times, day and night; {limits.few_repeats} times are allowed"
    return finding("repetitive_queries", "day_and_night", len(few), limits.few_repeats, few, summary)
