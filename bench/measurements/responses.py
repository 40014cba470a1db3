"""What answers weigh, and how long they take: as they are, compressed, and where the client has them already.

    python -m bench responses

Prints a Markdown table: bytes of the content on the wire, and the median of `REPEATS` requests in milliseconds, over a
local stack of its own with the sample data.
"""

from __future__ import annotations

import statistics
import sys
import time
import uuid
from typing import Any

import httpx

from bench.simulation.stack import Stack, local_stack
from functions.core.examples import BODIES

REPEATS = 15
TURNS = 100


def measured(http: httpx.Client, path: str, headers: dict[str, str]) -> tuple[int, int, float, str]:
    """Status, bytes, median milliseconds and ETag of one kind of request."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        with http.stream("GET", path, headers=headers) as answer:
            size = sum(len(chunk) for chunk in answer.iter_raw())
        times.append((time.perf_counter() - began) * 1000)
    return answer.status_code, size, statistics.median(times), answer.headers.get("ETag", "")


def recorded(http: httpx.Client) -> str:
    """A session with a page full of turns."""
    session_id = http.post("/sessions", json={}).raise_for_status().json()["id"]
    turn: dict[str, Any] = dict(BODIES["record_interaction"]["a turn"])
    for number in range(TURNS):
        turn["response_text"] = f"{number}. You have a right to your work alone, and never to its fruits. " * 8
        answer = http.post(f"/sessions/{session_id}/interactions", json=turn)
        if answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            http.post(f"/sessions/{session_id}/interactions", json=turn).raise_for_status()
    return str(session_id)


def rows(stack: Stack) -> list[str]:
    choice = {"email": f"{uuid.uuid4().hex}@contoso.example"}
    token = httpx.post(f"{stack.entra_url}/_local/token", json=choice).raise_for_status().json()["access_token"]
    told = ["| answer | plain | gzip | 304 |", "|---|---|---|---|"]
    with httpx.Client(base_url=f"{stack.functions_url}/api", timeout=30) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        session_id = recorded(http)
        paths = {
            "`openapi.json`": "/openapi.json",
            f"a page of {TURNS} turns": f"/sessions/{session_id}/interactions?limit={TURNS}",
            "the dashboard": "/me/dashboard",
        }
        for name, path in paths.items():
            plain = {"Accept-Encoding": "identity"}
            _, size, milliseconds, etag = measured(http, path, plain)
            _, small, compressing, _ = measured(http, path, {"Accept-Encoding": "gzip"})
            known = "-"
            if etag:
                status, nothing, knowing, _ = measured(http, path, plain | {"If-None-Match": etag})
                known = f"{nothing} B, {knowing:.1f} ms" if status == 304 else f"{status}"
            told.append(f"| {name} | {size} B, {milliseconds:.1f} ms | {small} B, {compressing:.1f} ms | {known} |")
    return told


def main() -> int:
    with local_stack() as stack:
        print("\n".join(rows(stack)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
