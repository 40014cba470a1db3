"""What a live turn costs of the host's processor time, from POST to the platform's month, and where that goes.

    python -m bench turn_time [FILE.jsonl.gz] [--users users.json] [--limit 800] [--concurrency 16] [--without-feeds]

It counts processor time of the host's process alone (the edge and the feeds, not the engine), so that what else the
machine does matters little. The first turns are played before, to warm up. Linux only. Exits with 1 if a turn was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
from rich.console import Console

from bench.simulation.pipeline import FEEDS_OFF
from bench.simulation.servers import Servers, servers
from bench.simulation.stack import SAMPLE
from local.cli.replay import replay
from local.cli.traffic import Turn, read_turns, read_users

WARM_UP = 100
UNLIMITED = {"WRITE_LIMIT": '{"turns": 1000000, "bytes": 1000000000000}'}


def processor_seconds(pid: int) -> float:
    """Of a process and its threads, in user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def samples(pid: int, file: Path) -> Counter[str]:
    """What the host has seen since it was last asked."""
    file.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    while not file.exists() or not file.read_text("utf-8"):
        time.sleep(0.01)
    return Counter(json.loads(file.read_text("utf-8")))


def play(running: Servers, turns: list[Turn], concurrency: int) -> bool:
    return asyncio.run(
        replay(
            turns,
            functions_url=running.functions_url,
            entra_url=running.entra_url,
            console=Console(stderr=True),
            mode="live",
            concurrency=concurrency,
        )
    )


def requests(running: Servers) -> tuple[Counter[str], Counter[str]]:
    """What the engine has been asked for, by operation and container, those of the host for the feeds, too; and its
    RU, by container."""
    rows = httpx.get(f"{running.cosmos_url}/_local/requests").json()["requests"]
    counts: Counter[str] = Counter()
    charges: Counter[str] = Counter()
    for row in rows:
        counts[f"{row['operation']} {row['container']}"] += row["count"]
        charges[row["container"]] += row["request_charge"]
    return counts, charges


def measure(running: Servers, turns: list[Turn], concurrency: int, file: Path, functions: int) -> bool:
    process = running.host.process
    if process is None:
        raise RuntimeError("the host was not started")
    kept = play(running, turns[:WARM_UP], concurrency)
    before = requests(running)
    samples(process.pid, file)
    began = processor_seconds(process.pid)
    kept &= play(running, turns[WARM_UP:], concurrency)
    spent = 1000 * (processor_seconds(process.pid) - began) / len(turns[WARM_UP:])
    seen = samples(process.pid, file)
    asked, charged = (after - earlier for after, earlier in zip(requests(running), before, strict=True))
    counted = len(turns[WARM_UP:])
    print(f"processor time of a turn: {spent:.2f} ms; {asked.total() / counted:.2f} requests to Cosmos DB, ", end="")
    print(f"{charged.total() / counted:.1f} RU, of which {charged['user_analytics'] / counted:.1f} in user_analytics")
    for name, count in asked.most_common():
        print(f"{count / counted:8.2f}  {name}")
    tell(seen, spent, functions)
    return kept


def tell(seen: Counter[str], spent: float, functions: int) -> None:
    """Prints where the milliseconds of a turn go: by part, and the functions that take most."""
    parts: Counter[str] = Counter()
    cells: Counter[tuple[str, str]] = Counter()
    places: Counter[str] = Counter()
    for name, count in seen.items():
        work, part, place = name.split("|")
        parts[part] += count
        cells[work, part] += count
        places[place] += count
    each = spent / seen.total()
    print(f"{'':14}{'edge':>8}{'feeds':>8}")
    for part, _ in parts.most_common():
        print(f"{part:14}{each * cells['edge', part]:8.2f}{each * cells['feeds', part]:8.2f}")
    whole = [each * sum(count for (of, _), count in cells.items() if of == work) for work in ("edge", "feeds")]
    print(f"{'all':14}{whole[0]:8.2f}{whole[1]:8.2f}")
    for place, count in places.most_common(functions):
        print(f"{each * count:8.2f}  {place}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench turn_time", description="Processor time of a live turn.")
    parser.add_argument("turns", type=Path, nargs="?", default=SAMPLE / "turns.jsonl")
    parser.add_argument("--users", type=Path)
    parser.add_argument("--limit", type=int, default=800)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="name the N that take most")
    parser.add_argument("--without-feeds", action="store_true", help="fold nothing meanwhile")
    arguments = parser.parse_args()
    users = arguments.users or arguments.turns.with_name("users.json")
    turns = list(read_turns(arguments.turns, read_users(users), arguments.limit + WARM_UP))
    with tempfile.TemporaryDirectory(prefix="vimarsh-") as folder:
        file = Path(folder) / "samples.json"
        given = UNLIMITED | {"SAMPLES": str(file)} | (FEEDS_OFF if arguments.without_feeds else {})
        with servers(Path(folder), given, host_module="bench.measurements.profiled_host") as running:
            return 0 if measure(running, turns, arguments.concurrency, file, arguments.functions) else 1


if __name__ == "__main__":
    sys.exit(main())
