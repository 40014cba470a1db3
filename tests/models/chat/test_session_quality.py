"""How well a session went."""

from __future__ import annotations

import pytest

from models.chat.session_quality import session_quality


@pytest.mark.parametrize(
    ("turns", "fallbacks", "ratings", "quality"),
    [
        (0, 0, [], "unknown"),
        (1, 0, [], "good"),
        (9, 0, [], "good"),
        (10, 0, [], "excellent"),
        (3, 0, [5, 4], "excellent"),
        (20, 0, [4], "good"),
        (3, 0, [3], "fair"),
        (20, 0, [1, 2], "poor"),
        (4, 1, [], "fair"),
        (1, 1, [], "poor"),
        (10, 10, [], "poor"),
        (5, 1, [5], "excellent"),
        (4, 2, [5], "good"),
    ],
)
def test_ratings_count_first_then_length_and_fallbacks_count_against(
    turns: int, fallbacks: int, ratings: list[int], quality: str
) -> None:
    assert session_quality(turns, fallbacks, ratings) == quality
