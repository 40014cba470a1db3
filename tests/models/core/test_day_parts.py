"""Parts of the day."""

from __future__ import annotations

import pytest

from models.core.day_parts import part_of_day


@pytest.mark.parametrize(
    ("hour", "part"),
    [
        (0, "night"),
        (4, "night"),
        (5, "morning"),
        (11, "morning"),
        (12, "afternoon"),
        (16, "afternoon"),
        (17, "evening"),
        (21, "evening"),
        (22, "night"),
        (23, "night"),
    ],
)
def test_every_hour_has_its_part(hour: int, part: str) -> None:
    assert part_of_day(hour) == part
