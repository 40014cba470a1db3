"""The whole thing as its users meet it: processes, sockets, files, and a kill in the middle."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import pytest

from bench.measurements.totals import expected, stored
from bench.simulation.stack import SAMPLE, Stack, local_stack, run_local
from local.cli.sample_organizations import found_sample

TURNS, USERS = SAMPLE / "turns.jsonl", SAMPLE / "users.json"


def local(*arguments: str) -> tuple[int, str]:
    """Exit code and all that is printed."""
    with run_local(*arguments) as process:
        printed, _ = process.communicate()
        return process.returncode, printed


def replay_command(stack: Stack, *options: str) -> list[str]:
    urls = ["--functions-url", stack.functions_url, "--entra-url", stack.entra_url]
    return ["replay", str(TURNS), "--users", str(USERS), *urls, *options]


def totals_differ(stack: Stack) -> list[str]:
    wanted, found = expected(TURNS, USERS), stored(stack.cosmos_url)
    assert len(wanted) == 12
    return [user for user in wanted if wanted[user] != found.get(user)]


def test_a_replay_is_counted_exactly_and_a_second_changes_nothing(tmp_path: Path) -> None:
    with local_stack(tmp_path) as stack:
        code, printed = local(*replay_command(stack))
        assert code == 0, printed
        assert totals_differ(stack) == []
        code, printed = local(*replay_command(stack))
        assert code == 0, printed
        assert "0 new" in printed
        assert totals_differ(stack) == []
        turns = "SELECT VALUE COUNT(1) FROM c WHERE c.kind = 'interaction'"
        count = ["query", turns, "--container", "user_interactions", "--json"]
        _, printed = local(*count, "--cosmos-url", stack.cosmos_url)
        assert printed.splitlines()[0] == "254"
        for _ in range(2):
            found_sample(f"{stack.functions_url}/api", stack.entra_url, SAMPLE / "organizations.json")
        _, printed = local(*count, "--cosmos-url", stack.cosmos_url)
        assert printed.splitlines()[0] == "260"
        members = "SELECT VALUE COUNT(1) FROM c WHERE c.kind = 'member' AND c.status = 'active'"
        _, printed = local("query", members, "--container", "users", "--json", "--cosmos-url", stack.cosmos_url)
        assert printed.splitlines()[0] == "27"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the servers' processes in /proc")
@pytest.mark.parametrize("victim", ["local.functions", "local.cosmosdb"])
def test_a_server_killed_in_the_middle_of_a_replay_loses_and_doubles_nothing(tmp_path: Path, victim: str) -> None:
    with local_stack(tmp_path) as stack:
        with run_local(*replay_command(stack, "--concurrency", "2", "--patience", "1")) as replay:
            while not stored(stack.cosmos_url):
                assert replay.poll() is None
            os.kill(stack.child(victim), signal.SIGKILL)
            replay.communicate()
        assert stack.process.wait() == 1
    with local_stack(tmp_path, again=stack) as stack:
        code, printed = local(*replay_command(stack))
        assert code == 0, printed
        assert totals_differ(stack) == []


def test_a_live_replay_reaches_the_dashboard() -> None:
    with local_stack() as stack:
        code, printed = local(*replay_command(stack, "--mode", "live", "--limit", "60"))
        assert code == 0, printed
        _, token = local("token", "--user", "alice@contoso.example", "--entra-url", stack.entra_url)
        headers = {"Authorization": f"Bearer {token.strip()}"}
        board = httpx.get(f"{stack.functions_url}/api/me/dashboard", headers=headers).json()
        assert board["total_interactions"] > 0
        assert board["as_of"]
