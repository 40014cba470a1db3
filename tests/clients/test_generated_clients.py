"""Clients that generators make of the stored description compile under their strictest settings, and do one turn each.

TypeScript needs node, and `npm ci` in `tests/clients/typescript`; without, its tests are skipped. C# is not made here:
`tests/functions/core/test_generated_clients.py` holds the rules for what comes out badly there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.simulation.stack import Stack, local_stack
from docs.api_description import STORED

TYPESCRIPT = Path(__file__).parent / "typescript"
NODE = shutil.which("node")

typescript = pytest.mark.skipif(
    NODE is None or not (TYPESCRIPT / "node_modules").is_dir(),
    reason="needs node, and `npm ci` in tests/clients/typescript",
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with local_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def environment(stack: Stack) -> dict[str, str]:
    answer = httpx.post(f"{stack.entra_url}/_local/token", json={"email": "alice@contoso.example"}).raise_for_status()
    return {"API": f"{stack.functions_url}/api", "TOKEN": answer.json()["access_token"]}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both clients with their turns, compiled."""
    folder = tmp_path_factory.mktemp("typescript")
    for file in TYPESCRIPT.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(TYPESCRIPT / "node_modules")
    (folder / "generated").mkdir()
    shutil.copy(STORED, folder / "generated" / "openapi.json")
    for command in (
        ["openapi-typescript", "generated/openapi.json", "-o", "generated/openapi.d.ts"],
        ["openapi-ts", "-f", "openapi-ts.config.mjs"],
        ["tsc"],
    ):
        program = folder / "node_modules" / ".bin" / command[0]
        done = subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@typescript
@pytest.mark.timeout(300)
@pytest.mark.parametrize("client", ["fetch", "sdk"])
def test_a_client_in_typescript_does_a_turn(built: Path, environment: dict[str, str], client: str) -> None:
    done = subprocess.run(
        [str(NODE), f"built/{client}.js"], cwd=built, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["tokens"], told["rating"]) == (16, None)


@pytest.fixture(scope="module")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package that is made."""
    folder = tmp_path_factory.mktemp("python")
    command = ["generate", "--path", str(STORED), "--output-path", str(folder / "vimarsh_client"), "--meta", "none"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    program = Path(sys.executable).with_name("openapi-python-client")
    done = subprocess.run([program, *command], env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    left_out = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("Unable to", "WARNING"))]
    # lines of JSON are no type it knows
    assert left_out == [
        f"WARNING parsing GET {path}"
        for path in ("/me/export within export.", "/wards/{child_id}/export within wards.")
    ]
    return folder


def test_a_client_in_python_is_strictly_typed(python_client: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "vimarsh_client"]
    done = subprocess.run(command, cwd=python_client, capture_output=True, text=True)
    wrong = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [line for line in wrong if not line.startswith("vimarsh_client/client.py:")] == []  # that is the tool's own


def test_a_client_in_python_does_a_turn(python_client: Path, environment: dict[str, str]) -> None:
    turn = Path(__file__).with_name("python_turn.txt").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", turn],
        cwd=python_client,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["tokens"], told["refused"]) == (16, "urn:vimarsh:problem:limit-reached")
