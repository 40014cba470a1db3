"""How well a session went, by one rule over what is known of its turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

SessionQuality = Literal["unknown", "excellent", "good", "fair", "poor"]

UNRATED = 3.5
"""Where a session without a rating starts, on the scale of the ratings 1-5: nothing speaks against it."""

LENGTHS = (5, 10)
"""Half a point for each of these numbers of turns that a session without a rating has reached: people who are not
helped do not go on asking. A rating says it better, so it counts instead."""

FALLBACK_POINTS = 3.0
"""What is taken off if all answers were fallbacks; in proportion if some were."""

GRADES: tuple[tuple[float, SessionQuality], ...] = ((4.25, "excellent"), (3.25, "good"), (2.25, "fair"))
"""The fewest points of each grade; what has less is poor."""


def session_quality(turns: int, fallbacks: int, ratings: Sequence[int]) -> SessionQuality:
    """The quality of a session that has ended.

    Points are the mean of its ratings, or without one `UNRATED` and a half for each of `LENGTHS` reached; less
    `FALLBACK_POINTS` times the share of fallbacks. `GRADES` makes a word of them. Without a turn it is unknown.

    Args:
        turns: Number of turns.
        fallbacks: How many of them were answered by a fallback.
        ratings: All ratings 1-5 that were given.
    """
    if not turns:
        return "unknown"
    unrated = UNRATED + 0.5 * sum(turns >= length for length in LENGTHS)
    points = sum(ratings) / len(ratings) if ratings else unrated
    points -= FALLBACK_POINTS * fallbacks / turns
    return next((grade for fewest, grade in GRADES if points >= fewest), "poor")
