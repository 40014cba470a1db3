"""Do budgets hold? Many admissions at once on two hosts, clients that crash, and what is counted afterwards.

    python -m bench admissions [FILE.jsonl.gz] [--users users.json]

1. 200 admissions at once, on two hosts over one database, against a budget for 50: 50 succeed, 150 are refused.
2. Their client is gone. When the reservations have expired, 200 more: again 50 succeed.
3. These are recorded, on both hosts, each settling its admission: 50 are used, and nothing is reserved.
4. Traffic (the sample data without a file), moved in time to end now: for every user, what the allowance says of the
   current day and month is what the rollups say.

Exits with 1 if anything else comes out.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from bench.simulation.replaying import play
from bench.simulation.servers import another_host
from bench.simulation.stack import SAMPLE, Stack, local_stack

Json = dict[str, Any]

AT_ONCE = 200
FITTING = 50
EXPIRY_SECONDS = 30
ESTIMATE = {"model": "gpt-4o-mini", "input_tokens": 1000, "max_output_tokens": 500}
COST_USD = 0.00045
"""Of the estimate: 1,000 tokens at $0.15 and 500 at $0.60 a million."""

SETTINGS = {
    "RESERVATION_SECONDS": str(EXPIRY_SECONDS),
    "LIMITS": json.dumps({"month": {"cost_usd": (FITTING + 0.5) * COST_USD}}),
}
MEASURES = {"queries": "interactions", "tokens": "tokens", "cost_nano_usd": "cost_nano_usd"}
"""What the allowance counts, and what rollups call it."""


class User:
    """Somebody who asks on several hosts at once, and comes again when a host says so."""

    def __init__(self, stack: Stack, hosts: Sequence[str], http: httpx.AsyncClient, email: str) -> None:
        self._stack, self._hosts, self._http, self._email = stack, hosts, http, email
        self._headers: dict[str, str] = {}
        self.again = 0

    async def sign_in(self) -> None:
        answer = await self._http.post(f"{self._stack.entra_url}/_local/token", json={"email": self._email})
        self._headers = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}

    async def call(self, method: str, path: str, number: int = 0, body: Json | None = None) -> httpx.Response:
        """One request to the host whose turn it is. 503 says to come again: nothing has been done then."""
        url = f"{self._hosts[number % len(self._hosts)]}/api/{path}"
        headers = self._headers | {"Idempotency-Key": str(uuid.uuid4())}
        while True:
            answer = await self._http.request(method, url, json=body, headers=headers)
            if answer.status_code != 503:
                return answer
            self.again += 1
            await asyncio.sleep(float(answer.headers.get("retry-after", 1)))

    async def admit_many(self, count: int) -> list[Json]:
        """The admissions of so many requests at once. Any other answer than 201 and 429 is an error."""
        answers = await asyncio.gather(*(self.call("POST", "admissions", number, ESTIMATE) for number in range(count)))
        statuses = Counter(answer.status_code for answer in answers)
        if statuses.keys() - {201, 429}:
            raise RuntimeError(f"admissions were answered {dict(statuses)}")
        return [answer.json() for answer in answers if answer.status_code == 201]

    async def record(self, admissions: Sequence[Json]) -> None:
        """A turn for each, that takes what was estimated."""
        session = (await self.call("POST", "sessions", body={})).raise_for_status().json()["session_id"]
        turn = {
            "user_query": "What is a budget?",
            "response_text": "What one can count on.",
            "model_used": ESTIMATE["model"],
            "input_tokens": ESTIMATE["input_tokens"],
            "output_tokens": ESTIMATE["max_output_tokens"],
        }
        answers = await asyncio.gather(
            *(
                self.call("POST", f"sessions/{session}/interactions", n, turn | {"admission_id": admission["id"]})
                for n, admission in enumerate(admissions)
            )
        )
        for answer in answers:
            answer.raise_for_status()

    async def month(self) -> Json:
        """What the month's limit says of itself."""
        limits = (await self.call("GET", "me/usage")).raise_for_status().json()["limits"]
        return next(dict(limit) for limit in limits if limit["window"] == "month")


