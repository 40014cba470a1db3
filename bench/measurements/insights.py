"""Is everything told of the platform, and of its users, what the traffic alone says? And does it keep to itself who?

    python -m bench insights [FILE.jsonl.gz] [--users users.json]

Replays the traffic (the sample data without a file) into a stack of its own, waits for the fold, and compares what the
API and the stored rollups say with `bench.recount.traffic`. Prints what was compared, how much of it, and how much
differs, and looks for users in the platform's partitions. Exits with 1 if anything differs or anybody is found.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import httpx

from bench.recount.insights import Comparison, compare, find_leaks
from bench.recount.traffic import Recount
from bench.simulation.actors import Platform
from bench.simulation.replaying import play
from bench.simulation.stack import SAMPLE, local_stack
from local.cli.traffic import read_turns, read_users


def report(comparisons: list[Comparison]) -> bool:
    """Prints a table, and the first of those that differ. Returns whether none does."""
    print("| what | compared | differing |\n|---|---:|---:|")
    for row in comparisons:
        print(f"| {row.what} | {row.compared} | {len(row.differing)} |")
    for row in comparisons:
        for which, wanted, found in row.differing[:5]:
            print(f"{row.what}: {which}: {wanted} in the traffic, {found} is told")
    return not any(row.differing for row in comparisons)


def measure(turns: Path, users: Path) -> bool:
    recount = Recount(read_turns(turns, read_users(users)))
    with local_stack() as stack, httpx.Client(timeout=120) as http:
        play(stack, turns, users)
        platform = Platform(stack, http)
        exact = report(compare(platform, recount))
        looked_at, found = find_leaks(platform, recount)
    print(f"{looked_at} documents of the platform looked through for users: {len(found)} finds")
    for leak in found[:10]:
        print(f"  {leak}")
    return exact and not found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench insights", description="Compare insights with the traffic.")
    parser.add_argument("turns", type=Path, nargs="?", default=SAMPLE / "turns.jsonl")
    parser.add_argument("--users", type=Path, default=SAMPLE / "users.json")
    arguments = parser.parse_args()
    return 0 if measure(arguments.turns, arguments.users) else 1


if __name__ == "__main__":
    sys.exit(main())
