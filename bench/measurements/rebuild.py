"""Does a rebuild find what is wrong, all of it and nothing else, also if its host is killed in the middle?

    python -m bench rebuild [FILE.jsonl.gz] [--users users.json]

Replays the traffic (the sample data without a file); rebuilds, which has to find nothing; damages ten rollups, and
rebuilds, which has to find exactly these; rebuilds with repair, killing the host meanwhile and starting it again; and
rebuilds once more, which has to find nothing. Exits with 1 if anything else was found. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from azure.cosmos.aio import CosmosClient

from bench.simulation.replaying import end, look, play, start
from bench.simulation.stack import SAMPLE, Stack, local_stack
from local.provision import WELL_KNOWN_KEY

DAMAGED = 10
QUERY = "SELECT c.id, c.partition_key FROM c WHERE c.kind = 'rollup'"

Buckets = set[tuple[str, str]]
"""Rollups, by user id and name of the bucket."""


async def damage(stack: Stack, seed: int = 4) -> Buckets:
    """Makes ten rollups of any period wrong, without a trace in their revision."""
    wanted = {"database": "vimarsh", "container": "user_analytics", "query": QUERY}
    async with httpx.AsyncClient(timeout=60) as http:
        rows = (await http.post(f"{stack.cosmos_url}/_local/query", json=wanted)).json()["rows"]
    chosen = random.Random(seed).sample(sorted(rows, key=lambda row: str(row["id"])), DAMAGED)
    async with CosmosClient(stack.cosmos_url, WELL_KNOWN_KEY) as client:
        container = client.get_database_client("vimarsh").get_container_client("user_analytics")
        for row in chosen:
            item = await container.read_item(row["id"], row["partition_key"])
            item["sums"]["tokens"] = item["sums"].get("tokens", 0) + 1
            await container.replace_item(item["id"], item)
    return {(row["partition_key"], row["id"].removeprefix(row["partition_key"] + ":")) for row in chosen}


def report(title: str, found: dict[str, Any], seconds: float) -> None:
    counts = {name: value for name, value in found.items() if isinstance(value, int) and not isinstance(value, bool)}
    print(f"{title}: {found['status']} in {seconds:.1f} s: " + ", ".join(f"{n} {v}" for n, v in counts.items()))


def finds(stack: Stack, title: str, wanted: Buckets) -> bool:
    """Whether a rebuild without repair finds these rollups, and nothing else."""
    began = time.perf_counter()
    found = end(stack, start(stack, repair=False))
    report(title, found, time.perf_counter() - began)
    drifted = {(drift["user_id"], drift["bucket"]) for drift in found["drift"]}
    all_done = found["status"] == "completed" and found["users_done"] == found["users_total"]
    all_done = all_done and found["users_failed"] == 0
    return bool(all_done and drifted == wanted and found["sources_behind"] == 0)


WITHOUT_TIMER = {"AzureWebJobs.end_idle_sessions.Disabled": "true"}
"""It would change sessions while they are compared, which are behind then, by a moment."""


def repair_in_two_lives(stack: Stack) -> str:
    """Starts a rebuild with repair and kills the host when some users are done; returns the rebuild's path."""
    path = start(stack, repair=True)
    while look(stack, path)["users_done"] == 0:
        time.sleep(0.01)
    os.kill(stack.child("local.functions"), signal.SIGKILL)
    stack.process.communicate()  # what it still prints has to be read, or it never ends
    print("the host was killed in the middle of the repair")
    return path


def measure(turns: Path, users: Path, data: Path) -> bool:
    with local_stack(data, settings=WITHOUT_TIMER) as stack:
        play(stack, turns, users)
        results = [finds(stack, "after the replay", set())]
        wrong = asyncio.run(damage(stack))
        results.append(finds(stack, f"with {len(wrong)} damaged", wrong))
        path = repair_in_two_lives(stack)
    with local_stack(data, again=stack, settings=WITHOUT_TIMER) as stack:
        began = time.perf_counter()
        found = end(stack, path)
        report("repaired after the restart", found, time.perf_counter() - began)
        results.append(found["status"] == "completed" and found["users_done"] == found["users_total"])
        results.append(finds(stack, "after the repair", set()))
    print("as it should be" if all(results) else f"NOT as it should be: {results}")
    return all(results)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench rebuild", description="Damage rollups, and rebuild them.")
    parser.add_argument("turns", type=Path, nargs="?", default=SAMPLE / "turns.jsonl")
    parser.add_argument("--users", type=Path, default=SAMPLE / "users.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vimarsh-") as folder:
        return 0 if measure(arguments.turns, arguments.users, Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
