"""An app with a wrong setting says so: to whoever asks, and to its log. It runs nothing by itself then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT

ASK = """
import asyncio, json, logging, sys
import httpx
from pathlib import Path
from local.functions.host import FunctionHost

async def main() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    root, settings, paths = json.loads(sys.argv[1])
    async with FunctionHost(Path(root), settings=settings) as host:
        triggers = sorted({function.trigger.type for function in host.functions})
        transport = httpx.ASGITransport(host)
        async with httpx.AsyncClient(transport=transport, base_url="http://app/api") as client:
            answers = [await client.request(method, path) for method, path in paths]
    told = [[a.status_code, a.headers["content-type"], a.headers["x-request-id"], a.text] for a in answers]
    print(json.dumps({"triggers": triggers, "answers": told}))

asyncio.run(main())
"""
PATHS = [
    ("GET", "/health"),
    ("GET", "/health/ready"),
    ("GET", "/me"),
    ("DELETE", "/me"),
    ("POST", "/ingest/turns"),
    ("GET", "/admin/jobs"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/no/such/path"),
]


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"ENTRA_AUDIENCE": ""}, ["ENTRA_AUDIENCE"]),
        ({"ENTRA_TENANTS": "s3cret", "LIMITS": '{"day": {"queries": "s3cret"}}'}, ["ENTRA_TENANTS", "LIMITS"]),
        ({"CAPABILITIES": "s3cret"}, ["CAPABILITIES"]),
    ],
)
def test_everything_is_answered_with_the_names_of_the_settings_and_nothing_runs(
    settings: dict[str, str], wrong: dict[str, str], names: list[str]
) -> None:
    command = [sys.executable, "-c", ASK, json.dumps([str(ROOT), settings | wrong, PATHS])]
    environment = os.environ | settings | wrong
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["triggers"] == ["httpTrigger"]
    for status, media_type, request_id, text in found["answers"]:
        assert (status, media_type) == (503, "application/problem+json"), text
        problem = json.loads(text)
        assert (problem["type"], problem["settings"]) == ("urn:vimarsh:problem:misconfigured", names)
        assert problem["request_id"] == request_id
        assert "s3cret" not in json.dumps(problem)
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    assert [line for line in errors if all(name in line for name in names)]
