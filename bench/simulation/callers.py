"""Those who call the API while its host is killed, what they send, and how long to wait until it is counted."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench.simulation.servers import Servers
from functions.core.examples import BODIES
from local.entra.identity import TENANT_ID, oid_of

Json = dict[str, Any]

TURNS_PER_BATCH = 100


def a_batch(email: str, session_id: str, count: int) -> list[Json]:
    """Finished turns of a user, as a trusted server sends them."""
    item = BODIES["ingest_turns"]["one turn"]["turns"][0]
    user = {"tenant_id": TENANT_ID, "auth_id": oid_of(email), "email": email, "name": email}
    newest = datetime.now(UTC)
    return [
        item
        | {
            "id": str(uuid.uuid4()),
            "user": user,
            "session_id": session_id,
            "timestamp": (newest - timedelta(seconds=count - number)).isoformat(),
        }
        for number in range(count)
    ]


class Caller:
    """Calls the API as one user, or as the chat product's server; waits while there is no host."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    @classmethod
    @contextmanager
    def of(cls, running: Servers, **who: Any) -> Iterator[Caller]:
        answer = httpx.post(f"{running.entra_url}/_local/token", json=who).raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        with httpx.Client(base_url=f"{running.functions_url}/api", headers=headers, timeout=60) as http:
            yield cls(http)

    def __call__(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        while True:
            try:
                answer = self.http.request(method, path, json=body)
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if answer.status_code != 503:
                return answer


def fill(running: Servers, user: Caller, server: Caller, email: str, turns: int) -> None:
    """Makes a user with that many turns, all of them counted."""
    user("GET", "/me").raise_for_status()
    for start in range(0, turns, TURNS_PER_BATCH):
        batch = a_batch(email, str(uuid.uuid4()), min(TURNS_PER_BATCH, turns - start))
        items = server("POST", "/ingest/turns", {"turns": batch}).raise_for_status().json()["items"]
        if {item["status"] for item in items} != {201}:
            raise RuntimeError(f"turns were not recorded: {items[0]}")
        if start % 1000 == 0:
            user("POST", "/bookmarks", {"interaction_id": batch[0]["id"]}).raise_for_status()
    drain(running)


def drain(running: Servers) -> None:
    """Waits until the change feeds have nothing left."""
    quiet = 0
    while quiet < 3:
        feeds = httpx.get(f"{running.functions_url}/_local/feeds", timeout=60).json()["feeds"]
        quiet = quiet + 1 if all(feed["lag"] == 0 for feed in feeds) else 0
        time.sleep(0.1)


def look(running: Servers) -> None:
    """Has the timer run that looks after jobs."""
    url = f"{running.functions_url}/admin/functions/keep_watch"
    httpx.post(url, json={}, timeout=30).raise_for_status()
