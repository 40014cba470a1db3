"""`python -m local replay`: plays recorded traffic through the HTTP API, and says what came of it."""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from local.cli.playback import Player, Tokens, play
from local.cli.tally import Tally, report
from local.cli.terminal import CommandError, add_url_options
from local.cli.traffic import Turn, read_turns, read_users, share_out

CONCURRENCY = 16
PATIENCE_SECONDS = 60.0
DRAIN_SECONDS = 300.0
SAMPLE = Path(__file__).resolve().parents[1] / "sample"
_POLL_SECONDS = 0.25
_LINE_SECONDS = 5.0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "replay",
        help="play recorded traffic through the API",
        description="Play recorded turns through the HTTP API, wait until the change feed has drained, and report "
        "turns/s, latencies and errors. Playing a file again changes nothing. The exit code is 1 if a turn was lost.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="turns as JSON lines (.jsonl or .jsonl.gz)")
    parser.add_argument("--users", type=Path, help="the users as a JSON list (default: users.json beside FILE, if any)")
    parser.add_argument(
        "--mode",
        choices=("live", "ingest"),
        default="ingest",
        help="ingest: batches of 100 with their own timestamps, as a trusted server; "
        "live: each turn as its signed-in user, now (default %(default)s)",
    )
    parser.add_argument("--concurrency", type=_positive, default=CONCURRENCY, help="workers (default %(default)s)")
    parser.add_argument("--limit", type=_positive, metavar="N", help="play the first N turns only")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE_SECONDS, metavar="SECONDS", help="to retry for (default %(default)s)"
    )
    add_url_options(parser, "functions", "entra", "cosmos")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    beside = arguments.file.with_name("users.json")
    users_file = arguments.users or (beside if beside.exists() else None)
    users = read_users(users_file) if users_file else {}
    turns = list(read_turns(arguments.file, users, arguments.limit))
    if not turns:
        raise CommandError(f"there are no turns in {arguments.file}")
    ok = asyncio.run(
        replay(
            turns,
            mode=arguments.mode,
            concurrency=arguments.concurrency,
            functions_url=arguments.functions_url,
            entra_url=arguments.entra_url,
            patience=arguments.patience,
            console=Console(),
        )
    )
    return 0 if ok else 1


def replay_sample(functions_url: str, entra_url: str) -> None:
    """Plays the sample data that comes with the stack. Raises CommandError if any of it is lost."""
    turns = list(read_turns(SAMPLE / "turns.jsonl", read_users(SAMPLE / "users.json")))
    if not asyncio.run(replay(turns, functions_url=functions_url, entra_url=entra_url, console=Console())):
        raise CommandError("the sample data could not be loaded")


async def replay(
    turns: Sequence[Turn],
    *,
    functions_url: str,
    entra_url: str,
    console: Console,
    mode: str = "ingest",
    concurrency: int = CONCURRENCY,
    patience: float = PATIENCE_SECONDS,
) -> bool:
    """Plays the turns, waits for the feed and prints the report; whether no turn was lost and the feed has drained."""
    limits = httpx.Limits(max_connections=concurrency + 1, max_keepalive_connections=concurrency + 1)
    async with httpx.AsyncClient(limits=limits, timeout=60) as http:
        player = Player(http, functions_url, Tokens(http, entra_url), patience)
        worker = player.ingest if mode == "ingest" else player.live
        began = time.perf_counter()
        async with _progress(player.tally, len(turns), console):
            await play(worker(share) for share in share_out(turns, concurrency))
        played = time.perf_counter()
        drained, feed_line = await _drain(http, functions_url)
    for line in report(player.tally, played - began, "batch" if mode == "ingest" else "turn"):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(f"feed       {feed_line}", highlight=False, markup=False, soft_wrap=True)
    return drained and player.tally.lost == 0


@asynccontextmanager
async def _progress(tally: Tally, total: int, console: Console) -> AsyncIterator[None]:
    """Shows how far it is: a bar on a terminal, else a line every few seconds."""
    showing = asyncio.create_task(_bar(tally, total, console) if console.is_terminal else _lines(tally, total, console))
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.wait([showing])


async def _bar(tally: Tally, total: int, console: Console) -> None:
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total)
        try:
            while True:
                bar.update(task, completed=tally.done, description=progress(tally, total))
                await asyncio.sleep(0.1)
        finally:
            bar.update(task, completed=tally.done, description=progress(tally, total))


async def _lines(tally: Tally, total: int, console: Console) -> None:
    while True:
        await asyncio.sleep(_LINE_SECONDS)
        console.print(progress(tally, total), highlight=False)


def progress(tally: Tally, total: int) -> str:
    """One line about how far it is, with what goes wrong."""
    retries = sum(tally.retried.values())
    troubles = [f"{tally.lost} lost"] * bool(tally.lost) + [f"{retries} retries"] * bool(retries)
    return ", ".join([f"{tally.done} of {total} turns", *troubles])


async def _drain(http: httpx.AsyncClient, functions_url: str) -> tuple[bool, str]:
    """(whether the change feed has drained, what to say about it).

    Drained means that no feed had a change left at two polls in a row. As long as ever less is left, it is waited for.
    """
    began = progressed = time.monotonic()
    quiet, least = 0, math.inf
    feeds: list[dict[str, Any]] = []
    while time.monotonic() < progressed + DRAIN_SECONDS:
        try:
            answer = await http.get(f"{functions_url}/_local/feeds")
        except httpx.TransportError as error:
            return False, f"unknown: {functions_url} does not answer ({error})"
        if answer.status_code == 404:
            return True, "not reported by this host"
        if answer.status_code == 200:
            feeds = answer.json()["feeds"]
            left = sum(feed["lag"] for feed in feeds)
            quiet = quiet + 1 if left == 0 else 0
            if left < least:
                least, progressed = left, time.monotonic()
        if quiet == 2:
            return True, f"drained {time.monotonic() - began:.1f} s after the last turn ({len(feeds)} feeds, lag 0)"
        await asyncio.sleep(_POLL_SECONDS)
    late = ", ".join(f"{feed['function']} {feed['lag']} changes" for feed in feeds if feed["lag"])
    return False, f"still behind, and no further for {DRAIN_SECONDS:.0f} s: {late or 'no answer'}"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
