"""Between ASGI and `func.HttpRequest` / `func.HttpResponse`, with the real host's conventions.

Source: `ToRpcHttp` of the host (empty query values are dropped, values of a repeated name joined by commas), and
the converters of the SDK.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from azure.functions import _abc
from azure.functions.http import HttpRequest

from local.functions.asgi import Headers, Scope

EMPTY_RESPONSE: tuple[int, Headers, bytes] = (HTTPStatus.OK, [], b"")
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "set-cookie"})


def request_path(scope: Scope) -> str:
    """The decoded path; an encoded slash stays `%2F`, so that it separates no segments."""
    raw: bytes = scope.get("raw_path") or b""
    raw = raw.partition(b"?")[0]
    if b"%2f" in raw.lower():
        escaped = raw.decode("latin-1").replace("%2F", "%252F").replace("%2f", "%252F")
        return unquote(escaped)
    path: str = scope["path"]
    return path


def build_request(scope: Scope, route_parameters: Mapping[str, str], body: bytes) -> HttpRequest:
    """The function's view of a request."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    query: bytes = scope["query_string"]
    return HttpRequest(
        method=scope["method"],
        url=_url(scope, headers.get("host", ""), query),
        headers=headers,
        params=_parameters(query) if query else {},
        route_params=route_parameters,
        body_type="bytes",
        body=body,
    )


def _url(scope: Scope, host: str, query: bytes) -> str:
    path = scope.get("raw_path") or scope["path"].encode()
    url = f"{scope['scheme']}://{host}{path.partition(b'?')[0].decode('latin-1')}"
    return f"{url}?{query.decode('latin-1')}" if query else url


def _parameters(query: bytes) -> dict[str, str]:
    """Query parameters; names are one in any case, and the first one's spelling counts."""
    spellings: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        spelling = spellings.setdefault(name.lower(), name)
        values.setdefault(spelling, []).append(value)
    joined = {name: ",".join(several) for name, several in values.items()}
    return {name: value for name, value in joined.items() if value}


def encode_response(value: Any) -> tuple[int, Headers, bytes]:
    """Status, headers and body of what an HTTP function returned.

    Raises `TypeError` for what is neither a `func.HttpResponse` nor text, as the worker does, and `ValueError` for a
    status or headers that HTTP has no room for.
    """
    if isinstance(value, str):
        return HTTPStatus.OK, [(b"content-type", b"text/plain; charset=utf-8")], value.encode()
    if not isinstance(value, _abc.HttpResponse):
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "http" for Python type "{type(value).__name__}"'
        )
    status = int(value.status_code)
    if not 200 <= status <= 599:
        raise ValueError(f"{status} is not the status of a response")
    return status, _headers(value), value.get_body()


def _headers(response: _abc.HttpResponse) -> Headers:
    single: dict[str, str] = {}
    for name, text in response.headers.items():
        single[name.lower()] = text
    headers = [_encode(name, text) for name, text in single.items() if name not in _OWN_HEADERS]
    if "content-type" not in single:
        charset = f"; charset={response.charset}" if response.mimetype.startswith("text/") else ""
        headers.append(_encode("content-type", f"{response.mimetype}{charset}"))
    headers.extend(_encode("set-cookie", cookie) for cookie in response.headers.getlist("set-cookie"))
    return headers


def _encode(name: str, text: str) -> tuple[bytes, bytes]:
    return name.encode("latin-1"), text.encode("latin-1")
