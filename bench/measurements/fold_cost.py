"""What it costs to fold one more turn, for users with a short history, a long one, and a very long one.

    python -m bench fold_cost [--histories 100 10000 100000]

Prints a Markdown table of medians: from the change feed's batch with the turn until the platform has counted it. Exits
with 1 if the requests differ, or the bytes by more than half, between histories.

The histories are worked out in memory by the app's own rules and then written as they are: a ledger entry for each
turn, and every rollup, of the user and of the platform. What follows is the app as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice, pairwise
from operator import itemgetter
from statistics import median
from typing import Any

from azure.cosmos.aio import ContainerProxy, CosmosClient

from bench.simulation.pipeline import FEEDS_OFF, PSEUDONYMS, Cascade, Spent, cascade
from bench.simulation.stack import Stack, local_stack
from bench.simulation.turns import Session, a_turn, begin, record
from cosmos.core.database import Database, Item
from functions.composition import Store
from local.provision import DATABASE, WELL_KNOWN_KEY
from models.chat.interaction import Draft, Origin
from models.core.document import Document
from models.core.pseudonyms import is_platform
from models.core.user_agent import Client
from models.counted import BUCKETS
from models.counting.bucket import Balance, Bucket
from models.counting.bucket_document import BucketDocument
from models.counting.fold import Applied, Source, fold
from models.counting.ledger import LedgerEntry
from models.risk.facts import TurnFacts
from models.risk.judgement import judged
from models.risk.thresholds import RiskSettings
from models.risk.window import RiskWindow
from models.usage.pricing import PriceTable

HISTORIES = (100, 10_000, 100_000)
DAYS = 730
TURNS_A_DAY = 8
"""At least: so that each history fills the window of recent turns that abuse is judged from."""

WAKING_SECONDS = 40_000
"""Of a day, in which turns are asked: who never sleeps is taken for a program, and told so on the profile."""

MEASURED = 9
WARMING = 3
WRITERS = 4
OPERATIONS = 100
AT_ONCE = 5_000
SPREAD = 1.5
"""By how much the bytes of one history may be those of another: a longer one has met more kinds of everything."""


@dataclass(frozen=True)
class Row:
    """The median of what folding one more turn took."""

    history: int
    requests: int
    bytes: int
    request_charge: float
    milliseconds: float


class Memory:
    """The fold of the app, with its ledgers and buckets in memory; of turns, which come once, not even the ledger."""

    def __init__(self) -> None:
        self._ledgers: dict[str, dict[str, Applied]] = defaultdict(dict)
        self._balances: dict[str, dict[Bucket, Balance]] = defaultdict(dict)
        self._written: dict[str, BucketDocument] = {}
        self._windows: dict[str, RiskWindow] = {}
        self._changed: dict[str, BucketDocument] = {}
        self._turns: list[tuple[str, Document]] = []

    async def fold(self, partition: str, sources: Sequence[Source], now: datetime, again: bool = False) -> None:
        """As `Counters.fold`."""
        ledger, balances = self._ledgers[partition], self._balances[partition]
        outcome = fold(sources, ledger, balances)
        turns = {source.key for source in sources if source.context}
        for key, applied in outcome.entries.items():
            if key in turns:
                self._turns.append((partition, LedgerEntry.of(partition, key, applied, 1)))
            else:
                ledger[key] = applied
        balances |= outcome.balances
        contexts = {bucket: source.context for source in sources for bucket in source.contributions}
        for bucket, balance in outcome.balances.items():
            name = f"{partition} {bucket.name}"
            revision = self._written[name].revision + 1 if name in self._written else 1
            before = self._written.get(name)
            context = BUCKETS.kind_of(bucket).context(contexts.get(bucket), before)
            document = BUCKETS.document_of(partition, bucket, balance, revision, now, context)
            self._changed[name] = self._written[name] = BUCKETS.following(document, before)
        facts = [source.context for source in sources if isinstance(source.context, TurnFacts)]
        if facts and not is_platform(partition):
            window = self._windows.get(partition) or RiskWindow.empty(partition)
            self._windows[partition] = judged(window.with_turns(facts), RiskSettings())

    def changes(self) -> list[Item]:
        """The buckets that were changed since this was last asked for."""
        changed, self._changed = self._changed, {}
        return [document.body() for document in changed.values()]

    def turns(self) -> list[tuple[str, Document]]:
        """The ledger entries of turns that were folded since this was last asked for, with their partition."""
        turns, self._turns = self._turns, []
        return sorted(turns, key=itemgetter(0))

    def documents(self) -> Iterator[tuple[str, Document]]:
        """All else that is to be written, with its partition, one partition after the other."""
        rest: dict[str, list[Document]] = defaultdict(list)
        for document in [*self._written.values(), *self._windows.values()]:
            rest[document.partition_key].append(document)
        for partition in self._balances:
            for source, applied in self._ledgers[partition].items():
                yield partition, LedgerEntry.of(partition, source, applied, 1)
            for document in rest[partition]:
                yield partition, document


def history(session: Session, turns: int, today: datetime) -> Iterator[Item]:
    """Turns that were asked on the days before today, a session a day, the newest yesterday."""
    prices, days = PriceTable(), min(DAYS, max(1, turns // TURNS_A_DAY))
    user_id, _ = session
    for number in range(turns):
        day, of_day = number % days, number // days
        at = today - timedelta(days=day + 1, seconds=(7919 * number) % WAKING_SECONDS)
        origin = Origin(user_id, str(uuid.uuid5(uuid.UUID(user_id), f"session {day}")), at, None, Client(), "hash")
        draft = Draft(str(uuid.uuid5(uuid.UUID(user_id), f"turn {number}")), a_turn(number), origin)
        yield draft.interaction(of_day + 1, "Asia/Kolkata", draft.cost(prices)).body()


async def load(stack: Stack, histories: Iterable[Iterator[Item]]) -> None:
    """Folds the turns in memory, through all stages, and writes what came of it."""
    memory, now = Memory(), datetime.now(UTC)
    async with CosmosClient(stack.cosmos_url, WELL_KNOWN_KEY) as client:
        database = Database.of(client, DATABASE)
        store = Store.of(database, PriceTable(), PSEUDONYMS)
        store.counters.fold = memory.fold  # type: ignore[method-assign]  # in memory, and then all at once
        for items in histories:
            while chunk := list(islice(items, AT_ONCE)):
                await store.folding.fold("user_interactions", chunk, now)
                await write(database.user_analytics, memory.turns())
        while changed := memory.changes():
            await store.folding.fold("user_analytics", changed, now)
        await write(database.user_analytics, memory.documents())


async def write(container: ContainerProxy, documents: Iterable[tuple[str, Document]]) -> None:
    """In transactions of up to `OPERATIONS`, some at once."""
    waiting = _transactions(documents)

    async def work() -> None:
        for partition, operations in waiting:
            await container.execute_item_batch(operations, partition)

    await asyncio.gather(*(work() for _ in range(WRITERS)))


def _transactions(documents: Iterable[tuple[str, Document]]) -> Iterator[tuple[str, list[Any]]]:
    for partition, of_partition in groupby(documents, itemgetter(0)):
        operations = (("create", (document.body(),)) for _, document in of_partition)
        while chunk := list(islice(operations, OPERATIONS)):
            yield partition, chunk


async def measure(histories: Sequence[int]) -> list[Row]:
    """A row for each history."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with local_stack(settings=FEEDS_OFF) as stack:
        async with cascade(stack) as driven:
            sessions = {turns: await begin(driven, f"user{turns}") for turns in histories}
            await load(stack, [history(session, turns, today) for turns, session in sessions.items()])
            await driven.skip()
            return [await _row(driven, session, turns) for turns, session in sessions.items()]


