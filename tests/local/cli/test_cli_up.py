from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt
import pytest

from local.cli.query import count_rows
from local.entra.identity import API_CLIENT_ID, TENANT_ID
from tests.local.cli.test_cli_services import until_nobody_listens

ROOT = Path(__file__).resolve().parents[3]
APP = """
import json
import os

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
taken = []


@app.route("settings")
def settings(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({name: os.environ[name] for name in ("COSMOS", "AUDIENCE", "PLAIN")}))


@app.route("ingest/turns", methods=["POST"])
def ingest(req: func.HttpRequest) -> func.HttpResponse:
    turns = req.get_json()["turns"]
    taken.extend(turn["id"] for turn in turns)
    items = [{"id": turn["id"], "status": 201} for turn in turns]
    return func.HttpResponse(json.dumps({"items": items}), status_code=207)


@app.route("taken")
def count(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(len(set(taken))))
"""
CONTAINERS = [
    {"id": name, "partitionKey": {"paths": ["/partition_key"], "kind": "Hash", "version": 2}}
    for name in ("users", "user_interactions")
]
TEMPLATE = {"COSMOS": "http://127.0.0.1:${COSMOS_PORT}/", "AUDIENCE": "${ENTRA_AUDIENCE}", "PLAIN": "as it is"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A small function app of its own."""
    folder = tmp_path / "app"
    (folder / "cosmos").mkdir(parents=True)
    (folder / "function_app.py").write_text(APP)
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "cosmos" / "containers.json").write_text(json.dumps({"containers": CONTAINERS}))
    (folder / "local.settings.template.json").write_text(json.dumps({"IsEncrypted": False, "Values": TEMPLATE}))
    return folder


@dataclass(frozen=True)
class Running:
    """A stack that is ready: its process, what it printed until then, and its URLs."""

    process: subprocess.Popen[str]
    printed: list[str]
    api: str
    entra: str
    cosmos: str

    def rest(self) -> tuple[str, str]:
        """What else it prints until it ends, and its errors."""
        assert self.process.stdout
        assert self.process.stderr
        rest = self.process.stdout.read(), self.process.stderr.read()
        self.process.wait(60)
        return rest

    def ports(self) -> list[int]:
        return [httpx.URL(url).port or 0 for url in (self.api, self.entra, self.cosmos)]


def command(app: Path, *more: str) -> list[str]:
    ports = ["--cosmos-port", "0", "--functions-port", "0", "--entra-port", "0"]
    return [sys.executable, "-m", "local", "up", "--app", str(app), *ports, *more]


@contextmanager
def up(app: Path, *more: str) -> Iterator[Running]:
    pipe = subprocess.PIPE
    with subprocess.Popen(command(app, *more), cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout
            printed = []
            for line in process.stdout:
                printed.append(line)
                if line.startswith("ready"):
                    break
            else:
                assert process.stderr
                pytest.fail(process.stderr.read())
            words = line.split()
            yield Running(process, printed, words[2], words[4].rstrip("/"), words[6].rstrip("/"))
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_three_servers_are_up_when_it_says_ready_and_gone_after_ctrl_c(app: Path, tmp_path: Path) -> None:
    with up(app, "--data", str(tmp_path / "data")) as running:
        settings = httpx.get(f"{running.api}/settings").json()
        assert settings == {"COSMOS": f"{running.cosmos}/", "AUDIENCE": API_CLIENT_ID, "PLAIN": "as it is"}
        assert count_rows(running.cosmos, "vimarsh", "user_interactions") == 0
        assert httpx.get(f"{running.entra}/{TENANT_ID}/v2.0/.well-known/openid-configuration").status_code == 200
        assert sum(line.startswith("ready") for line in running.printed) == 1
        assert any("settings: " in line for line in running.printed), "what the host serves is shown"
        running.process.send_signal(signal.SIGINT)
        printed, errors = running.rest()
    assert running.process.returncode == 0
    assert errors == ""
    assert "stopping" in printed
    for port in running.ports():
        until_nobody_listens(port)
    assert {path.name for path in (tmp_path / "data" / "logs").iterdir()} == {
        "cosmosdb.log",
        "entra.log",
        "functions.log",
    }


def test_it_prints_a_ready_made_sign_in(app: Path) -> None:
    with up(app, "--memory", "--tls", "0") as running:
        running.process.send_signal(signal.SIGTERM)
        printed, _ = running.rest()
    header = next(line for line in printed.splitlines() if line.strip().startswith("Authorization: Bearer "))
    claims = jwt.decode(header.split()[-1], options={"verify_signature": False})
    assert claims["email"] == "alice@contoso.example"
    assert claims["iss"] == f"{running.entra}/{TENANT_ID}/v2.0"
    assert f"-m local token --user alice@contoso.example --entra-url {running.entra}" in printed
    assert f'curl -H "Authorization: Bearer $TOKEN" {running.api}/settings' in printed
    assert re.search(rf"authority: https://127\.0\.0\.1:\d+/{TENANT_ID} .*tls-certificate\.pem", printed)
    assert running.process.returncode == 0


@pytest.mark.parametrize(("prefix", "root"), [("v2", "/v2"), ("", "")])
def test_it_says_where_the_apps_own_api_begins(app: Path, prefix: str, root: str) -> None:
    (app / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": prefix}}}))
    with up(app, "--memory") as running:
        assert running.api.removeprefix(f"http://127.0.0.1:{httpx.URL(running.api).port}") == root
        assert httpx.get(f"{running.api}/taken").text == "0"


def test_faults_and_the_clock_are_there_if_it_was_started_for_them(app: Path) -> None:
    with up(app, "--memory", "--fault-injection", "--adjustable-clock", "--setting", "PLAIN=a=b") as running:
        assert httpx.get(f"{running.api}/settings").json()["PLAIN"] == "a=b"
        assert httpx.get(f"{running.cosmos}/_local/faults").json() == {"rules": []}
        assert httpx.get(f"{running.cosmos}/_local/clock").json()["offset_seconds"] == 0


def test_a_second_stack_on_the_same_data_is_refused_and_leaves_the_firsts_logs_alone(app: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with up(app, "--data", str(data)):
        arguments = command(app, "--data", str(data))
        finished = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert finished.returncode == 1
        assert finished.stderr == f"error: the folder {data} is in use by another stack: stop it, or see --data\n"
        assert not list((data / "logs").glob("*.1"))
    with up(app, "--data", str(data)):
        assert len(list((data / "logs").glob("*.1"))) == 3


def test_the_data_is_there_again_after_a_restart(app: Path, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with up(app, "--data", data) as first:
        token = httpx.post(f"{first.entra}/_local/token", json={"email": "a@b.example"}).json()["access_token"]
    with up(app, "--data", data) as second:
        keys = jwt.PyJWKSet.from_dict(httpx.get(f"{second.entra}/{TENANT_ID}/discovery/v2.0/keys").json())
        assert jwt.get_unverified_header(token)["kid"] in {key.key_id for key in keys.keys}
        assert count_rows(second.cosmos, "vimarsh", "users") == 0


def test_the_sample_is_loaded_before_ready_and_again_if_that_was_interrupted(app: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "sample-unfinished").touch()
    with up(app, "--data", str(data), "--sample") as running:
        assert any("254 new, 0 already there, 0 lost" in line for line in running.printed)
        assert httpx.get(f"{running.api}/taken").text == "254"
        assert not (data / "sample-unfinished").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs a signal that can't be caught")
def test_nothing_is_left_when_it_is_killed(app: Path, tmp_path: Path) -> None:
    with up(app, "--data", str(tmp_path / "data")) as running:
        running.process.kill()
        running.process.wait(60)
        for port in running.ports():
            until_nobody_listens(port)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the child by /proc")
def test_when_one_server_dies_all_end_and_it_says_which(app: Path, tmp_path: Path) -> None:
    with up(app, "--data", str(tmp_path / "data")) as running:
        os.kill(child(running.process.pid, "local.entra"), signal.SIGKILL)
        _, errors = running.rest()
    assert running.process.returncode == 1
    assert "the token issuer ended with exit code -9" in errors
    assert "entra: http" in errors, "the last lines of its log"
    for port in running.ports():
        until_nobody_listens(port)


def child(parent: int, module: str) -> int:
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if module in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
            return int(pid)
    raise AssertionError(f"{module} is not running")


def test_an_app_that_can_not_be_loaded_is_told_with_the_hosts_words(app: Path) -> None:
    (app / "function_app.py").write_text("import nothing_of_this_name\n")
    finished = subprocess.run(command(app, "--memory"), cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 1
    assert "the Functions host ended with exit code 1" in finished.stderr
    assert "nothing_of_this_name" in finished.stderr
    assert "ready" not in finished.stdout


def test_a_taken_port_is_told_before_anything_starts(app: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = [*command(app, "--data", str(tmp_path / "data")), "--entra-port", port]
        finished = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"error: port {port} can't be used")
    assert "--entra-port" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "data" / "logs").exists()


def test_a_setting_without_a_value_is_told(app: Path) -> None:
    finished = subprocess.run(
        command(app, "--memory", "--setting", "PLAIN"), cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 1
    assert "--setting takes NAME=VALUE" in finished.stderr


def test_a_folder_that_is_no_function_app_is_told(tmp_path: Path) -> None:
    finished = subprocess.run(command(tmp_path, "--memory"), cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 1
    assert "is not a function app" in finished.stderr
