"""Plays turns to the API: in batches with an app's token, or turn by turn as each signed-in user.

Each turn is tried until it is acknowledged, refused for good, or out of patience; only then comes the user's next one.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from local.cli.tally import Tally
from local.cli.traffic import TrafficUser, Turn, batches
from local.entra.identity import INGEST_ROLE

BATCH_SIZE = 100
RENEW_SECONDS = 300.0
"""A token is replaced this long before it expires."""
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


@dataclass(eq=False)
class Refusal(Exception):
    """What can't be had: for good, or within the time that there was."""

    reason: str
    detail: str


@dataclass
class Tokens:
    """Bearer tokens from the issuer, kept until they are about to expire."""

    http: httpx.AsyncClient
    url: str
    now: Callable[[], float] = time.monotonic
    _kept: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def for_app(self) -> str:
        return await self._token("", {"app": True, "roles": [INGEST_ROLE]})

    async def for_user(self, user: TrafficUser) -> str:
        names = {"name": user.name, "given_name": user.given_name, "family_name": user.family_name}
        return await self._token(user.email, {"email": user.email, **names})

    async def _token(self, key: str, body: Mapping[str, Any]) -> str:
        """Raises httpx.HTTPError."""
        token, until = self._kept.get(key, ("", 0.0))
        if self.now() >= until:
            answer = (await self.http.post(f"{self.url}/_local/token", json=body)).raise_for_status().json()
            token = answer["access_token"]
            self._kept[key] = (token, self.now() + answer["expires_in"] - RENEW_SECONDS)
        return token


@dataclass
class Player:
    """Sends requests to the API at `url`, and tallies.

    `patience`: the seconds that one request is tried again for, from its first failure on; of a batch, since the last
    of its turns was stored. When they were not enough, the next ones are tried once only, until a turn is stored: a
    server that is gone ends the replay soon, and one that is slow does not.
    """

    http: httpx.AsyncClient
    url: str
    tokens: Tokens
    patience: float
    tally: Tally = field(default_factory=Tally)
    given_up: bool = False

    async def ingest(self, turns: Sequence[Turn]) -> None:
        """One worker's turns, in batches and in order."""
        for batch in batches(turns, BATCH_SIZE):
            await self._ingest_batch(batch)

    async def live(self, turns: Sequence[Turn]) -> None:
        """One worker's turns, one by one, each as its user: sign in, read the profile, open the session, ask."""
        signed_in: set[str] = set()
        sessions: dict[str, str] = {}
        for turn in turns:
            try:
                await self._prepare(turn, signed_in, sessions)
                path = f"/api/sessions/{sessions[turn.session_id]}/interactions"
                send = partial(self._as_user, turn, "POST", path, turn.as_recorded(), turn.id)
                answer = await self._request(send, measured=True)
            except Refusal as refusal:
                self.tally.lose(1, refusal.reason, refusal.detail)
            else:
                self.tally.acknowledge(answer.status_code)
                self.given_up = False

    async def _prepare(self, turn: Turn, signed_in: set[str], sessions: dict[str, str]) -> None:
        """The user's first request and the session's start, each once; `sessions` maps the recorded id to the API's."""
        if turn.user.key not in signed_in:
            await self._request(partial(self._as_user, turn, "GET", "/api/me"))
            signed_in.add(turn.user.key)
        if turn.session_id not in sessions:
            body = {"timezone": turn.user.timezone}
            started = await self._request(partial(self._as_user, turn, "POST", "/api/sessions", body, turn.session_id))
            sessions[turn.session_id] = _session_id(started)

    async def _as_user(
        self, turn: Turn, method: str, path: str, body: Mapping[str, Any] | None = None, key: str | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.tokens.for_user(turn.user)}"}
        headers |= {"Idempotency-Key": key} if key else {}
        headers |= {"X-Forwarded-For": turn.ip_address} if turn.ip_address else {}
        headers |= {"User-Agent": _header_value(turn.user_agent)} if turn.user_agent else {}
        return await self.http.request(method, f"{self.url}{path}", json=body, headers=headers)

    async def _ingest_batch(self, batch: Sequence[Turn]) -> None:
        """Until each turn has an answer; those that are asked to come again go together, in their order."""
        pending, portion = list(batch), Portion(len(batch))
        pauses = self._pauses()
        while pending:
            try:
                send = partial(self._post_portion, pending, portion)
                answer = await self._request(send, measured=True)
                sent = pending[: portion.sent]
                again, wait = self._sort_out(sent, _items(answer, len(sent)))
                pending[: portion.sent] = again
                if len(again) < len(sent):
                    pauses = self._pauses()
                if again:
                    await self._pause(pauses, "turns answered to come again", wait)
            except Refusal as refusal:
                self.tally.lose(len(pending), refusal.reason, refusal.detail)
                return

    async def _post_portion(self, turns: Sequence[Turn], portion: Portion) -> httpx.Response:
        answer = await self._post_turns(turns[: portion.take()])
        if answer.is_success:
            portion.fits()
        return answer

    async def _post_turns(self, turns: Sequence[Turn]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.tokens.for_app()}"}
        body = {"turns": [turn.as_ingested() for turn in turns]}
        return await self.http.post(f"{self.url}/api/ingest/turns", json=body, headers=headers)

    def _sort_out(self, turns: Sequence[Turn], items: Sequence[Mapping[str, Any]]) -> tuple[list[Turn], float]:
        """Tallies the answered turns; returns those to send again and the longest wait asked for."""
        again, wait = [], 0.0
        for turn, item in zip(turns, items, strict=True):
            status = item["status"]
            if status in (200, 201):
                self.tally.acknowledge(status)
                self.given_up = False
            elif _come_again(status):
                again.append(turn)
                self.tally.retried[str(status)] += 1
                wait = max(wait, _seconds(item.get("retry_after")))
            else:
                self.tally.lose(1, str(status), json.dumps(item.get("error"), ensure_ascii=False))
        return again, wait

    async def _request(self, send: Callable[[], Awaitable[httpx.Response]], measured: bool = False) -> httpx.Response:
        """The successful answer (2xx). Raises Refusal."""
        pauses = self._pauses()
        while True:
            began = time.perf_counter()
            try:
                answer = await send()
            except httpx.HTTPStatusError as error:
                raise Refusal(f"token {error.response.status_code}", error.response.text[:300]) from None
            except httpx.TransportError as error:
                self.tally.retried[type(error).__name__] += 1
                await self._pause(pauses, type(error).__name__, 0.0, str(error))
                continue
            if answer.is_success:
                if measured:
                    self.tally.latencies.append(time.perf_counter() - began)
                return answer
            if not _come_again(answer.status_code):
                raise Refusal(str(answer.status_code), answer.text[:300])
            self.tally.retried[str(answer.status_code)] += 1
            wait = _seconds(answer.headers.get("retry-after"))
            await self._pause(pauses, str(answer.status_code), wait, answer.text[:300])

    def _pauses(self) -> Pauses:
        return Pauses(0.0 if self.given_up else self.patience)

    async def _pause(self, pauses: Pauses, reason: str, asked: float, detail: str = "") -> None:
        """Raises Refusal when patience is at its end, and remembers that."""
        try:
            await pauses.next(reason, asked, detail)
        except Refusal:
            self.given_up = True
            raise


