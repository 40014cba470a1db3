"""Budgets on two hosts over one database, and what is counted in them beside the rollups."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from bench.measurements.admissions import COST_USD, FITTING, SETTINGS, User, disagreements, moved_to_now
from bench.simulation.replaying import play
from bench.simulation.servers import another_host
from bench.simulation.stack import SAMPLE, Stack, local_stack

FOR_LONG = SETTINGS | {"RESERVATION_SECONDS": "3600"}
"""None expires while the test runs, however slow the machine is."""


async def admit_and_record(stack: Stack, other: str) -> tuple[int, int, float, float]:
    """Admissions of 60 at once and of one more; what is used and reserved, when a turn is recorded for each."""
    async with httpx.AsyncClient(timeout=60) as http:
        user = User(stack, [stack.functions_url, other], http, "budget@contoso.example")
        await user.sign_in()
        admitted = await user.admit_many(60)
        await user.record(admitted)
        month = await user.month()
        return len(admitted), len(await user.admit_many(1)), round(month["used"], 9), month["reserved"]


def test_a_budget_holds_on_two_hosts_and_agrees_with_the_rollups(tmp_path: Path) -> None:
    with local_stack(settings=FOR_LONG) as stack, another_host(stack.entra_url, stack.cosmos_url, FOR_LONG) as other:
        found = asyncio.run(admit_and_record(stack, other))
        play(stack, moved_to_now(SAMPLE / "turns.jsonl", tmp_path), SAMPLE / "users.json")
        compared, differing = disagreements(stack)
    assert found == (FITTING, 0, round(FITTING * COST_USD, 9), 0.0)
    assert compared >= 2  # a day and a month; of more users, unless the month has just begun
    assert differing == []