async def hold(stack: Stack, hosts: Sequence[str]) -> list[tuple[str, object, object]]:
    """Parts 1 to 3: what should be, and what is."""
    pool = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(timeout=120, limits=pool) as http:
        user = User(stack, hosts, http, "budget@contoso.example")
        await user.sign_in()
        (await user.call("GET", "me")).raise_for_status()
        first = await user.admit_many(AT_ONCE)
        expiry = max(datetime.fromisoformat(admission["expires_at"]) for admission in first)
        await asyncio.sleep(max(0.0, (expiry - datetime.now(UTC)).total_seconds()) + 0.1)
        freed = (await user.month())["reserved"]
        second = await user.admit_many(AT_ONCE)
        await user.record(second)
        month, further = await user.month(), await user.admit_many(1)
    spent = round(FITTING * COST_USD, 9)
    return [
        (f"of {AT_ONCE} admissions at once on {len(hosts)} hosts", FITTING, len(first)),
        ("USD reserved, once the crashed client's reservations expired", 0.0, freed),
        (f"of {AT_ONCE} more", FITTING, len(second)),
        (
            "USD used and reserved, with their turns recorded",
            (spent, 0.0),
            (round(month["used"], 9), month["reserved"]),
        ),
        ("further admissions, of 1", 0, len(further)),
    ]


def moved_to_now(turns: Path, folder: Path) -> Path:
    """The same traffic, later: its newest turn was a minute ago."""
    opened = gzip.open if turns.suffix == ".gz" else open
    with opened(turns, "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    shift = datetime.now(UTC) - timedelta(minutes=1) - max(datetime.fromisoformat(line["at"]) for line in lines)
    for line in lines:
        line["at"] = (datetime.fromisoformat(line["at"]) + shift).isoformat(timespec="milliseconds")
    moved = folder / "turns.jsonl"
    moved.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return moved


def disagreements(stack: Stack) -> tuple[int, list[str]]:
    """How many users' current days and months have turns, and those of which allowance and rollups differ."""
    zones = {row["id"]: row["timezone"] or "UTC" for row in _rows(stack, "users", "c.kind = 'profile'")}
    allowances = {row["partition_key"]: row["used"] for row in _rows(stack, "user_sessions", "c.kind = 'allowance'")}
    rollups = {row["id"]: row["sums"] for row in _rows(stack, "user_analytics", "c.kind = 'rollup'")}
    compared, differing = 0, []
    for user_id, zone in zones.items():
        today = datetime.now(ZoneInfo(zone)).date().isoformat()
        for window, rollup in ((f"day:{today}", f"daily:{today}"), (f"month:{today[:7]}", f"monthly:{today[:7]}")):
            used, sums = allowances.get(user_id, {}), rollups.get(f"{user_id}:{rollup}", {})
            allowed = {measure: used.get(f"{window}:{measure}", 0) for measure in MEASURES}
            counted = {measure: sums.get(name, 0) for measure, name in MEASURES.items()}
            compared += bool(counted["queries"])
            if allowed != counted:
                differing.append(f"{user_id} {window}: {allowed} in the allowance, {counted} in the rollup")
    return compared, differing


def _rows(stack: Stack, container: str, condition: str) -> list[Json]:
    wanted = {"database": "vimarsh", "container": container, "query": f"SELECT * FROM c WHERE {condition}"}
    answer = httpx.post(f"{stack.cosmos_url}/_local/query", json=wanted, timeout=120).raise_for_status()
    return list(answer.json()["rows"])


def measure(turns: Path, users: Path) -> bool:
    with (
        tempfile.TemporaryDirectory(prefix="vimarsh-") as folder,
        local_stack(settings=SETTINGS) as stack,
        another_host(stack.entra_url, stack.cosmos_url, SETTINGS) as other,
    ):
        results = asyncio.run(hold(stack, [stack.functions_url, other]))
        play(stack, moved_to_now(turns, Path(folder)), users)
        compared, differing = disagreements(stack)
    print("| what | should be | is |\n|---|---|---|")
    for what, wanted, found in results:
        print(f"| {what} | {wanted} | {found} |")
    agreeing = f"users' days and months, of {compared} current ones, whose allowance is not the rollup's"
    print(f"| {agreeing} | 0 | {len(differing)} |")
    for line in differing[:10]:
        print(f"  {line}")
    return all(wanted == found for _, wanted, found in results) and compared > 0 and not differing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench admissions", description="Admissions under concurrency.")
    parser.add_argument("turns", type=Path, nargs="?", default=SAMPLE / "turns.jsonl")
    parser.add_argument("--users", type=Path, default=SAMPLE / "users.json")
    arguments = parser.parse_args()
    return 0 if measure(arguments.turns, arguments.users) else 1


if __name__ == "__main__":
    sys.exit(main())
