"""Is the fold exactly right, whatever the database, the network and the processes do?

    python -m bench faults [--seeds 6] [--users 4] [--turns 80]

Two processes fold the same change feeds at once, through the real SDK, while documents are written and edited: changes
come twice, late, in stale revisions and in any order; requests fail with 429, 449, 503 and 408; connections are lost
before and after the commit; answers are slow; ranges are split; the processes are killed between any two requests, and
go on from an earlier place in the feed. Then every bucket is compared with a recount of the source documents. Exits
with 1 if any differs, or if a change was put aside.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from azure.core import MatchConditions
from azure.core.exceptions import AzureError
from azure.cosmos.exceptions import CosmosResourceExistsError

from bench.recount.buckets import Place, differing, recount, stored
from bench.simulation.consumers import PSEUDONYMS, Folder, Weather
from bench.simulation.history import NOW, History, history
from cosmos.core.database import Database, Item, connect
from functions.composition import Store
from local.cosmosdb.server import serve_in_thread
from local.provision import WELL_KNOWN_KEY, Account, provision, read_definitions
from models.core.document import Document
from models.counted import BUCKETS
from models.counting.bucket import Bucket, Sums
from models.usage.pricing import PriceTable

ROOT = Path(__file__).parents[2]
DATABASE = "vimarsh"
FOLDERS = 2
SOURCES = {
    "user_interactions": ("interaction",),
    "user_sessions": ("session",),
    "user_bookmarks": ("bookmark", "deleted_bookmark"),
}
"""What is counted."""

DOCUMENTS = ["create", "upsert", "replace", "patch", "read", "batch", "query", "change_feed"]
SHARES: dict[str | int, float] = {
    429: 0.03,
    449: 0.03,
    503: 0.02,
    408: 0.02,
    "drop_before": 0.02,
    "drop_after": 0.03,
    "latency": 0.05,
}
"""How many of the requests for documents are struck by each fault."""

SPLITS = 6
SPLIT_EVERY = 150


@dataclass(frozen=True)
class Result:
    """What became of one run.

    Attributes:
        buckets: How many had to be.
        differing: How many of them differ, with profiles and sessions that don't show what they hold.
        dead_letters: Changes that were put aside.
        happened: How many requests each fault struck, and what became of the folders.
    """

    buckets: int
    differing: int
    dead_letters: int
    happened: Counter[str]
    seconds: float

    @property
    def is_right(self) -> bool:
        return self.buckets > 0 and self.differing == 0 and self.dead_letters == 0


def rules(seed: int) -> list[dict[str, Any]]:
    """The faults of a run."""
    struck = [
        {"id": str(fault), "fault": fault, "operation": DOCUMENTS, "share": share, "seed": 100 * seed + number}
        for number, (fault, share) in enumerate(SHARES.items())
    ]
    small = {"retry_after_ms": 1, "latency_ms": 5}
    split = {"id": "split", "fault": "split", "operation": DOCUMENTS, "every": SPLIT_EVERY, "times": SPLITS}
    return [split, *({**rule, **small} for rule in struck)]


async def run(url: str, seed: int, users: int, turns: int) -> Result:
    """One run against an engine with faults, on a database with nothing in it."""
    began = time.perf_counter()
    with Account(url) as account:
        provision(account, read_definitions(ROOT / "cosmos" / "containers.json"), DATABASE)
    made = history(seed, users, turns)
    weather = Weather(f"AccountEndpoint={url}/;AccountKey={WELL_KNOWN_KEY};", DATABASE)
    async with connect(weather.connection) as client, httpx.AsyncClient(base_url=url) as local:
        database = Database.of(client, DATABASE)
        for person in made.people:
            await Store.of(database, PriceTable(), PSEUDONYMS).users.ensure(person, NOW, NOW)
        (await local.put("/_local/faults", json={"rules": rules(seed)})).raise_for_status()
        async with asyncio.TaskGroup() as group:
            for number in range(FOLDERS):
                group.create_task(Folder(weather, seed * FOLDERS + number).run())
            await write(database, made)
            weather.happened.update(await calm_down(local))
            weather.calm.set()
        held = {name: await everything(local, name) for name in Database.__dataclass_fields__}
    sources = [item for name in SOURCES for item in held[name] if item["kind"] in SOURCES[name]]
    if len(sources) != len({(document.partition_key, document.id) for document in made.writes}):
        raise RuntimeError("what was written is not there")
    expected = recount(sources, PSEUDONYMS, NOW)
    wrong = differing(expected, stored(item for item in held["user_analytics"] if item["kind"] in BUCKETS.by_kind))
    letters = [item for item in held["user_analytics"] if item["kind"] == "dead_letter"]
    shown = misshown(expected, held["users"] + held["user_sessions"])
    return Result(len(expected), len(wrong) + shown, len(letters), weather.happened, time.perf_counter() - began)


async def write(database: Database, made: History) -> None:
    """Every document in its turn, sent again until the database says that it is there."""
    written: dict[tuple[str, str], Item] = {}
    for document in made.writes:
        body = document.body()
        known = written.get((document.partition_key, document.id))
        while True:
            try:
                await (write_on(database, document, known) if known else write_first(database, document))
                break
            except AzureError:
                continue
        written[document.partition_key, document.id] = body


async def write_first(database: Database, document: Document) -> None:
    with suppress(CosmosResourceExistsError):  # the answer to what was sent first was lost
        await getattr(database, document.container).create_item(document.body())


async def write_on(database: Database, document: Document, known: Item) -> None:
    """Changes what differs from the document as it was last written, as the app would: the app changes it, too."""
    container = getattr(database, document.container)
    body = document.body()
    held = await container.read_item(document.id, document.partition_key)
    if body["kind"] == known["kind"]:
        body = {**held, **{name: value for name, value in body.items() if value != known.get(name)}}
    body["revision"] = held["revision"] + 1
    await container.replace_item(document.id, body, etag=held["_etag"], match_condition=MatchConditions.IfNotModified)


def misshown(expected: Mapping[Place, Sums], items: Iterable[Item]) -> int:
    """How many profiles and sessions don't show the number of their turns."""
    wrong = 0
    for item in items:
        if item["kind"] in ("profile", "session"):
            bucket = Bucket("all_time") if item["kind"] == "profile" else Bucket("session", item["id"])
            turns = expected.get((item["partition_key"], bucket), {}).get("interactions", 0)
            wrong += item["total_queries"] != turns
    return wrong


