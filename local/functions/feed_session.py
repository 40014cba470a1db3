"""Reads a change feed for one function as long as its container lives: takes leases, and works each range it holds.

Within a range, changes are delivered in order, one batch at a time, and the lease is advanced when a batch is done. A
batch that still fails after its retry policy is lost, and the lease advances all the same: this is what the real host
does, and an app that must not lose a batch needs a policy with `max_retry_count` -1, or has to deal with its failures.
"""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from functools import partial

from azure.core.exceptions import AzureError
from azure.cosmos import exceptions
from azure.cosmos.aio import ContainerProxy

from local.functions.change_feed import Document, FeedRange, Page, feed_ranges, read_page, split_continuation
from local.functions.delivery import InterruptedRetryError, deliver, wait_for_event
from local.functions.feed_documents import trigger_value
from local.functions.feed_options import FeedOptions
from local.functions.indexing import IndexedFunction
from local.functions.invocation import Invoker
from local.functions.json_dates import rewrite_dates
from local.functions.lease_balance import leases_to_take
from local.functions.leases import Lease, LeaseLostError, LeaseStore
from local.functions.retry import RetryPolicy

logger = logging.getLogger("Host.Triggers.CosmosDB")

_TRANSIENT_DELAY = 1.0
"""Seconds to wait at least before asking again a server that did not answer properly."""


class ContainerGoneError(Exception):
    """The monitored container, or the leases, have been deleted or made anew."""