@dataclass
class Portion:
    """How many turns go at once: half as many after each request that fails, for a server may be too busy for all."""

    size: int
    sent: int = 0

    def take(self) -> int:
        self.sent = self.size
        self.size = max(1, self.size // 2)
        return self.sent

    def fits(self) -> None:
        self.size = self.sent


class Pauses:
    """Waits that grow, with some chance in them, until `patience` seconds have passed since the first."""

    def __init__(self, patience: float, now: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._now = patience, now
        self._until: float | None = None
        self._pause = FIRST_PAUSE

    async def next(self, reason: str, asked: float, detail: str = "") -> None:
        """Waits as long as the server asked, or else longer than before. Raises Refusal when patience is at its end."""
        if self._until is None:
            self._until = self._now() + self._patience
        pause = asked or self._pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if self._now() + pause > self._until:
            raise Refusal(reason, detail)
        await asyncio.sleep(pause)


async def play(workers: Iterable[Awaitable[None]]) -> None:
    """All workers at once; the first that fails ends the others."""
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(_run(worker))


async def _run(worker: Awaitable[None]) -> None:
    await worker


def _items(answer: httpx.Response, expected: int) -> Sequence[Mapping[str, Any]]:
    """The answers to each turn. Raises Refusal for an answer that does not have one for each."""
    try:
        items: Sequence[Mapping[str, Any]] = answer.json()["items"]
        statuses = [item["status"] for item in items]
    except (ValueError, KeyError, TypeError):
        raise Refusal(f"{answer.status_code} unreadable", answer.text[:300]) from None
    if len(statuses) != expected:
        raise Refusal(f"{answer.status_code} incomplete", f"{len(statuses)} items for {expected} turns")
    return items


def _session_id(answer: httpx.Response) -> str:
    """Raises Refusal for an answer without one."""
    try:
        return str(answer.json()["session_id"])
    except (ValueError, KeyError, TypeError):
        raise Refusal(f"{answer.status_code} unreadable", answer.text[:300]) from None


def _come_again(status: int) -> bool:
    return status == 429 or status >= 500


def _seconds(text: object) -> float:
    """The seconds of a Retry-After; its other form, a date, counts as none."""
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return 0.0


def _header_value(text: str) -> str:
    """The text as a header may carry it."""
    return "".join(character for character in text if " " <= character <= "~")
