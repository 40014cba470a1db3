"""A finding as a profile shows it: what a rule saw, over what, and against which threshold."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import Field

from models.core.document import Message
from models.core.values import Timestamp, format_timestamp

Rule = Literal[
    "excessive_usage", "repetitive_queries", "bot_like_patterns", "token_abuse", "suspicious_patterns", "spam"
]


class Finding(Message):
    """Evidence of one rule."""

    rule: Rule = Field(description="Which rule found it")
    pattern: str = Field(description="Which of the rule's patterns was seen, such as turns_per_day")
    strength: float = Field(ge=0, le=1, description="0.5 at the threshold, 1 at twice of it")
    observed: float = Field(description="What was seen, in the threshold's unit")
    threshold: float = Field(description="What it was judged against")
    turns: int = Field(ge=1, description="Turns that are the evidence")
    first_seen: Timestamp = Field(description="Time of the first of these turns")
    last_seen: Timestamp = Field(description="Time of the last of these turns")
    summary: str = Field(description="The evidence in a sentence")

    @property
    def fingerprint(self) -> str:
        """Names this evidence: a dismissal that quotes it is about what its author saw, and nothing newer."""
        text = f"{self.rule}/{self.pattern}/{format_timestamp(self.first_seen)}/{format_timestamp(self.last_seen)}"
        return hashlib.sha256(f"{text}/{self.turns}".encode()).hexdigest()[:16]
