"""Who answers where no model is configured: a sample, which says what it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from functions.answers.model import Delta, Finished, Piece
from models.answers.request import PromptMessage

_ANSWER = (
    "This is a sample answer. No model is configured here, so nobody has read your question, which has {length} "
    "characters; {turns} messages were before it. Whoever runs this service names models in the setting MODELS: see "
    "docs/operations.md."
)


class Sample:
    """Answers the same whatever it is asked, a word at a time. Its tokens are estimated, and cost nothing."""

    async def stream(self, messages: Sequence[PromptMessage], max_tokens: int) -> AsyncGenerator[Piece]:
        text = _ANSWER.format(length=len(messages[-1].content), turns=len(messages) - 1)
        words = text.split(" ")
        for number, word in enumerate(words[:max_tokens]):
            yield Delta(word if number == 0 else f" {word}")
            await asyncio.sleep(0)
        yield Finished("stop" if len(words) <= max_tokens else "length")

    async def close(self) -> None:
        """It has no connections."""
