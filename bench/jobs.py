"""Does what was promised end, whatever is lost meanwhile?

    python -m bench.jobs [--moments 25] [--seed 16]

At each moment an erasure, a withdrawal, a rebuild and a repricing are asked for. Then, after a random time, the host is
killed (SIGKILL), the file of its orchestrations is wiped, and it is started again; every fourth time no orchestration
can be started while they are asked for. The timer that looks after jobs is called by hand, so that nobody waits for its
minute. All four must end; of the erased user nothing may be left but tombstones, counted over all containers. Exits
with 1 if anything is not as it should be. Linux only.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.erasure import Caller, documents, fill, is_only_tombstones
from bench.servers import Servers, servers

Json = dict[str, Any]

TURNS = 30
LONGEST_LIFE_SECONDS = 2.0
END_SECONDS = 120.0
SETTINGS = {"ERASURE_SETTLE_SECONDS": "0.2", "JOB_PATIENCE_SECONDS": "1"}
ALWAYS = {"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}


def hub_of(data: Path) -> Path:
    """The file of the orchestrations."""
    return data / "functions" / "durable.sqlite"


def wipe(data: Path) -> None:
    for path in hub_of(data).parent.glob("durable.sqlite*"):
        path.unlink()


@contextmanager
def out_of_reach(running: Servers, is_so: bool) -> Iterator[None]:
    """Has the host refuse to start orchestrations."""
    before = running.host.environment
    if is_so:
        running.host.environment = {**before, "AzureWebJobs.drive_job.Disabled": "true"}
        running.kill_host()
        running.start_host()
    yield
    running.host.environment = before


def look(running: Servers) -> None:
    """Has the timer run that looks after jobs."""
    url = f"{running.functions_url}/admin/functions/keep_watch"
    httpx.post(url, json={}, timeout=30).raise_for_status()


def asked(leaver: Caller, stayer: Caller, admin: Caller, user_id: str) -> dict[str, tuple[Caller, str]]:
    """Asks for one job of each kind: who looks at it, and where."""
    one = {"user_id": user_id}
    work = {
        "erasure": (leaver, leaver("DELETE", "/me")),
        "withdrawal": (stayer, stayer("DELETE", "/me/analytics")),
        "rebuild": (admin, admin("POST", "/admin/rebuilds", one | {"repair": True})),
        "repricing": (admin, admin("POST", "/admin/repricings", one | ALWAYS)),
    }
    found = {}
    for kind, (who, answer) in work.items():
        if answer.status_code != 202:
            raise RuntimeError(f"{kind} was answered with {answer.status_code}: {answer.text}")
        found[kind] = (who, answer.headers["Location"].removeprefix("/api"))
    return found


def moment(
    running: Servers, data: Path, number: int, chance: random.Random, admin: Caller, server: Caller
) -> list[str]:
    """One moment; what was wrong."""
    emails = f"leaver-{number}@contoso.example", f"stayer-{number}@contoso.example"
    with Caller.of(running, email=emails[0]) as leaver, Caller.of(running, email=emails[1]) as stayer:
        for email, who in zip(emails, (leaver, stayer), strict=True):
            fill(running, who, server, email, TURNS)
        user_id = stayer("GET", "/me").json()["id"]
        began = time.perf_counter()
        with out_of_reach(running, number % 4 == 3):
            work = asked(leaver, stayer, admin, user_id)
            took = time.perf_counter() - began
        time.sleep(chance.uniform(0, LONGEST_LIFE_SECONDS))
        running.kill_host()
        wipe(data)
        running.start_host()
        until, left = time.monotonic() + END_SECONDS, dict(work)
        while left and time.monotonic() < until:
            look(running)
            time.sleep(0.5)
            left = {kind: one for kind, one in left.items() if one[0]("GET", one[1]).json()["status"] != "completed"}
        wrong = [f"{kind} has not ended" for kind in left]
        while not is_only_tombstones(documents(running.cosmos_url, emails[0])) and time.monotonic() < until:
            look(running)
            time.sleep(0.2)
        if not is_only_tombstones(remains := documents(running.cosmos_url, emails[0])):
            wrong.append(f"left over: {remains}")
    print(f"{number}: all four asked for in {took:.2f} s: {wrong or 'as it should be'}", flush=True)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description="Lose what drives the jobs.")
    parser.add_argument("--moments", type=int, default=25, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=16, help="of the moments (default %(default)s)")
    arguments = parser.parse_args()
    chance, wrong = random.Random(arguments.seed), list[str]()
    with tempfile.TemporaryDirectory(prefix="vimarsh-jobs-") as folder, servers(Path(folder), SETTINGS) as running:
        staff = {"email": "root@contoso.example", "roles": ["Vimarsh.Admin"]}
        with Caller.of(running, **staff) as admin, Caller.of(running, app=True, roles=["Vimarsh.Ingest"]) as server:
            admin("GET", "/me").raise_for_status()
            for number in range(arguments.moments):
                wrong += moment(running, Path(folder), number, chance, admin, server)
    print(f"{arguments.moments} moments, {4 * arguments.moments} jobs: {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
