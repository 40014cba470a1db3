"""What the user thinks of an answer: the latest counts, and earlier ones are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from models.core.changes import Changes
from models.core.document import Message
from models.core.values import Timestamp

PAST_FEEDBACK_KEPT = 10

Stars = Annotated[int, Field(ge=1, le=5)]
FeedbackText = Annotated[str, Field(max_length=4000)]


class Feedback(Message):
    """What a user can say of an answer."""

    user_rating: Stars | None = Field(default=None, description="Stars, 1-5")
    user_feedback: FeedbackText | None = Field(default=None, description="In the user's words")
    was_helpful: bool | None = Field(default=None, description="Thumbs up or down")
    was_shared: bool = Field(default=False, description="Whether the user shared the answer")


class PastFeedback(Feedback):
    """Feedback that was replaced."""

    given_at: Timestamp = Field(description="When the user gave it; at the latest when the turn was recorded")


class FeedbackChanges(Changes):
    """Feedback on an answer, at least one field. What is absent stays, and null clears. The latest counts."""

    user_rating: Stars | None = Field(default=None, description="Stars, 1-5")
    user_feedback: FeedbackText | None = None
    was_helpful: bool | None = Field(default=None, description="Thumbs up or down")
    was_shared: bool = Field(default_factory=bool)
