"""What changes when turns are priced anew."""

from __future__ import annotations

from models.chat.interaction import UserInteraction
from models.core.document import Message
from models.core.values import Count
from models.usage.pricing import PriceTable
from models.usage.token_usage import usage_of


class Repriced(Message):
    """What was found when turns were priced anew. The differences are of the prices, in 1e-9 USD."""

    turns: Count = 0
    changed: Count = 0
    newly_priced: Count = 0
    newly_unpriced: Count = 0
    difference_nano_usd: int = 0

    def __add__(self, other: Repriced) -> Repriced:
        mine, theirs = self.model_dump(), other.model_dump()
        return Repriced(**{name: mine[name] + theirs[name] for name in mine})


def repriced(turn: UserInteraction, prices: PriceTable) -> tuple[UserInteraction, Repriced]:
    """The turn at the prices of its time, by the table as it is now, and what that changes.

    A model that has become known by another name, as by an alias, is counted by that. A turn whose cost and model stay
    is left as it is, the version of its prices included.
    """
    asked = turn.asked
    cost, model = prices.cost(asked, usage_of(turn), turn.timestamp), prices.canonical(asked.model, asked.provider)
    before, after = turn.cost_nano_usd, cost.cost_nano_usd
    if before == after and model == turn.model_used:
        return turn, Repriced(turns=1)
    found = Repriced(
        turns=1,
        changed=1,
        newly_priced=int(before is None),
        newly_unpriced=int(after is None),
        difference_nano_usd=(after or 0) - (before or 0),
    )
    changes = {"cost_nano_usd": after, "cost_usd": cost.cost_usd, "price_version": cost.price_version}
    if model != turn.model_used:
        changes |= {"model_used": model, "model_sent": asked.model}
    return turn.model_copy(update=changes), found
