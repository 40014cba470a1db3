"""The local host beside the real one: 286 requests, and what the host (4.1037, Python worker 4.34) answered to them.

A line of `recorded.jsonl` is a request (a target alone stands for a GET with `Host` and `Connection: close`) and its
answer: `echo` is what the app in `echo_app` said of the request, without what is empty; a plain 404 has no framing.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.functions.host_helpers import host_process
from tests.local.functions.raw_http import ask

HERE = Path(__file__).parent
NOTHING = {"body": "", "files": {}, "form": {}, "headers": {}, "json": "no", "params": {}, "route": {}}
KEYS = {"HOSTKEY": "hk-0123456789", "MASTERKEY": "mk-0123456789"}
RECORDED = [json.loads(line) for line in (HERE / "recorded.jsonl").read_text("utf-8").splitlines()]

NO_KEYS = "keys are not asked for, as in `func start`: the host listens on this machine only"
DIFFERENT = {
    "GET /admin/functions": ("200 OK", NO_KEYS),
    "GET /admin/host/keys": ("200 OK", NO_KEYS),
    "GET /runtime/webhooks/x": ("404 Not Found", NO_KEYS),
    "GET /runtime/webhooks/durabletask": ("404 Not Found", NO_KEYS),
    "key no key": ("200 OK", NO_KEYS),
    "key wrong key": ("200 OK", NO_KEYS),
    "key admin none": ("200 OK", NO_KEYS),
    "key admin host key": ("200 OK", NO_KEYS),
    "1.0": ("200 OK", "the web server: an HTTP/1.0 client is told the length instead of having to wait for the end"),
    "POST body length plus": ("400 Bad Request", "the web server: its parser takes digits only in Content-Length"),
    "answer s100": (
        "500 Internal Server Error",
        "the host sends a 100 and no answer behind it",
    ),
}
"""What the local host answers otherwise: its status, and why."""


def name_of(row: dict[str, Any]) -> str:
    return str(row.get("name", row["request"]))


def request_of(row: dict[str, Any]) -> bytes:
    text = str(row["request"])
    if " HTTP/" not in text and "\r\n\r\n" not in text and not text.startswith("\x16"):
        text += " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for placeholder, key in KEYS.items():
        text = text.replace(placeholder, key)
    return text.encode("latin-1")


def answer_of(row: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps({**NOTHING, **row["echo"]}, sort_keys=True) if "echo" in row else row.get("body", "")
    if "size" in row and "echo" not in row:
        body *= row["size"]
    return {
        "status": row["status"],
        "headers": row.get("headers", []),
        "framing": row.get("framing", "length 0"),
        "body": body,
    }


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A host of the echo app, in a process of its own."""
    folder = tmp_path_factory.mktemp("echo")
    for file in (HERE / "echo_app").glob("*.*"):
        (folder / file.name).write_text(file.read_text("utf-8"), "utf-8")
    with host_process(folder) as host:
        yield int(host.url.rpartition(":")[2])


@pytest.mark.parametrize("row", RECORDED, ids=name_of)
def test_answer_is_that_of_the_real_host(row: dict[str, Any], port: int) -> None:
    answer = ask(port, request_of(row))
    if name_of(row) in DIFFERENT:
        status, _ = DIFFERENT[name_of(row)]
        assert answer["status"] == status
        assert answer != answer_of(row)
    else:
        assert answer == answer_of(row)


def test_every_difference_is_of_a_recorded_request() -> None:
    assert len(RECORDED) == 286
    assert set(DIFFERENT) <= {name_of(row) for row in RECORDED}


def get(target: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join(
        [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    ).encode()


@pytest.mark.parametrize(
    ("request_bytes", "status", "echoed"),
    [
        (get("/api/any", method="brew"), "200 OK", {"method": "BREW"}),
        (get("/api/one", method="post"), "200 OK", {"fn": "post_one", "method": "POST"}),
        (get("/api/any?a=1#b"), "200 OK", {"params": {"a": "1#b"}, "url": "api/any?a=1#b"}),
        (get("/api/rest/a#b"), "200 OK", {"route": {"path": "a#b"}, "url": "api/rest/a%23b"}),
        (get("/api/any?a=&a=1&A=2"), "200 OK", {"params": {"A": "1,2"}}),
        (get("/api/any?a=%C3%A9%FF%C3"), "200 OK", {"params": {"a": "é%FF%C3"}}),
        (get("/api/rest/a/"), "200 OK", {"route": {"path": "a/"}}),
        (get("/api/rest/a/../../any/."), "200 OK", {"fn": "any_method", "url": "api/any/"}),
        (get("/../../api/any"), "200 OK", {"fn": "any_method"}),
        (get("/api/two/x/y"), "200 OK", {"fn": "two"}),
        (get("/api/guid/%7B12345678-1234-1234-1234-123456789012%7D"), "200 OK", {"fn": "guid"}),
        (get("/api/date/12:00"), "200 OK", {"fn": "dated"}),
        (get("/api/date/30-11-2026"), "404 Not Found", None),
        (get("/api/dec/5-"), "200 OK", {"fn": "decimals"}),
        (get("/api/any", "X-A: 1", "X-A:", "X-A: 2"), "200 OK", {"headers": {"x-a": "1,2"}}),
        (get("/api/any", f"X-A: {'a' * 32_768}"), "431 Request Header Fields Too Large", None),
        (get("/api/any?a=" + "a" * 8192), "414 URI Too Long", None),
        (get("/api/any", "Transfer-Encoding: gzip"), "400 Bad Request", None),
        (b"GET http://other/api/any HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad Request", None),
        (b"GET /api/any HTTP/1.2\r\nHost: localhost\r\n\r\n", "505 HTTP Version Not Supported", None),
        (get("/api/answer/s700"), "700 ", None),
        (get("/api/answer/header_accent"), "500 Internal Server Error", None),
        (get("/api/answer/header_break"), "500 Internal Server Error", None),
        (get("/api/answer/exits"), "500 Internal Server Error", None),
        (get("/admin/host/ping"), "200 OK", None),
        (get("/admin/functions/BARE"), "200 OK", None),
        (get("/api//any", method="DELETE"), "404 Not Found", None),
    ],
)
def test_what_was_not_recorded_follows_the_same_rules(
    request_bytes: bytes, status: str, echoed: dict[str, Any] | None, port: int
) -> None:
    answer = ask(port, request_bytes)
    assert answer["status"] == status
    if echoed is not None:
        said = json.loads(answer["body"])
        assert {key: said[key] for key in echoed} == echoed


def test_cookie_is_written_again(port: int) -> None:
    headers = ask(port, get("/api/answer/cookie"))["headers"]
    assert ["set-cookie", "a=1; domain=; path=/; samesite=lax; httponly"] in headers


def test_request_that_comes_in_pieces_is_put_together(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for piece in (b"BR", b"EW /api/any HTT", b"P/1.1\r\nHost: localhost\r\nConnection: close\r\n", b"\r\n"):
            connection.sendall(piece)
        received = b""
        while chunk := connection.recv(1 << 16):
            received += chunk
    assert b'"method": "BREW"' in received
