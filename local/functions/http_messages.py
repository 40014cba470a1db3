"""Between ASGI and `func.HttpRequest` / `func.HttpResponse`, with the real host's conventions.

Source: `ToRpcHttp` of the host (empty query values are dropped, values of a repeated name joined by commas), the
converters of the SDK, and answers that were recorded from the host.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from azure.functions import _abc
from azure.functions.http import HttpRequest

from local.functions.asgi import Headers, Scope
from local.functions.cookies import rewrite_cookies
from local.functions.request_target import query_parameters, uri_path

EMPTY_RESPONSE: tuple[int, Headers, bytes] = (HTTPStatus.OK, [], b"")
NO_CONTENT: tuple[int, Headers, bytes] = (HTTPStatus.NO_CONTENT, [], b"")
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "set-cookie"})
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def build_request(scope: Scope, route_parameters: Mapping[str, str], body: bytes) -> HttpRequest:
    """The function's view of a request; raises `UnicodeDecodeError` for a header that is not UTF-8."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("ascii"), raw_value.decode()
        headers[name] = ",".join(filter(None, (headers[name], value))) if name in headers else value
    query: bytes = scope["query_string"]
    url = f"{scope['scheme']}://{headers.get('host', '')}{uri_path(scope['path'])}"
    return HttpRequest(
        method=scope["method"],
        url=f"{url}?{query.decode('latin-1')}" if query else url,
        headers=headers,
        params=query_parameters(query) if query else {},
        route_params=route_parameters,
        body_type="bytes",
        body=body,
    )


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
    status, body = int(value.status_code), value.get_body()
    if not (200 <= status <= 999 or status == 0):
        raise ValueError(f"{status} is not the status of a response")
    _check_length(value, body)
    return status, _headers(value), body


def _check_length(response: _abc.HttpResponse, body: bytes) -> None:
    length = response.headers.get("content-length")
    if length is not None and str(length).strip() != str(len(body)):
        raise ValueError(f"the Content-Length {length} is not that of the body, {len(body)}")


def _headers(response: _abc.HttpResponse) -> Headers:
    single: dict[str, str] = {}
    for name, text in response.headers.items():
        single[name.lower()] = text
    headers = [_encode(name, text) for name, text in single.items() if name not in _OWN_HEADERS]
    if "content-length" in single and response.get_body():
        headers.append(_encode("content-length", single["content-length"]))
    if "content-type" not in single:
        charset = f"; charset={response.charset}" if response.mimetype.startswith("text/") else ""
        headers.append(_encode("content-type", f"{response.mimetype}{charset}"))
    headers.extend(_encode("set-cookie", cookie) for cookie in rewrite_cookies(response.headers.getlist("set-cookie")))
    return headers


def _encode(name: str, text: str) -> tuple[bytes, bytes]:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(text):
        raise ValueError(f"the header {name!r}: {text!r} has characters that the web server refuses")
    return name.encode("ascii"), text.encode("ascii")
