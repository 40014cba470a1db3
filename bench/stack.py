"""A local stack of its own for a benchmark: on free ports, in a folder of its own, gone at the end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_READY = re.compile(r"ready  api (\S+)/api  sign-in (\S+)/  cosmos (\S+)/")


@dataclass(frozen=True)
class Stack:
    """Where the three servers of a running stack are reached."""

    functions_url: str
    entra_url: str
    cosmos_url: str


@contextmanager
def local_stack() -> Iterator[Stack]:
    """Starts the stack as an admin would, data on disk, and stops it.

    Raises:
        RuntimeError: it did not become ready.
    """
    with tempfile.TemporaryDirectory(prefix="vimarsh-bench-") as data:
        ports = [word for name in ("cosmos", "functions", "entra") for word in (f"--{name}-port", "0")]
        command = [sys.executable, "-m", "local", "up", *ports, "--data", data]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as up:
            try:
                yield _ready(up)
                up.send_signal(signal.SIGINT)
                up.communicate()
            finally:
                up.kill()


def _ready(up: subprocess.Popen[str]) -> Stack:
    said = []
    for line in up.stdout or []:
        said.append(line)
        if found := _READY.match(line):
            return Stack(*found.groups())
    raise RuntimeError("the stack did not start:\n" + "".join(said))
