"""Reads the change feed of one range of a container, page by page, through the SDK.

A position in the feed is the SDK's continuation token: base64 of a JSON object with the range and the server's ETag in
it. After the range has been split it holds an ETag for each child, which `split_continuation` takes apart.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.cosmos.aio import ContainerProxy

from local.functions.feed_options import BEGINNING

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FeedRange:
    """A range of effective partition keys, from `minimum` to before `maximum`, in upper-case hexadecimal."""

    minimum: str
    maximum: str

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> "FeedRange":
        """From the SDK's form of a feed range."""
        bounds = value["Range"]
        return cls(bounds["min"], bounds["max"])

    def as_dict(self) -> dict[str, Any]:
        """In the SDK's form."""
        return {"Range": {"min": self.minimum, "max": self.maximum, "isMinInclusive": True, "isMaxInclusive": False}}

    def overlaps(self, other: "FeedRange") -> bool:
        return self.minimum < other.maximum and other.minimum < self.maximum


@dataclass(frozen=True, slots=True)
class Page:
    """Changes in the order of the range, the position behind them, and the range's last LSN at that moment.

    Without changes it is the end of the feed.
    """

    documents: list[Document]
    continuation: str
    last_lsn: int


async def feed_ranges(container: ContainerProxy) -> list[FeedRange]:
    """The physical ranges of a container, asked for anew."""
    return [FeedRange.parse(value) async for value in container.read_feed_ranges(force_refresh=True)]


async def read_page(
    container: ContainerProxy,
    feed_range: FeedRange,
    continuation: str | None,
    start: datetime | None,
    max_items: int,
) -> Page:
    """One page from `continuation`, or without one from `start` (None: now).

    Raises `azure.core.exceptions.AzureError`, and `ValueError` for a continuation of another container.
    """
    responses: list[Mapping[str, Any]] = []
    where: dict[str, Any] = {"continuation": continuation}
    if continuation is None:
        where = {"feed_range": feed_range.as_dict(), "start_time": _start_time(start)}
    pages = container.query_items_change_feed(
        max_item_count=max_items, response_hook=lambda headers, _: responses.append(headers), **where
    ).by_page()
    documents: list[Document] = []
    async for page in pages:
        documents = [document async for document in page]
        break
    headers = responses[-1]  # this response's own: the client's last headers may be another request's by now
    return Page(documents, _readable(headers["etag"]), _session_lsn(headers.get("x-ms-session-token", "")))


def _start_time(start: datetime | None) -> datetime | str:
    if start is None:
        return "Now"
    return "Beginning" if start == BEGINNING else start


def _readable(continuation: str) -> str:
    """A continuation that the SDK can read again: 4.17.1 takes the milliseconds of a start time for seconds.

    The start time is taken out: behind it the server's ETags alone say where to go on.
    """
    state = _decode(continuation)
    if state["startFrom"]["Type"] != "PointInTime":
        return continuation
    return _encode({**state, "startFrom": {"Type": "Beginning"}})


def _decode(continuation: str) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(base64.b64decode(continuation))
    return state


def _encode(state: Mapping[str, Any]) -> str:
    return base64.b64encode(json.dumps(state).encode()).decode()


def _session_lsn(token: str) -> int:
    """The LSN in a session token: `0:5`, `0:-1#5` or `0:1#5#4=3`; 0 if there is none."""
    fields = token.partition(":")[2].split("#")
    text = fields[1] if len(fields) > 1 else fields[0]
    return int(text) if text.isdecimal() else 0


def split_continuation(continuation: str) -> list[tuple[FeedRange, str | None]]:
    """The ranges that a continuation covers with the position in each: several if its range has been split.

    A position is None for a range of which nothing has been read, when there was none to start from either.
    """
    state = _decode(continuation)
    inner = state["continuation"]
    parts: list[tuple[FeedRange, str | None]] = []
    for entry in inner["continuation"]:
        bounds = entry["range"]
        part = {**inner, "Range": bounds, "continuation": [entry]}
        position = _encode({**state, "continuation": part}) if entry["token"] is not None else None
        parts.append((FeedRange(bounds["min"], bounds["max"]), position))
    return parts
