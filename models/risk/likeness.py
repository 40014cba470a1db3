"""Which questions are, near enough, the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.risk.facts import TurnFacts
from models.risk.spans import grouped
from models.risk.text import similarity, sketch_bytes

CONTAINED = 0.92
"""Share of a question's 4-grams that another has to have, to be the same question with something added."""

LEAST = 0.5
"""Jaccard similarity below which an addition is more than one."""

BAND = 2
"""Sketches are compared if any of their 16 bands of two bytes is equal: at a similarity of 0.6 all but 1 in 1000."""


@dataclass(frozen=True)
class _Group:
    """Turns of one question, the first of which leads."""

    sketch: bytes
    size: int
    turns: list[TurnFacts]

    def takes(self, own: bytes, size: int, threshold: float) -> bool:
        """Whether a question is similar to the leading one, or is it with something added."""
        jaccard = similarity(own, self.sketch)
        if jaccard >= threshold:
            return True
        small, large = sorted((size, self.size))
        return jaccard >= LEAST and jaccard * (small + large) / ((1 + jaccard) * max(1, small)) >= CONTAINED


def alike(turns: Sequence[TurnFacts], threshold: float) -> list[list[TurnFacts]]:
    """The turns grouped by question, each question with those that are at least as similar to it as `threshold`.

    The wording that is asked most often leads, and others join the first group whose leader they resemble: chains of
    small changes do not tie together what has nothing in common. The turns in a group are in time order.
    """
    groups: list[_Group] = []
    by_question = grouped(turns, lambda turn: turn.question)
    of_question: dict[str, int] = {}
    by_band: dict[tuple[int, bytes], list[int]] = {}
    for question, asked in sorted(by_question.items(), key=lambda item: (-len(item[1]), item[1][0])):
        own, size = sketch_bytes(asked[0].sketch), asked[0].size
        bands = [(start, own[start : start + BAND]) for start in range(0, len(own), BAND)]
        near = sorted({index for band in bands for index in by_band.get(band, ())})
        index = next((index for index in near if groups[index].takes(own, size, threshold)), len(groups))
        if index == len(groups):
            groups.append(_Group(own, size, []))
            for band in bands:
                by_band.setdefault(band, []).append(index)
        of_question[question] = index
    for turn in turns:
        groups[of_question[turn.question]].turns.append(turn)
    return [group.turns for group in groups]
