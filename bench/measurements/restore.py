"""Does an erasure survive that the database is restored to a copy from before it?

    python -m bench restore [--users 20] [--bystanders 10] [--turns 20] [--kills 0]

The engine's folder is copied; then users are erased, and the copy takes its place: twice. Among them are one who was
erased before the copy, one whose erasure was running then, and one who came after it. The timer that looks after jobs
is called by hand; on its own it runs once a minute. Prints what the restored database showed, what the command said
that tells beforehand, after how many runs of the timer it was noticed, and what remained. Exits with 1 if that is not
nothing. Linux only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.recount.remains import Counts, documents, is_only_tombstones
from bench.simulation.callers import Caller, fill, look
from bench.simulation.servers import Servers, servers
from bench.simulation.stack import ROOT
from local.functions.settings import read_local_settings

SETTINGS = {"ERASURE_SETTLE_SECONDS": "0.2", "JOB_PATIENCE_SECONDS": "1"}
NOTICED = "a restore was noticed"
MOST_RUNS = 120


class Users:
    """People of these names, and their accounts."""

    def __init__(self, running: Servers, server: Caller, stack: ExitStack) -> None:
        self._running, self._server, self._stack = running, server, stack
        self.callers: dict[str, Caller] = {}

    def come(self, name: str, turns: int) -> str:
        email = f"{name}@contoso.example"
        self.callers[email] = self._stack.enter_context(Caller.of(self._running, email=email))
        fill(self._running, self.callers[email], self._server, email, turns)
        return email

    def left(self, emails: Sequence[str]) -> dict[str, Counts]:
        """What there is of those who should be gone."""
        found = {email: documents(self._running.cosmos_url, email) for email in emails}
        return {email: counts for email, counts in found.items() if not is_only_tombstones(counts)}

    def go(self, emails: Sequence[str], kills: int = 0) -> None:
        """They erase themselves, one after another.

        Args:
            kills: After the answers to so many of them the host is killed at once.
        """
        for number, email in enumerate(emails):
            self.callers[email]("DELETE", "/me").raise_for_status()
            if number < kills:
                self._running.kill_host()
                self._running.start_host()

    def wait_until_gone(self, emails: Sequence[str]) -> int:
        """Has the timer run until they are; how often."""
        for runs in range(MOST_RUNS):
            if not self.left(emails):
                return runs
            look(self._running)
            time.sleep(1)
        raise RuntimeError(f"still there: {self.left(emails)}")


@contextmanager
def a_system(folder: Path) -> Iterator[tuple[Servers, Users]]:
    with ExitStack() as stack:
        running = stack.enter_context(servers(folder, SETTINGS))
        server = stack.enter_context(Caller.of(running, app=True, roles=["Vimarsh.Ingest"]))
        yield running, Users(running, server, stack)


def copied(running: Servers, folder: Path) -> Path:
    """A copy of the database's folder."""
    copy = folder / "copy"
    running.stop_all()
    shutil.copytree(folder / "cosmosdb", copy)
    running.start_database()
    running.start_host()
    return copy


def restore(running: Servers, folder: Path, copy: Path) -> None:
    """Puts the copy in the place of the database, whose host is stopped; what drives jobs is lost, too."""
    running.stop_all()
    shutil.rmtree(folder / "cosmosdb")
    shutil.rmtree(folder / "functions")
    shutil.copytree(copy, folder / "cosmosdb")
    running.start_database()


def told_beforehand(running: Servers) -> list[str]:
    """What the command says."""
    names = ("COSMOS", "ERASURE_LOG", "PSEUDONYM_KEY", "COSMOS_DATABASE")
    settings = read_local_settings(ROOT).values | dict(running.host.environment)
    environment = os.environ | {name: settings[name] for name in names}
    command = [sys.executable, "-m", "functions.privacy.erased_since"]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return said.stdout.splitlines()


def rehearse(
    running: Servers, users: Users, folder: Path, copy: Path, gone: Sequence[str], stay: Sequence[str]
) -> bool:
    """One restore; whether all is as it should be."""
    before = {email: documents(running.cosmos_url, email) for email in stay}
    restore(running, folder, copy)
    back = users.left(gone)
    total = sum(count for counts in back.values() for kinds in counts.values() for count in kinds.values())
    print(f"  the restored database showed {len(back)} of {len(gone)} who were erased, with {total} documents")
    print("".join(f"  | {line}\n" for line in told_beforehand(running)[:4]), end="")
    running.start_host()
    began = time.perf_counter()
    open_again = sum(users.callers[email]("GET", "/me").status_code == 200 for email in back)
    look(running)
    noticed = 1
    while NOTICED not in running.host.log.read_text("utf-8", errors="replace") and noticed < MOST_RUNS:
        time.sleep(1)
        look(running)
        noticed += 1
    seconds = time.perf_counter() - began
    print(f"  {open_again} could use their accounts; noticed by run {noticed} of the timer, after {seconds:.1f} s")
    runs = noticed + users.wait_until_gone(gone)
    remains = users.left(gone)
    refused = sum(users.callers[email]("GET", "/me").status_code == 410 for email in gone)
    after = {email: documents(running.cosmos_url, email) for email in stay}
    harmed = [email for email in stay if users.callers[email]("GET", "/me").status_code != 200]
    seconds = time.perf_counter() - began
    print(f"  after run {runs}, {seconds:.1f} s: {len(remains)} remain, {refused} of {len(gone)} are refused")
    print(f"  {len(stay)} others: {len(harmed)} harmed, {sum(before[e] != after[e] for e in stay)} differ from before")
    print("".join(f"  | {line}\n" for line in told_beforehand(running)[:2]), end="")
    return not remains and not harmed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench restore", description="Erase users, and restore a copy.")
    parser.add_argument("--users", type=int, default=20, help="erased after the copy (default %(default)s)")
    parser.add_argument("--bystanders", type=int, default=10, help="who stay (default %(default)s)")
    parser.add_argument("--turns", type=int, default=20, help="of each (default %(default)s)")
    parser.add_argument("--kills", type=int, default=0, help="of the host, each right after an answer")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vimarsh-restore-") as name, a_system(Path(name)) as (running, users):
        folder = Path(name)
        stay = [users.come(f"stayer-{number}", arguments.turns) for number in range(arguments.bystanders)]
        leave = [users.come(f"leaver-{number}", arguments.turns) for number in range(arguments.users)]
        early, running_then = users.come("early", arguments.turns), users.come("running", arguments.turns)
        users.go([early])
        users.wait_until_gone([early])
        users.go([running_then])
        copy = copied(running, folder)
        late = users.come("late", arguments.turns)
        users.go([late, *leave], arguments.kills)
        gone = [early, running_then, *leave, late]
        if not arguments.kills:
            users.wait_until_gone(gone)
        print(f"erased: {arguments.users} after the copy, 1 before it, 1 while it was made, 1 who came later")
        results = []
        for number in range(2):
            print(f"restore {number + 1}")
            results.append(rehearse(running, users, folder, copy, [one for one in gone if one != late], stay))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
