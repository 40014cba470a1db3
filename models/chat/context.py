"""The last turns of a conversation that fit a budget of tokens: what a model is given before the next question.

Tokens are estimated from the characters, by script: tokenizers differ, and none of them is needed to stay below a
limit. A response counts as many as its model said it had, if those are more: who reports too few, or none, would else
get more than fits.
"""

from __future__ import annotations

import math
import re
from typing import Literal

from pydantic import Field

from models.core.document import Message
from models.core.values import Count, Uuid

MESSAGE_TOKENS = 4
"""What chat models add for each message, for its role and its ends."""

MAX_TURNS = 400
"""Bounds what is read for one context of very short turns. What is sent is bounded by the budget: no token that is
estimated has more than four characters."""

# Characters per token, from what OpenAI says of English (4), and below what its o200k vocabulary needs for the other
# scripts, so that the estimate is rather too high than too low.
_SCRIPTS = (
    (re.compile("[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]"), 1.0),  # east Asian
    (re.compile("[\u0370-\u06ff\u0700-\u08ff]"), 2.5),  # Greek, Cyrillic, Armenian, Hebrew, Arabic, Syriac
    (re.compile("[\u0900-\u1fff]"), 2.0),  # Indic scripts, Thai, Tibetan, Georgian, Ethiopic, Khmer, ...
    (re.compile("[\u2600-\u27bf\U0001f000-\U0001faff]"), 0.5),  # pictures
)
_OTHER = 4.0


class PastTurn(Message):
    """What a context needs of a turn."""

    interaction_sequence: int = Field(ge=1)
    user_query: str | None
    response_text: str | None
    output_tokens: Count

    @property
    def has_texts(self) -> bool:
        return self.user_query is not None and self.response_text is not None

    @property
    def tokens(self) -> int:
        """Tokens of the turn's two messages."""
        response = max(self.output_tokens, estimated_tokens(self.response_text or ""))
        return estimated_tokens(self.user_query or "") + response + 2 * MESSAGE_TOKENS


class ChatMessage(Message):
    """One message, as chat models take it."""

    role: Literal["user", "assistant"]
    content: str


class Context(Message):
    """The last turns of a session that fit the budget, as messages, oldest first."""

    session_id: Uuid
    until: int | None = Field(
        description="Sequence number of the last turn: send it as `until` to get the same point of the session later, "
        "or on another device; null if there is no turn"
    )
    messages: list[ChatMessage]
    turns: Count = Field(description="How many turns the messages are")
    turns_without_texts: Count = Field(
        description="How many further turns there are among them whose texts are not stored: they have no messages"
    )
    tokens: Count = Field(description="What they count by the rule of this service: at most `max_tokens`")
    is_complete: bool = Field(description="Whether the messages are all turns of the session until then")


class ContextWindow:
    """Takes turns, newest first, as long as they fit."""

    def __init__(self, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        self._turns: list[PastTurn] = []
        self._without_texts = 0
        self._until: int | None = None
        self._tokens = 0
        self.is_full = False

    def add(self, turn: PastTurn) -> None:
        """Takes the turn before those taken so far; one that does not fit ends the context.

        So it has no holes, but for turns whose texts are not stored: those are counted.
        """
        if self._until is None:
            self._until = turn.interaction_sequence
        tokens = turn.tokens if turn.has_texts else 0
        is_long = len(self._turns) + self._without_texts == MAX_TURNS
        if self.is_full or is_long or self._tokens + tokens > self._max_tokens:
            self.is_full = True
            return
        if not turn.has_texts:
            self._without_texts += 1
            return
        self._turns.append(turn)
        self._tokens += tokens

    def context(self, session_id: str) -> Context:
        messages = []
        for turn in reversed(self._turns):
            messages.append(ChatMessage(role="user", content=turn.user_query or ""))
            messages.append(ChatMessage(role="assistant", content=turn.response_text or ""))
        return Context(
            session_id=session_id,
            until=self._until,
            messages=messages,
            turns=len(self._turns),
            turns_without_texts=self._without_texts,
            tokens=self._tokens,
            is_complete=not self.is_full and not self._without_texts,
        )


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has, rather too many: its characters, by how many of their script make a token."""
    rest, tokens = len(text), 0.0
    for characters, per_token in _SCRIPTS:
        found = sum(1 for _ in characters.finditer(text))
        rest -= found
        tokens += found / per_token
    return math.ceil(tokens + rest / _OTHER)
