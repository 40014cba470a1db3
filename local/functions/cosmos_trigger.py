"""Listens to a container's change feed for one function, across the container's and the server's absences.

A container or a server that is not there (yet, or any more) is waited for. A container that has been deleted and made
anew is another one: its leases start from the beginning of the trigger's settings.
"""

import asyncio
import logging
import uuid
from contextlib import AsyncExitStack, suppress
from typing import Any

from azure.core.exceptions import AzureError
from azure.cosmos import PartitionKey, exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient

from local.functions.cosmos_connection import open_client
from local.functions.delivery import wait_for_event
from local.functions.feed_documents import trigger_value
from local.functions.feed_lag import Lag, session_lag
from local.functions.feed_options import FeedOptions
from local.functions.feed_session import ContainerGoneError, FeedSession, first_line
from local.functions.indexing import IndexedFunction
from local.functions.invocation import Invoker
from local.functions.leases import LeaseStore
from local.functions.retry import RetryPolicy

logger = logging.getLogger("Host.Triggers.CosmosDB")

_REOPEN_DELAY = 1.0
"""Seconds between attempts to find the containers."""
_STOP_TIME = 3.0
"""Seconds for the last checkpoint and for giving back the leases, when the host stops."""


class CosmosListener:
    """One Cosmos DB trigger. `instance` is the owner's name on the leases that it takes."""

    def __init__(
        self,
        function: IndexedFunction,
        options: FeedOptions,
        invoker: Invoker,
        retry: RetryPolicy | None,
        instance: str,
    ) -> None:
        self.function = function
        self.options = options
        self._invoker = invoker
        self._retry = retry
        self._instance = instance
        self._incarnation = str(uuid.uuid4())
        self._stopping = asyncio.Event()
        self._session: FeedSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._reported = ""

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"change feed {self.function.name}")
        self._task.add_done_callback(self._report_crash)

    def begin_stop(self) -> None:
        self._stopping.set()
        if self._session is not None:
            self._session.look()

    async def finish_stop(self, *, abandon: bool) -> None:
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=0 if abandon else _STOP_TIME)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def argument(self, input_text: str | None) -> Any:
        """The documents in `input_text`, a JSON array (none: no documents)."""
        return trigger_value(self.function, input_text or "[]")

    async def lag(self) -> Lag:
        """How far the function is behind; while the containers cannot be reached, one change of unknown age.

        If it is behind, it looks at once: whoever asks need not wait for the delay of the trigger.
        """
        session = self._session
        if session is None:
            return Lag(1, 0.0)
        try:
            lag = await session_lag(session)
        except AzureError:
            return Lag(1, 0.0)
        if lag.changes:
            session.look()
        return lag

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                async with AsyncExitStack() as stack:
                    session = await self._open(stack)
                    await session.prepare()
                    self._session = session
                    self._reported = ""
                    await session.run()
            except (AzureError, ContainerGoneError) as error:
                self._report(first_line(error))
            finally:
                self._session = None
            await wait_for_event(self._stopping, _REOPEN_DELAY)

    async def _open(self, stack: AsyncExitStack) -> FeedSession:
        options = self.options
        client = await open_client(options.connection, stack)
        lease_client = client
        if options.lease_connection != options.connection:
            lease_client = await open_client(options.lease_connection, stack)
        monitored = client.get_database_client(options.database).get_container_client(options.container)
        leases = lease_client.get_database_client(options.lease_database).get_container_client(options.lease_container)
        if options.create_lease_container:
            await _create_leases(lease_client, options)
        try:
            rid = (await monitored.read())["_rid"]
            await _check_leases(leases)
        except exceptions.CosmosResourceNotFoundError as error:
            raise ContainerGoneError(
                f"either the source container '{options.container}' (in database '{options.database}') or the lease "
                f"container '{options.lease_container}' (in database '{options.lease_database}') does not exist; "
                "both are waited for"
            ) from error
        store = LeaseStore(leases, options.lease_prefix, rid, self._instance, self._incarnation)
        return FeedSession(self.function, options, self._invoker, self._retry, monitored, store, self._stopping)

    def _report(self, problem: str) -> None:
        """Warns, once as long as the problem stays the same."""
        if problem != self._reported:
            self._reported = problem
            logger.warning("Function '%s': %s", self.function.name, problem)

    def _report_crash(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            logger.critical("Function '%s': its listener has failed.", self.function.name, exc_info=task.exception())


async def _create_leases(client: CosmosClient, options: FeedOptions) -> None:
    database = await client.create_database_if_not_exists(options.lease_database)
    with suppress(exceptions.CosmosResourceExistsError):  # another listener has made it since the SDK looked
        await database.create_container_if_not_exists(options.lease_container, PartitionKey("/id"), default_ttl=-1)


async def _check_leases(leases: ContainerProxy) -> None:
    paths = (await leases.read())["partitionKey"]["paths"]
    if paths != ["/id"]:
        raise ContainerGoneError(f"the lease container has the partition key {paths[0]}, but it has to be /id")
