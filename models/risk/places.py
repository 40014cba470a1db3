"""Suspicious patterns: one account in more places at once than a person can be."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from models.accounts.finding import Finding
from models.risk.facts import TurnFacts
from models.risk.finding import finding, strongest
from models.risk.spans import DAY, MINUTE, split, within
from models.risk.thresholds import PlaceLimits

Pair = tuple[str, str]


def suspicious_patterns(turns: Sequence[TurnFacts], limits: PlaceLimits) -> Finding | None:
    """Judges turns in time order. Only those with a known address count.

    Places are networks that differ in who is there, too: each with a device of its own, or with a session of its own.
    A phone that wanders from network to network is one place, and so is a family or a classroom behind one address.
    """
    located = [turn for turn in turns if turn.address]
    at_once = [_busiest(run, limits) for run in split(located, limits.idle_minutes * MINUTE)]
    return strongest([_once(at_once, limits), _recurring(at_once, limits), _over_a_week(located, limits)])


def _busiest(run: Sequence[TurnFacts], limits: PlaceLimits) -> tuple[int, Sequence[TurnFacts]]:
    """The most places in use at once during a run of turns, and the turns of that time."""
    best: tuple[int, Sequence[TurnFacts]] = (0, run[:0])
    for start, end in within(run, 2 * limits.idle_minutes * MINUTE):
        if end - start < limits.recurring:
            continue
        turns = run[start:end]
        places = _places(turns)
        if (places, end - start) > (best[0], len(best[1])):
            best = (places, turns)
    return best


def _places(turns: Sequence[TurnFacts]) -> int:
    """Places that are returned to after another one was used: whoever moves on does not come back within minutes.

    A session tells people apart if it stays in one network: the tabs of one wandering phone do not.
    """
    of_session: dict[str, list[str]] = {}
    for turn in turns:
        of_session.setdefault(turn.session, []).append(turn.address)
    settled = {session for session, addresses in of_session.items() if len(addresses) > 1 == len(set(addresses))}
    sessions = _interleaved([(turn.address, turn.session) for turn in turns if turn.session in settled])
    devices = _interleaved([(turn.address, turn.device) for turn in turns])
    return max(disjoint(sessions), disjoint(devices))


def _interleaved(visits: Sequence[Pair]) -> set[Pair]:
    """The pairs of which something else happened between two of their visits, or which happened in between."""
    first = {pair: index for index, pair in reversed(list(enumerate(visits)))}
    last = {pair: index for index, pair in enumerate(visits)}
    pairs = sorted(first, key=first.__getitem__)
    woven = set()
    for position, pair in enumerate(pairs):
        for other in pairs[position + 1 :]:
            if first[other] > last[pair]:
                break
            woven |= {pair, other}
    return woven


def disjoint(pairs: Iterable[Pair]) -> int:
    """The largest number of pairs that have no member in common: a maximum bipartite matching, by augmenting paths."""
    rights: dict[str, list[str]] = {}
    for left, right in sorted(pairs):
        rights.setdefault(left, []).append(right)
    partner: dict[Hashable, str] = {}

    def augment(left: str, seen: set[str]) -> bool:
        for right in rights[left]:
            if right not in seen:
                seen.add(right)
                if right not in partner or augment(partner[right], seen):
                    partner[right] = left
                    return True
        return False

    return sum(augment(left, set()) for left in rights)


def _once(found: Sequence[tuple[int, Sequence[TurnFacts]]], limits: PlaceLimits) -> Finding | None:
    many = [(places, turns) for places, turns in found if places >= limits.at_once and len(turns) >= limits.turns]
    if not many:
        return None
    places, turns = max(many, key=lambda one: (one[0], one[1][-1].at))
    summary = f"{places} places in use at once within {2 * limits.idle_minutes:.0f} min, {len(turns)} turns there"
    return finding("suspicious_patterns", "at_once", places, limits.at_once, turns, summary)


def _recurring(found: Sequence[tuple[int, Sequence[TurnFacts]]], limits: PlaceLimits) -> Finding | None:
    many = [turns for places, turns in found if places >= limits.recurring]
    days = {turns[0].at // DAY for turns in many}
    if len(days) < limits.recurring_days:
        return None
    evidence = [turn for turns in many for turn in turns]
    summary = f"{limits.recurring} or more places in use at once on {len(days)} days"
    return finding("suspicious_patterns", "recurring_days", len(days), limits.recurring_days, evidence, summary)


def _over_a_week(turns: Sequence[TurnFacts], limits: PlaceLimits) -> Finding | None:
    best: tuple[int, Sequence[TurnFacts]] = (0, turns[:0])
    weeks = {turns[end - 1].at // DAY: (start, end) for start, end in within(turns, 7 * DAY)}
    for start, end in weeks.values():
        week = turns[start:end]
        places = disjoint({(turn.address, turn.device) for turn in week})
        if len(week) >= limits.over_a_week_turns and places >= max(best[0], limits.over_a_week):
            best = (places, week)
    places, week = best
    if not places:
        return None
    summary = f"{places} networks in 7 days, each with a device of its own, {len(week)} turns"
    return finding("suspicious_patterns", "over_a_week", places, limits.over_a_week, week, summary)
