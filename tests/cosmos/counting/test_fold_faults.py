"""The fold with a database that fails on purpose, and processes that die: a short run of `python -m bench faults`."""

from __future__ import annotations

import random

import pytest

from bench.measurements.faults import SHARES, run
from bench.recount.buckets import Place, differing, recount, stored
from bench.simulation.consumers import PSEUDONYMS
from bench.simulation.history import NOW, history
from local.cosmosdb.server import serve_in_thread
from models.counting.bucket import Sums


async def test_every_bucket_equals_a_recount_whatever_fails() -> None:
    with serve_in_thread(partitions=2, fault_injection=True) as url:
        result = await run(url, seed=7, users=2, turns=24)
    assert (result.differing, result.dead_letters) == (0, 0)
    assert result.buckets > 20
    assert sum(result.happened[str(fault)] for fault in SHARES) > 10
    assert result.happened["split"] > 0


COMMON = ("platform", "question")


@pytest.fixture(scope="module")
def expected() -> dict[Place, Sums]:
    return recount([document.body() for document in history(3, 2, 20).writes], PSEUDONYMS, NOW)


def test_a_recount_does_not_depend_on_the_order_of_what_is_counted(expected: dict[Place, Sums]) -> None:
    items = [document.body() for document in history(3, 2, 20).writes]
    shuffled = random.Random(1).sample([*items, *items], 2 * len(items))
    assert recount(shuffled, PSEUDONYMS, NOW) == expected
    periods = {bucket.period for _, bucket in expected}
    assert {"daily", "weekly", "monthly", "all_time", "session", "presence"} < periods
    assert {"utc_daily", "utc_monthly", "question", "cohort"} < periods


def test_a_recount_has_common_questions_in_the_platform_and_not_who_asks_them() -> None:
    counted = recount([document.body() for document in history(3, 4, 60).writes], PSEUDONYMS, NOW)
    told = {bucket: sums for (partition, bucket), sums in counted.items() if (partition, bucket.period) == COMMON}
    assert told
    assert not any(measure.startswith("asker:") for sums in told.values() for measure in sums)


def test_a_bucket_that_differs_by_one_is_found(expected: dict[Place, Sums]) -> None:
    assert differing(expected, dict(expected)) == []
    for place, sums in expected.items():
        measure = next(iter(sums))
        assert differing(expected, expected | {place: sums | {measure: sums[measure] + 1}}) == [place]
        assert differing(expected, {other: held for other, held in expected.items() if other != place}) == [place]


def test_what_is_stored_beyond_what_is_told_apart_counts_in_total(expected: dict[Place, Sums]) -> None:
    item = {"partition_key": "p", "analytics_period": "question", "period_key": "q"}
    held = stored([{**item, "sums": {"asker:a": 2, "asker:other": 3, "asked": 5, "gone": 0}}])
    (place,) = held
    assert differing({place: {"asker:b": 1, "asker:c": 4, "asked": 5}}, held) == []
    assert differing({place: {"asker:b": 1, "asker:c": 3, "asked": 5}}, held) == [place]
