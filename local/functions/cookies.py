"""`Set-Cookie` as it leaves the real host: parsed by the Python worker, written again by ASP.NET Core.

Source: `SimpleCookie` in the worker, `SetCookieHeaderValue` in the web server, and answers that were recorded. Domain
and path are written even if they are empty, and the value is percent-encoded.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from http.cookies import CookieError, Morsel, SimpleCookie
from urllib.parse import quote

_DATES = ("%a, %d %b %Y %H:%M:%S %Z", "%a, %d-%b-%y %H:%M:%S %Z", "%a, %d-%b-%Y %H:%M:%S %Z", "%a %b %d %H:%M:%S %Y")
_SAME_SITE = {"strict": "strict", "lax": "lax", "none": "none"}


def rewrite_cookies(headers: Iterable[str]) -> list[str]:
    """What is sent for the `Set-Cookie` headers of a function; raises `ValueError` for one that cannot be read."""
    written: list[str] = []
    for header in headers:
        try:
            cookies: SimpleCookie = SimpleCookie(header)
        except CookieError as error:
            raise ValueError(f"Set-Cookie: {error}") from error
        written.extend(_write(name, morsel) for name, morsel in cookies.items())
    return written


def _write(name: str, morsel: Morsel[str]) -> str:
    parts = [f"{name}={quote(morsel.value, safe='-_.~')}"]
    if morsel["expires"]:
        parts.append(f"expires={_date(morsel['expires']):%a, %d %b %Y %H:%M:%S} GMT")
    if morsel["max-age"]:
        parts.append(f"max-age={int(float(morsel['max-age']))}")
    parts += [f"domain={morsel['domain']}", f"path={morsel['path']}"]
    if morsel["secure"]:
        parts.append("secure")
    same_site = _SAME_SITE.get(morsel["samesite"].lower())
    if same_site:
        parts.append(f"samesite={same_site}")
    if morsel["httponly"]:
        parts.append("httponly")
    return "; ".join(parts)


def _date(text: str) -> datetime:
    for form in _DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(f"Set-Cookie: '{text}' is not a date of a cookie")
