"""What the rules on abuse are told of a turn."""

from __future__ import annotations

import hashlib

from models.chat.interaction import UserInteraction
from models.risk.facts import ADDRESS_DIGITS, TurnFacts
from models.risk.question import question_facts
from models.risk.text import Signal


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
