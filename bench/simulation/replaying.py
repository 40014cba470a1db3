"""Traffic that is replayed into a stack, and rebuilds of what came of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx

from bench.simulation.stack import Stack, run_local

PATIENCE_SECONDS = 600
"""A benchmark measures what was played, so all of it is: also on a machine that is busy with something else."""


def play(stack: Stack, turns: Path, users: Path, *options: str) -> None:
    """Replays the traffic and waits for the fold. `options` are those of `python -m local replay`."""
    urls = ["--functions-url", stack.functions_url, "--entra-url", stack.entra_url, "--cosmos-url", stack.cosmos_url]
    patience = ["--patience", str(PATIENCE_SECONDS)]
    with run_local("replay", str(turns), "--users", str(users), *urls, *patience, *options) as replay:
        printed, _ = replay.communicate()
        if replay.returncode:
            raise RuntimeError(printed)


def admin(stack: Stack) -> dict[str, str]:
    wanted = {"email": "root@contoso.example", "roles": ["Vimarsh.Admin"]}
    answer = httpx.post(f"{stack.entra_url}/_local/token", json=wanted).raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def start(stack: Stack, repair: bool) -> str:
    """The path of a new rebuild of everybody."""
    url = f"{stack.functions_url}/api/admin/rebuilds"
    answer = httpx.post(url, json={"repair": repair}, headers=admin(stack), timeout=60).raise_for_status()
    return str(answer.headers["location"])


def look(stack: Stack, path: str) -> dict[str, Any]:
    answer = httpx.get(stack.functions_url + path, headers=admin(stack), timeout=60).raise_for_status()
    return dict(answer.json())


def end(stack: Stack, path: str) -> dict[str, Any]:
    """The rebuild when it has ended."""
    while (found := look(stack, path))["status"] == "running":
        time.sleep(0.1)
    return found
