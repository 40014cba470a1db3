"""The page on capacity says what its program computes, and the program computes what its formulas say."""

from __future__ import annotations

import re
from dataclasses import replace
from math import isclose

import pytest
from pytest import approx

from bench.measurements.capacity import MONTH_HOURS, PAGE, SCALES, Need, bytes_per_turn, tables, written
from bench.measurements.capacity_inputs import ASSUMED, LIMITS, MEASURED, PRICES
from bench.measurements.document_sizes import sizes_of
from bench.simulation.steps import STEPS
from cosmos.core.database import sent_bytes
from models.core.pseudonyms import MAX_SHARDS
from tests.models.examples import an_interaction


def test_the_page_has_the_programs_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"\n{tables()}\n" in page, "run make docs"
    assert written(page) == page


def test_a_million_users_who_ask_once_a_day_are_twelve_turns_a_second() -> None:
    assert round(Need(1_000_000).turns_per_second, 2) == 11.57


@pytest.mark.parametrize("users", SCALES.values(), ids=[name.replace(" ", "-") for name in SCALES])
def test_what_is_provided_covers_what_is_needed(users: int) -> None:
    need = Need(users)
    provided = LIMITS.serverless_ru if need.is_serverless else need.maximum_ru
    assert provided >= need.peak_ru * ASSUMED.headroom
    assert need.partitions * LIMITS.partition_gb >= need.storage_gb
    assert need.feed_turns_per_second > need.turns_per_second
    assert isclose(need.total_usd, need.cosmos_usd + need.storage_usd + need.functions_usd + need.logs_usd)
    assert need.sharded_gb / need.shards < LIMITS.logical_partition_gb
    assert need.shards <= need.deployments * MAX_SHARDS


def test_serverless_is_cheaper_and_enough_as_far_as_the_page_says() -> None:
    least = LIMITS.least_maximum_ru * LIMITS.autoscale_floor / 100 * MONTH_HOURS * PRICES.autoscale_per_100_ru_hour
    assert Need(95_000).cosmos_usd < least < Need(110_000).cosmos_usd
    assert Need(400_000).is_serverless
    assert not Need(500_000).is_serverless


def test_a_turn_costs_what_the_readme_says() -> None:
    readme = (PAGE.parent.parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| [\d.]+ \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \|$", readme, re.MULTILINE)
    whole = next(float(alone) for step, alone, _ in rows if step == "in all")
    platform = [float(together) for step, _, together in rows if step.startswith("the platform's")]
    of_platform = sum(float(alone) for step, alone, _ in rows if step.startswith("the platform's"))
    assert whole == approx(MEASURED.turn_alone_ru, rel=0.03)
    assert whole - of_platform == approx(MEASURED.turn_user_ru, rel=0.03)
    assert sum(platform) == approx(MEASURED.turn_platform_ru, rel=0.03)
    assert platform[0] == approx(MEASURED.shard_ru_per_turn, rel=0.03)


def test_twice_the_texts_are_stored_as_long_as_a_turn() -> None:
    longer = replace(ASSUMED, longer_texts_bytes=ASSUMED.longer_texts_bytes + 1)
    assert isclose(bytes_per_turn(longer) - bytes_per_turn(ASSUMED), 2 * 365)


def test_autoscale_is_due_by_what_is_stored() -> None:
    need = Need(1_000_000, a=replace(ASSUMED, longer_texts_bytes=50_000))
    assert need.maximum_ru == need.storage_gb * LIMITS.autoscale_ru_per_gb
    assert need.billed_ru == need.maximum_ru * LIMITS.autoscale_floor


def test_sizes_are_by_kind_and_by_what_is_counted() -> None:
    turn = an_interaction().body()
    entry = {"kind": "ledger", "partition_key": "platform-03", "source": "0f", "applied": {}}
    asked = entry | {"applied": {"utc_daily:2026-11-20": {"interactions": 1}, "question:ab": {"asked": 1}}}
    there = entry | {"applied": {"utc_daily:2026-11-20": {"active_users": 1}}}
    own = {"kind": "ledger", "partition_key": turn["partition_key"], "source": "interaction:1", "applied": {}}
    sizes = sizes_of([turn, turn | {"user_query": "What is wisdom!!"}, asked, there, own])
    assert sizes.keys() == {
        "interaction",
        "ledger of a turn, platform",
        "ledger of presence, platform",
        "ledger of a turn",
    }
    assert sizes["interaction"] > sent_bytes(turn) * 0.9


def test_the_requests_that_it_goes_by_are_measured() -> None:
    assert {"admit", "get_session_context", "start_session", "list_interactions"} <= {step.operation for step in STEPS}