async def _row(driven: Cascade, session: Session, turns: int) -> Row:
    taken: list[tuple[Spent, float]] = []
    for number in range(WARMING + MEASURED):
        await record(driven, session, number)
        driven.meter.reset()
        await driven.settle()
        taken.append((driven.meter.total, driven.meter.seconds))
    measured = taken[WARMING:]
    return Row(
        history=turns,
        requests=int(median(spent.count for spent, _ in measured)),
        bytes=int(median(spent.bytes for spent, _ in measured)),
        request_charge=median(spent.request_charge for spent, _ in measured),
        milliseconds=median(1000 * seconds for _, seconds in measured),
    )


def table(rows: Iterable[Row]) -> str:
    lines = ["| turns before | requests | bytes | RU | ms |", "|---:|---:|---:|---:|---:|"]
    for row in rows:
        amounts = f"{row.requests} | {row.bytes:,} | {row.request_charge:.1f} | {row.milliseconds:.0f}"
        lines.append(f"| {row.history:,} | {amounts} |")
    return "\n".join(lines)


def is_flat(rows: Sequence[Row]) -> bool:
    """Whether neither requests nor bytes grow with the history. Milliseconds are shown, and depend on the machine."""
    sizes = [row.bytes for row in rows]
    more = any(later.requests > earlier.requests for earlier, later in pairwise(rows))
    return not more and max(sizes) <= SPREAD * min(sizes)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench fold_cost", description="Fold one more turn.")
    parser.add_argument("--histories", type=int, nargs="+", default=HISTORIES, metavar="TURNS")
    rows = asyncio.run(measure(parser.parse_args().histories))
    print(table(rows))
    print("flat" if is_flat(rows) else "NOT flat")
    return 0 if is_flat(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
