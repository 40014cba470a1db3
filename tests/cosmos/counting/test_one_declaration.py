"""A new kind of bucket costs one declaration: the fold, its exactness and the rebuild follow from it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Literal

import pytest
from pydantic import Field

from cosmos.core.database import Database
from cosmos.counting.counters import Counters
from cosmos.counting.rebuilding import Rebuilding
from cosmos.counting.sources import Sources
from models.core.errors import Contention
from models.counting.bucket import Balance, Bucket, bucket_id
from models.counting.bucket_document import BucketDocument
from models.counting.buckets import BucketKind, Buckets
from models.counting.fold import PartitionedSource, Source
from models.kinds import KINDS
from tests.cosmos.conftest import NOW
from tests.models.examples import PSEUDONYMS

pytestmark = pytest.mark.asyncio(loop_scope="session")

PARTITION = "organization-of-this-test"
HOUR, DAY = Bucket("organization_utc_hourly", "2026-11-20T09"), Bucket("organization_utc_daily", "2026-11-20")


class OrganizationPeriod(BucketDocument):
    """What an organization used in an hour, or a day, of UTC."""

    kind: Literal["organization_period_of_a_test"]
    turns: int = Field(description="Turns")

    @classmethod
    def of(
        cls, partition: str, bucket: Bucket, balance: Balance, revision: int, now: datetime, context: Any
    ) -> OrganizationPeriod:
        return cls(
            id=bucket_id(partition, bucket),
            partition_key=partition,
            kind="organization_period_of_a_test",
            revision=revision,
            analytics_period=bucket.period,
            period_key=bucket.key,
            sums=balance.sums,
            first_activity=balance.first,
            last_activity=balance.last,
            turns=balance.sums.get("interactions", 0),
        )


def hours_count(document: OrganizationPeriod, names: Any) -> list[PartitionedSource]:
    """An hour counts in its day."""
    if document.analytics_period != HOUR.period:
        return []
    day = Bucket(DAY.period, document.period_key.partition("T")[0])
    return [(document.partition_key, Source(f"rollup:{document.id}", document.revision, {day: document.sums}))]


class Declared(BucketKind):
    """A kind whose name is not a default of its model, so that the app's own list of kinds needs not have it."""

    @property
    def name(self) -> str:
        return "organization_period_of_a_test"


ORGANIZATION_PERIODS = Declared(
    model=OrganizationPeriod,
    periods=(HOUR.period, DAY.period),
    of=OrganizationPeriod.of,
    of_documents=frozenset({HOUR.period}),
    counts=hours_count,
)


def turn(number: int, revision: int = 1, count: int = 1) -> Source:
    return Source(f"interaction:{number}", revision, {HOUR: {"interactions": count}}, NOW, NOW)


async def held(database: Database, bucket: Bucket) -> dict[str, Any]:
    item: dict[str, Any] = await database.user_analytics.read_item(bucket_id(PARTITION, bucket), PARTITION)
    return item


async def test_a_kind_of_bucket_that_is_declared_is_counted_exactly_once_and_counts_in_turn(database: Database) -> None:
    buckets = Buckets((ORGANIZATION_PERIODS,))
    sources = Sources(KINDS, buckets, PSEUDONYMS)
    folders = [Counters(database, buckets) for _ in range(3)]
    turns = [turn(number) for number in range(10)] + [turn(3, revision=2, count=0)]

    async def insisting(folder: Counters, some: list[Source]) -> None:
        while True:
            try:
                return await folder.fold(PARTITION, some, NOW)
            except Contention:
                continue

    await asyncio.gather(*(insisting(folder, turns[start:]) for folder in folders for start in (0, 2)))
    hour = await held(database, HOUR)
    assert (hour["turns"], hour["sums"]) == (9, {"interactions": 9})
    for _ in range(2):
        for partition, source in sources.of(hour):
            await folders[0].fold(partition, [source], NOW)
    assert (await held(database, DAY))["turns"] == 9


async def test_its_rebuild_finds_and_repairs_what_is_wrong(database: Database) -> None:
    buckets = Buckets((ORGANIZATION_PERIODS,))
    counters = Counters(database, buckets)
    await counters.fold(PARTITION, [turn(number) for number in range(20, 25)], NOW)
    before = await held(database, HOUR)
    await database.user_analytics.replace_item(before["id"], before | {"sums": {"interactions": 1}, "turns": 1})
    report = await Rebuilding(database, counters, Sources(KINDS, buckets, PSEUDONYMS)).rebuild(PARTITION, True, NOW)
    assert [drift.bucket for drift in report.drifted if drift.repaired] == [HOUR.name]
    assert (await held(database, HOUR))["sums"] == before["sums"]
