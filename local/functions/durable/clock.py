"""Moments as the durable protocol writes them: UTC, ISO 8601, with `Z`; in the state they are seconds since 1970."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Gives the present time, in seconds since 1970."""

wall_clock: Clock = time.time


def as_text(moment: float) -> str:
    """Such a number as text."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_moment(text: str) -> float:
    """Such a text as a number; without a zone it is UTC. Raises `ValueError` for what is no date."""
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
