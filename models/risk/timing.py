"""Bot-like patterns: machines keep time, do not rest, do not read, or say that they are machines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from models.accounts.finding import Finding
from models.risk.facts import TurnFacts
from models.risk.finding import finding, strongest
from models.risk.night import share_at_night
from models.risk.spans import HOUR, MINUTE, grouped, split
from models.risk.text import Signal
from models.risk.thresholds import TimingLimits

BRIEF, LONG = 0.5 * HOUR, 6.0 * HOUR


def bot_like_patterns(turns: Sequence[TurnFacts], limits: TimingLimits) -> Finding | None:
    """Judges turns in time order."""
    return strongest(
        [
            _regular(turns, limits),
            _sleepless(turns, limits),
            _nightless(turns, limits),
            _instant(turns, limits),
            _automated(turns, limits),
        ]
    )


def _regular(turns: Sequence[TurnFacts], limits: TimingLimits) -> Finding | None:
    """Gaps between turns that are too alike for how long it goes on: a person can keep time for a while only."""
    found = []
    for run in split(turns, limits.longest_gap_minutes * MINUTE):
        few = (part for part in _parts(run, limits.gaps_long) if part[-1].at - part[0].at >= LONG)
        for part in (*_parts(run, limits.gaps), *few):
            dispersion, limit = _dispersion(part), _allowed_dispersion(part, limits)
            if dispersion <= limit:
                hours = (part[-1].at - part[0].at) / HOUR
                summary = (
                    f"{len(part)} turns over {hours:.1f} h at intervals that vary by {dispersion:.0%}; "
                    f"people's vary by more than {limit:.0%}"
                )
                evidence = finding("bot_like_patterns", "regular_intervals", 2 - dispersion / limit, 1, part, summary)
                found.append(
                    evidence.model_copy(update={"observed": round(dispersion, 3), "threshold": round(limit, 3)})
                )
    return strongest(found)


def _parts(run: Sequence[TurnFacts], gaps: int) -> Iterator[Sequence[TurnFacts]]:
    """A run and its stretches of `gaps`, and two and four times as many, each overlapping the next by half."""
    size = gaps + 1
    while size < len(run):
        for start in range(0, len(run) - size, size // 2):
            yield run[start : start + size]
        yield run[-size:]
        size = 2 * size - 1
    if len(run) > gaps:
        yield run


def _dispersion(turns: Sequence[TurnFacts]) -> float:
    """Quartile dispersion of the gaps, (Q3-Q1)/(Q3+Q1): what is rare, such as a skipped turn, does not count.

    The gaps are taken from start to start, and from a response to the next question: a program may wait either way, and
    the turn's time may be that of its start or of its end.
    """
    pairs = list(pairwise(turns))
    return min(
        _quartile_dispersion([late.at - early.at for early, late in pairs]),
        _quartile_dispersion([late.at - early.at - early.response_ms for early, late in pairs]),
        _quartile_dispersion([late.at - early.at - late.response_ms for early, late in pairs]),
    )


def _quartile_dispersion(gaps: Sequence[int]) -> float:
    ordered = sorted(gaps)
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    return (high - low) / (high + low) if low > 0 else 1.0


def _allowed_dispersion(turns: Sequence[TurnFacts], limits: TimingLimits) -> float:
    """The limit for a run: it rises with the logarithm of its duration, if there are enough gaps to tell."""
    duration = turns[-1].at - turns[0].at
    if len(turns) <= limits.gaps:
        return limits.dispersion_few
    share = math.log(max(duration, BRIEF) / BRIEF) / math.log(LONG / BRIEF)
    return limits.dispersion_brief + min(1.0, share) * (limits.dispersion_long - limits.dispersion_brief)


def _sleepless(turns: Sequence[TurnFacts], limits: TimingLimits) -> Finding | None:
    """One device that does not rest. Several devices are judged one by one: they may be several people's."""
    found = []
    for device in grouped(turns, lambda turn: turn.device).values():
        for run in split(device, limits.rest_hours * HOUR):
            hours = (run[-1].at - run[0].at) / HOUR
            if hours >= limits.sleepless_hours and len(run) >= limits.sleepless_turns:
                summary = f"{hours:.0f} h on one device without {limits.rest_hours:g} h of rest, {len(run)} turns"
                found.append(
                    finding("bot_like_patterns", "sleepless_hours", hours, limits.sleepless_hours, run, summary)
                )
    return strongest(found)


def _nightless(turns: Sequence[TurnFacts], limits: TimingLimits) -> Finding | None:
    """One device on which there is no night, over days: slower than what does not rest at all."""
    found = []
    for device in grouped(turns, lambda turn: turn.device).values():
        share = share_at_night(device, limits)
        if share is not None:
            summary = f"{share:.0%} of {len(device)} turns in the quietest six hours of the day; people sleep then"
            found.append(finding("bot_like_patterns", "no_night", share, limits.night_share, device, summary))
    return strongest(found)


def _instant(turns: Sequence[TurnFacts], limits: TimingLimits) -> Finding | None:
    """Questions that follow a response sooner than anybody can have read it and typed."""
    found = []
    for session in grouped(turns, lambda turn: turn.session).values():
        instant = max(_instantly(session, True, limits), _instantly(session, False, limits), key=len)
        if len(instant) >= max(limits.instant_turns, limits.instant_share * len(session)):
            summary = f"{len(instant)} questions within {limits.instant_seconds:g} s of the response before"
            found.append(
                finding("bot_like_patterns", "instant_turns", len(instant), limits.instant_turns, instant, summary)
            )
    return strongest(found)


def _instantly(session: Sequence[TurnFacts], from_start: bool, limits: TimingLimits) -> list[TurnFacts]:
    """The turns that follow at once, if a turn's time is that of its start, or else that of its end."""
    return [
        late
        for early, late in pairwise(session)
        if late.at - early.at - (early if from_start else late).response_ms < limits.instant_seconds * 1000
    ]


def _automated(turns: Sequence[TurnFacts], limits: TimingLimits) -> Finding | None:
    automated = [turn for turn in turns if turn.has(Signal.AUTOMATED)]
    if len(automated) < max(limits.automated_turns, limits.automated_share * len(turns)):
        return None
    summary = f"{len(automated)} turns by a client that calls itself a program; {limits.automated_turns} are allowed"
    return finding("bot_like_patterns", "automated_turns", len(automated), limits.automated_turns, automated, summary)
