"""What each operation asks of Cosmos DB: how many requests of which kind, and their charge.

    python -m bench requests

Prints a Markdown table. Measured over a local stack of its own, each operation once it is warm: the process has
connected, and has seen the user in the last 30 seconds. The change feeds, the timers and what drives jobs are off
meanwhile: what they ask for is asked for later, by nobody's request.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from bench.simulation.clients import METADATA, Client, Step
from bench.simulation.stack import Stack, local_stack
from bench.simulation.steps import STEPS, WARMING, fill


@dataclass(frozen=True)
class Cost:
    """What one call of an operation asked for.

    Attributes:
        requests: How many, by container and kind, like `user_sessions batch`.
        request_charge: In request units, as the local engine estimates them.
        cross_partition: Whether one of them looked into more than one partition.
    """

    method: str
    path: str
    requests: Mapping[str, int]
    request_charge: float
    cross_partition: bool


def measure() -> dict[str, Cost]:
    """The cost of each operation, by its name."""
    with tempfile.TemporaryDirectory(prefix="vimarsh-requests-") as folder, httpx.Client(timeout=60) as http:
        with local_stack(Path(folder), settings={"ERASURE_SETTLE_SECONDS": "0"}) as stack:
            client = Client(stack, http)
            fill(client)
            watched(client, stack)
            unasked = _unasked(stack, http)
        off = {f"AzureWebJobs.{name}.Disabled": "true" for name in [*unasked, "job_turn"]}
        with local_stack(Path(folder), settings=off) as stack:
            client = Client(stack, http, ids=client.ids, suspects=client.suspects)
            client.sign_in()
            for who in ("user", "staff"):
                client.call("GET", "me", who)
            return {step.operation: _cost(client, step) for step in STEPS}


def _unasked(stack: Stack, http: httpx.Client) -> list[str]:
    """The functions that run by themselves, on changes or on time."""
    functions = http.get(f"{stack.functions_url}/admin/functions").raise_for_status().json()
    by_themselves = {"cosmosDBTrigger", "timerTrigger"}
    kinds = {
        function["name"]: {binding["type"] for binding in function["config"]["bindings"]} for function in functions
    }
    return [name for name, types in kinds.items() if types & by_themselves]


def watched(client: Client, stack: Stack) -> None:
    """Has the timer look after jobs and feeds, until each feed has a heartbeat."""
    client.http.post(f"{stack.functions_url}/admin/functions/keep_watch", json={}).raise_for_status()
    while any(feed["age_seconds"] is None for feed in client.call("GET", "admin/jobs", "staff").json()["feeds"]):
        time.sleep(0.1)


def _cost(client: Client, step: Step) -> Cost:
    warm = replace(step, body=step.before) if step.before else step
    for _ in range(WARMING):
        send(client, warm)
        send(client, step)
        rows = client.counted()
        if not any(row["operation"] in METADATA for row in rows):
            break
    return Cost(
        method=step.method,
        path=step.path,
        requests={f"{row['container']} {row['operation']}".strip(): row["count"] for row in rows},
        request_charge=round(sum(row["request_charge"] for row in rows), 2),
        cross_partition=any(row["cross_partition"] for row in rows),
    )


def send(client: Client, step: Step) -> None:
    """Prepares a step and takes it; only what it asks for itself is counted."""
    body = (step.prepare(client) if step.prepare else None) or step.body
    headers = dict(step.headers)
    if step.edits:
        headers["If-Match"] = client.call("GET", step.edits, step.who).headers["ETag"]
    client.reset()
    client.call(step.method, step.path, step.who, body, headers)


def table(costs: Mapping[str, Cost]) -> str:
    """The costs as a Markdown table."""
    lines = ["| operation | requests to Cosmos DB | RU |", "|---|---|---|"]
    for cost in costs.values():
        requests = ", ".join(f"{count} {kind}" for kind, count in cost.requests.items()) or "none"
        lines.append(f"| `{cost.method} /api/{cost.path}` | {requests} | {cost.request_charge:.1f} |")
    return "\n".join(lines)


def main() -> int:
    print(table(measure()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
