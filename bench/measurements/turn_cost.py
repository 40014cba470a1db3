"""What one turn asks of Cosmos DB, from its POST until the platform has counted it.

    python -m bench turn_cost

Prints a Markdown table: step by step, for a lone turn (its user, session and question are known), and for each of 200
turns of 50 users that come within a second and are folded together.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence

from bench.simulation.pipeline import (
    BATCH,
    FEEDS_OFF,
    RECORDING,
    SESSION,
    SHARD_TURN,
    SHARD_USER,
    TOTALS,
    USER,
    WHOLE,
    Cascade,
    Spent,
    cascade,
)
from bench.simulation.stack import local_stack
from bench.simulation.turns import Session, begin, record

STEPS = (RECORDING, SESSION, USER, SHARD_TURN, SHARD_USER, WHOLE, TOTALS)
USERS = 50
WARMING = 3
"""Turns of each user before anything is measured: with the third their session is a deep dive, which counts once."""


async def measure() -> tuple[dict[str, Spent], dict[str, Spent]]:
    """What a lone turn asks for, and what `BATCH` turns do, by step."""
    with local_stack(settings=FEEDS_OFF) as stack:
        async with cascade(stack) as driven:
            sessions = [await begin(driven, f"user{number}") for number in range(USERS)]
            for number in range(WARMING * USERS):
                await record(driven, sessions[number % USERS], number)
            await driven.settle()
            return await _measured(driven, sessions[:1], 1), await _measured(driven, sessions, BATCH)


async def _measured(driven: Cascade, sessions: Sequence[Session], turns: int) -> dict[str, Spent]:
    driven.meter.reset()
    await asyncio.gather(*(record(driven, sessions[number % len(sessions)], number) for number in range(turns)))
    await driven.settle()
    return driven.meter.steps


def table(lone: Mapping[str, Spent], busy: Mapping[str, Spent]) -> str:
    """Both as a Markdown table; the busy second's by turn."""
    lines = [
        f"| step | a lone turn | RU | each of {BATCH} in a second | RU |",
        "|---|---|---:|---:|---:|",
    ]
    for name in STEPS:
        alone, many = lone.get(name, Spent()), busy.get(name, Spent())
        requests = ", ".join(f"{count} {kind}" for kind, count in sorted(alone.requests.items())) or "none"
        each = f"{many.count / BATCH:.2f} | {many.request_charge / BATCH:.1f}"
        lines.append(f"| {name} | {requests} | {alone.request_charge:.1f} | {each} |")
    count, charge = _sums(lone)
    of_many, charge_of_many = _sums(busy)
    total = f"{of_many / BATCH:.2f} | {charge_of_many / BATCH:.1f}"
    lines.append(f"| in all | {count} requests | {charge:.1f} | {total} |")
    return "\n".join(lines)


def _sums(steps: Mapping[str, Spent]) -> tuple[int, float]:
    return sum(spent.count for spent in steps.values()), sum(spent.request_charge for spent in steps.values())


def main() -> int:
    print(table(*asyncio.run(measure())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
