"""Texts in headers, which were made for ASCII."""

from __future__ import annotations

from urllib.parse import unquote

EXTENDED = "utf-8''"
"""How RFC 8187 begins a text in UTF-8 of which no language is said."""


def text_of(value: str) -> str:
    """What a header says, however its client and the host have written it.

    A client may send UTF-8 as it is, which one host decodes as UTF-8 and another as Latin-1 (as WSGI and ASGI do); or,
    as from a browser, whose `fetch` takes no more than Latin-1, the percent signs of RFC 8187. What is not valid stays.
    """
    if value[: len(EXTENDED)].casefold() == EXTENDED:
        try:
            return unquote(value[len(EXTENDED) :], errors="strict")
        except UnicodeDecodeError:
            return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
