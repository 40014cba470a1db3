"""Does every field that tells a figure say what its definition says, times included, whatever happens meanwhile?

    python -m bench figures [FILE.jsonl.gz] [--users users.json] [--limit N] [--layout NAME] [--live N] [--cases]

Replays the traffic (the sample data without a file) in three layouts in time: as it is, shifted over the ends of a
month and of summer time, and up to yesterday, with more that users record now, one by one.

After each replay, after some of it was played again, after edits of feedback, bookmarks and sessions through the API,
after a rebuild with repair, and after users withdrew their consent or were erased, it compares every field of every
rollup, presence, document of the platform, session, profile, and answer that tells figures with
`bench.recount.definitions`. What is no figure is listed, with the reason, in `bench.recount.told`: any other field
differs. Prints what was compared; exits with 1 if anything differs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx

from bench.measurements.figures_cases import Cases, busiest_month, show
from bench.recount.comparison import Json, Report, table
from bench.recount.definitions.turns import Stored
from bench.recount.definitions.users import rollups
from bench.recount.told import Past, advertises, compare, what_is_stored
from bench.simulation.actors import IDLE_MINUTES, People, consent_to_less, edit_everything, erase, withdraw
from bench.simulation.replaying import end, play, start
from bench.simulation.stack import SAMPLE, local_stack
from local.cli.traffic import read_turns, read_users

MONTH_AND_SUMMER_TIME_END = date(2025, 10, 20)
"""Two weeks from here have the end of summer time in Europe and in America, and of a month."""

EDITED = 12
"""Users whose turns, bookmarks and sessions are edited. Of them three withdraw and two are erased."""

SETTINGS = {"ERASURE_SETTLE_SECONDS": "0", "SESSION_IDLE_MINUTES": str(IDLE_MINUTES)}
AGAIN, LIVE = 3000, 500
"""Turns that are played again, and that users record live."""

CONSENTING_LESS = 4
"""Users who go on live without consent to analytics, or to their texts being stored."""


@dataclass(frozen=True)
class Layout:
    """Where the traffic is put in time, and how many turns users record live after it."""

    name: str
    by: timedelta
    live: int = 0


def layouts(turns: Path, live: int) -> Iterator[Layout]:
    first, last = _span(turns)
    yield Layout("as it is", timedelta())
    shift = MONTH_AND_SUMMER_TIME_END - first
    yield Layout("over the ends of a month and of summer time", timedelta(days=shift.days))
    ago = datetime.now(UTC).date() - timedelta(days=1) - last
    yield Layout("up to yesterday, and live", timedelta(days=ago.days), live)


def _lines(turns: Path) -> Iterator[Json]:
    opened = gzip.open if turns.suffix == ".gz" else open
    with opened(turns, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _span(turns: Path) -> tuple[date, date]:
    times = [datetime.fromisoformat(line["at"]).date() for line in _lines(turns)]
    return min(times), max(times)


def shifted(turns: Path, by: timedelta, limit: int | None, folder: Path) -> Path:
    """The first turns of a file, moved in time."""
    written = folder / "turns.jsonl"
    with written.open("w", encoding="utf-8") as out:
        for number, line in enumerate(_lines(turns)):
            if limit is not None and number >= limit:
                break
            at = datetime.fromisoformat(line["at"]) + by
            out.write(json.dumps(line | {"at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}, ensure_ascii=False) + "\n")
    return written


def measure_layout(
    turns: Path, users: Path, layout: Layout, limit: int | None, cases: bool
) -> Iterator[tuple[str, Report]]:
    """The comparisons of one layout, after each step; the cases first, if they are asked for."""
    with (
        tempfile.TemporaryDirectory(prefix="vimarsh-") as folder,
        local_stack(settings=SETTINGS) as stack,
        httpx.Client(timeout=600) as http,
    ):
        file = shifted(turns, layout.by, limit, Path(folder))
        play(stack, file, users)
        people, past = People(stack, http), Past()
        people.settle()
        if cases:
            stored = Stored(*what_is_stored(people), advertises)
            show(Cases(people, stored, busiest_month(stored), rollups(stored)).all())
        some = _some(people)

        def compared() -> Report:
            signed_in = {user: people.sign_in(email) for user, email in some.items()}
            people.settle()
            return compare(people, signed_in, datetime.now(UTC), past)

        yield "after the replay", compared()
        play(stack, file, users, "--limit", str(AGAIN))
        yield "after some of it was played again", compared()
        if layout.live:
            consent_to_less(people, _first_asking(file, users))
            play(stack, file, users, "--mode", "live", "--limit", str(layout.live))
            yield "after users went on live", compared()
        edit_everything(people, some)
        yield "after edits", compared()
        rebuilt = end(stack, start(stack, repair=True))
        people.settle()
        report = compared()
        for drift in rebuilt["drift"]:
            report.note("rebuild", f"{drift['user_id']} {drift['bucket']} had drifted")
        yield "after a rebuild", report
        leaving = list(some)
        withdraw(people, [some[user] for user in leaving[:3]])
        gone = {user: some.pop(user) for user in leaving[3:5]}
        for rows, erased in zip(past.erased, erase(people, gone), strict=True):
            rows.extend(erased)
        yield "after three withdrew their consent and two were erased", compared()
        rebuilt = end(stack, start(stack, repair=True))
        people.settle()
        report = compared()
        for drift in rebuilt["drift"]:
            report.note("rebuild", f"{drift['user_id']} {drift['bucket']} had drifted")
        yield "after one more rebuild", report


def _first_asking(turns: Path, users: Path) -> list[str]:
    """Email addresses of the first users with turns."""
    first = dict.fromkeys(turn.user.email for turn in read_turns(turns, read_users(users), LIVE))
    return list(first)[:CONSENTING_LESS]


def _some(people: People) -> dict[str, str]:
    """Email addresses of some users, those who ask most among them."""
    rows = people.rows("users", "SELECT c.id, c.email, c.total_queries FROM c WHERE c.kind = 'profile'")
    by_id = sorted(rows, key=lambda row: str(row["id"]))
    most = sorted(rows, key=lambda row: (-row["total_queries"], row["id"]))
    return {row["id"]: row["email"] for row in [*by_id[: EDITED - 4], *most[:4]]}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench figures", description="Compare figures with definitions.")
    parser.add_argument("turns", type=Path, nargs="?", default=SAMPLE / "turns.jsonl")
    parser.add_argument("--users", type=Path, default=SAMPLE / "users.json")
    parser.add_argument("--limit", type=int, help="play the first turns only")
    parser.add_argument("--layout", help="only the layouts whose names begin so")
    parser.add_argument("--cases", action="store_true", help="show, too, what was wrong or misleading once")
    parser.add_argument("--live", type=int, default=LIVE, help="turns that users record live (default %(default)s)")
    arguments = parser.parse_args()
    exact = True
    for layout in layouts(arguments.turns, arguments.live):
        if not layout.name.startswith(arguments.layout or ""):
            continue
        steps = measure_layout(arguments.turns, arguments.users, layout, arguments.limit, arguments.cases)
        for step, report in steps:
            table(f"{layout.name}, {step}", report)
            exact = exact and report.is_exact
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
