"""Requests as bytes, and what comes back, in the form of `recorded.jsonl`."""

from __future__ import annotations

import socket
from typing import Any

_OF_THE_SERVER = {"date", "server", "connection", "transfer-encoding", "content-length", "keep-alive"}


def ask(port: int, request: bytes) -> dict[str, Any]:
    """Sends a request and returns `status`, `headers`, `framing` and `body` of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        received = bytearray()
        while not received.endswith(b"\r\n0\r\n\r\n") and (chunk := connection.recv(1 << 16)):
            received += chunk
    return parse(bytes(received), is_head=request.startswith(b"HEAD "))


def parse(received: bytes, *, is_head: bool) -> dict[str, Any]:
    head, _, rest = received.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100 "):
        return parse(rest, is_head=is_head)
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    headers = dict(pairs)
    framing, body = "none", rest
    if headers.get("transfer-encoding") == "chunked":
        framing, body = "chunked", _join_chunks(rest)
    elif "content-length" in headers and not is_head:
        framing = f"length {headers['content-length']}"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    own = sorted([name, value] for name, value in pairs if name not in _OF_THE_SERVER)
    return {"status": first.partition(" ")[2], "headers": own, "framing": framing, "body": text}


def _join_chunks(rest: bytes) -> bytes:
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        body, rest = body + rest[:length], rest[length + 2 :]
    return body
