"""What the rules know of one turn: no text, no address, nothing that could be read back."""

from __future__ import annotations

from typing import NamedTuple

from models.risk.text import Signal

ADDRESS_DIGITS = 12
"""Of an address's keyed hash: enough to tell the addresses of a platform apart."""


class TurnFacts(NamedTuple):
    """One turn, as the window keeps it: a JSON array in this order. Time first, so that sorting is by time."""

    at: int
    """When, in milliseconds since 1970."""
    session: str
    """Hash of the session's id: 8 hexadecimal digits."""
    question: str
    """Hash of the normalised question: 12 hexadecimal digits; keyed if the turn is without texts."""
    sketch: str
    """MinHash of the question, base64."""
    size: int
    """UTF-8 bytes of the question: a fair measure of content for all scripts."""
    fresh_input: int
    """Input tokens that were not read from a cache."""
    cached_input: int
    """Input tokens read from a cache."""
    output: int
    """Output tokens, reasoning and sound included."""
    response_ms: int
    """Milliseconds that the response took."""
    address: str
    """First 12 digits of the address's keyed hash; empty where unknown."""
    device: str
    """Kind of device, platform and browser; empty where unknown."""
    signals: int
    """`Signal` flags."""
    promotion: int
    """Different words of advertising in the question."""

    def has(self, signal: Signal) -> bool:
        return bool(self.signals & signal)
