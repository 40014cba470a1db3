"""Container `user_sessions`: conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from azure.core import MatchConditions
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from cosmos.core.database import Database, Item
from cosmos.core.paging import full_page_of, page_of
from cosmos.core.patching import edit, require_revision, set_fields
from cosmos.core.reading import read_or_none
from models.chat.session import SessionChanges, UserSession
from models.core.errors import Contention, KeyReused, NotFound, Stale
from models.core.revisions import Revisions
from models.core.values import format_timestamp
from models.core.write_policy import EVERYTHING, WritePolicy

SessionOrder = Literal["start", "activity"]
ORDERS: Mapping[SessionOrder, str] = {"start": "start_time", "activity": "last_activity"}

ATTEMPTS = 5
ENDED_AT_ONCE = 8


@dataclass(frozen=True)
class SessionFilter:
    """Which sessions to list; None asks for any.

    Attributes:
        start: Started then or later.
        end: Started before.
        order: What comes first: what was started last, or what was used last.
    """

    start: datetime | None = None
    end: datetime | None = None
    active: bool | None = None
    archived: bool | None = None
    pinned: bool | None = None
    folder: str | None = None
    tag: str | None = None
    order: SessionOrder = "start"

    def query(self) -> tuple[str, dict[str, Any]]:
        """The query, newest first, and its parameters."""
        given = {
            "c.start_time >= @start": self.start and format_timestamp(self.start),
            "c.start_time < @end": self.end and format_timestamp(self.end),
            "c.is_active = @active": self.active,
            "c.folder = @folder": self.folder,
            "ARRAY_CONTAINS(c.tags, @tag)": self.tag,
        }
        wanted = {condition: value for condition, value in given.items() if value is not None}
        parameters = {condition.partition("@")[2].rstrip(")"): value for condition, value in wanted.items()}
        flags = {"is_archived": self.archived, "is_pinned": self.pinned}
        marked = [_flagged(name, value) for name, value in flags.items() if value is not None]
        where = " AND ".join(['c.kind = "session"', *wanted, *marked])
        return f"SELECT * FROM c WHERE {where} ORDER BY c.{ORDERS[self.order]} DESC", parameters  # noqa: S608  # no values


def _flagged(name: str, value: bool) -> str:
    """That a field has a value: sessions that are older than the field lack it, which is false."""
    return f"c.{name} = true" if value else f"(NOT IS_DEFINED(c.{name}) OR c.{name} = false)"


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
            await self._container.create_item(session.body())
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
        item = await read_or_none(self._container, session_id, user_id, ["session"])
        if item is None:
            raise NotFound("session")
        return UserSession.parse(item)

    async def page(
        self, user_id: str, wanted: SessionFilter, limit: int, continuation: str | None
    ) -> tuple[list[UserSession], str | None]:
        """One page of a user's sessions, in the order asked for, and the continuation of the next."""
        query, parameters = wanted.query()
        rows, following = await full_page_of(self._container, query, parameters, limit, continuation, user_id)
        return [UserSession.parse(row) for row in rows], following

    async def edit(
        self,
        user_id: str,
        session_id: str,
        expected: Revisions,
        changes: SessionChanges,
        policy: WritePolicy = EVERYTHING,
    ) -> UserSession:
        """Changes a session that still is at a revision that is expected. Turns recorded or counted meanwhile do not
        count it.

        Raises:
            NotFound: the user has no such session.
            Stale: it has been edited since, or ended, or reopened.
            Contention: turns were recorded all the while; try again.
        """
        for _ in range(ATTEMPTS):
            session = await self.read(user_id, session_id)
            require_revision(session, expected)
            try:
                return await edit(self._container, session, session.changed(changes, policy), same_turns(session))
            except Stale:
                continue
        raise Contention(f"turns of a session were recorded or counted {ATTEMPTS} times while it was edited")

    async def end_idle(self, before: datetime, limit: int, continuation: str | None = None) -> tuple[int, str | None]:
        """Ends one page of all users' sessions in which nothing has happened since `before`.

        A turn that is recorded meanwhile changes the session's ETag, and so keeps it open.

        Returns:
            How many were ended, and the continuation of the next page.
        """
        query = 'SELECT * FROM c WHERE c.kind = "session" AND c.is_active = true AND c.last_activity < @before'
        parameters = {"before": format_timestamp(before)}
        rows, following = await page_of(self._container, query, parameters, limit, continuation, None)
        slots = asyncio.Semaphore(ENDED_AT_ONCE)

        async def end(row: Item) -> bool:
            async with slots:
                return await self._end(UserSession.parse(row), row["_etag"])

        return sum(await asyncio.gather(*map(end, rows))), following

    async def _end(self, session: UserSession, etag: str) -> bool:
        """Whether the session still was as it was read."""
        body = session.model_copy(update=session.ended()).body()
        operations = [
            *set_fields({name: body[name] for name in session.ended()}),
            {"op": "incr", "path": "/revision", "value": 1},
        ]
        try:
            await self._container.patch_item(
                session.id,
                session.user_id,
                operations,
                etag=etag,
                match_condition=MatchConditions.IfNotModified,
            )
        except (CosmosAccessConditionFailedError, CosmosResourceNotFoundError):
            return False
        return True


def same_turns(session: UserSession) -> str:
    """That a session has the turns, and their totals, that it was read with: its duration and its quality are told by
    them, and neither counts its revision."""
    return f"c.last_sequence = {session.last_sequence} AND c.totals_revision = {session.totals_revision}"
