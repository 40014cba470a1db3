"""Does an export's memory stay flat however much there is? Exports a user with 10,000 turns, and one with 100,000.

    python -m bench.export [--turns 10000 100000]

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
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from azure.cosmos.aio import CosmosClient

from bench.requests import METADATA
from bench.stack import SAMPLE, Stack, local_stack
from local.cli.traffic import read_turns, read_users
from local.provision import WELL_KNOWN_KEY
from models.analytics.contribution import of_interaction
from models.chat.interaction import Draft, Origin, Turn
from models.chat.session import TurnClaim, UserSession
from models.core.document import Document
from models.core.user_agent import parse_user_agent
from models.counting.fold import Applied
from models.counting.ledger import LedgerEntry
from models.usage.pricing import PriceTable

ALLOWED_GROWTH = 32 * 2**20
"""Bytes that the peak of the host's memory may be higher for the largest export than for the smallest."""

TURNS_PER_SESSION = 8
BATCH = 100
FEEDS = ("fold_interactions", "fold_sessions", "fold_bookmarks", "fold_analytics")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = "Europe/London"


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


def history(user_id: str, turns: int) -> Iterator[Document]:
    """What is stored of a user's turns, which are the sample data's over and over."""
    reported = read_turns(SAMPLE / "turns.jsonl", read_users(SAMPLE / "users.json"))
    bodies = [Turn.model_validate_json(json.dumps(_without_marks(turn.body))) for turn in reported]
    prices, client = PriceTable(), parse_user_agent(None)
    for number in range(turns):
        session_id = str(uuid.uuid5(uuid.UUID(user_id), str(number // TURNS_PER_SESSION)))
        at = BEGIN + timedelta(minutes=3 * number)
        if number % TURNS_PER_SESSION == 0:
            session = UserSession(
                id=session_id,
                partition_key=user_id,
                user_id=user_id,
                session_id=session_id,
                start_time=at,
                last_activity=at,
                timezone=ZONE,
            )
            yield session.model_copy(update=session.ended())  # or the timer would end it, and be measured, too
        draft = Draft(f"turn-{number}", bodies[number % len(bodies)], Origin(user_id, session_id, at, None, client, ""))
        turn = draft.interaction(number % TURNS_PER_SESSION + 1, ZONE, draft.cost(prices))
        source = of_interaction(turn)
        applied = Applied(source.revision, {bucket.name: sums for bucket, sums in source.contributions.items()})
        yield turn
        yield TurnClaim.of(user_id, session_id, turn.id)
        yield LedgerEntry.of(user_id, source.key, applied, 1)


def _without_marks(body: Any) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in Turn.model_fields}


async def load(stack: Stack, user_id: str, turns: int) -> None:
    """Stores a user's turns by transactional batches."""
    documents = history(user_id, turns)
    async with CosmosClient(stack.cosmos_url, WELL_KNOWN_KEY) as client:
        database = client.get_database_client("vimarsh")

        async def store(container: str, some: list[Document]) -> None:
            creates: list[Any] = [("create", (document.body(),)) for document in some]
            await database.get_container_client(container).execute_item_batch(creates, user_id)

        while some := list(islice(documents, BATCH)):
            by_container: dict[str, list[Document]] = {}
            for document in some:
                by_container.setdefault(document.container, []).append(document)
            await asyncio.gather(*(store(container, part) for container, part in by_container.items()))


def signed_in(stack: Stack, email: str) -> httpx.Client:
    """A client of the API."""
    token = httpx.post(f"{stack.entra_url}/_local/token", json={"email": email}).raise_for_status().json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    return httpx.Client(base_url=f"{stack.functions_url}/api", headers=headers, timeout=120)


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
    off = {f"AzureWebJobs.{feed}.Disabled": "true" for feed in FEEDS}
    with local_stack(settings=off) as stack:
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
    parser = argparse.ArgumentParser(prog="python -m bench.export", description="Export users of different sizes.")
    parser.add_argument("--turns", type=int, nargs="+", default=[10_000, 100_000], help="the smallest user's first")
    return 0 if measure(parser.parse_args().turns) else 1


if __name__ == "__main__":
    sys.exit(main())
