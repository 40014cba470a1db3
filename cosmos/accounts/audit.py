"""Container `users`: what staff did, kept in the partition of the user it is about."""

from __future__ import annotations

from cosmos.core.database import Database
from cosmos.core.paging import full_page_of
from models.accounts.audit import AuditEntry
from models.chat.interaction import UserInteraction


class Audit:
    """Reads what users wrote, for staff, and keeps the record of it."""

    def __init__(self, database: Database) -> None:
        self._users = database.users
        self._interactions = database.user_interactions

    async def read_interactions(
        self, entry: AuditEntry, limit: int, continuation: str | None
    ) -> tuple[list[UserInteraction], str | None]:
        """One page of a user's turns, newest first, and the continuation of the next.

        The entry is durable before anything is read.
        """
        await self._users.create_item(entry.body())
        query = 'SELECT * FROM c WHERE c.kind = "interaction" ORDER BY c.timestamp DESC'
        rows, following = await full_page_of(self._interactions, query, {}, limit, continuation, entry.user_id)
        return [UserInteraction.parse(row) for row in rows], following

    async def page(self, user_id: str, limit: int, continuation: str | None) -> tuple[list[AuditEntry], str | None]:
        """One page of what staff did about a user, newest first, and the continuation of the next."""
        query = 'SELECT * FROM c WHERE c.kind = "audit" ORDER BY c.audited_at DESC'
        rows, following = await full_page_of(self._users, query, {}, limit, continuation, user_id)
        return [AuditEntry.parse(row) for row in rows], following
