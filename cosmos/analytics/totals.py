"""Totals where they are shown: a session's on the session, and those of all time on the profile."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError

from cosmos.accounts.users import NOT_DELETED
from cosmos.chat.sessions import same_turns
from cosmos.core.database import Database, Item
from cosmos.core.patching import set_fields, set_totals_if_newer
from cosmos.core.reading import read_or_none
from cosmos.core.status import PRECONDITION_FAILED
from cosmos.core.swapping import ATTEMPTS
from models.analytics.rollup import Rollup
from models.chat.session import UserSession
from models.core.errors import Contention
from models.core.values import format_timestamp
from models.counting.bucket import by_count


class Totals:
    """Brings the totals of rollups to the documents that show them."""

    def __init__(self, database: Database) -> None:
        self._sessions = database.user_sessions
        self._users = database.users

    async def changed(self, item: Item, now: datetime) -> None:
        """Brings those of a rollup that has changed: of a session, or of all time; of others nobody shows any."""
        rollup = Rollup.parse(item)
        if rollup.analytics_period == "session":
            await self.of_session(rollup)
        elif rollup.analytics_period == "all_time":
            await self.of_user(rollup)

    async def of_session(self, totals: Rollup) -> None:
        """Puts the totals of a session's rollup on the session, unless newer ones are there already.

        Its span follows: turns may be recorded in any order. So do the duration and the quality of a session that has
        ended: the last turns, and ratings, may be counted later than that.
        """
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
            "avg_response_time_ms": totals.avg_response_time_ms,
            "user_satisfaction_ratings": [int(stars) for stars in sorted(ratings) for _ in range(ratings[stars])],
        }
        item = await set_totals_if_newer(self._sessions, totals.period_key, totals.user_id, values, totals.revision)
        if item is not None:
            await self._settle(UserSession.parse(item), totals)

    async def _settle(self, session: UserSession, totals: Rollup) -> None:
        """Corrects what the totals tell better. Without a difference nothing is written.

        Raises:
            Contention: others changed the session all the while; try again.
        """
        first, last = totals.first_activity, totals.last_activity
        for _ in range(ATTEMPTS):
            operations = _correcting(session, session.settled(first, last))
            if not operations:
                return
            same = f"FROM c WHERE c.revision = {session.revision} AND {same_turns(session)}"
            try:
                await self._sessions.patch_item(session.id, session.user_id, operations, filter_predicate=same)
                return
            except CosmosResourceNotFoundError:
                return
            except CosmosHttpResponseError as error:
                if error.status_code != PRECONDITION_FAILED:
                    raise
            item = await read_or_none(self._sessions, session.id, session.user_id)
            if item is None:
                return
            session = UserSession.parse(item)
        raise Contention(f"a session was edited {ATTEMPTS} times while its totals were set")

    async def of_user(self, all_time: Rollup) -> None:
        """Puts the all-time rollup's totals on the profile, unless newer ones are there already."""
        totals: dict[str, Any] = {
            "total_sessions": all_time.total_sessions,
            "total_queries": all_time.total_interactions,
            "total_tokens_used": all_time.total_tokens,
            "total_cost_usd": all_time.total_cost_usd,
        }
        first, last = all_time.first_activity, all_time.last_activity
        totals["first_session_date"] = format_timestamp(first) if first else None
        if last:
            totals["last_activity"] = format_timestamp(last)
        user_id = all_time.user_id
        await set_totals_if_newer(self._users, user_id, user_id, totals, all_time.revision, condition=NOT_DELETED)


def _correcting(before: UserSession, after: UserSession) -> list[dict[str, Any]]:
    """The operations that make one of the other. What the fold counts of a session also counts its revision."""
    old, new = before.body(), after.body()
    changes = {name: value for name, value in new.items() if value != old[name]}
    counted = not changes.keys().isdisjoint(("start_time", "duration_seconds"))
    return set_fields(changes) + ([{"op": "incr", "path": "/revision", "value": 1}] if counted else [])
