"""Leases: which host reads which range of a change feed, and how far it has come.

One document for each range in the app's lease container (partition key `/id`), named by prefix, monitored container and
range, changed only under its ETag. Whoever finds that a lease has changed under it has lost it.

A lease has an owner, a host's name that may live on after a crash, and an incarnation, which is new for each start. So
a host that starts again takes its own leases at once, while its previous life, if it is not quite dead, loses them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core import MatchConditions
from azure.cosmos import exceptions
from azure.cosmos.aio import ContainerProxy

from local.functions.change_feed import FeedRange


class LeaseLostError(Exception):
    """Another host, or a later life of this one, has the lease now, or it has been deleted."""


@dataclass(slots=True)
class Lease:
    """A lease as last read or written. Without a `continuation` the feed is read from its start time."""

    id: str
    feed_range: FeedRange
    continuation: str | None
    owner: str | None
    incarnation: str | None
    renewed: datetime
    etag: str
    is_lost: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "Lease":
        """From its document."""
        return cls(
            id=body["id"],
            feed_range=FeedRange.parse(body["FeedRange"]),
            continuation=body["ContinuationToken"],
            owner=body["Owner"],
            incarnation=body["Incarnation"],
            renewed=datetime.fromisoformat(body["timestamp"]),
            etag=body["_etag"],
        )

    def as_document(self) -> dict[str, Any]:
        """The document to write."""
        return {
            "id": self.id,
            "version": 1,
            "LeaseToken": f"{self.feed_range.minimum}-{self.feed_range.maximum}",
            "FeedRange": self.feed_range.as_dict(),
            "ContinuationToken": self.continuation,
            "Owner": self.owner,
            "Incarnation": self.incarnation,
            "timestamp": self.renewed.isoformat(),
        }


class LeaseStore:
    """The leases of one function on one container. Its methods raise `azure.core.exceptions.AzureError`."""

    def __init__(
        self, container: ContainerProxy, prefix: str, monitored_rid: str, owner: str, incarnation: str
    ) -> None:
        self._container = container
        self._prefix = f"{prefix}{monitored_rid.replace('/', '-')}.."
        self.owner = owner
        self.incarnation = incarnation

    async def read_all(self) -> list[Lease]:
        """All leases, by range."""
        query = "SELECT * FROM c WHERE STARTSWITH(c.id, @prefix)"
        parameters: list[dict[str, object]] = [{"name": "@prefix", "value": self._prefix}]
        documents = [document async for document in self._container.query_items(query, parameters=parameters)]
        return sorted((Lease.parse(document) for document in documents), key=lambda lease: lease.feed_range.minimum)

    async def create(self, feed_range: FeedRange, continuation: str | None) -> None:
        """Adds a lease that nobody holds; one that is there already stays as it is."""
        lease = Lease(
            id=f"{self._prefix}{feed_range.minimum}-{feed_range.maximum}",
            feed_range=feed_range,
            continuation=continuation,
            owner=None,
            incarnation=None,
            renewed=datetime.now(UTC),
            etag="",
        )
        try:
            await self._container.create_item(lease.as_document())
        except exceptions.CosmosResourceExistsError:
            return

    async def delete(self, lease: Lease) -> None:
        """Removes a lease that has been replaced by those of its range's children."""
        async with lease.lock:
            await self._container.delete_item(
                lease.id, lease.id, etag=lease.etag, match_condition=MatchConditions.IfNotModified
            )
            lease.is_lost = True

    async def read(self, lease: Lease) -> Lease:
        """The lease as it is now."""
        return Lease.parse(await self._container.read_item(lease.id, lease.id))

    def is_free(self, lease: Lease, now: datetime, expiration: timedelta) -> bool:
        """Whether nobody holds the lease: released, not renewed in time, or held by an earlier life of this host."""
        if lease.owner is None or lease.renewed + expiration < now:
            return True
        return lease.owner == self.owner and lease.incarnation != self.incarnation

    async def acquire(self, lease: Lease) -> bool:
        """Makes this host the owner; False if another was faster."""
        lease.owner, lease.incarnation = self.owner, self.incarnation
        try:
            await self._write(lease)
        except LeaseLostError:
            return False
        return True

    async def renew(self, lease: Lease) -> None:
        """Keeps the lease for another expiration interval; raises `LeaseLostError`."""
        async with lease.lock:
            await self._write_own(lease)

    async def checkpoint(self, lease: Lease, continuation: str) -> None:
        """Notes that everything before `continuation` is done; raises `LeaseLostError`."""
        async with lease.lock:
            earlier, lease.continuation = lease.continuation, continuation
            try:
                await self._write_own(lease)
            except BaseException:
                lease.continuation = earlier
                raise

    async def release(self, lease: Lease) -> None:
        """Gives the lease back, so that it can be taken at once; nothing if it is lost."""
        async with lease.lock:
            if lease.is_lost:
                return
            lease.owner = lease.incarnation = None
            try:
                await self._write(lease)
            except LeaseLostError:
                return

    async def _write_own(self, lease: Lease) -> None:
        """Writes a lease that this host holds. A write that was answered with an error may yet have been made."""
        if lease.is_lost:
            raise LeaseLostError(lease.id)
        try:
            await self._write(lease)
        except LeaseLostError:
            current = await self._current(lease)
            if current is None or (current.owner, current.incarnation) != (self.owner, self.incarnation):
                lease.is_lost = True
                raise
            lease.etag = current.etag
            await self._write(lease)

    async def _current(self, lease: Lease) -> Lease | None:
        try:
            return await self.read(lease)
        except exceptions.CosmosResourceNotFoundError:
            return None

    async def _write(self, lease: Lease) -> None:
        lease.renewed = datetime.now(UTC)
        try:
            written = await self._container.replace_item(
                lease.id, lease.as_document(), etag=lease.etag, match_condition=MatchConditions.IfNotModified
            )
        except (exceptions.CosmosAccessConditionFailedError, exceptions.CosmosResourceNotFoundError) as error:
            raise LeaseLostError(lease.id) from error
        lease.etag = written["_etag"]
