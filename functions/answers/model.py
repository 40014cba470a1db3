"""What a model is to whoever asks it: pieces of an answer, or a reason why there is none."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from models.answers.request import PromptMessage


@dataclass(frozen=True)
class Delta:
    """The next part of the answer's text."""

    text: str


@dataclass(frozen=True)
class Used:
    """What the provider says that it took: its usage object as it came."""

    usage: dict[str, Any]


@dataclass(frozen=True)
class Finished:
    """Why the model ended, in OpenAI's words: `stop`, `length`, `content_filter`, ..."""

    reason: str


Piece = Delta | Used | Finished


@dataclass
class ModelFailed(Exception):
    """A model gave no answer, or not the whole of it.

    Attributes:
        slug: Last part of the problem's type.
        retry_after: Seconds, where the provider says so.
        cause: Of an answer that was broken off: what broke it off, likewise; None if it is not known.
    """

    slug: str
    retry_after: int | None = field(default=None)
    cause: str | None = field(default=None)


class Model(Protocol):
    """A model that can be asked. It is called once for each answer: nothing is tried again."""

    def stream(self, messages: Sequence[PromptMessage], max_tokens: int) -> AsyncGenerator[Piece]:
        """The pieces of an answer, as they come.

        Raises:
            ModelFailed: there is none, or no more of it.
        """

    async def close(self) -> None:
        """Closes its connections."""
