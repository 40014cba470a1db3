"""Container `user_sessions`: conversations."""

from __future__ import annotations

from azure.cosmos.exceptions import CosmosResourceExistsError, CosmosResourceNotFoundError

from cosmos.database import Database
from cosmos.patching import set_totals_if_newer
from models.errors import KeyReused, NotFound
from models.rollup import Rollup, by_count
from models.session import UserSession


class Sessions:
    """Reads and writes sessions."""

    def __init__(self, database: Database) -> None:
        self._container = database.user_sessions

    async def start(self, session: UserSession) -> UserSession:
        """Stores a new session; the one that is there, if the same request made it before.

        Raises:
            KeyReused: another request made a session with this id.
        """
        try:
            await self._container.create_item(session.body(), no_response=True)
        except CosmosResourceExistsError:
            stored = await self.read(session.user_id, session.session_id)
            if stored.request_hash != session.request_hash:
                raise KeyReused from None
            return stored
        return session

    async def read(self, user_id: str, session_id: str) -> UserSession:
        """A session, by one point read.

        Raises:
            NotFound: the user has no such session.
        """
        try:
            return UserSession.parse(await self._container.read_item(session_id, user_id))
        except CosmosResourceNotFoundError:
            raise NotFound("session") from None

    async def set_totals(self, totals: Rollup) -> None:
        """Puts the totals of a session's rollup on the session, unless newer ones are there already."""
        sums = totals.sums
        ratings = by_count(sums, "rating")
        turns, errors = totals.total_interactions, totals.response_quality_breakdown.get("fallback", 0)
        values = {
            "total_queries": turns,
            "total_responses": turns - errors,
            "error_count": errors,
            "total_tokens": totals.total_tokens,
            "total_cost_usd": totals.total_cost_usd,
            "personalities_used": list(totals.personality_usage),
            "topics_discussed": list(totals.topic_distribution),
            "avg_response_time_ms": sums.get("response_time_ms", 0) / turns if turns else 0.0,
            "user_satisfaction_ratings": [int(stars) for stars in sorted(ratings) for _ in range(ratings[stars])],
        }
        await set_totals_if_newer(self._container, totals.period_key, totals.user_id, values, totals.revision)
