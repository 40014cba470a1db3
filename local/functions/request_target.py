"""What a request asks for, as the real host's web server reads it: the path of the route, the URL, the query.

Source: Kestrel (`UrlDecoder`, `PathNormalizer`), `PathString.ToUriComponent` and `QueryHelpers` of ASP.NET Core, and
answers that were recorded from the host.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote_from_bytes

_ESCAPED = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_ESCAPED_IN_PATH = re.compile(r"(?:%(?!2[fF])[0-9a-fA-F]{2})+")
_UNUSUAL = re.compile(rb"%|/\.")
_TO_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+")


def normal_path(raw: bytes) -> str:
    """The path that routes are compared with: decoded once, without `.` and `..` segments.

    An escaped slash separates no segments and stays as it is, as does an escape that is no UTF-8. Raises `ValueError`
    for an escaped NUL, and for bytes that are not ASCII.
    """
    text = raw.decode("ascii")
    if _UNUSUAL.search(raw) is None:
        return text
    if "%00" in text:
        raise ValueError("a path has no NUL")
    decoded = _ESCAPED_IN_PATH.sub(_decode, text)
    return _without_dots(decoded) if "/." in decoded else decoded


def uri_path(path: str) -> str:
    """A normal path as a URL shows it: what needs an escape has one, what needs none has none."""
    return _TO_ESCAPE.sub(lambda match: quote_from_bytes(match[0].encode()), path)


def query_parameters(query: bytes) -> Mapping[str, str]:
    """Query parameters. Names are one in any case, and the last one's spelling counts; values are joined by commas.

    Empty values are dropped.
    """
    values: dict[str, list[str]] = {}
    spellings: dict[str, str] = {}
    for pair in query.decode("latin-1").split("&"):
        if pair:
            name, _, value = pair.partition("=")
            spelling = _unescape(name)
            spellings[spelling.lower()] = spelling
            values.setdefault(spelling.lower(), []).append(_unescape(value))
    joined = {spellings[name]: ",".join(filter(None, several)) for name, several in values.items()}
    return {name: value for name, value in joined.items() if value}


def _unescape(text: str) -> str:
    return _ESCAPED.sub(_decode, text.replace("+", " "))


def _decode(match: re.Match[str]) -> str:
    """Escapes in a row as text; those that are no UTF-8 as they were."""
    escapes = match[0]
    raw = bytes.fromhex(escapes.replace("%", ""))
    parts: list[str] = []
    start = 0
    while True:
        try:
            return "".join([*parts, raw[start:].decode()])
        except UnicodeDecodeError as error:
            bad, end = start + error.start, start + error.end
            parts += [raw[start:bad].decode(), escapes[3 * bad : 3 * end]]
            start = end


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        is_last = index == len(segments) - 1
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
            continue
        if is_last:
            kept.append("")
    return "/" + "/".join(kept)
