"""Parts of the day, as people call them."""

from __future__ import annotations

from typing import Literal

PartOfDay = Literal["night", "morning", "afternoon", "evening"]

_ENDS: tuple[tuple[int, PartOfDay], ...] = ((5, "night"), (12, "morning"), (17, "afternoon"), (22, "evening"))


def part_of_day(hour: int) -> PartOfDay:
    """The part of the day that an hour (0-23) belongs to."""
    return next((part for end, part in _ENDS if hour < end), "night")
