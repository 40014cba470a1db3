"""Is an account erased whatever happens meanwhile, and what does it take?

    python -m bench erasure [--turns 5000] [--kills 50] [--seed 5] [--large 10000 100000]

First one user after another with that many turns is erased, and the host is killed (SIGKILL) at random moments, until
it has been killed that often: from the request on, or from its answer on while turns of the same user keep arriving.
Each time nothing may be left but tombstones, and the receipt has to count, kind by kind, what the database held when
the account was closed. Another user's turns keep arriving all the while. Then users with many turns are erased
undisturbed. Exits with 1 if anything is not as it should be. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.recount.remains import OUTSIDE, Counts, documents, is_only_tombstones
from bench.simulation.callers import Caller, Json, a_batch, fill
from bench.simulation.long_history import load, signed_in
from bench.simulation.pipeline import FEEDS_OFF
from bench.simulation.servers import Servers, servers
from bench.simulation.stack import Stack, local_stack

LONGEST_LIFE_SECONDS = 1.0
"""How long a host that is to be killed lives at most, once it answers."""

BYSTANDER = "bystander@contoso.example"

BOOKKEEPING = ("tombstone", "erasure_progress", "job")
"""What an erasure writes itself, its own job among it."""


def as_it_was(closed: Counts, before: Counts) -> Counts:
    """What the database held when an account was closed, from what it holds since: without what came for that."""
    counts = {name: Counter(kinds) for name, kinds in closed.items()}
    for container, kinds in OUTSIDE.items():
        counts[container].update({kind: before[container].get(kind, 0) for kind in kinds})
    return {
        name: {kind: kinds[kind] for kind in sorted(kinds) if kind not in BOOKKEEPING} for name, kinds in counts.items()
    }


class Arrivals(threading.Thread):
    """Turns that keep arriving, in batches, whether there is a host or not.

    Attributes:
        statuses: By email, how often each status was given; `after` those of batches that were sent after `closed`.
    """

    def __init__(self, server: Caller, *emails: str) -> None:
        super().__init__(daemon=True)
        self._send = server
        self._sessions = {email: str(uuid.uuid4()) for email in emails}
        self._ending = threading.Event()
        self.closed = threading.Event()
        self.statuses: dict[str, Counter[int]] = {email: Counter() for email in emails}
        self.after: dict[str, Counter[int]] = {email: Counter() for email in emails}

    def run(self) -> None:
        while not self._ending.is_set():
            is_after = self.closed.is_set()
            turns = [turn for email, session in self._sessions.items() for turn in a_batch(email, session, 3)]
            items = self._send("POST", "/ingest/turns", {"turns": turns}).raise_for_status().json()["items"]
            for turn, item in zip(turns, items, strict=True):
                email = turn["user"]["email"]
                self.statuses[email][item["status"]] += 1
                if is_after:
                    self.after[email][item["status"]] += 1

    @contextmanager
    def going_on(self) -> Iterator[Arrivals]:
        self.start()
        try:
            yield self
        finally:
            self._ending.set()
            self.join()


class Killer:
    """Kills the host and starts it again, as often as it is told to in all."""

    def __init__(self, running: Servers, kills: int, seed: int) -> None:
        self._running = running
        self._chance = random.Random(seed)
        self.left = kills

    def once(self) -> None:
        time.sleep(self._chance.uniform(0, LONGEST_LIFE_SECONDS))
        self._running.kill_host()
        self._running.start_host()
        self.left -= 1

    def until_done(self, user: Caller, path: str) -> Json:
        """Goes on until the erasure is done; its receipt."""
        while (receipt := user("GET", path).raise_for_status().json())["status"] != "completed":
            if self.left:
                self.once()
            else:
                time.sleep(0.05)
        return dict(receipt)


def erase(running: Servers, killer: Killer, user: Caller, server: Caller, email: str, with_arrivals: bool) -> list[str]:
    """Erases one user, killing the host meanwhile; what was wrong.

    Args:
        with_arrivals: Whether the user's turns keep arriving; else the host is killed from the request on.
    """
    left, before = killer.left, documents(running.cosmos_url, email)
    arrivals = Arrivals(server, BYSTANDER, *([email] if with_arrivals else []))
    with arrivals.going_on():
        time.sleep(0.5 if with_arrivals else 0)
        request = threading.Thread(target=user, args=("DELETE", "/me"), daemon=True)
        request.start()
        if not with_arrivals and killer.left:
            killer.once()
        request.join()
        receipt = user("DELETE", "/me").raise_for_status().json()
        arrivals.closed.set()
        if with_arrivals:
            time.sleep(0.5)  # what was on its way; deleting begins later
            before = as_it_was(documents(running.cosmos_url, email), before)
        receipt = killer.until_done(user, f"/erasures/{receipt['id']}")
        wait_for(lambda: is_only_tombstones(documents(running.cosmos_url, email)))
    wrong = []
    if receipt["deleted"] != before:
        wrong.append(f"the receipt says {receipt['deleted']}, but there was {before}")
    if not is_only_tombstones(left_over := documents(running.cosmos_url, email)):
        wrong.append(f"left over: {left_over}")
    if set(arrivals.after.get(email, {})) - {410}:
        wrong.append(f"turns that arrived afterwards were answered with {dict(arrivals.after[email])}")
    if set(arrivals.statuses[BYSTANDER]) - {200, 201}:  # 200 is for a batch sent again
        wrong.append(f"another user's turns were answered with {dict(arrivals.statuses[BYSTANDER])}")
    if user("GET", "/me").status_code != 410:
        wrong.append("the user is not gone")
    refused = sum(arrivals.after.get(email, Counter()).values())
    print(
        f"{email}: {receipt['deleted_total']} documents, {left - killer.left} kills, "
        f"{refused} turns refused afterwards: {wrong or 'as it should be'}",
        flush=True,
    )
    return wrong


def wait_for(condition: Any, seconds: float = 30) -> None:
    """Until it holds, or it is too late."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def with_kills(turns: int, kills: int, seed: int, settle_seconds: float = 4) -> bool:
    """Whether every erasure ends well, though the host is killed that often."""
    settings = {"ERASURE_SETTLE_SECONDS": str(settle_seconds), "JOB_PATIENCE_SECONDS": "5"}
    with tempfile.TemporaryDirectory(prefix="vimarsh-erasure-") as folder, servers(Path(folder), settings) as running:
        killer, wrong, number = Killer(running, kills, seed), list[str](), 0
        with Caller.of(running, app=True, roles=["Vimarsh.Ingest"]) as server:
            while killer.left or not number:
                email = f"leaver-{number}@contoso.example"
                with Caller.of(running, email=email) as user:
                    fill(running, user, server, email, turns)
                    wrong += erase(running, killer, user, server, email, with_arrivals=number % 2 == 0)
                number += 1
    print(f"{number} accounts erased, the host killed {kills} times: {len(wrong)} wrong")
    return not wrong


