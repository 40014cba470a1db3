"""How fast turns are recorded live, beside a bare loop of SDK `create_item` calls against the same engine.

    python -m bench recording [FILE.jsonl.gz] [--users users.json] [--limit 2000] [--concurrency 16] [--without-feeds]

Both run against one stack, one after the other, so that what counts is their ratio. Without a file the sample data is
played. Without its feeds the host does nothing but record, which tells what folding takes meanwhile. Exits with 1 if a
turn was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from statistics import quantiles

import httpx
from azure.cosmos.aio import CosmosClient
from rich.console import Console

from bench.simulation.pipeline import FEEDS_OFF
from bench.simulation.stack import SAMPLE, Stack, local_stack
from local.cli.replay import replay
from local.cli.traffic import Turn, read_turns, read_users
from local.provision import WELL_KNOWN_KEY


async def bare_creates(stack: Stack, turns: list[Turn], concurrency: int) -> list[float]:
    """Seconds of each `create_item` of a document with the turn's content, `concurrency` at once."""
    seconds: list[float] = []
    waiting = iter(turns)
    async with CosmosClient(stack.cosmos_url, WELL_KNOWN_KEY) as client:
        container = client.get_database_client("vimarsh").get_container_client("user_interactions")

        async def work() -> None:
            for turn in waiting:
                document = dict(turn.body) | {"id": str(uuid.uuid4()), "partition_key": turn.user.key, "kind": "bench"}
                began = time.perf_counter()
                await container.create_item(document)
                seconds.append(time.perf_counter() - began)

        await asyncio.gather(*(work() for _ in range(concurrency)))
    return seconds


async def requests_by_operation(stack: Stack) -> Counter[str]:
    """What the engine has been asked for, by operation and container."""
    async with httpx.AsyncClient() as http:
        rows = (await http.get(f"{stack.cosmos_url}/_local/requests")).json()["requests"]
    counted = ("user_sessions", "user_interactions", "users")
    return Counter(
        {f"{row['operation']} {row['container']}": row["count"] for row in rows if row["container"] in counted}
    )


async def measure(stack: Stack, turns: list[Turn], concurrency: int) -> bool:
    print(f"live: {len(turns)} turns, {concurrency} at once")
    kept = await replay(
        turns,
        functions_url=stack.functions_url,
        entra_url=stack.entra_url,
        console=Console(),
        mode="live",
        concurrency=concurrency,
    )
    print("requests to Cosmos DB, the feeds' included:", dict(await requests_by_operation(stack)))
    print(f"bare create_item by the SDK: {len(turns)} documents, {concurrency} at once")
    began = time.perf_counter()
    seconds = await bare_creates(stack, turns, concurrency)
    rate = len(seconds) / (time.perf_counter() - began)
    cuts = quantiles(seconds, n=100)
    p50, p95, p99 = (1000 * cuts[percent - 1] for percent in (50, 95, 99))
    print(f"bare       {rate:.0f} documents/s, p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms")
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench recording", description="Recording live against bare writes."
    )
    parser.add_argument("turns", type=Path, nargs="?", default=SAMPLE / "turns.jsonl")
    parser.add_argument("--users", type=Path)
    parser.add_argument("--limit", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--without-feeds", action="store_true", help="fold nothing meanwhile")
    arguments = parser.parse_args()
    users = arguments.users or arguments.turns.with_name("users.json")
    turns = list(read_turns(arguments.turns, read_users(users), arguments.limit))
    unlimited = {"WRITE_LIMIT": '{"turns": 1000000, "bytes": 1000000000000}'}  # a month's turns come within a minute
    with local_stack(settings=unlimited | (FEEDS_OFF if arguments.without_feeds else {})) as stack:
        return 0 if asyncio.run(measure(stack, turns, arguments.concurrency)) else 1


if __name__ == "__main__":
    sys.exit(main())
