"""What the rules know of one turn: no text, no address, nothing that could be read back."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from models.chat.interaction import UserInteraction
from models.risk.question import question_facts
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


def facts_of(turn: UserInteraction) -> TurnFacts:
    """The facts of a stored turn: those stamped on it if its texts are not stored."""
    device = (turn.device_type, turn.platform, turn.browser)
    question = turn.question_facts or question_facts(turn.user_query or "")
    automated = Signal.AUTOMATED if turn.device_type == "bot" else Signal.NONE
    failed = Signal.FAILED if is_failed(turn) else Signal.NONE
    first = Signal.FIRST if turn.interaction_sequence == 1 else Signal.NONE
    return TurnFacts(
        at=round(turn.timestamp.timestamp() * 1000),
        session=hashlib.sha256(turn.session_id.encode()).hexdigest()[:8],
        question=question.digest,
        sketch=question.sketch,
        size=question.size,
        fresh_input=turn.input_tokens
        + turn.cache_write_5m_tokens
        + turn.cache_write_1h_tokens
        + turn.input_audio_tokens,
        cached_input=turn.cached_input_tokens,
        output=turn.output_tokens + turn.reasoning_tokens + turn.output_audio_tokens,
        response_ms=turn.response_time_ms,
        address=(turn.ip_address or "")[:ADDRESS_DIGITS],
        device="/".join(part or "?" for part in device) if any(device) else "",
        signals=int(question.signals | automated | failed | first),
        promotion=question.promotion,
    )


def is_failed(turn: UserInteraction) -> bool:
    """Whether something stands in the place of an answer, or nothing does. A call of a tool has output, and no text."""
    return turn.response_quality == "fallback" or (turn.response_length == 0 and not turn.output_tokens)
