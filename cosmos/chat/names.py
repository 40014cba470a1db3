"""Container `user_analytics`: the names that servers' turns are counted by, which users' turns may go by, too.

A turn neither waits for them nor depends on them: it goes by the names that its process knows. They are read beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextvars import Context
from datetime import datetime, timedelta

from azure.core.exceptions import AzureError
from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Database
from models.chat.names import DIMENSIONS, Dimension, KnownNames, Names, unknown
from models.core.pseudonyms import PLATFORM
from models.counting.bucket import Bucket, bucket_id, by_count
from models.counting.fold import VALUES_PER_DIMENSION

FRESH = timedelta(seconds=60)
"""How long a process goes by the names that it has read. It reads them only for a name that the settings don't have."""

log = logging.getLogger(__name__)


class PlatformNames:
    """Tells which names of a user's turn are known from elsewhere.

    Attributes:
        reading: What is being read, or was last.
    """

    def __init__(self, database: Database, known: KnownNames) -> None:
        self._container: ContainerProxy = database.user_analytics
        self._known = known.names
        self._of_servers: Names = {}
        self._learnt: dict[Dimension, set[str]] = {dimension: set() for dimension in DIMENSIONS}
        self._read_at: datetime | None = None
        self.reading: asyncio.Task[None] | None = None

    def unknown(self, given: Mapping[Dimension, str], now: datetime) -> list[Dimension]:
        """Those of the names given that neither the settings have nor, as far as this process knows, the turns that
        servers recorded of late. What they are is read meanwhile, for those who ask next."""
        strange = unknown(given, self._known)
        if strange and (self._read_at is None or not timedelta() <= now - self._read_at < FRESH):
            self._read_at = now
            self.reading = asyncio.create_task(self.read(now), context=Context())
        return unknown({dimension: given[dimension] for dimension in strange}, self._of_servers, self._learnt)

    def learn(self, names: Mapping[Dimension, str]) -> None:
        """Knows the names of a server's turn from now on, without a look at what is counted; not without end."""
        for dimension, name in names.items():
            if len(self._learnt[dimension]) < VALUES_PER_DIMENSION:
                self._learnt[dimension].add(name)

    async def read(self, now: datetime) -> None:
        """Reads the platform's names of this month and the last, by one request; none if that fails."""
        months = {now.date().isoformat()[:7], (now.date().replace(day=1) - timedelta(days=1)).isoformat()[:7]}
        ids = [(bucket_id(PLATFORM, Bucket("utc_monthly", month)), PLATFORM) for month in sorted(months)]
        try:
            sums = [item["sums"] for item in await self._container.read_items(ids)]
        except AzureError as error:
            log.warning("the platform's names could not be read: %s", type(error).__name__)
            return
        self._of_servers = {one: frozenset(name for held in sums for name in by_count(held, one)) for one in DIMENSIONS}
