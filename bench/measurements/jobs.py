"""Does what was promised end, whatever is lost meanwhile?

    python -m bench jobs [--moments 25] [--seed 16] [--out-of-reach 300]

At each moment an erasure, a withdrawal, a rebuild and a repricing are asked for. Then, after a random time, the host is
killed (SIGKILL), the file of its orchestrations is wiped, and it is started again. Every fourth time no orchestration
can be started while they are asked for; every other fourth time a second host, with orchestrations of its own, is given
the same jobs while the first one drives them. The timer that looks after jobs is called by hand, so that nobody waits
for its minute. All four must end; of the erased user nothing may be left but tombstones, counted over all containers.

With `--out-of-reach` there is one more moment, at which no orchestration can be started for so many seconds, and the
timer runs by itself. At the end all documents of all containers are looked through for those who were erased. Exits
with 1 if anything is not as it should be. Linux only.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.recount.remains import CONTAINERS, documents, is_only_tombstones
from bench.simulation.callers import Caller, fill, look
from bench.simulation.servers import Servers, servers
from bench.simulation.stack import ROOT
from local.cli.services import Service, stop, take_port, wait_until_healthy
from local.entra.identity import TENANT_ID, oid_of
from models.core.identity import user_id_of

Json = dict[str, Any]

TURNS = 30
LONGEST_LIFE_SECONDS = 2.0
END_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 900.0
"""Of the timer, after drivers that could not be started for some minutes."""

STAFF = "root@contoso.example"
SETTINGS = {"ERASURE_SETTLE_SECONDS": "0.2", "JOB_PATIENCE_SECONDS": "1"}
ALWAYS = {"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}


def hub_of(data: Path) -> Path:
    """The file of the orchestrations."""
    return data / "functions" / "durable.sqlite"


def wipe(data: Path) -> None:
    for path in hub_of(data).parent.glob("durable.sqlite*"):
        path.unlink()


def reach(running: Servers, is_in_reach: bool) -> None:
    """Has the host start orchestrations, or refuse to: from its next start on."""
    disabled = {"AzureWebJobs.drive_job.Disabled": "true"}
    environment = {name: value for name, value in running.host.environment.items() if name not in disabled}
    running.host.environment = environment if is_in_reach else environment | disabled


def restart(running: Servers) -> None:
    running.kill_host()
    running.start_host()


@contextmanager
def second_host(running: Servers, data: Path) -> Iterator[str]:
    """Another host of the same app, with orchestrations of its own; where it is reached."""
    port = take_port(0, "second host")
    host = Service(
        name="functions-2",
        module="local.functions",
        arguments=["--port", str(port), "--data", str(data / "functions-2"), "--app", str(ROOT)],
        health_url=f"http://127.0.0.1:{port}/admin/host/status",
        log=data / "logs" / "functions-2.log",
        environment=running.host.environment,
    )
    try:
        host.start()
        wait_until_healthy([host])
        yield f"http://127.0.0.1:{port}"
    finally:
        stop([host])


class Asked:
    """Two users with turns, and one job of each kind, asked for.

    Attributes:
        seconds: By kind, how long each took until its 202.
    """

    def __init__(self, running: Servers, name: str, admin: Caller, server: Caller) -> None:
        self.running, self.admin = running, admin
        self.leaver, self.stayer = f"leaver-{name}@contoso.example", f"stayer-{name}@contoso.example"
        self.seconds: dict[str, float] = {}
        self._left: dict[str, tuple[str, str]] = {}
        for email in (self.leaver, self.stayer):
            with Caller.of(running, email=email) as who:
                fill(running, who, server, email, TURNS)

    def ask(self) -> None:
        one = {"user_id": user_id_of(TENANT_ID, oid_of(self.stayer))}
        work: dict[str, tuple[str, str, str, Json | None]] = {
            "erasure": (self.leaver, "DELETE", "/me", None),
            "withdrawal": (self.stayer, "DELETE", "/me/analytics", None),
            "rebuild": (STAFF, "POST", "/admin/rebuilds", one | {"repair": True}),
            "repricing": (STAFF, "POST", "/admin/repricings", one | ALWAYS),
        }
        for kind, (email, method, path, body) in work.items():
            with self._as(email) as who:
                began = time.perf_counter()
                answer = who(method, path, body)
                self.seconds[kind] = time.perf_counter() - began
            if answer.status_code != 202:
                raise RuntimeError(f"{kind} was answered with {answer.status_code}: {answer.text}")
            self._left[kind] = (email, answer.headers["Location"].removeprefix("/api"))

    def drive_also(self, url: str) -> None:
        """Has another host drive the same jobs; those that have ended meanwhile stay as they are."""
        for _, path in self._left.values():
            answer = httpx.post(
                f"{url}/api/admin/jobs/{path.rpartition('/')[2]}/attempts", headers=self.admin.http.headers, timeout=60
            )
            if answer.status_code not in (202, 404):
                raise RuntimeError(f"a second driver was answered with {answer.status_code}: {answer.text}")

    def unfinished(self) -> list[str]:
        """The kinds of those that have not ended."""
        for kind, (email, path) in list(self._left.items()):
            with self._as(email) as who:
                if who("GET", path).json()["status"] == "completed":
                    del self._left[kind]
        return list(self._left)

    def has_left(self) -> bool:
        return is_only_tombstones(documents(self.running.cosmos_url, self.leaver))

    def ended(self, seconds: float, by_hand: bool) -> list[str]:
        """Waits until all have ended; what is wrong."""
        until = time.monotonic() + seconds
        while (self.unfinished() or not self.has_left()) and time.monotonic() < until:
            if by_hand:
                look(self.running)
            time.sleep(0.5)
        wrong = [f"{kind} has not ended" for kind in self.unfinished()]
        return wrong if self.has_left() else [*wrong, f"left: {documents(self.running.cosmos_url, self.leaver)}"]

    @contextmanager
    def _as(self, email: str) -> Iterator[Caller]:
        if email == STAFF:
            yield self.admin
        else:
            with Caller.of(self.running, email=email) as who:
                yield who


def moment(running: Servers, data: Path, number: int, chance: random.Random, asked: Asked) -> list[str]:
    """One moment; what was wrong."""
    if number % 4 == 3:
        reach(running, is_in_reach=False)
        restart(running)
        asked.ask()
        reach(running, is_in_reach=True)
    else:
        asked.ask()
    life = chance.uniform(0, LONGEST_LIFE_SECONDS)
    if number % 4 == 1:
        with second_host(running, data) as url:
            asked.drive_also(url)
            time.sleep(life)
            running.kill_host()
            wipe(data)
            running.start_host()
            return asked.ended(END_SECONDS, by_hand=True)
    time.sleep(life)
    running.kill_host()
    wipe(data)
    running.start_host()
    return asked.ended(END_SECONDS, by_hand=True)


def unreachable(running: Servers, seconds: float, asked: Asked) -> list[str]:
    """No orchestration can be started for so long, and nobody calls the timer; what was wrong."""
    reach(running, is_in_reach=False)
    restart(running)
    asked.ask()
    time.sleep(seconds)
    if set(asked.unfinished()) != set(asked.seconds):
        return ["a job has ended, though nothing can have driven it"]
    reach(running, is_in_reach=True)
    restart(running)
    began = time.monotonic()
    wrong = asked.ended(LONGEST_PAUSE_SECONDS, by_hand=False)
    print(f"out of reach for {seconds:.0f} s: ended {time.monotonic() - began:.0f} s after", flush=True)
    return wrong


def named_anywhere(cosmos_url: str, emails: list[str]) -> list[str]:
    """Documents, but for tombstones, that hold the id or the address of somebody who was erased: none should."""
    names = [name for email in emails for name in (user_id_of(TENANT_ID, oid_of(email)), email)]
    found = []
    for container in CONTAINERS:
        wanted = {"database": "vimarsh", "container": container, "query": "SELECT * FROM c WHERE c.kind != 'tombstone'"}
        rows = httpx.post(f"{cosmos_url}/_local/query", json=wanted, timeout=600).raise_for_status().json()["rows"]
        texts = [(str(row["kind"]), json.dumps(row)) for row in rows]
        found += [f"{container} {kind}" for kind, text in texts if any(name in text for name in names)]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench jobs", description="Lose what drives the jobs.")
    parser.add_argument("--moments", type=int, default=25, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=16, help="of the moments (default %(default)s)")
    parser.add_argument("--out-of-reach", type=float, default=0, metavar="SECONDS", help="one more moment, of so long")
    arguments = parser.parse_args()
    chance, wrong, emails = random.Random(arguments.seed), list[str](), list[str]()
    took: defaultdict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="vimarsh-jobs-") as folder, servers(Path(folder), SETTINGS) as running:
        staff = {"email": STAFF, "roles": ["Vimarsh.Admin"]}
        with Caller.of(running, **staff) as admin, Caller.of(running, app=True, roles=["Vimarsh.Ingest"]) as server:
            admin("GET", "/me").raise_for_status()
            for number in range(arguments.moments):
                asked = Asked(running, str(number), admin, server)
                found = moment(running, Path(folder), number, chance, asked)
                print(f"{number}: {found or 'as it should be'}", flush=True)
                wrong, emails = wrong + found, [*emails, asked.leaver]
                for kind, seconds in asked.seconds.items():
                    took[kind].append(seconds)
            if arguments.out_of_reach:
                asked = Asked(running, "unreachable", admin, server)
                wrong, emails = wrong + unreachable(running, arguments.out_of_reach, asked), [*emails, asked.leaver]
            wrong += named_anywhere(running.cosmos_url, emails)
    for kind, times in took.items():
        print(f"{kind}: 202 after {1000 * median(times):.0f} ms (median), {1000 * max(times):.0f} ms (most)")
    print(f"{arguments.moments} moments, {4 * arguments.moments} jobs: {len(wrong)} wrong {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
