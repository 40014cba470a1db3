"""The platform as its users and staff see it, and what they do to it meanwhile."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench.simulation.replaying import admin
from bench.simulation.stack import Stack

Json = dict[str, Any]

PATIENCE_SECONDS = 600
"""How long a request is sent again that is asked to come again, or finds nobody."""

IDLE_MINUTES = 120
"""Sessions end after that: those of today are not idle before the last comparison, and all others before the first."""

COME_AGAIN = (429, 500, 502, 503, 504)
PAUSE = 0.5


class Platform:
    """What the API and the engine say."""

    def __init__(self, stack: Stack, http: httpx.Client) -> None:
        self._stack, self._http, self._headers = stack, http, admin(stack)

    def get(self, path: str, **query: str) -> Json:
        url = f"{self._stack.functions_url}/api/{path}"
        answer = self._http.get(url, params=query, headers=self._headers).raise_for_status()
        return dict(answer.json())

    def rows(self, container: str, query: str) -> list[Json]:
        wanted = {"database": "vimarsh", "container": container, "query": query}
        answer = self._http.post(f"{self._stack.cosmos_url}/_local/query", json=wanted).raise_for_status()
        rows: list[Json] = answer.json()["rows"]
        return rows


class People(Platform):
    """The platform, also as its users see it. Whoever is asked to come again does."""

    def __init__(self, stack: Stack, http: httpx.Client) -> None:
        super().__init__(stack, http)
        self._url = stack.functions_url

    def get(self, path: str, **query: str) -> Json:
        return self.get_as(self._headers, path, **query)

    def all(self, path: str, **query: str) -> list[Json]:
        """A list, page by page."""
        found: list[Json] = []
        more: dict[str, str] = {}
        while True:
            page = self.get(path, **query, **more)
            found += page["items"]
            if page["continuation"] is None:
                return found
            more = {"continuation": page["continuation"]}

    def get_as(self, headers: dict[str, str], path: str, **query: str) -> Json:
        return dict(self._send("GET", path, headers, params=query).json())

    def sign_in(self, email: str) -> dict[str, str]:
        answer = self._http.post(f"{self._stack.entra_url}/_local/token", json={"email": email}).raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def edit(self, method: str, path: str, headers: dict[str, str], body: Json | None = None) -> Json:
        name, value = ("Idempotency-Key", str(uuid.uuid4())) if method == "POST" else ("If-Match", "*")
        answer = self._send(method, path, headers | {name: value}, json=body)
        return dict(answer.json()) if answer.content else {}

    def _send(self, method: str, path: str, headers: dict[str, str], **what: Any) -> httpx.Response:
        """Raises httpx.HTTPStatusError: it is refused, or nobody answers in time."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._http.request(method, f"{self._url}/api/{path}", headers=headers, **what)
            if answer.status_code not in COME_AGAIN or time.monotonic() > until:
                return answer.raise_for_status()
            time.sleep(float(answer.headers.get("retry-after", PAUSE)))

    def settle(self) -> None:
        """Waits until sessions that are idle have ended, and the feeds have nothing left."""
        before = datetime.now(UTC) - timedelta(minutes=IDLE_MINUTES)
        idle = f"c.kind = 'session' AND c.is_active = true AND c.last_activity < '{before.isoformat()}'"
        while self.rows("user_sessions", f"SELECT TOP 1 c.id FROM c WHERE {idle}"):
            self._http.post(f"{self._url}/admin/functions/end_idle_sessions", json={}).raise_for_status()
            time.sleep(PAUSE)
        quiet = 0
        while quiet < 3:
            feeds = self._http.get(f"{self._url}/_local/feeds").json()["feeds"]
            quiet = quiet + 1 if all(feed["lag"] == 0 for feed in feeds) else 0
            time.sleep(0.2)

    def rows_of(self, user: str, container: str, kind: str) -> list[Json]:
        return self.rows(container, f"SELECT * FROM c WHERE c.partition_key = '{user}' AND c.kind = '{kind}'")


def edit_everything(people: People, emails: Mapping[str, str]) -> None:
    """Feedback on turns, bookmarks made and deleted, sessions ended and moved to another zone: of some users."""
    for email in emails.values():
        headers = people.sign_in(email)
        turns = people.get_as(headers, "interactions", limit="12")["items"]
        for number, turn in enumerate(turns):
            path = f"interactions/{turn['id']}"
            people.edit("PATCH", path, headers, {"user_rating": number % 5 + 1, "was_shared": number % 2 == 0})
            if number % 3 == 0:
                people.edit("POST", "bookmarks", headers, {"interaction_id": turn["id"]})
        for bookmark in people.get_as(headers, "bookmarks", limit="2")["items"][:1]:
            people.edit("DELETE", f"bookmarks/{bookmark['id']}", headers)
        for number, session in enumerate(people.get_as(headers, "sessions", limit="3")["items"]):
            changes = {"is_active": False} if number else {"timezone": "Pacific/Auckland"}
            people.edit("PATCH", f"sessions/{session['id']}", headers, changes)
    people.settle()


def consent_to_less(people: People, emails: Iterable[str]) -> None:
    """Users go on without a consent: to analytics, to their texts being stored, and so on. What counted goes on to."""
    consents = ("analytics_consent", "text_storage_consent")
    for number, email in enumerate(emails):
        headers = people.sign_in(email)
        people.get_as(headers, "me")
        people.edit("PATCH", "me", headers, {consents[number % 2]: False})


def withdraw(people: People, emails: Iterable[str]) -> None:
    """Users withdraw their consent to analytics, with all that was counted."""
    for email in emails:
        headers = people.sign_in(email)
        withdrawal = people.edit("DELETE", "me/analytics", headers)
        _ended(people, headers, f"me/withdrawals/{withdrawal['withdrawal_id']}")
    people.settle()


def erase(people: People, users: Mapping[str, str]) -> tuple[list[Json], list[Json], list[Json]]:
    """Users erase their accounts; the turns, sessions and bookmarks that they had."""
    kept: tuple[list[Json], list[Json], list[Json]] = ([], [], [])
    places = (("user_interactions", "interaction"), ("user_sessions", "session"), ("user_bookmarks", "bookmark"))
    for user, email in users.items():
        for rows, (container, kind) in zip(kept, places, strict=True):
            rows += people.rows_of(user, container, kind)
        headers = people.sign_in(email)
        _ended(people, headers, f"erasures/{people.edit('DELETE', 'me', headers)['id']}")
    people.settle()
    return kept


def _ended(people: People, headers: dict[str, str], path: str) -> None:
    while people.get_as(headers, path)["status"] not in ("completed", "failed"):
        time.sleep(0.5)
