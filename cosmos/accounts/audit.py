"""Container `users`: what staff did, kept in the partition of the user it is about."""

from __future__ import annotations

from cosmos.core.database import Database
from cosmos.core.paging import full_page_of
from models.accounts.audit import AuditEntry


class Audit:
    """The record of what staff did."""

    def __init__(self, database: Database) -> None:
        self._users = database.users

    async def write(self, entry: AuditEntry) -> None:
        """Keeps what is about to be done: it is durable before anything is."""
        await self._users.create_item(entry.body())

    async def page(self, user_id: str, limit: int, continuation: str | None) -> tuple[list[AuditEntry], str | None]:
        """One page of what staff did about a user, newest first, and the continuation of the next."""
        query = 'SELECT * FROM c WHERE c.kind = "audit" ORDER BY c.audited_at DESC'
        rows, following = await full_page_of(self._users, query, {}, limit, continuation, user_id)
        return [AuditEntry.parse(row) for row in rows], following