def peak_memory(stack: Stack) -> int:
    """The host's, in bytes, since `forget_peak`."""
    status = Path(f"/proc/{stack.child('local.functions')}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def undisturbed(stack: Stack, turns: int) -> bool:
    """Erases a user with many turns; whether all is gone and counted."""
    email = f"leaver-of-{turns}@contoso.example"
    with signed_in(stack, email) as client:
        user_id = client.get("/me").raise_for_status().json()["id"]
        asyncio.run(load(stack, user_id, turns))
        before = documents(stack.cosmos_url, email)
        Path(f"/proc/{stack.child('local.functions')}/clear_refs").write_text("5")  # the peak is from here on (proc(5))
        began = time.perf_counter()
        receipt = client.delete("/me").raise_for_status().json()
        while receipt["status"] != "completed":
            time.sleep(0.1)
            receipt = client.get(f"/erasures/{receipt['id']}").raise_for_status().json()
        seconds = time.perf_counter() - began
    wait_for(lambda: is_only_tombstones(documents(stack.cosmos_url, email)))
    is_right = receipt["deleted"] == before and is_only_tombstones(documents(stack.cosmos_url, email))
    print(
        f"{turns} turns: {receipt['deleted_total']} documents in {seconds:.1f} s, "
        f"{receipt['deleted_total'] / seconds:.0f} a second; peak memory of the host "
        f"{peak_memory(stack) / 2**20:.0f} MB: {'as it should be' if is_right else 'NOT as it should be'}",
        flush=True,
    )
    return bool(is_right)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench erasure", description="Erase accounts, come what may.")
    parser.add_argument("--turns", type=int, default=5000, help="of each account (%(default)s)")
    parser.add_argument("--kills", type=int, default=50, help="of the host (%(default)s)")
    parser.add_argument("--seed", type=int, default=5, help="of the moments at which it is killed (%(default)s)")
    parser.add_argument(
        "--large", type=int, nargs="*", default=[10_000, 100_000], help="turns of accounts erased undisturbed"
    )
    arguments = parser.parse_args()
    results = [with_kills(arguments.turns, arguments.kills, arguments.seed)]
    with local_stack(settings=FEEDS_OFF | {"ERASURE_SETTLE_SECONDS": "0"}) as stack:
        results += [undisturbed(stack, turns) for turns in arguments.large]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
