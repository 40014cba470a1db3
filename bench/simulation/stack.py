"""A local stack of its own, for benchmarks and end-to-end tests: on free ports, gone at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "local" / "sample"
_READY = re.compile(r"ready  api (\S+)/api  sign-in (\S+)/  cosmos (\S+)/")


@dataclass(frozen=True)
class Stack:
    """A running stack, and where its three servers are reached."""

    process: subprocess.Popen[str]
    functions_url: str
    entra_url: str
    cosmos_url: str

    @property
    def _ports(self) -> dict[str, str]:
        urls = {"functions": self.functions_url, "entra": self.entra_url, "cosmos": self.cosmos_url}
        return {name: url.rsplit(":", 1)[1] for name, url in urls.items()}

    def child(self, module: str) -> int:
        """The process id of one of the servers, by its module. Linux only.

        Raises:
            LookupError: there is none.
        """
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("utf-8").split()
        for child in children:
            if module.encode() in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        raise LookupError(module)


@contextmanager
def local_stack(
    data: Path | None = None, again: Stack | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Starts the stack as its users do, and stops it.

    Args:
        data: Where it keeps its data; a folder that is gone afterwards if None.
        again: One that ran before: on its ports, the host takes back its own leases at once.
        settings: Of the app, besides those that the stack gives it.

    Raises:
        RuntimeError: it did not become ready.
    """
    ports = again._ports if again else dict.fromkeys(("functions", "entra", "cosmos"), "0")
    with ExitStack() as cleanup:
        kept = data or Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="vimarsh-")))
        flags = [word for name, port in ports.items() for word in (f"--{name}-port", port)]
        up = cleanup.enter_context(run_local("up", *flags, "--data", str(kept), settings=settings))
        try:
            yield _ready(up)
            if up.poll() is None:
                up.send_signal(signal.SIGINT)
                up.communicate()
        finally:
            up.kill()


def run_local(*arguments: str, settings: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """`python -m local …` as a process of its own, with all it prints in one pipe."""
    command = [sys.executable, "-m", "local", *arguments]
    environment = os.environ | (settings or {})
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _ready(up: subprocess.Popen[str]) -> Stack:
    said = []
    for line in up.stdout or []:
        said.append(line)
        if found := _READY.match(line):
            return Stack(up, *found.groups())
    raise RuntimeError("the stack did not start:\n" + "".join(said))
