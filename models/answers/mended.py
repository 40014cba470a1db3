"""Texts that come in pieces, whose characters may have been cut apart.

A character outside of the Basic Multilingual Plane, such as an emoji, is two halves in JSON (RFC 8259, 7). Some
endpoints send them in two pieces; half a character can't be stored or sent on.
"""

from __future__ import annotations


class Mended:
    """Puts pieces together: the half at the end of one waits for the next. What stays half is U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def of(self, piece: str) -> str:
        """The piece, with what was held back before, and without what is held back now."""
        text, self._half = self._half + piece, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return _whole(text)

    @property
    def rest(self) -> str:
        """What was held back, and nothing came after."""
        return _whole(self._half)


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
