"""What users report of their own use: the platform shows it beside what servers recorded, and never adds it to that.

A user's client can report any turn. It counts for that user; of the platform it says only that it was reported, under
names that somebody else knows.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from models.chat.interaction import UserInteraction
from models.chat.names import Dimension
from models.core.document import Message
from models.core.values import Count, Total
from models.counting.bucket import Sums
from models.counting.fold import OTHER

NANO = 1_000_000_000


class ReportedUse(Message):
    """Turns that users recorded themselves. They are in no other figure of the platform's use and cost."""

    interactions: Count = Field(description="Turns that users reported")
    tokens: Total = Field(description="Tokens of all kinds")
    cost_usd: float = Field(description="USD; turns whose model has no price are left out")
    unpriced_interactions: Count = Field(description="Turns whose model has no price")

    @classmethod
    def of(cls, sums: Mapping[str, int]) -> ReportedUse:
        """Of sums of the platform."""
        return cls(
            interactions=sums.get("reported", 0),
            tokens=sums.get("reported_tokens", 0),
            cost_usd=sums.get("reported_cost_nano_usd", 0) / NANO,
            unpriced_interactions=sums.get("reported_unpriced", 0),
        )

    @classmethod
    def by(cls, sums: Mapping[str, int], dimension: Dimension, value: str) -> ReportedUse:
        """Of one value of a dimension."""
        names = ("reported", "reported_tokens", "reported_cost_nano_usd", "reported_unpriced")
        return cls.of({name: sums.get(f"{dimension}_{name}:{value}", 0) for name in names})


def reported_measures(turn: UserInteraction) -> Sums:
    """What a turn that its user recorded adds to its day of UTC."""
    amounts = {
        "reported": 1,
        "reported_tokens": turn.total_tokens,
        "reported_cost_nano_usd": turn.cost_nano_usd or 0,
        "reported_unpriced": int(turn.cost_nano_usd is None),
    }
    measures = dict(amounts)
    names: tuple[tuple[Dimension, str], ...] = (
        ("model", turn.model_used),
        ("personality", turn.personality_used),
        ("category", turn.query_category),
        ("language", turn.user_query_language),
    )
    for dimension, name in names:
        shown = OTHER if dimension in turn.unvouched else name
        measures |= {f"{dimension}_{measure}:{shown}": amount for measure, amount in amounts.items()}
    return {measure: amount for measure, amount in measures.items() if amount}
