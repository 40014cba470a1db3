"""Which questions are, near enough, the same."""

from __future__ import annotations

from collections.abc import Sequence

from models.risk.facts import TurnFacts
from models.risk.text import similarity, sketch_bytes

BAND = 2
"""Sketches are compared if any of their 16 bands of two bytes is equal: at a similarity of 0.6 all but 1 in 1000."""


def alike(turns: Sequence[TurnFacts], threshold: float) -> list[list[TurnFacts]]:
    """The turns grouped by question, each question with those that are at least as similar to it as `threshold`.

    A question joins the group of the earliest one that it resembles, if that itself leads its group: chains of small
    changes do not tie together what has nothing in common. Groups are in time order, and so are the turns in them.
    """
    leaders: list[tuple[bytes, list[TurnFacts]]] = []
    by_question: dict[str, list[TurnFacts]] = {}
    by_band: dict[tuple[int, bytes], list[int]] = {}
    for turn in turns:
        group = by_question.get(turn.question)
        if group is None:
            own = sketch_bytes(turn.sketch)
            bands = [(start, own[start : start + BAND]) for start in range(0, len(own), BAND)]
            near = sorted({index for band in bands for index in by_band.get(band, ())})
            group = next((leaders[index][1] for index in near if similarity(own, leaders[index][0]) >= threshold), None)
            if group is None:
                group = []
                for band in bands:
                    by_band.setdefault(band, []).append(len(leaders))
                leaders.append((own, group))
            by_question[turn.question] = group
        group.append(turn)
    return [group for _, group in leaders]
