"""Do answers hold? What is charged and recorded when clients go, keys are sent again, and hosts die in mid-stream.

    python -m bench answering [--kills 10] [--gone 200] [PART ...]

Two hosts over one database, and a model of our own that counts its calls. The parts:

* `speed`: the first delta beside calling the model directly, and deltas of a model that gives 300 a second
* `budget`: 200 at once against a budget for 50
* `repeated`: one key 20 times at once, on both hosts; and stopped by the host that does not make it
* `gone`: clients that close their connection at random moments
* `erased`: accounts that are deleted in mid-stream
* `killed`: ten answers in mid-stream each time that the host is killed (-9) and started again

After each: no key has two calls, each call that said something has one turn, what is used is what the turns say, and
nothing is reserved. Exits with 1 if anything else comes out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.simulation.servers import Servers, another_host, servers
from local.openai.server import serve_in_thread

Json = dict[str, Any]

AT_ONCE, FITTING = 200, 50
RATE = 300
IN_FLIGHT = 10
QUIET_LOOKS = 4
SETTLED_SECONDS = 150.0
"""A lease, and two runs of the timer."""


@dataclass
class User:
    """Somebody who asks; `keys` are those that were used."""

    headers: dict[str, str]
    session_id: str
    keys: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """Hosts, a model, and what was found wrong."""

    running: Servers
    model_url: str
    urls: list[str]
    http: httpx.AsyncClient
    wrong: list[str] = field(default_factory=list)

    async def user(self) -> User:
        who = {"email": f"{uuid.uuid4().hex}@contoso.example"}
        token = (await self.http.post(f"{self.running.entra_url}/_local/token", json=who)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        session = await self.http.post(f"{self.urls[0]}/api/sessions", json={}, headers=headers)
        return User(headers, session.raise_for_status().json()["session_id"])

    async def model(self, **script: Any) -> None:
        (await self.http.post(f"{self.model_url}/_local/script", json=script)).raise_for_status()

    async def calls(self) -> list[Json]:
        calls: list[Json] = (await self.http.get(f"{self.model_url}/_local/calls")).json()["calls"]
        return calls

    def asking(self, user: User, key: str, host: int = 0, stream: bool = True) -> Any:
        """A request for an answer; its question is its key, so that the model's calls can be told apart."""
        user.keys.append(key)
        headers = user.headers | {"Idempotency-Key": key} | ({"Accept": "text/event-stream"} if stream else {})
        body = {"question": key, "context_tokens": 0}
        return self.http.stream("POST", self._answers(user, host), json=body, headers=headers)

    async def ask(self, user: User, key: str, host: int = 0, stream: bool = True) -> tuple[int, str]:
        async with self.asking(user, key, host, stream) as answer:
            return answer.status_code, (await answer.aread()).decode()

    def _answers(self, user: User, host: int) -> str:
        return f"{self.urls[host]}/api/sessions/{user.session_id}/answers"

    async def get(self, user: User, path: str, host: int = 0) -> Json:
        answer: Json = (await self.http.get(f"{self.urls[host]}/api/{path}", headers=user.headers)).json()
        return answer

    async def turns(self, user: User) -> list[Json]:
        turns: list[Json] = []
        continuation: str | None = ""
        while continuation is not None:
            further = f"&continuation={continuation}" if continuation else ""
            page = await self.get(user, f"sessions/{user.session_id}/interactions?limit=100{further}")
            turns, continuation = turns + page["items"], page["continuation"]
        return turns

    def check(self, holds: bool, what: str) -> None:
        print(f"{'ok   ' if holds else 'WRONG'}  {what}", flush=True)
        if not holds:
            self.wrong.append(what)

    async def settle(self, user: User) -> None:
        """Waits until nothing is reserved or asked any more, and compares what was said, recorded and charged."""
        until, seen, quiet = time.monotonic() + SETTLED_SECONDS, -1, 0
        while quiet < QUIET_LOOKS and time.monotonic() < until:
            await asyncio.sleep(1)
            is_reserved = any(line["reserved"] for line in (await self.get(user, "me/usage"))["limits"])
            before, seen = seen, len(await self.calls())
            quiet = quiet + 1 if not is_reserved and seen == before else 0
        limits = (await self.get(user, "me/usage"))["limits"]
        lines = {line["measure"]: line for line in limits if line["window"] == "day"}
        turns, calls = await self.turns(user), await self.calls()
        asked = Counter(call["messages"][-1]["content"] for call in calls)
        own = {key: count for key, count in asked.items() if key in set(user.keys)}
        recorded = Counter(turn["user_query"] for turn in turns)
        self.check(max(own.values(), default=0) <= 1, f"{len(own)} calls of the model, none twice for one key")
        self.check(max(recorded.values(), default=0) <= 1, f"{len(recorded)} turns, none twice for one key")
        said = {call["messages"][-1]["content"] for call in calls if call["said"]} & set(user.keys)
        self.check(said <= set(recorded), f"{len(said)} calls that said something, each with its turn")
        used = (lines["queries"]["used"], lines["tokens"]["used"])
        told = (len(turns), sum(turn["total_tokens"] for turn in turns))
        self.check(used == told, f"used {used}, recorded {told}")
        self.check(not any(line["reserved"] for line in lines.values()), "nothing is reserved")
        print(f"       {len(set(recorded) - set(own))} turns without a call: of claims whose process ended at once")
        print("       ends:", dict(Counter(turn["answer_end"] for turn in turns)))


