"""How much of a turn's input neither its question nor its conversation explains: documents, or tokens burnt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from models.risk.facts import TurnFacts
from models.risk.text import Signal

SLACK = 2000
"""Tokens that a context may differ from what went before: what the next question adds, and what was left out."""

STANDS_STILL = 500
"""Tokens within which an input is the same again, or a tenth of it."""


class Brought(NamedTuple):
    """A turn, and the input tokens that are not explained."""

    turn: TurnFacts
    new: int
    """Tokens that came with this turn."""
    again: int
    """Tokens that the session began with, and that are all it has had since: a conversation would have grown."""


def brought(turns: Sequence[TurnFacts]) -> Iterator[Brought]:
    """What each turn brought, in time order.

    A long question explains its own tokens: never more than one for each byte. A conversation explains an input that is
    what went before: its last input and output, give or take what the next question adds and a context shortened.
    Input read from a cache was sent before, and costs little.
    """
    before: dict[str, TurnFacts] = {}
    began: dict[str, int] = {}
    for turn in turns:
        entered, unexplained = _entered(turn), max(0, turn.fresh_input - turn.size)
        carried = _total(before[turn.session]) if turn.session in before else 0
        if turn.has(Signal.FIRST):
            began[turn.session] = entered
        start = began.get(turn.session)
        if carried == 0 or abs(entered - carried) > max(SLACK, carried // 10):
            yield Brought(turn, unexplained, 0)
        elif start is not None and abs(entered - start) <= max(STANDS_STILL, start // 10):
            yield Brought(turn, 0, unexplained)
        else:
            yield Brought(turn, 0, 0)
        before[turn.session] = turn


def _entered(turn: TurnFacts) -> int:
    return turn.fresh_input + turn.cached_input - turn.size


def _total(turn: TurnFacts) -> int:
    return turn.fresh_input + turn.cached_input + turn.output
