"""HTTP/1.1 as the real host's web server takes it, on top of uvicorn's: what is refused, and with which status.

Methods may be any word, a line may end with LF alone, `Content-Length` beside chunks is set aside, limits are those of
Kestrel: 8 KiB for the request line (414), 32 KiB and 100 headers (431). A refusal has no body and ends the connection.
"""

import re
from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from local.functions.asgi import Receive, Scope, Send, respond

KEEP_ALIVE_SECONDS = 130
"""How long an idle connection is kept. Clients that pool connections rely on it: one that is closed just as it is used
again loses what is sent by it."""

_LONGEST_LINE = 8192
_MOST_HEADERS = 100
_MOST_HEADER_BYTES = 32_768
_METHODS = "DELETE|GET|HEAD|POST|PUT|CONNECT|OPTIONS|TRACE|PATCH"
_USUAL = re.compile(rf"(?:{_METHODS}) /[^ \r\n]{{0,4096}} HTTP/1\.[01]\r\n".encode())
_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_STARTS = re.compile(_WORD.encode())
_LINE = re.compile(
    rf"(?:\r?\n)*(?P<method>{_WORD}+)(?P<rest> [^ \r\n]+ HTTP/(?P<version>\d\.\d)\r?\n)".encode(),
)
_KNOWN = re.compile(_METHODS, re.IGNORECASE)
_HOST = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=%]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?")
_STAND_IN = b"POST"
"""For a method that the parser does not know: it reads the body of either alike."""

_PHRASES = {
    203: "Non-Authoritative",
    306: "Switch Proxy",
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    418: "I'm a teapot",
    419: "Authentication Timeout",
    422: "Unprocessable Entity",
    499: "Client Closed Request",
}
STATUS_LINE.update({code: f"HTTP/1.1 {code} {phrase}\r\n".encode() for code, phrase in _PHRASES.items()})
STATUS_LINE.update({code: f"HTTP/1.1 {code} \r\n".encode() for code in (0, *range(600, 1000))})


class KestrelProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser.set_dangerous_leniencies(lenient_chunked_length=True)
        self._is_between_requests = True
        self._has_headers = False
        self._begun = b""
        self._method: str | None = None

    def data_received(self, data: bytes) -> None:
        if self._is_between_requests and not _USUAL.match(data):
            opened = self._open(self._begun + data)
            if opened is None:
                return
            data = opened
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._is_between_requests = self._has_headers = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_headers:  # a trailer is not among the headers
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._has_headers = True
        version = self.parser.get_http_version()
        status = _fault(self.url, self.headers, version)
        if status is not None:
            self.app = _Refusal(status)
        elif version == "1.0":
            self.app = _Whole(self.app)
        super().on_headers_complete()
        if b"#" in self.url:  # it belongs to the path or the query: there are no fragments
            self.scope["raw_path"], _, self.scope["query_string"] = self.url.partition(b"?")
        if self._method is not None:
            self.scope["method"], self._method = self._method, None

    def on_message_complete(self) -> None:
        self._is_between_requests = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400)

    def _open(self, data: bytes) -> bytes | None:
        """Looks at a request line that is not of the usual form; None if there is no more to do for now."""
        self._begun = b""
        line = _LINE.match(data)
        if line is None:
            start = data.lstrip(b"\r\n")
            if b"\n" in start or (start and not _STARTS.match(start)):
                self._refuse(400)
            elif len(start) > _LONGEST_LINE:
                self._refuse(414)
            else:
                self._begun = data
            return None
        if line.end() - line.start("method") > _LONGEST_LINE:
            self._refuse(414)
            return None
        if line["version"] not in (b"1.0", b"1.1"):
            self._refuse(505)
            return None
        if not line[0].endswith(b"\r\n"):
            head, end, rest = data.partition(b"\n\n")
            data = head.replace(b"\n", b"\r\n") + end.replace(b"\n", b"\r\n") + rest
        method = line["method"]
        if _KNOWN.fullmatch(method.decode()):
            return method.upper() + data[line.end("method") :]
        self._method = method.decode()
        return _STAND_IN + data[line.end("method") :]

    def _refuse(self, status: int) -> None:
        self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


class _Refusal:
    """Answers every request with one status."""

    def __init__(self, status: int) -> None:
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, self._status, [(b"connection", b"close")])


class _Whole:
    """Sends the answers of an app with their length: HTTP/1.0 knows no chunks."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: dict[str, Any] = {}
        body = b""

        async def gather(message: MutableMapping[str, Any]) -> None:
            nonlocal body
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
                await send({**start, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
                await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, gather)


def _fault(url: bytes, headers: list[tuple[bytes, bytes]], version: str) -> int | None:
    """The status that headers are refused with, or None. Renames a `Content-Length` that stands beside chunks."""
    hosts, size, is_chunked, length_at = [], 0, False, -1
    for index, (name, value) in enumerate(headers):
        size += len(name) + len(value) + 4
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            if value.rpartition(b",")[2].strip().lower() != b"chunked":
                return 400
            is_chunked = True
        elif name == b"content-length":
            length_at = index
        if not value.isascii():
            try:
                value.decode()
            except UnicodeDecodeError:
                return 400
    if is_chunked and length_at >= 0:
        headers[length_at] = (b"x-content-length", headers[length_at][1])
    if size > _MOST_HEADER_BYTES or len(headers) > _MOST_HEADERS:
        return 431
    return _host_fault(url, hosts, version)


def _host_fault(url: bytes, hosts: list[bytes], version: str) -> int | None:
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return 400
    if not hosts:
        return None
    host = hosts[0].strip()
    if not host:
        return 500
    if not _HOST.fullmatch(host):
        return 400
    _, mark, rest = url.partition(b"://")
    is_absolute = bool(mark) and not url.startswith(b"/")
    return 400 if is_absolute and rest.partition(b"/")[0].removesuffix(b":80") != host.removesuffix(b":80") else None
