"""Does an export's memory stay flat however much there is? Exports a user with 10,000 turns, and one with 100,000.

    python -m bench export [--turns 10000 100000]

Each turn is loaded with what recording and folding it leave behind: its claim, its share of a session, and its entry in
the ledger, by the SDK's batches and with the change feeds off. Then the user exports page by page, as clients do. Exits
with 1 if a document is missing, or if the host's memory grows with the export. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.simulation.clients import METADATA
from bench.simulation.long_history import TURNS_PER_SESSION, load, signed_in
from bench.simulation.pipeline import FEEDS_OFF
from bench.simulation.stack import Stack, local_stack

ALLOWED_GROWTH = 32 * 2**20
"""Bytes that the peak of the host's memory may be higher for the largest export than for the smallest."""


@dataclass(frozen=True)
class Exported:
    """One export. The first page is the one with the manifest. Peak is of the host's resident memory, in bytes."""

    pages: int
    lines: int
    size: int
    largest: int
    first_seconds: float
    seconds: float
    requests: int
    request_charge: float
    peak: int
    counts: dict[str, dict[str, int]]

    @property
    def documents(self) -> int:
        return sum(count for kinds in self.counts.values() for count in kinds.values())

    def __str__(self) -> str:
        return (
            f"{self.documents} documents, {self.size / 1e6:.1f} MB in {self.pages} pages (the largest "
            f"{self.largest / 1e6:.2f} MB) in {self.seconds:.1f} s, the first in {self.first_seconds:.1f} s; "
            f"{self.requests} requests to Cosmos DB, {self.request_charge:.0f} RU; "
            f"peak memory of the host {self.peak / 2**20:.0f} MB"
        )


def export(stack: Stack, client: httpx.Client) -> Exported:
    """Exports all that is held about the user; keeps nothing but figures."""
    host = Path(f"/proc/{stack.child('local.functions')}")
    counters = f"{stack.cosmos_url}/_local/requests"
    client.get("/me/export", params={"limit": 1}).raise_for_status()  # what is loaded once is not the export's
    httpx.delete(counters).raise_for_status()
    (host / "clear_refs").write_text("5")  # the peak is from here on (proc(5))
    began = time.perf_counter()
    lines, sizes, ends, query = 0, list[int](), list[float](), dict[str, str]()
    while True:
        page = client.get("/me/export", params=query).raise_for_status().content
        ends.append(time.perf_counter() - began)
        sizes.append(len(page))
        lines += page.count(b"\n")
        last = json.loads(page[page.rindex(b"\n", 0, -1) + 1 :])
        if last["record"] == "end":
            break
        query = {"continuation": last["continuation"]}
    status = (host / "status").read_text("utf-8").splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    rows = [row for row in httpx.get(counters).json()["requests"] if row["operation"] not in METADATA]
    requests, charge = sum(row["count"] for row in rows), sum(row["request_charge"] for row in rows)
    return Exported(
        pages=len(sizes),
        lines=lines,
        size=sum(sizes),
        largest=max(sizes),
        first_seconds=ends[0],
        seconds=ends[-1],
        requests=requests,
        request_charge=charge,
        peak=peak,
        counts=last["counts"],
    )


def is_whole(exported: Exported, turns: int) -> bool:
    """Whether all is there that was loaded, each on a line of its own, beside the manifest and the ends of pages."""
    wanted = {
        "user_interactions": {"interaction": turns},
        "user_sessions": {"allowance": 1, "session": -(-turns // TURNS_PER_SESSION), "turn_claim": turns},
        "user_analytics": {"ledger": turns},
        "users": {"email_claim": 1, "profile": 1},
    }
    return exported.counts == wanted and exported.lines == 1 + exported.documents + exported.pages


def measure(sizes: list[int]) -> bool:
    found: list[Exported] = []
    with local_stack(settings=FEEDS_OFF) as stack:
        if running := httpx.get(f"{stack.functions_url}/_local/feeds").json()["feeds"]:
            raise RuntimeError(f"these feeds are to be off, too: {running}")
        for turns in sizes:
            with signed_in(stack, f"reader-of-{turns}@contoso.example") as client:
                user_id = client.get("/me").raise_for_status().json()["id"]
                asyncio.run(load(stack, user_id, turns))
                found.append(export(stack, client))
            print(f"{turns} turns: {found[-1]}", flush=True)
    whole = all(is_whole(exported, turns) for exported, turns in zip(found, sizes, strict=True))
    growth = found[-1].peak - found[0].peak
    print(f"{'whole' if whole else 'NOT whole'}; the peak of memory differs by {growth / 2**20:.1f} MB")
    return whole and growth <= ALLOWED_GROWTH


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench export", description="Export users of different sizes.")
    parser.add_argument("--turns", type=int, nargs="+", default=[10_000, 100_000], help="the smallest user's first")
    return 0 if measure(parser.parse_args().turns) else 1


if __name__ == "__main__":
    sys.exit(main())
