"""How an answer leaves: compressed where that is wanted and worth it, and as 304 to whoever has it already.

Neither the Functions host nor what Azure puts before it compresses, or compares ETags.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from functions.core.etags import coded, content_etag, matches
from functions.core.http import EVENTS, Request, Response
from functions.core.problems import Problem

COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Access-Control-Expose-Headers": "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, "
    "WWW-Authenticate, x-request-id",
    "Vary": "Accept-Encoding",
}
"""What every answer carries, unless it says otherwise: nobody on the way keeps it, and nothing takes it for a page.
Which origins may read an answer is the platform's setting; which headers they may read is not, so the app says that."""

COMPRESSED_FROM = 4096
"""Bytes. Less than that fits into a few packets as it is."""

LEVEL, LEVEL_ONCE = 5, 9
"""Of gzip: for what is compressed at each request, and for what is compressed once."""

IN_THREAD_FROM = 200_000
"""Bytes, from which compressing takes so long that other requests should not wait for it."""

READING = ("GET", "HEAD")


@dataclass(frozen=True)
class Kept:
    """A text that stays the same while the process runs: its bytes, the same compressed, and its ETag."""

    content: bytes
    compressed: bytes
    etag: str

    @classmethod
    def of(cls, text: str) -> Kept:
        content = text.encode()
        return cls(content, gzip.compress(content, LEVEL_ONCE, mtime=0), content_etag(content))


async def answered(
    request: Request, status: int, headers: dict[str, str], content: bytes | Kept | None, media_type: str
) -> Response:
    """The answer to a request. The host takes the content away from that to a HEAD."""
    headers = COMMON_HEADERS | headers
    etag = headers.get("ETag")
    wanted: Any = request.headers.get("Accept-Encoding")
    is_gzip = takes_gzip(wanted)
    if etag and status == 200 and request.method in READING:
        known = matches(request.headers.get("If-None-Match"), etag)
        if known:
            return Response(304, headers | {"ETag": known if is_gzip else etag})
    if content is None:
        return Response(status, headers)
    if is_gzip and len(content.content if isinstance(content, Kept) else content) > COMPRESSED_FROM:
        headers["Content-Encoding"] = "gzip"
        if etag:
            headers["ETag"] = coded(etag)
        body = await _compressed(content)
    else:
        body = content.content if isinstance(content, Kept) else content
    return Response(status, headers, body, media_type)


def streamed(headers: dict[str, str], events: AsyncIterator[bytes]) -> Response:
    """An answer of server-sent events: as they come, not compressed, and not gathered on the way."""
    return Response(200, COMMON_HEADERS | {"X-Accel-Buffering": "no"} | headers, events, EVENTS)


async def refused(request: Request, problem: Problem, request_id: str) -> Response:
    """The answer that is a problem."""
    content = json.dumps(problem.body() | {"request_id": request_id}).encode()
    headers = {"x-request-id": request_id} | problem.headers
    return await answered(request, problem.status, headers, content, "application/problem+json")


async def _compressed(content: bytes | Kept) -> bytes:
    if isinstance(content, Kept):
        return content.compressed
    if len(content) < IN_THREAD_FROM:
        return gzip.compress(content, LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, content, LEVEL, mtime=0)


def takes_gzip(accept_encoding: str | None) -> bool:
    """Whether a client takes gzip, by its header Accept-Encoding (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for part in (accept_encoding or "").lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        weights[coding] = _weight(parameters)
    return max(weights.get("gzip", -1), weights.get("x-gzip", -1), -1) > 0 or (
        not weights.keys() & {"gzip", "x-gzip"} and weights.get("*", 0) > 0
    )


def _weight(parameters: list[str]) -> float:
    """0 also of a weight that is none."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0
    return 1
