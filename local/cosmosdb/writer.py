"""The one thread that writes, which commits what is waiting as a group.

A job is a function of the writer's connection. Jobs that arrive while a commit is under way share the next
transaction, each inside a savepoint of its own: one sync to disk answers them all, and a job that raises undoes only
itself. Nothing is answered before the commit.
"""

import asyncio
import concurrent.futures
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Job = Callable[[sqlite3.Connection], Any]
_MAX_GROUP = 256
_T = TypeVar("_T")


@dataclass(slots=True)
class _Ticket:
    job: Job
    future: asyncio.Future[Any] | concurrent.futures.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Runs jobs in the order in which they were submitted; belongs to the event loop that it is started on."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="cosmosdb-writer", daemon=True)
        self._thread.start()

    async def submit(self, job: Callable[[sqlite3.Connection], _T]) -> _T:
        """The job's result, once it is on disk; raises what the job raised."""
        future: asyncio.Future[_T] = self._loop.create_future()
        self._queue.put(_Ticket(job, future))
        return await future

    def run_alone(self, job: Callable[[sqlite3.Connection], _T]) -> _T:
        """Like `submit`, but the event loop stands still meanwhile: nobody sees a state between before and after."""
        future: concurrent.futures.Future[_T] = concurrent.futures.Future()
        self._queue.put(_Ticket(job, future))
        return future.result()

    async def stop(self) -> None:
        """Finish what is queued, then end the thread."""
        self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, last = self._collect(first)
            self._commit(group)
            _deliver([ticket for ticket in group if isinstance(ticket.future, concurrent.futures.Future)])
            awaited = [ticket for ticket in group if isinstance(ticket.future, asyncio.Future)]
            self._loop.call_soon_threadsafe(_deliver, awaited)
            if last:
                return

    def _collect(self, first: _Ticket) -> tuple[list[_Ticket], bool]:
        group = [first]
        while len(group) < _MAX_GROUP:
            try:
                ticket = self._queue.get_nowait()
            except queue.Empty:
                break
            if ticket is None:
                return group, True
            group.append(ticket)
        return group, False

    def _commit(self, group: Sequence[_Ticket]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for ticket in group:
                self._attempt(ticket)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for ticket in group:
                ticket.error = error

    def _attempt(self, ticket: _Ticket) -> None:
        self._connection.execute("SAVEPOINT job")
        try:
            ticket.result = ticket.job(self._connection)
        except Exception as error:  # the boundary between jobs: whatever fails in one is that one's answer
            if not self._connection.in_transaction:
                raise sqlite3.OperationalError("The transaction was lost") from error
            self._connection.execute("ROLLBACK TO job")
            ticket.error = error
        self._connection.execute("RELEASE job")


def _deliver(group: Sequence[_Ticket]) -> None:
    for ticket in group:
        if ticket.future.cancelled():
            continue
        if ticket.error is not None:
            ticket.future.set_exception(ticket.error)
        else:
            ticket.future.set_result(ticket.result)
