"""Container `user_analytics`: the names that servers' turns are counted by, which users' turns may go by, too."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Database
from models.analytics.pseudonyms import PLATFORM
from models.chat.names import DIMENSIONS, Dimension, KnownNames, Names, unknown
from models.counting.bucket import Bucket, bucket_id, by_count

FRESH = timedelta(seconds=60)
"""How long a process goes by the names that it has read. It reads them only for a name that the settings don't have."""


class PlatformNames:
    """Tells which names of a user's turn are known from elsewhere."""

    def __init__(self, database: Database, known: KnownNames) -> None:
        self._container: ContainerProxy = database.user_analytics
        self._known = known.names
        self._of_servers: Names = {}
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def unknown(self, given: Mapping[Dimension, str], now: datetime) -> list[Dimension]:
        """Those of the names given that neither the settings have nor the turns that servers recorded of late."""
        if not unknown(given, self._known):
            return []
        async with self._reading:
            if self._read_at is None or not timedelta() <= now - self._read_at < FRESH:
                self._of_servers, self._read_at = await self._names_of_servers(now), now
        return unknown(given, self._known, self._of_servers)

    async def _names_of_servers(self, now: datetime) -> Names:
        """By one request: the platform's figures of this month and the last."""
        months = {now.date().isoformat()[:7], (now.date().replace(day=1) - timedelta(days=1)).isoformat()[:7]}
        ids = [(bucket_id(PLATFORM, Bucket("utc_monthly", month)), PLATFORM) for month in sorted(months)]
        sums = [item["sums"] for item in await self._container.read_items(ids)]
        return {
            dimension: frozenset(name for held in sums for name in by_count(held, dimension))
            for dimension in DIMENSIONS
        }
