"""What an answer is asked by, and the messages that a model is given for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from models.chat.context import MESSAGE_TOKENS, ChatMessage, estimated_tokens
from models.chat.interaction import MAX_QUESTION
from models.core.document import Message
from models.core.values import Label

MAX_INSTRUCTIONS = 8000
DEFAULT_CONTEXT = 4000
MOST_CONTEXT = 200_000
ENDS_TOKENS = 3
"""What chat models add for the beginning of the answer."""

LEAST_OUTPUT = 16
"""A model that has not even room for so many tokens of an answer is not asked."""


class AnswerRequest(Message):
    """A question for a model."""

    question: str = Field(min_length=1, max_length=MAX_QUESTION, description="What the user asks")
    model: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        default=None, description="One of `GET /api/models`, by its name; the default if absent"
    )
    instructions: str | None = Field(
        default=None, min_length=1, max_length=MAX_INSTRUCTIONS, description="What the model is told before all else"
    )
    context_tokens: int = Field(
        default=DEFAULT_CONTEXT,
        ge=0,
        le=MOST_CONTEXT,
        description="Budget of the session's last turns that the model is given, as far as its window allows",
    )
    max_output_tokens: int | None = Field(
        default=None, ge=LEAST_OUTPUT, le=1_000_000, description="Of the answer; the model's own limit if absent"
    )
    query_category: Label = Field(default="general", max_length=64, description="philosophy, science, history, ...")
    personality_used: Label = Field(default="assistant", max_length=64, description="Who answers")
    store_texts: bool = Field(default=True, description="As of a turn: false stores neither question nor answer")


class PromptMessage(Message):
    """One message, as a model is given it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Room:
    """What there is room for in a model's window.

    Attributes:
        context: Tokens of turns before this one.
        output: Tokens of the answer.
    """

    context: int
    output: int


def fixed_tokens(question: str, instructions: str | None) -> int:
    """Tokens of what is sent whatever the context: estimated, rather too many."""
    texts = [question, *([instructions] if instructions else [])]
    return sum(estimated_tokens(text) + MESSAGE_TOKENS for text in texts) + ENDS_TOKENS


def room(request: AnswerRequest, window: int, longest: int) -> Room | None:
    """How much of a window the context and the answer get; None if there is none for an answer.

    The answer goes before the context: it is shortened only where the question alone leaves it less.
    """
    left = window - fixed_tokens(request.question, request.instructions)
    output = min(request.max_output_tokens or longest, longest, left)
    if output < LEAST_OUTPUT:
        return None
    return Room(context=min(request.context_tokens, left - output), output=output)


def prompt(request: AnswerRequest, context: Sequence[ChatMessage]) -> list[PromptMessage]:
    """The messages: instructions, the turns before, the question."""
    first = [PromptMessage(role="system", content=request.instructions)] if request.instructions else []
    before = [PromptMessage(role=message.role, content=message.content) for message in context]
    return [*first, *before, PromptMessage(role="user", content=request.question)]
