"""Runs a module as `python -m` would, and ends it when the process that started it is gone, however that ended.

The starter holds the other end of the pipe on standard input and never writes to it; the pipe closes when it dies, on
every operating system. Run as `python -m local.cli.tethered MODULE ARGUMENTS…`.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 15.0


def main() -> None:
    tether = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device, not a path
        os.dup2(nothing.fileno(), 0)  # what runs here must not read the tether
    threading.Thread(target=_end_with_starter, args=(tether,), name="tether", daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_starter(tether: int) -> None:
    while os.read(tether, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
