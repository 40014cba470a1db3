"""The running engine: its store, writer, catalog and clock, which every route works with."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from local.cosmosdb import documents
from local.cosmosdb.auth import EMULATOR_KEY
from local.cosmosdb.catalog import MAX_RANGES, Catalog
from local.cosmosdb.clock import Clock, SystemClock
from local.cosmosdb.counters import RequestCounters
from local.cosmosdb.faults import FaultRules
from local.cosmosdb.queries import QueryRunner
from local.cosmosdb.storage import Storage
from local.cosmosdb.writer import Writer

_T = TypeVar("_T")
_READERS = 4
_PURGE_INTERVAL = 5.0
_PURGE_CHUNK = 500
_logger = logging.getLogger("local.cosmosdb")


@dataclass(frozen=True)
class Settings:
    """How an engine is.

    `data` None keeps everything in memory; `partitions` is the least number of physical ranges of a new container;
    `fault_injection` lets the routes for faults act.
    """

    data: Path | None = None
    partitions: int = 4
    key: str = EMULATOR_KEY
    clock: Clock = field(default_factory=SystemClock)
    verbose: bool = False
    fault_injection: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.partitions <= MAX_RANGES:
            raise ValueError(f"A container has 1 to {MAX_RANGES} partitions, not {self.partitions}")


class Engine:
    """Open between `start` and `stop`, on one event loop.

    Point reads use `reader` on the loop itself, since they take microseconds; longer ones `run` in a thread with a
    connection of its own; all writes go through the writer.
    """

    writer: Writer
    catalog: Catalog
    reader: sqlite3.Connection

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = settings.clock
        self.counters = RequestCounters()
        self.faults = FaultRules() if settings.fault_injection else None
        self.queries = QueryRunner()
        self._storage = Storage(settings.data)
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(_READERS, "cosmosdb-reader")
        self._purger: asyncio.Task[None] | None = None

    async def start(self) -> None:
        connection = self._storage.connect()
        self.keys = documents.new_keys(connection)
        self.reader = self._storage.connect()
        self.writer = Writer(connection)
        self.catalog = Catalog(self.writer, self.reader, self.clock)
        self._purger = asyncio.create_task(self._purge_for_ever())

    async def stop(self) -> None:
        """Finish what is under way and close the store."""
        if self._purger:
            self._purger.cancel()
            await self.writer.stop()
        self._threads.shutdown()
        self._storage.close()

    async def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do something that reads for longer, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._with_connection, work)

    def now(self) -> int:
        """Whole seconds since the epoch, as `_ts` has them."""
        return int(self.clock.now())

    def _with_connection(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._storage.connect()
        return work(connection)

    async def purge(self) -> int:
        """Remove what has expired; how many documents that were."""
        now, total = self.clock.now(), 0
        while purged := await self.writer.submit(lambda connection: documents.purge(connection, now, _PURGE_CHUNK)):
            total += purged
        return total

    async def _purge_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_PURGE_INTERVAL)
            try:
                await self.purge()
            except sqlite3.Error:
                _logger.exception("Expired documents could not be removed; they stay invisible")