async def speed(bench: Bench) -> None:
    user = await bench.user()
    await bench.model(words=3)
    direct, through = [], []
    ask = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    for _ in range(40):
        call = bench.http.stream("POST", f"{bench.model_url}/v1/chat/completions", json=ask)
        direct.append(await _first(call, "content"))
        through.append(await _first(bench.asking(user, str(uuid.uuid4())), "event: delta"))
    ours, theirs = (1000 * statistics.median(times[10:]) for times in (through, direct))
    told = f"first delta after {ours:.1f} ms, of the model itself after {theirs:.1f} ms (medians)"
    bench.check(ours - theirs < 50, told)
    await bench.model(words=3 * RATE, pause=1 / RATE)
    began = time.perf_counter()
    _, text = await bench.ask(user, str(uuid.uuid4()))
    took = time.perf_counter() - began
    events = text.count("event: delta")
    bench.check(took < 3.3, f"{3 * RATE} deltas at {RATE} a second took {took:.2f} s, as {events} events")


async def _first(request: Any, wanted: str) -> float:
    """Seconds until a line with these words has come."""
    began = time.perf_counter()
    took = 0.0
    async with request as answer:
        async for line in answer.aiter_lines():
            if wanted in line and not took:
                took = time.perf_counter() - began
    return took


async def budget(bench: Bench) -> None:
    await bench.model(words=5)
    user = await bench.user()
    answers = await asyncio.gather(*(bench.ask(user, str(uuid.uuid4()), n % 2, n % 3 > 0) for n in range(AT_ONCE)))
    done = sum("recorded" in text and status < 300 for status, text in answers)
    refused = sum(status == 429 for status, _ in answers)
    told = f"{AT_ONCE} at once: {done} answered, {refused} refused"
    bench.check((done, refused) == (FITTING, AT_ONCE - FITTING), told)
    await bench.settle(user)


async def repeated(bench: Bench) -> None:
    await bench.model(words=60, pause=0.05)
    user, key = await bench.user(), str(uuid.uuid4())
    answers = await asyncio.gather(*(bench.ask(user, key, n % 2, n % 4 < 3) for n in range(20)))
    whole = sum("event: recorded" in text for _, text in answers)
    bench.check(whole == 15, f"one key 20 times at once on two hosts: {whole} of 15 streams end with the turn")
    others = Counter(status for status, text in answers if "event:" not in text)
    bench.check(set(others) <= {201, 409}, f"as JSON: {dict(others)}")
    stopped = str(uuid.uuid4())
    asking = asyncio.create_task(bench.ask(user, stopped))
    await asyncio.sleep(1)
    async with bench.asking(user, stopped, 1, stream=False) as answer:
        place = answer.headers["location"].removeprefix("/api/")
    gone = await bench.http.delete(f"{bench.urls[1]}/api/{place}", headers=user.headers)
    _, text = await asking
    bench.check(gone.status_code == 204 and '"end":"stopped"' in text, "stopped by the other host")
    await bench.settle(user)


