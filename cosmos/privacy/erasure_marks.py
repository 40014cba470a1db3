"""Container `users`: what the database knows of the log of erasures, and whom that names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from azure.cosmos.exceptions import CosmosHttpResponseError

from cosmos.core.database import Database, Item
from cosmos.core.paging import page_of
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, swap, write_over
from cosmos.jobs.jobs import Jobs
from models.core.values import format_timestamp
from models.privacy.erasure_log import MARK_ID, PLATFORM, Entry, ErasureMark, RestoreRecord

IDS_PER_REQUEST = 1000
AT_ONCE = 16
BAD_REQUEST = 400

Ids = tuple[list[str], str | None]
"""One page, and the continuation of the next; None after the last."""


class ErasureMarks:
    """Reads and writes the mark, and looks for whom the log names."""

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._users = database.users
        self._jobs = jobs

    async def read(self) -> ErasureMark | None:
        """By one point read; None if the database never knew of a log."""
        item = await read_or_none(self._users, MARK_ID, PLATFORM)
        return ErasureMark.parse(item) if item else None

    async def move(self, until: datetime, newest: str | None, restored_since: datetime | None = None) -> None:
        """Moves the mark, once everything up to then is known.

        Args:
            restored_since: From when on it was not known before, if the database was restored.

        Raises:
            Contention: others wrote it every time; call again.
        """

        def moved(held: Item | None) -> Item:
            mark = ErasureMark.parse(held) if held else ErasureMark(known_until=until)
            mark = mark.moved(until, newest)
            return (mark.restored(restored_since, until) if restored_since else mark).body()

        await swap(self._users, MARK_ID, PLATFORM, moved)

    async def knows(self, erasure_id: str) -> bool:
        """Whether an erasure was promised here: there is its receipt, or its job before there is one.

        By one point read; where there is no receipt by a query of the jobs' ids, too.
        """
        if await read_or_none(self._users, erasure_id, erasure_id) is not None:
            return True
        return await self._jobs.find(erasure_id) is not None

    async def unknown(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of the entries that the database does not know."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def is_known(erasure_id: str) -> bool:
            async with slots:
                return await self.knows(erasure_id)

        ids = sorted({entry.erasure_id for entry in entries})
        answers = zip(ids, await asyncio.gather(*map(is_known, ids)), strict=True)
        known = {erasure_id for erasure_id, is_so in answers if is_so}
        return [entry for entry in entries if entry.erasure_id not in known]

    async def accounts(self, continuation: str | None) -> Ids:
        """The user ids of some of the profiles of all partitions: tombstones are none.

        A continuation that the database does not take, as after a restore, begins anew.
        """
        return await self._ids("SELECT c.id FROM c WHERE c.kind = 'profile'", {}, continuation)

    async def came(self, since: datetime) -> list[str]:
        """The user ids of whom there is a profile since then, of all partitions: by an index."""
        found: list[str] = []
        continuation: str | None = None
        query = "SELECT c.id FROM c WHERE c.kind = 'profile' AND c.created_at > @since"
        while True:
            page, continuation = await self._ids(query, {"since": format_timestamp(since)}, continuation)
            found += page
            if continuation is None:
                return found

    async def receipts(self, since: datetime, continuation: str | None) -> tuple[list[Item], str | None]:
        """Some of the erasures that the database knows, with the moment they were asked for."""
        query = "SELECT c.id, c.requested_at FROM c WHERE c.kind = 'erasure' AND c.requested_at >= @since"
        return await self._page(query, {"since": format_timestamp(since)}, continuation)

    async def record(self, record: RestoreRecord) -> None:
        """Keeps a record, once."""
        with suppress(Outrun):
            await write_over(self._users, record.body(), None)

    async def _ids(self, query: str, parameters: dict[str, Any], continuation: str | None) -> Ids:
        rows, following = await self._page(query, parameters, continuation)
        return [str(row["id"]) for row in rows], following

    async def _page(
        self, query: str, parameters: dict[str, Any], continuation: str | None
    ) -> tuple[list[Item], str | None]:
        try:
            return await page_of(self._users, query, parameters, IDS_PER_REQUEST, continuation, None)
        except CosmosHttpResponseError as error:
            if error.status_code != BAD_REQUEST or continuation is None:
                raise
            return await page_of(self._users, query, parameters, IDS_PER_REQUEST, None, None)
