"""The tokens of one turn, by kind: what is counted, and what prices are asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_TOKENS_PER_TURN = 1_000_000_000
"""Of each kind. Far above any model's context, and low enough that the dearest turn's nano-dollars (1e-9 USD) are exact
in JSON (2**53)."""

_TokenCount = Annotated[int, Field(ge=0, le=MAX_TOKENS_PER_TURN)]


class TokenUsage(BaseModel):
    """The tokens of one turn, in disjoint kinds: no token is counted twice."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    input_uncached: _TokenCount = Field(default=0, description="Prompt tokens of no other kind.")
    input_cached: _TokenCount = Field(default=0, description="Prompt tokens that were read from a cache.")
    cache_write_5m: _TokenCount = Field(default=0, description="Prompt tokens written to a cache for 5 minutes.")
    cache_write_1h: _TokenCount = Field(default=0, description="Prompt tokens written to a cache for an hour.")
    input_audio: _TokenCount = Field(default=0, description="Prompt tokens that were heard, not read from a cache.")
    output: _TokenCount = Field(default=0, description="Tokens of the visible answer, without reasoning and audio.")
    reasoning: _TokenCount = Field(default=0, description="Tokens the model spent on thinking before it answered.")
    output_audio: _TokenCount = Field(default=0, description="Tokens of the answer that were spoken.")

    @property
    def input(self) -> int:
        """All prompt tokens."""
        return self.input_uncached + self.input_cached + self.cache_write_5m + self.cache_write_1h + self.input_audio

    @property
    def total(self) -> int:
        """All tokens of the turn."""
        return self.input + self.output + self.reasoning + self.output_audio


FIELDS = {
    "input_tokens": "input_uncached",
    "cached_input_tokens": "input_cached",
    "cache_write_5m_tokens": "cache_write_5m",
    "cache_write_1h_tokens": "cache_write_1h",
    "input_audio_tokens": "input_audio",
    "output_tokens": "output",
    "reasoning_tokens": "reasoning",
    "output_audio_tokens": "output_audio",
}
"""The fields of turns, each with the kind of token that it counts."""


def usage_of(turn: object) -> TokenUsage:
    """The tokens of whatever has the fields of a turn."""
    return TokenUsage(**{kind: getattr(turn, field) for field, kind in FIELDS.items()})
