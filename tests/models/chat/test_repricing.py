"""What pricing a turn anew changes."""

from __future__ import annotations

from models.chat.repricing import Repriced, repriced
from models.usage.pricing import PriceTable
from tests.models.examples import PRICES, an_interaction


def test_a_turn_whose_price_stays_is_left_as_it_is() -> None:
    turn = an_interaction()
    older = turn.model_copy(update={"price_version": "older"})
    assert repriced(older, PRICES) == (older, Repriced(turns=1))


def test_a_turn_whose_model_has_no_price_any_more_is_unpriced() -> None:
    turn, found = repriced(an_interaction(), PriceTable())
    assert (turn.cost_nano_usd, turn.cost_usd) == (None, None)
    assert found == Repriced(turns=1, changed=1, newly_unpriced=1, difference_nano_usd=-200_000)
