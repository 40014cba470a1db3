"""Does the API do what its description says? Schemathesis tries it over a local stack of its own.

    python -m bench contract [--cases N] [--seed N]

All its checks: no 5xx, no status, header or body that is not described, nothing accepted that the schemas refuse and
nothing refused that they accept, no operation open without a token. Exits with 1 if one fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from bench.simulation.stack import ROOT, Stack, local_stack
from functions.core.examples import BODIES

SEED = 20261120
CASES = 100
SETTINGS = Path(__file__).with_name("schemathesis.toml")


def check(cases: int = CASES, seed: int = SEED) -> tuple[bool, str]:
    """Whether the API keeps its contract, and what schemathesis says of it.

    Args:
        cases: Most cases that are made at random for each operation, besides those that follow from the schemas.
        seed: The same one makes the same cases.
    """
    with tempfile.TemporaryDirectory(prefix="vimarsh-contract-") as folder, local_stack() as stack:
        command = [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(SETTINGS)),
            *("run", f"{stack.functions_url}/api/openapi.json"),
            *("--checks", "all"),
            *("--max-examples", str(cases), "--seed", str(seed), "--generation-database", "none"),
            *("--no-color", "--continue-on-failure"),
        ]
        environment = os.environ | _environment(stack) | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def _environment(stack: Stack) -> dict[str, str]:
    """What the hooks need: who calls, and things that exist, made as clients make them."""
    with httpx.Client(timeout=30) as http:

        def token(**wanted: Any) -> str:
            answer = http.post(f"{stack.entra_url}/_local/token", json=wanted).raise_for_status()
            return str(answer.json()["access_token"])

        def call(method: str, path: str, who: str, body: Any = None) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {tokens[who]}"}
            answer = http.request(method, f"{stack.functions_url}/api/{path}", json=body, headers=headers)
            content: dict[str, Any] = answer.raise_for_status().json()
            return content

        tokens = {
            "user": token(email="alice@contoso.example"),
            "other": token(email="bob@contoso.example"),
            "staff": token(email="carol@contoso.example", roles=["Vimarsh.Admin", "Vimarsh.Moderator"]),
            "server": token(app=True, roles=["Vimarsh.Ingest", "Vimarsh.Import"]),
            "leaver": token(email="erin@contoso.example"),
        }
        for who in ("user", "staff", "leaver"):
            call("GET", "me", who)
        session = call("POST", "sessions", "user", {})
        path = f"sessions/{session['id']}/interactions"
        turns = [call("POST", path, "user", BODIES["record_interaction"]["a turn"]) for _ in range(3)]
        bookmark = call("POST", "bookmarks", "user", {"interaction_id": turns[0]["id"]})
        ids = {
            "user_id": call("GET", "me", "other")["id"],
            "session_id": session["id"],
            "interaction_id": turns[0]["id"],
            "bookmark_id": bookmark["id"],
            "leaver_id": call("GET", "me", "leaver")["id"],
            "erasure_id": call("DELETE", "me", "leaver")["id"],
        }
    return {
        "CONTRACT_TOKENS": json.dumps(tokens),
        "CONTRACT_IDS": json.dumps(ids),
        "SCHEMATHESIS_HOOKS": "bench.measurements.contract_hooks",
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench contract", description="Try the API as it is described.")
    parser.add_argument("--cases", type=int, default=CASES, help="for each operation (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="the same one makes the same cases (%(default)s)")
    arguments = parser.parse_args()
    kept, said = check(arguments.cases, arguments.seed)
    print(said)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
