"""Every benchmark, one after the other, each with a stack of its own.

    python -m bench [--traffic DIR]

With a folder of traffic (`turns.jsonl.gz`, `users.json`, `labels.json`) they run on that, else on the sample data.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from bench.stack import ROOT, SAMPLE


def commands(traffic: Path | None) -> list[list[str]]:
    """The modules to run, with their arguments."""
    turns = traffic / "turns.jsonl.gz" if traffic else SAMPLE / "turns.jsonl"
    users = (traffic or SAMPLE) / "users.json"
    labelled = [str(turns), "--users", str(users), "--labels", str(traffic / "labels.json")] if traffic else []
    return [
        ["bench.recording", str(turns), "--users", str(users)],
        ["bench.rebuild", str(turns), "--users", str(users)],
        ["bench.abuse", *labelled],
        ["bench.figures", str(turns), "--users", str(users)],
        ["bench.insights", str(turns), "--users", str(users)],
        ["bench.admissions", str(turns), "--users", str(users)],
        ["bench.turn_cost"],
        ["bench.turn_time"],
        ["bench.fold_cost"],
        ["bench.faults"],
        ["bench.erasure"],
        ["bench.requests"],
        ["bench.export"],
        ["bench.answers"],
        ["bench.contract"],
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run every benchmark.")
    parser.add_argument("--traffic", type=Path, metavar="DIR", help="a folder of traffic; the sample data if absent")
    failed = []
    for command in commands(parser.parse_args().traffic):
        print("\n#", " ".join(command), flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT).returncode != 0:
            failed.append(command[0])
    if failed:
        print("\nfailed:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
