"""Container `user_interactions`: turns priced anew. Rollups follow by the change feed, as for any other edit."""

from __future__ import annotations

from datetime import datetime

from cosmos.core.containers import expiry_of
from cosmos.core.database import Database, Item
from cosmos.core.paging import page_of
from cosmos.core.patching import edit
from cosmos.core.reading import read_or_none
from models.chat.interaction import UserInteraction
from models.chat.repricing import Repriced, repriced
from models.core.errors import Contention, NotFound, Stale
from models.core.values import format_timestamp
from models.core.write_policy import seconds_left
from models.usage.pricing import PriceTable

TURNS_PER_PAGE = 100
ATTEMPTS = 6


class Repricing:
    """Prices the turns of a time anew, by the price table of this process."""

    def __init__(self, database: Database, prices: PriceTable) -> None:
        self._container = database.user_interactions
        self._prices = prices

    async def page(
        self, user_id: str, start: datetime, end: datetime, dry_run: bool, continuation: str | None, now: datetime
    ) -> tuple[Repriced, str | None]:
        """Prices some turns of a user, from `start` until before `end`. May be repeated: what has its price keeps it.

        None is kept longer for it.

        Args:
            dry_run: Only to tell what would change.

        Returns:
            What changed, and the continuation of the next turns.

        Raises:
            Contention: a turn was edited all the while; call again.
        """
        query = "SELECT * FROM c WHERE c.kind = 'interaction' AND c.timestamp >= @start AND c.timestamp < @end"
        times = {"start": format_timestamp(start), "end": format_timestamp(end)}
        rows, following = await page_of(self._container, query, times, TURNS_PER_PAGE, continuation, user_id)
        total = Repriced()
        for row in rows:
            total += await self._reprice(row, dry_run, now)
        return total, following

    async def _reprice(self, item: Item, dry_run: bool, now: datetime) -> Repriced:
        current: Item | None = item
        for _ in range(ATTEMPTS):
            if current is None:
                return Repriced()
            before = UserInteraction.parse(current)
            after, found = repriced(before, self._prices)
            try:
                if found.changed and not dry_run:
                    expires = expiry_of(current, UserInteraction.container)
                    kept = {"ttl": seconds_left(now, expires)} if expires else {}
                    await edit(self._container, before, after.model_copy(update=kept))
            except Stale:
                current = await read_or_none(self._container, before.id, before.partition_key)
            except NotFound:
                return Repriced()
            else:
                return found
        raise Contention(f"a turn was edited {ATTEMPTS} times while it was priced")
