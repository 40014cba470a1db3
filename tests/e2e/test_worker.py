"""The app in the worker's own library, which is what runs it on Azure: a short form of `python -m bench worker`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.simulation.stack import ROOT


@pytest.mark.skipif(sys.version_info < (3, 13), reason="the worker's library needs the Python that is deployed")
def test_the_app_runs_in_the_workers_library() -> None:
    command = [sys.executable, "-m", "bench", "worker", "--requests", "400"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
