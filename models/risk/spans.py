"""Turns in a stretch of time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from models.risk.facts import TurnFacts

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def within(turns: Sequence[TurnFacts], span: float) -> Iterator[tuple[int, int]]:
    """For each turn, the slice of those up to it which are not older than `span` milliseconds. In time order."""
    start = 0
    for end, turn in enumerate(turns):
        while turn.at - turns[start].at >= span:
            start += 1
        yield start, end + 1


def between(turns: Sequence[TurnFacts], first: int, last: int) -> Sequence[TurnFacts]:
    """The turns from `first` to `last`, both included, in milliseconds."""
    return turns[bisect_left(turns, first, key=_time) : bisect_left(turns, last + 1, key=_time)]


def split(turns: Sequence[TurnFacts], pause: float) -> list[Sequence[TurnFacts]]:
    """The runs of turns that no pause longer than `pause` milliseconds interrupts."""
    runs, start = [], 0
    for index in range(1, len(turns) + 1):
        if index == len(turns) or turns[index].at - turns[index - 1].at > pause:
            runs.append(turns[start:index])
            start = index
    return runs


def grouped(turns: Sequence[TurnFacts], key: Callable[[TurnFacts], str]) -> dict[str, list[TurnFacts]]:
    """The turns by `key`, each group in time order."""
    groups: dict[str, list[TurnFacts]] = {}
    for turn in turns:
        groups.setdefault(key(turn), []).append(turn)
    return groups


def _time(turn: TurnFacts) -> int:
    return turn.at
