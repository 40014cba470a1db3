"""How much a parent follows their children here: computed from the access logs of the children when it is asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

EngagementLevel = Literal["low", "medium", "high"]

LOOKED_BACK = timedelta(days=30)
OPENS = ("read_dashboard", "read_profile", "export")
"""The acts of a guardian by which a report on a child is opened."""

MEDIUM_FROM, HIGH_FROM = 2, 8


def engagement_of(opens: int) -> EngagementLevel:
    """Of how often they opened reports on their children in the last 30 days: low 0-1, medium 2-7, high from 8 on."""
    return "high" if opens >= HIGH_FROM else "medium" if opens >= MEDIUM_FROM else "low"
