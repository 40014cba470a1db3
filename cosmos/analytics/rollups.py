"""Container `user_analytics`: reads a user's rollups."""

from __future__ import annotations

from cosmos.core.database import Database
from cosmos.core.paging import rows_of
from cosmos.core.reading import read_or_none
from models.analytics.rollup import Rollup
from models.counting.bucket import Bucket, bucket_id


class Rollups:
    """Reads rollups."""

    def __init__(self, database: Database) -> None:
        self._container = database.user_analytics

    async def rollup(self, user_id: str, bucket: Bucket) -> Rollup | None:
        """One rollup, by one point read; None if nothing has been counted in it."""
        item = await read_or_none(self._container, bucket_id(user_id, bucket), user_id)
        return Rollup.parse(item) if item else None

    async def rollups(self, user_id: str, first: Bucket, last: Bucket) -> list[Rollup]:
        """The rollups from one to another of the same period, in order of time.

        By a range of ids, which are in order of time, in the user's partition: what is not asked for is not read.
        """
        query = "SELECT * FROM c WHERE c.id >= @first AND c.id <= @last ORDER BY c.id"
        parameters = {"first": bucket_id(user_id, first), "last": bucket_id(user_id, last)}
        rows = await rows_of(self._container, query, parameters, user_id)
        return [rollup for rollup in map(Rollup.parse, rows) if rollup.sums]
