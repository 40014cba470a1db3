"""What the paper on capacity goes by: assumptions, measurements, prices and limits, each with what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Assumed:
    """What nobody has measured yet: replace it by what your product's telemetry says."""

    turns_per_user_day: Annotated[float, "Turns of a user on an average day: a fifth come, and ask five times"] = 1.0
    active_share: Annotated[float, "Users who come on an average day, by all users"] = 0.2
    turns_per_session: Annotated[float, "Turns of a session"] = 4.0
    turns_per_bookmark: Annotated[float, "Turns for each that is bookmarked; those are kept five years here"] = 20.0
    new_question_share: Annotated[float, "Turns that ask what nobody has asked in the same words"] = 0.7
    longer_texts_bytes: Annotated[float, "Bytes of a turn's texts beyond those of the sample data"] = 2_000
    peak_factor: Annotated[float, "The busiest second by the mean second"] = 4.0
    hour_factor: Annotated[float, "An hour's busiest second by the mean second: what autoscale bills"] = 1.5
    headroom: Annotated[float, "Autoscale's maximum by the peak"] = 1.25
    index_share: Annotated[float, "Index by data: all but a few paths are excluded"] = 0.15
    cpu_share: Annotated[float, "How busy an instance may be"] = 0.6
    reads_per_turn: Annotated[float, "Requests that only read: profile, dashboard, lists"] = 2.0
    telemetry_bytes_per_turn: Annotated[float, "Bytes of spans, metrics and logs that are kept after sampling"] = 2_000


@dataclass(frozen=True)
class Measured:
    """Over the local stack; request units as the local engine estimates them."""

    turn_alone_ru: Annotated[float, "`bench turn_cost`: a lone turn, all steps"] = 223.6
    turn_user_ru: Annotated[float, "`bench turn_cost`: the steps in the user's partitions, of a lone turn"] = 139.8
    turn_platform_ru: Annotated[float, "`bench turn_cost`: the steps in the platform's, 200 turns together"] = 18.2
    shard_ru_per_turn: Annotated[float, "Of those, the ones in the shards"] = 13.0
    live_turn_ru: Annotated[float, "600 live turns of 194 new users, all that was asked for, by turn"] = 122.8
    admission_ru: Annotated[float, "`bench requests`: an admission"] = 10.6
    context_ru: Annotated[float, "`bench requests`: the context of a session"] = 2.5
    read_ru: Annotated[float, "`bench requests`: a page of a list"] = 2.7
    session_ru: Annotated[float, "`bench requests`: a new session"] = 5.0
    turn_cpu_seconds: Annotated[float, "Processor time of a live turn, POST and folds, in the app's process"] = 0.0114
    fold_cpu_seconds: Annotated[float, "Of that, the folds"] = 0.0086
    read_cpu_seconds: Annotated[float, "Processor time of a request that reads"] = 0.0025
    poll_ru: Annotated[float, "A look into a feed without changes, and at its lease"] = 2.0


@dataclass(frozen=True)
class Prices:
    """USD, pay as you go, East US, as published in autumn 2026. Check them before you rely on them."""

    serverless_per_million_ru: Annotated[float, "Cosmos DB serverless, million RU"] = 0.25
    autoscale_per_100_ru_hour: Annotated[float, "Cosmos DB autoscale, one region, 100 RU/s for an hour"] = 0.012
    storage_per_gb_month: Annotated[float, "Cosmos DB, GB and month, index included"] = 0.25
    backup_per_gb_month: Annotated[float, "Continuous backup of 30 days, GB and month; 7 days are free"] = 0.20
    instance_per_gb_second: Annotated[float, "Flex Consumption on demand, GB and second"] = 0.000026
    executions_per_million: Annotated[float, "Flex Consumption, million executions"] = 0.40
    logs_per_gb: Annotated[float, "Log Analytics, GB taken in"] = 2.30


@dataclass(frozen=True)
class Limits:
    """Of Cosmos DB and of Flex Consumption, and the least that the stage prod of `infra/stages.bicep` sets."""

    partition_gb: Annotated[float, "GB in a physical partition"] = 50.0
    partition_ru: Annotated[float, "RU/s of a physical partition, and so of a logical one"] = 10_000.0
    logical_partition_gb: Annotated[float, "GB in a logical partition"] = 20.0
    serverless_ru: Annotated[float, "RU/s of a serverless container that can be relied on"] = 5_000.0
    autoscale_ru_per_gb: Annotated[float, "Least maximum of autoscale, RU/s by GB stored"] = 10.0
    autoscale_floor: Annotated[float, "What is billed at least, by the maximum"] = 0.1
    least_maximum_ru: Annotated[float, "Maxima of the six containers in the stage prod"] = 22_000.0
    instance_gb: Annotated[float, "Memory of an instance, which has one processor"] = 2.0
    instances: Annotated[float, "Instances of an app"] = 1_000


ASSUMED, MEASURED, PRICES, LIMITS = Assumed(), Measured(), Prices(), Limits()

SIZES: Mapping[str, int] = {
    "interaction": 1945,
    "turn_claim": 414,
    "ledger of a turn": 1169,
    "ledger of a turn, platform": 1017,
    "question": 690,
    "session": 1289,
    "rollup session": 1952,
    "ledger of a session": 518,
    "ledger of a session, platform": 449,
    "rollup daily": 2148,
    "ledger of a day": 2448,
    "presence": 560,
    "ledger of presence, platform": 450,
    "rollup weekly": 2448,
    "rollup monthly": 3013,
    "rollup all_time": 3048,
    "ledger of a month, platform": 452,
    "profile": 1536,
    "email_claim": 518,
    "allowance": 484,
    "risk_window": 3827,
    "bookmark": 1900,
}
"""Mean bytes of a document with Cosmos DB's own properties, by `bench capacity --measure`; the sample has no bookmarks,
so theirs is an assumption."""
