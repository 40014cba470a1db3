"""Who calls the API, and what a call is, for the measurements that drive every operation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.simulation.stack import Stack

Json = dict[str, Any]

PEOPLE: dict[str, Json] = {
    "user": {"email": "alice@contoso.example"},
    "other": {"email": "bob@contoso.example"},
    "staff": {"email": "carol@contoso.example", "roles": ["Vimarsh.Admin"]},
    "server": {"app": True, "roles": ["Vimarsh.Ingest", "Vimarsh.Import"]},
    "leaver": {"email": "erin@contoso.example"},
    "child": {"email": "finn@contoso.example"},
    "verifier": {"email": "gina@contoso.example", "roles": ["Vimarsh.Verify"]},
}
"""Who calls: users, staff, a verifier of guardians, and the chat product's server."""

METADATA = {"read_account", "read_container", "read_ranges"}
"""What the SDK looks up about the account, once per process and container, partly in the background and for 0 RU."""


@dataclass
class Client:
    """Calls the API as different people."""

    stack: Stack
    http: httpx.Client
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    suspects: list[str] = field(default_factory=list)

    def sign_in(self) -> None:
        """As each of `PEOPLE`."""
        for who, choice in PEOPLE.items():
            answer = self.http.post(f"{self.stack.entra_url}/_local/token", json=choice).raise_for_status()
            self.tokens[who] = answer.json()["access_token"]

    def call(
        self, method: str, path: str, who: str = "user", body: Json | None = None, headers: Mapping[str, str] = {}
    ) -> httpx.Response:
        """One request; `path` is below /api, its parameters are filled from `ids`."""
        url = f"{self.stack.functions_url}/api/{path.format(**self.ids)}"
        signed = {"Authorization": f"Bearer {self.tokens[who]}", **headers}
        return self.http.request(method, url, json=body, headers=signed).raise_for_status()

    def drained(self) -> None:
        """Waits until the change feeds have nothing left."""
        quiet = 0
        while quiet < 3:
            feeds = self.http.get(f"{self.stack.functions_url}/_local/feeds").json()["feeds"]
            quiet = quiet + 1 if all(feed["lag"] == 0 for feed in feeds) else 0
            time.sleep(0.1)

    def counted(self) -> list[Json]:
        rows: list[Json] = self.http.get(f"{self.stack.cosmos_url}/_local/requests").json()["requests"]
        return rows

    def reset(self) -> None:
        self.http.delete(f"{self.stack.cosmos_url}/_local/requests").raise_for_status()


Prepare = Callable[[Client], Json | None]


@dataclass(frozen=True)
class Step:
    """One call that is measured.

    Attributes:
        prepare: Makes what the call needs, such as a bookmark to delete; may give its body.
        edits: What it sends the newest ETag of.
        before: The body of the first call, where `body` again would change nothing.
    """

    operation: str
    method: str
    path: str
    who: str = "user"
    body: Json | None = None
    prepare: Prepare | None = None
    edits: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Json | None = None