class FeedSession:
    """The life of a trigger between finding its containers and losing them, or the host's end."""

    def __init__(
        self,
        function: IndexedFunction,
        options: FeedOptions,
        invoker: Invoker,
        retry: RetryPolicy | None,
        monitored: ContainerProxy,
        store: LeaseStore,
        stopping: asyncio.Event,
    ) -> None:
        self._function = function
        self._options = options
        self._invoker = invoker
        self._retry = retry
        self.monitored = monitored
        self.store = store
        self._stopping = stopping
        self._due = asyncio.Event()
        self.start = options.start
        self.held: dict[str, Lease] = {}
        self.known: list[Lease] = []

    async def prepare(self) -> None:
        """Makes the leases of ranges that have none, at the position where the trigger is to start.

        For a start at the present that position is stored at once: changes made before the first batch are not missed.
        """
        leases = await self.store.read_all()
        for feed_range in await feed_ranges(self.monitored):
            if any(lease.feed_range.overlaps(feed_range) for lease in leases):
                continue
            continuation = None
            if self._options.start is None:
                continuation = (await read_page(self.monitored, feed_range, None, None, 1)).continuation
            await self.store.create(feed_range, continuation)
        self.known = await self.store.read_all()

    def look(self) -> None:
        """Looks for changes now, not when the delay of the trigger is over."""
        self._due.set()

    async def run(self) -> None:
        """Works until the host stops, then gives the leases back; raises `ContainerGoneError`."""
        gone: ContainerGoneError | None = None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take_leases(group))
                group.create_task(self._renew_leases())
        except* (ContainerGoneError, AzureError) as errors:
            gone = ContainerGoneError(str(errors.exceptions[0]))
        finally:
            await self._release_all()
        if gone is not None:
            raise gone

    async def _take_leases(self, group: asyncio.TaskGroup) -> None:
        while not self._stopping.is_set():
            try:
                await self._take_round(group)
            except exceptions.CosmosResourceNotFoundError as error:
                raise ContainerGoneError("the lease container does not exist any more") from error
            except AzureError as error:
                self._warn("its leases cannot be read", error)
            await wait_for_event(self._stopping, self._options.acquire_interval)

    async def _take_round(self, group: asyncio.TaskGroup) -> None:
        expiration = timedelta(seconds=self._options.expiration_interval)
        self.known = await self.store.read_all()
        if not self.known:
            raise ContainerGoneError("the leases have been deleted, or their container is another one now")
        is_free = partial(self.store.is_free, now=datetime.now(UTC), expiration=expiration)
        for lease in leases_to_take(self.known, self.store.owner, is_free):
            if lease.id not in self.held and await self.store.acquire(lease):
                self.held[lease.id] = lease
                group.create_task(self._work(lease, group))

    async def _renew_leases(self) -> None:
        while not await wait_for_event(self._stopping, self._options.renew_interval):
            for lease in list(self.held.values()):
                try:
                    await self.store.renew(lease)
                except LeaseLostError:
                    logger.info("Function '%s': the lease %s has moved to another host.", self._function.name, lease.id)
                except AzureError as error:
                    self._warn("a lease cannot be renewed", error)

    async def _work(self, lease: Lease, group: asyncio.TaskGroup) -> None:
        """Delivers a range's changes until the host stops or the lease is lost."""
        try:
            while not (self._stopping.is_set() or lease.is_lost):
                page = await self._read(lease)
                if page is None:
                    continue
                if page.documents:
                    await self._deliver(page.documents)
                parts = split_continuation(page.continuation)
                if len(parts) > 1:
                    await self._split(lease, parts)
                    await self._take_round(group)
                    return
                if page.documents:
                    await self._checkpoint(lease, page.continuation)
                else:
                    await wait_for_event(self._due, self._options.poll_delay)
                    self._due.clear()
        except (LeaseLostError, InterruptedRetryError):
            return
        finally:
            if lease.is_lost:
                self.held.pop(lease.id, None)

    async def _read(self, lease: Lease) -> Page | None:
        """The next page, or None after waiting because the server did not answer properly."""
        options = self._options
        try:
            return await read_page(
                self.monitored, lease.feed_range, lease.continuation, options.start, options.max_items
            )
        except exceptions.CosmosResourceNotFoundError as error:
            raise ContainerGoneError("the monitored container does not exist any more") from error
        except ValueError as error:
            raise ContainerGoneError(f"the monitored container is another one now ({error})") from error
        except AzureError as error:
            self._warn("the change feed cannot be read", error)
            await wait_for_event(self._stopping, max(options.poll_delay, _TRANSIENT_DELAY))
            return None

    async def _deliver(self, documents: list[Document]) -> None:
        text = rewrite_dates(
            json.dumps(documents)
        )  # not orjson: it refuses large integers and half surrogates, which JSON allows
        argument = partial(trigger_value, self._function, text)
        outcome = await deliver(self._invoker, self._function, argument, self._retry, self._stopping)
        if outcome.error is not None:
            logger.error(
                "Function '%s': a batch of %d changes is LOST: it failed%s, and the lease advances as on Azure.",
                self._function.name,
                len(documents),
                " after the last retry" if self._retry else " and the function has no retry policy",
            )

    async def _checkpoint(self, lease: Lease, continuation: str) -> None:
        """Advances the lease, however long it takes to reach its container, unless the host stops."""
        while True:
            try:
                await self.store.checkpoint(lease, continuation)
            except AzureError as error:
                self._warn("the lease cannot be advanced", error)
                if await wait_for_event(self._stopping, _TRANSIENT_DELAY):
                    return
            else:
                return

    async def _split(self, lease: Lease, parts: list[tuple[FeedRange, str | None]]) -> None:
        """Replaces the lease of a range that has been split by those of its children, which start where it ended."""
        for feed_range, continuation in parts:
            await self.store.create(feed_range, continuation)
        await self.store.delete(lease)
        self.held.pop(lease.id, None)
        logger.info("Function '%s': the range of lease %s has been split.", self._function.name, lease.id)

    async def _release_all(self) -> None:
        try:
            async with asyncio.timeout(2.0):
                await asyncio.gather(*(self.store.release(lease) for lease in self.held.values()))
        except (AzureError, TimeoutError) as error:
            self._warn("its leases cannot be given back", error)

    def _warn(self, what: str, error: Exception) -> None:
        logger.warning("Function '%s': %s: %s", self._function.name, what, first_line(error))


def first_line(error: Exception) -> str:
    """What an error says, in one line for the log."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
