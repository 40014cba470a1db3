"""Container `user_interactions`, read in lists: a session in order, its newest turns, and what the user asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cosmos.core.database import Database
from cosmos.core.paging import full_page_of, page_of
from cosmos.core.searching import containing
from models.chat.context import Context, ContextWindow, PastTurn
from models.chat.interaction import UserInteraction
from models.core.search import NO_TERMS, Terms
from models.core.values import format_timestamp

TURNS_PER_REQUEST = 25
"""How many turns of a context are read at once: about what fits a budget of some thousand tokens."""


@dataclass(frozen=True)
class HistoryFilter:
    """Which turns to list; None asks for any.

    Attributes:
        start: Asked then or later.
        end: Asked before.
        rating: 1-5.
        terms: Each must occur in the question.
    """

    start: datetime | None = None
    end: datetime | None = None
    personality: str | None = None
    category: str | None = None
    rating: int | None = None
    bookmarked: bool | None = None
    session_id: str | None = None
    terms: Terms = NO_TERMS

    def query(self) -> tuple[str, dict[str, Any]]:
        """The query, newest first, and its parameters."""
        given = {
            "c.timestamp >= @start": self.start and format_timestamp(self.start),
            "c.timestamp < @end": self.end and format_timestamp(self.end),
            "c.personality_used = @personality": self.personality,
            "c.query_category = @category": self.category,
            "c.user_rating = @rating": self.rating,
            "c.was_bookmarked = @bookmarked": self.bookmarked,
            "c.session_id = @session_id": self.session_id,
        }
        wanted = {condition: value for condition, value in given.items() if value is not None}
        parameters = {condition.partition("@")[2]: value for condition, value in wanted.items()}
        conditions = ['c.kind = "interaction"', *wanted]
        searching, searched = containing(self.terms, ("user_query",))
        where = " AND ".join([*conditions, *searching])
        query = f"SELECT * FROM c WHERE {where} ORDER BY c.timestamp DESC"  # noqa: S608  # no values
        return query, parameters | searched


class History:
    """Lists a user's turns."""

    def __init__(self, database: Database) -> None:
        self._container = database.user_interactions

    async def page(
        self, user_id: str, wanted: HistoryFilter, limit: int, continuation: str | None
    ) -> tuple[list[UserInteraction], str | None]:
        """One page of a user's turns, newest first, and the continuation of the next."""
        query, parameters = wanted.query()
        rows, following = await full_page_of(self._container, query, parameters, limit, continuation, user_id)
        return [UserInteraction.parse(row) for row in rows], following

    async def of_session(
        self, user_id: str, session_id: str, limit: int, continuation: str | None
    ) -> tuple[list[UserInteraction], str | None]:
        """One page of a session's turns in order, and the continuation of the next."""
        query = (
            'SELECT * FROM c WHERE c.kind = "interaction" AND c.session_id = @session_id'
            " ORDER BY c.session_id, c.interaction_sequence"
        )
        rows, following = await full_page_of(
            self._container, query, {"session_id": session_id}, limit, continuation, user_id
        )
        return [UserInteraction.parse(row) for row in rows], following

    async def context(self, user_id: str, session_id: str, max_tokens: int, until: int | None) -> Context:
        """The last turns of a session, until this sequence number, that fit the budget. Reads no more than it needs."""
        window = ContextWindow(max_tokens)
        query = (
            "SELECT c.interaction_sequence, c.user_query, c.response_text, c.output_tokens FROM c"
            ' WHERE c.kind = "interaction" AND c.session_id = @session_id AND c.interaction_sequence <= @until'
            " ORDER BY c.session_id DESC, c.interaction_sequence DESC"
        )
        parameters = {"session_id": session_id, "until": until or 2**53}
        continuation: str | None = None
        while True:
            rows, continuation = await page_of(
                self._container, query, parameters, TURNS_PER_REQUEST, continuation, user_id
            )
            for row in rows:
                window.add(PastTurn.model_validate(row))
            if window.is_full or continuation is None:
                return window.context(session_id)
