"""The local stack's three servers as processes of their own, so that the host can be killed and started by itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.simulation.stack import ROOT
from local.cli.app_settings import render
from local.cli.provision import provision_app
from local.cli.services import Service, stop, take_port, wait_until_healthy
from local.entra.identity import API_CLIENT_ID, TENANT_ID

_URL = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True)
class Servers:
    """Running servers, and where they are reached."""

    host: Service
    cosmos: Service
    functions_url: str
    entra_url: str
    cosmos_url: str

    def kill_host(self) -> None:
        """As by a power cut: nothing is finished."""
        if self.host.process is None:
            raise RuntimeError("the host was not started")
        self.host.process.kill()
        self.host.process.wait()
        if self.host.process.stdin:
            self.host.process.stdin.close()

    def start_host(self) -> None:
        self.host.start()
        wait_until_healthy([self.host])

    def start_database(self) -> None:
        self.cosmos.start()
        wait_until_healthy([self.cosmos])

    def stop_all(self) -> None:
        """The host and the database; their data stays."""
        stop([self.host])
        stop([self.cosmos])


@contextmanager
def servers(data: Path, settings: Mapping[str, str], host_module: str = "local.functions") -> Iterator[Servers]:
    """Starts all three, on free ports; stops them.

    Args:
        settings: Of the app, besides those that it is given to reach the others.
        host_module: What is run as the host, with the arguments of `local.functions`.
    """
    ports = {name: take_port(0, name) for name in ("cosmosdb", "entra", "functions")}
    values = {
        "COSMOS_PORT": str(ports["cosmosdb"]),
        "ENTRA_PORT": str(ports["entra"]),
        "ENTRA_TENANT": TENANT_ID,
        "ENTRA_AUDIENCE": API_CLIENT_ID,
        "DATA": data.as_posix(),
    }
    environment = render(ROOT, values, values) | dict(settings)

    modules = {"functions": host_module}

    def server(name: str, health: str, *arguments: str, given: Mapping[str, str] = {}) -> Service:
        return Service(
            name=name,
            module=modules.get(name, f"local.{name}"),
            arguments=["--port", str(ports[name]), "--data", str(data / name), *arguments],
            health_url=f"http://127.0.0.1:{ports[name]}{health}",
            log=data / "logs" / f"{name}.log",
            environment=given,
        )

    cosmos, entra = server("cosmosdb", "/_local/health"), server("entra", "/_local/health")
    host = server("functions", "/admin/host/status", "--app", str(ROOT), given=environment)
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    try:
        cosmos.start()
        entra.start()
        wait_until_healthy([cosmos, entra])
        provision_app(ROOT, urls["cosmosdb"])
        running = Servers(host, cosmos, urls["functions"], urls["entra"], urls["cosmosdb"])
        running.start_host()
        yield running
    finally:
        stop([host])
        stop([cosmos, entra])


@contextmanager
def another_host(entra_url: str, cosmos_url: str, settings: Mapping[str, str]) -> Iterator[str]:
    """A second Functions host over a stack's database, at a URL of its own. It is to have the first one's settings."""
    ports = {"COSMOS_PORT": cosmos_url, "ENTRA_PORT": entra_url}
    values = {name: url.rsplit(":", 1)[1] for name, url in ports.items()}
    values |= {"ENTRA_TENANT": TENANT_ID, "ENTRA_AUDIENCE": API_CLIENT_ID}
    with tempfile.TemporaryDirectory(prefix="vimarsh-") as data:
        values["DATA"] = data
        command = ["local.functions", "--app", str(ROOT), "--port", "0", "--data", data, "--instance", "another"]
        environment = os.environ | dict(settings) | render(ROOT, values, values)
        log = Path(data) / "host.log"
        with log.open("wb") as output:
            host = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield _ready(host, log)
        finally:
            host.terminate()
            host.wait()


def _ready(host: subprocess.Popen[bytes], log: Path) -> str:
    """Where the host answers. Raises RuntimeError if it ends instead."""
    while host.poll() is None:
        found = _URL.search(log.read_text("utf-8"))
        try:
            if found and httpx.get(f"{found[0]}/admin/host/status").is_success:
                return found[0]
        except httpx.TransportError:
            pass  # it has said where it will answer, and does not yet
        time.sleep(0.1)
    raise RuntimeError("the second host did not start:\n" + log.read_text("utf-8"))