async def gone(bench: Bench, count: int) -> None:
    await bench.model(words=20, pause=0.02)
    user, slots = await bench.user(), asyncio.Semaphore(25)

    async def once() -> None:
        async with slots:
            with suppress(httpx.HTTPError):
                async with asyncio.timeout(random.uniform(0.0, 0.8)):
                    await bench.ask(user, str(uuid.uuid4()), random.randrange(2), random.random() < 0.7)

    await asyncio.gather(*(once() for _ in range(count)), return_exceptions=True)
    print(f"       {count} clients have closed their connections")
    await asyncio.sleep(3)
    await bench.settle(user)


async def erased(bench: Bench) -> None:
    await bench.model(words=400, pause=0.02)
    users = [await bench.user() for _ in range(5)]
    asking = [asyncio.create_task(bench.ask(user, str(uuid.uuid4()), n % 2)) for n, user in enumerate(users)]
    await asyncio.sleep(1)
    for user in users:
        (await bench.http.delete(f"{bench.urls[1]}/api/me", headers=user.headers)).raise_for_status()
    texts = [text for _, text in await asyncio.gather(*asking)]
    bench.check(not any("event: recorded" in text for text in texts), "answers of erased accounts are not recorded")
    keys = {key for user in users for key in user.keys}
    calls = [call for call in await bench.calls() if call["messages"][-1]["content"] in keys]
    bench.check(not any(call["ended"] for call in calls), f"{len(calls)} calls of the model were broken off")


async def killed(bench: Bench, kills: int) -> None:
    user = await bench.user()
    await bench.model(words=60, pause=0.05)

    async def ask(key: str) -> None:
        with suppress(httpx.HTTPError):
            await bench.ask(user, key)

    for _ in range(kills):
        asking = [asyncio.create_task(ask(str(uuid.uuid4()))) for _ in range(IN_FLIGHT)]
        await asyncio.sleep(random.uniform(0.02, 3.0))
        bench.running.kill_host()
        await asyncio.gather(*asking)
        await asyncio.to_thread(bench.running.start_host)
    print(f"       the host was killed {kills} times, with {IN_FLIGHT} answers under way")
    await bench.settle(user)


async def measure(running: Servers, model_url: str, another: str, parts: list[str], kills: int, leavers: int) -> int:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=120, limits=limits) as http:
        bench = Bench(running, model_url, [running.functions_url, another], http)
        all_parts: dict[str, Callable[[], Awaitable[None]]] = {
            "speed": lambda: speed(bench),
            "repeated": lambda: repeated(bench),
            "gone": lambda: gone(bench, leavers),
            "erased": lambda: erased(bench),
            "killed": lambda: killed(bench, kills),
            "budget": lambda: budget(bench),
        }
        for name in parts:
            print(f"{name}:", flush=True)
            await all_parts[name]()
    return 1 if bench.wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench answering", description="Do answers hold?")
    parser.add_argument("parts", nargs="*", metavar="PART", help="speed, repeated, gone, erased, killed, budget")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--gone", type=int, default=200)
    arguments = parser.parse_args()
    parts = arguments.parts or ["speed", "repeated", "gone", "erased", "killed", "budget"]
    roomy = [part for part in parts if part != "budget"]
    failed = run(roomy, arguments, 100_000) if roomy else 0
    return failed or (run(["budget"], arguments, FITTING) if "budget" in parts else 0)


def run(parts: list[str], arguments: argparse.Namespace, queries: int) -> int:
    """These parts, with so many queries a day for each user."""
    with serve_in_thread() as model_url, tempfile.TemporaryDirectory(prefix="vimarsh-") as folder:
        model = {"endpoint": f"{model_url}/v1", "context_window": 32_000, "max_output_tokens": 2000}
        settings = {
            "MODELS": json.dumps({"gpt-4o-mini": model}),
            "LIMITS": json.dumps({"day": {"queries": queries, "tokens": 10**9}}),
            "WRITE_LIMIT": '{"turns": 1000000, "bytes": 1000000000000}',
        }
        with servers(Path(folder), settings) as running:
            urls = (running.functions_url, running.entra_url, running.cosmos_url)
            with another_host(urls[1], urls[2], settings) as another:
                return asyncio.run(measure(running, model_url, another, parts, arguments.kills, arguments.gone))


if __name__ == "__main__":
    sys.exit(main())
