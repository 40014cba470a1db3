"""The local host, which notes what its processor time is spent on: for `python -m bench turn_time`.

    SAMPLES=FILE python -m bench.measurements.profiled_host …

Takes the arguments of `python -m local.functions`. Every two milliseconds of processor time it looks where it is.
SIGUSR1 writes what was seen since the last one to the file, as a JSON object of counts by "work|part|function".
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

from bench.simulation.stack import ROOT
from local.functions.__main__ import main
from local.functions.feed_session import FeedSession

EVERY_SECONDS = 0.002

PARTS = (
    ("/azure/cosmos/", "SDK"),
    ("/azure/core/", "SDK"),
    ("/aiohttp/", "HTTP client"),
    ("/yarl/", "HTTP client"),
    ("/multidict/", "HTTP client"),
    ("/jwt/", "token"),
    ("/cryptography/", "token"),
    ("/pydantic", "validation"),
    ("/json/", "JSON"),
    ("/azure/functions/", "host"),
    ("/starlette/", "host"),
    ("/uvicorn/", "host"),
    (f"{ROOT}/local/", "host"),
    (f"{ROOT}/models/", "models"),
    (f"{ROOT}/cosmos/", "cosmos"),
    (f"{ROOT}/functions/", "functions"),
    ("/asyncio/", "event loop"),
)
"""What a frame belongs to, by its file. The innermost that belongs to something counts."""

work: ContextVar[str] = ContextVar("work", default="edge")
"""Whose the running task is: tasks that a feed starts have it from the feed."""

seen: Counter[str] = Counter()


def part_of(path: str) -> str | None:
    return next((part for fragment, part in PARTS if fragment in path), None)


def sample(signal_number: int, frame: FrameType | None) -> None:
    part, innermost = None, frame
    while frame is not None and part is None:
        part = part_of(frame.f_code.co_filename)
        frame = frame.f_back
    code = innermost.f_code if innermost else None
    where = f"{code.co_filename.rpartition('site-packages/')[2]}:{code.co_qualname}" if code else ""
    seen[f"{work.get()}|{part or 'other'}|{where}"] += 1


def write(signal_number: int, frame: FrameType | None) -> None:
    Path(os.environ["SAMPLES"]).write_text(json.dumps(seen), "utf-8")
    seen.clear()


def mark_feeds() -> None:
    """Has what feeds do known as theirs."""
    worked = FeedSession._work

    async def marked(self: FeedSession, *arguments: Any) -> None:
        work.set("feeds")
        await worked(self, *arguments)

    FeedSession._work = marked  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    mark_feeds()
    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR1, write)
    signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)
    sys.exit(main())
