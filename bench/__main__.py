"""The measurements: one by its name, or every benchmark, one after the other, each with a stack of its own.

    python -m bench NAME [its arguments]
    python -m bench [--traffic DIR]

With a folder of traffic (`turns.jsonl.gz`, `users.json`, `labels.json`) they run on that, else on the sample data.
"""

from __future__ import annotations

import argparse
import runpy
import subprocess
import sys
from pathlib import Path

from bench.simulation.stack import ROOT, SAMPLE


def commands(traffic: Path | None) -> list[list[str]]:
    """What to run, with its arguments."""
    turns = traffic / "turns.jsonl.gz" if traffic else SAMPLE / "turns.jsonl"
    users = (traffic or SAMPLE) / "users.json"
    labelled = [str(turns), "--users", str(users), "--labels", str(traffic / "labels.json")] if traffic else []
    return [
        ["recording", str(turns), "--users", str(users)],
        ["rebuild", str(turns), "--users", str(users)],
        ["abuse", *labelled],
        ["figures", str(turns), "--users", str(users)],
        ["insights", str(turns), "--users", str(users)],
        ["answering"],
        ["admissions", str(turns), "--users", str(users)],
        ["turn_cost"],
        ["turn_time"],
        ["fold_cost"],
        ["faults"],
        ["erasure"],
        ["requests"],
        ["export"],
        ["responses"],
        ["worker"],
        ["contract"],
    ]


def main() -> int:
    if sys.argv[1:] and not sys.argv[1].startswith("-"):
        name = sys.argv.pop(1)
        if not (Path(__file__).parent / "measurements" / f"{name}.py").is_file():
            sys.exit(f"there is no measurement {name!r}")
        runpy.run_module(f"bench.measurements.{name}", run_name="__main__", alter_sys=True)
        return 0
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run every benchmark.")
    parser.add_argument("--traffic", type=Path, metavar="DIR", help="a folder of traffic; the sample data if absent")
    failed = []
    for command in commands(parser.parse_args().traffic):
        print("\n#", " ".join(command), flush=True)
        if subprocess.run([sys.executable, "-m", "bench", *command], cwd=ROOT).returncode != 0:
            failed.append(command[0])
    if failed:
        print("\nfailed:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