async def calm_down(local: httpx.AsyncClient) -> Counter[str]:
    """Removes the faults; how often each struck."""
    found = (await local.get("/_local/faults")).raise_for_status().json()["rules"]
    (await local.delete("/_local/faults")).raise_for_status()
    return Counter({rule["id"]: rule["struck"] for rule in found})


async def everything(local: httpx.AsyncClient, container: str) -> list[Item]:
    """All documents of a container."""
    body = {"database": DATABASE, "container": container, "query": "SELECT * FROM c"}
    answer = (await local.post("/_local/query", json=body, timeout=60)).raise_for_status()
    return list(answer.json()["rows"])


def table(results: Iterable[tuple[int, Result]]) -> Iterable[str]:
    """A line for each run, under their heads."""
    happenings = [*map(str, SHARES), "split", "kills", "batches", "retries"]
    yield "  ".join(["seed", *happenings, "buckets", "differing", "put aside", "seconds"])
    for seed, result in results:
        counts = [f"{result.happened[name]:>{len(name)}}" for name in happenings]
        ends = f"{result.buckets:>7}  {result.differing:>9}  {result.dead_letters:>9}  {result.seconds:>7.1f}"
        yield "  ".join([f"{seed:>4}", *counts, ends])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench faults", description="Fold in bad weather, and recount.")
    parser.add_argument("--seeds", type=int, default=6, help="runs, each with another history (default %(default)s)")
    parser.add_argument("--users", type=int, default=4, help="default %(default)s")
    parser.add_argument("--turns", type=int, default=80, help="of all users (default %(default)s)")
    arguments = parser.parse_args()
    results = []
    for seed in range(1, arguments.seeds + 1):
        with serve_in_thread(partitions=2, fault_injection=True) as url:
            results.append((seed, asyncio.run(run(url, seed, arguments.users, arguments.turns))))
    print("\n".join(table(results)))
    is_right = all(result.is_right for _, result in results)
    print("every bucket equals the recount" if is_right else "NOT as it should be")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
