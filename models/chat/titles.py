"""What a conversation is called, and how its last turn is shown in a list."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from models.core.document import Message
from models.core.values import NotBlank, Timestamp

TITLE_CHARACTERS = 80
PREVIEW_CHARACTERS = 200

TitleSource = Literal["user", "question", "model"]
SessionTitle = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), NotBlank]


class LastTurn(Message):
    """The turn that was recorded last, as a list of conversations shows it."""

    interaction_id: str = Field(description="The turn")
    timestamp: Timestamp = Field(description="When it was recorded; of an ingested turn, when it was asked")
    user_query: str | None = Field(
        description=f"The question's beginning on one line, at most {PREVIEW_CHARACTERS} characters; null where its "
        "text is not stored"
    )
    response_text: str | None = Field(description="The same of the answer")

    @classmethod
    def of(cls, turn_id: str, timestamp: datetime, query: str | None, answer: str | None) -> LastTurn:
        """The preview of a turn with these texts, or without."""
        query, answer = (None if text is None else shortened(text, PREVIEW_CHARACTERS) for text in (query, answer))
        return cls(interaction_id=turn_id, timestamp=timestamp, user_query=query, response_text=answer)


def shortened(text: str, characters: int) -> str:
    """The beginning of a text on one line, cut between words if it is longer."""
    line = " ".join(text[: characters * 4].split())
    if len(line) > characters:
        cut = line[: characters - 1]
        line = (cut.rpartition(" ")[0] or cut) + "…"
    return line


def title_of(query: str) -> str:
    """A title made from a question: its beginning on one line, at most `TITLE_CHARACTERS`, cut between words."""
    return shortened(query, TITLE_CHARACTERS) or "Untitled"
