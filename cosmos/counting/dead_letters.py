"""Dead letters, for staff: listing the changes that could not be folded, and folding them once their cause is gone."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from cosmos.core.database import Database
from cosmos.core.paging import full_page_of
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, delete
from cosmos.counting.folding import Folding
from cosmos.counting.readers import Readers
from models.counting.dead_letter import DeadLetter

RedriveOutcome = Literal["folded", "failed", "source_gone", "absent"]


class DeadLetters:
    """Lists and re-drives dead letters."""

    def __init__(self, database: Database, folding: Folding, readers: Readers) -> None:
        self._database = database
        self._letters = database.user_analytics
        self._folding = folding
        self._readers = readers

    async def page(self, limit: int, continuation: str | None) -> tuple[list[DeadLetter], str | None]:
        """One page of all letters, in no particular order, and the continuation of the next."""
        query = 'SELECT * FROM c WHERE c.kind = "dead_letter"'
        rows, following = await full_page_of(self._letters, query, {}, limit, continuation, None)
        return [DeadLetter.parse(row) for row in rows], following

    async def redrive(self, partition: str, letter_id: str, now: datetime) -> RedriveOutcome:
        """Folds the source of a letter as it is now, and deletes the letter. May be repeated.

        A source that still can't be folded writes its letter anew, and so does one that fails meanwhile in the change
        feed: only the letter that was read is deleted.

        Returns:
            `folded`; `failed`, the letter stays; `source_gone`, there is nothing left to fold and the letter is
            deleted; or `absent`, there is no such letter.
        """
        item = await read_or_none(self._letters, letter_id, partition, ["dead_letter"])
        if item is None:
            return "absent"
        letter = DeadLetter.parse(item)
        container = getattr(self._database, letter.source_container)
        source = await read_or_none(container, letter.source_id, letter.source_partition)
        if source is not None:
            await self._folding.fold(letter.source_container, [source], now)
            await self._readers.read(letter.source_container, [source], now)
        try:
            await delete(self._letters, letter_id, partition, item["_etag"])
        except Outrun as outrun:  # gone, if somebody else re-drove it at the same time
            return "absent" if outrun.why == "gone" else "failed"
        return "folded" if source is not None else "source_gone"
