"""Bodies of requests: the bytes that came, as JSON of a model."""

from __future__ import annotations

import json
import zlib
from codecs import BOM_UTF8
from typing import Any

from pydantic import BaseModel, ValidationError

from functions.core import problems
from functions.core.http import Request
from functions.core.operation import Operation
from functions.core.problems import Problem

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def parsed(operation: Operation, request: Request) -> BaseModel | None:
    """The body as the operation's model; None for an operation without one.

    Raises:
        Problem: 411, it came in chunks, and so does not say how long it is; 413, it is too large, also once
            it is unpacked; 400, it is not JSON; 422, it is not valid.
    """
    if operation.body is None:
        return None
    if request.headers.get("Transfer-Encoding"):
        detail = "Send the body whole, with its Content-Length, and not in chunks."
        raise Problem(411, "length-required", "Content-Length is required", detail)
    raw = _unpacked(request.body, operation.max_bytes).removeprefix(BOM_UTF8) or b"{}"
    try:
        if operation.read is not None:
            return operation.read(_json(raw))
        return operation.body.model_validate_json(raw)
    except ValidationError as error:
        if error.errors(include_input=False)[0]["type"] == "json_invalid":
            raise _not_json() from None
        raise problems.invalid(error) from None


def _unpacked(raw: bytes, most: int) -> bytes:
    """The body without compression. JSON never begins as gzip does, so a missing `Content-Encoding` does no harm."""
    if len(raw) > most:
        raise _too_large(f"The body has {len(raw)} bytes", most)
    if not raw.startswith(_GZIP):
        return raw
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        unpacked = unpacking.decompress(raw, most + 1)
    except zlib.error:
        raise Problem(400, "bad-request", "The request is malformed", "The body is not gzip.") from None
    if len(unpacked) > most:
        raise _too_large("The body has more bytes than that, unpacked", most)
    if not unpacking.eof:
        raise Problem(400, "bad-request", "The request is malformed", "The body is cut off.")
    return unpacked


def _too_large(said: str, most: int) -> Problem:
    return Problem(413, "too-large", "The body is too large", f"{said}; at most {most} are taken.")


def _json(raw: bytes) -> Any:
    """JSON as clients write it, also with halves of surrogate pairs, as JavaScript does, or with bytes of no UTF-8.

    What is no number (`NaN`) is null.
    """
    try:
        return json.loads(raw.decode(json.detect_encoding(raw), "replace"), parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        raise _not_json() from None


def _not_json() -> Problem:
    return Problem(400, "bad-request", "The request is malformed", "The body is not JSON.")
