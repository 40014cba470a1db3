"""What a turn asks of Cosmos DB until the platform has counted it, and that it is the same after a longer history.

`python -m bench turn_cost` and `python -m bench fold_cost` print it with charge, bytes and time.
"""

from __future__ import annotations

import asyncio

from bench.measurements import fold_cost, turn_cost
from bench.simulation import pipeline as cascade

FOLD = {"user_analytics batch": 1}
LONE_TURN = {
    cascade.RECORDING: {"user_sessions batch": 1, "user_interactions create": 1},
    cascade.USER: FOLD,
    cascade.SHARD_TURN: FOLD,
    cascade.WHOLE: FOLD,
    cascade.TOTALS: {"user_sessions patch": 1, "users patch": 1},
}
"""A fold is one transaction, upon what was written last. The session comes by twice, with its turn's number and with
its totals, and of the user nothing is new to the platform: that all of it is counted is known."""


def test_a_turn_asks_for_what_it_is_said_to() -> None:
    lone, busy = asyncio.run(turn_cost.measure())
    assert {step: dict(spent.requests) for step, spent in lone.items()} == LONE_TURN
    assert sum(spent.count for spent in busy.values()) < 4 * cascade.BATCH
    assert busy[cascade.WHOLE].count < cascade.BATCH / 5


def test_folding_one_more_turn_costs_no_more_after_a_longer_history() -> None:
    short, long = asyncio.run(fold_cost.measure((80, 1600)))
    assert fold_cost.is_flat([short, long])
    grown = fold_cost.Row(1, short.requests, 2 * short.bytes, 1.0, 1.0)
    asked_more = fold_cost.Row(1, short.requests + 1, short.bytes, 1.0, 1.0)
    assert not fold_cost.is_flat([short, grown])
    assert not fold_cost.is_flat([short, asked_more])
