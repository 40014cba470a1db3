"""An answer as its user sees it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.answers.answer import Answer
from models.chat.interaction import AnswerEnd, UserInteraction
from models.core.document import Message
from models.core.values import Timestamp, Uuid


class AnswerState(Message):
    """An answer, as far as it is. Once it is recorded, it is a turn under the same id."""

    id: Uuid = Field(description="Of the answer and its turn")
    session_id: Uuid = Field(description="The session that it was asked in")
    status: Literal["running", "recorded", "failed"] = Field(
        description="`failed`: nothing came, and nothing was charged"
    )
    model: str = Field(description="Who answers")
    asked_at: Timestamp = Field(description="When it was asked for")
    end: AnswerEnd | None = Field(description="How it ended, of one that is recorded")
    text: str | None = Field(description="The answer, as far as it has come; null where it is not stored")
    problem: str | None = Field(description="What went wrong, as the last part of a problem's type; null if nothing")
    cause: str | None = Field(description="What broke it off, likewise; null if that is not known")
    interaction: UserInteraction | None = Field(description="The turn, once it is recorded")


def state_of(answer: Answer, turn: UserInteraction | None, text: str | None = None) -> AnswerState:
    """What there is to see of an answer.

    Args:
        turn: What it became.
        text: What has come of it, where that is known and may not be stored.
    """
    ending, failed = answer.ending, answer.status == "failed"
    known = text if text is not None else turn.response_text if turn else answer.text
    return AnswerState(
        id=answer.answer_id,
        session_id=answer.session_id,
        status="recorded" if turn else "failed" if failed else "running",
        model=answer.model,
        asked_at=answer.asked_at,
        end=turn.answer_end if turn else None,
        text=None if failed else known,
        problem=ending.problem if ending and (turn or failed) else None,
        cause=ending.cause if ending and turn else None,
        interaction=turn,
    )
