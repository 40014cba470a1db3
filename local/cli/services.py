"""Servers as child processes: start, wait until they answer, notice when one dies, stop. None outlives its starter."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from local.cli.terminal import CommandError

START_SECONDS = 60.0
STOP_SECONDS = 20.0
LAST_LINES = 20
_POLL_SECONDS = 0.05


@dataclass
class Service:
    """One server: `python -m MODULE ARGUMENTS`, healthy when `health_url` answers 200. Its output goes to `log`."""

    name: str
    module: str
    arguments: Sequence[str]
    health_url: str
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it on a tether, in a session of its own: a Ctrl-C at the terminal must reach the starter alone."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603 - this Python and our own modules
                [sys.executable, "-m", "local.cli.tethered", self.module, *self.arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": _python_path(), "PYTHONUNBUFFERED": "1", **self.environment},
            )

    @property
    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None

    def healthy(self) -> bool:
        try:
            return httpx.get(self.health_url, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def last_lines(self) -> str:
        lines = self.log.read_text("utf-8", errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(f"  {line}" for line in lines[-LAST_LINES:])


def take_port(wanted: int, flag: str) -> int:
    """The port, if it is free, or a free one for 0. Raises CommandError that names the port and its flag."""
    try:
        with socket.create_server(("127.0.0.1", wanted)) as listener:
            return int(listener.getsockname()[1])
    except OSError as error:
        raise CommandError(f"port {wanted} can't be used ({error.strerror}): choose another with {flag}") from None


def wait_until_healthy(services: Iterable[Service], deadline_seconds: float = START_SECONDS) -> None:
    """Raises CommandError as soon as one has died, or when the time is up, with the last lines of its log."""
    waiting = list(services)
    deadline = time.monotonic() + deadline_seconds
    while waiting:
        for service in waiting:
            raise_if_dead(service)
        waiting = [service for service in waiting if not service.healthy()]
        if waiting and time.monotonic() > deadline:
            late = waiting[0]
            raise CommandError(f"{late.name} does not answer at {late.health_url}\n{late.last_lines()}")
        time.sleep(_POLL_SECONDS if waiting else 0)


def raise_if_dead(service: Service) -> None:
    if service.exit_code is not None:
        raise CommandError(f"{service.name} ended with exit code {service.exit_code}\n{service.last_lines()}")


def stop(services: Iterable[Service]) -> None:
    """Ask all of them to end, kill what has not after `STOP_SECONDS`, and let go of their tethers."""
    started = [service.process for service in services if service.process]
    for process in started:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in started:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


class LogFollower:
    """Copies what is added to a log to the terminal, from a thread; `skip` leaves out what is in it already."""

    def __init__(self, log: Path, *, skip: bool = False) -> None:
        self._log = log
        self._skip = skip
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow {log.name}", daemon=True)

    def __enter__(self) -> LogFollower:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Copies what is left, then ends."""
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        with self._log.open("r", encoding="utf-8", errors="replace") as lines:
            if self._skip:
                lines.seek(0, os.SEEK_END)
            while True:
                ended = self._ended.is_set()
                sys.stdout.write(lines.read())
                sys.stdout.flush()
                if ended:
                    return
                self._ended.wait(0.1)


def _python_path() -> str:
    """So that `local` is found from whichever folder this was started in."""
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
