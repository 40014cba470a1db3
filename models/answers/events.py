"""What is told of an answer while it is made: the data of its server-sent events, each by the name of its event."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from models.answers.answer import Answer
from models.chat.interaction import UserInteraction
from models.core.document import Message
from models.core.values import Count, Uuid
from models.usage.token_usage import usage_of


class AnswerAdmitted(Message):
    """`admitted`: what the call may take is reserved."""

    id: Uuid = Field(description="Of the answer, and of the turn that it becomes")
    session_id: Uuid = Field(description="The session that it was asked in")
    model: str = Field(description="Who answers")
    input_tokens: Count = Field(description="What the model is given, estimated")

    @classmethod
    def of(cls, answer: Answer) -> Self:
        return cls(
            id=answer.answer_id, session_id=answer.session_id, model=answer.model, input_tokens=answer.input_tokens
        )


class AnswerDelta(Message):
    """`delta`: the next part of the answer. The event's id is the number of characters so far."""

    text: str = Field(description="To be put after what has come before")


class AnswerUsage(Message):
    """`usage`: what the answer took, as it is counted."""

    input_tokens: Count = Field(description="Tokens of all kinds that the model was given")
    output_tokens: Count = Field(description="Tokens of all kinds that it gave")
    cost_usd: float | None = Field(description="USD; null where the model has no price")
    is_estimated: bool = Field(description="The provider did not say them")

    @classmethod
    def of(cls, turn: UserInteraction) -> Self:
        usage = usage_of(turn)
        return cls(
            input_tokens=usage.input,
            output_tokens=usage.total - usage.input,
            cost_usd=turn.cost_usd,
            is_estimated=turn.tokens_estimated,
        )
