"""Container `users`: jobs, in their users' partitions and in the platform's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from cosmos.core.database import Database, Item
from cosmos.core.paging import page_of
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, delete, swap, write_over
from models.core.values import format_timestamp
from models.jobs.job import Job, JobState

JOBS_PER_REQUEST = 500

WATCHED = "SELECT * FROM c WHERE c.watched_from <= @now"
"""What nobody drives, and what is overdue. Jobs that have ended lack the field: how many there are does not matter."""

Change = Callable[[Job], Job | None]
"""What becomes of a job as it is; None leaves it."""


class Jobs:
    """Reads and writes jobs.

    Args:
        patience: How long a driver may go without a step.
    """

    def __init__(self, database: Database, patience: timedelta) -> None:
        self._users = database.users
        self.patience = patience

    async def read(self, partition: str, job_id: str) -> Job | None:
        """A job by one point read, None if there is none (any more)."""
        item = await read_or_none(self._users, job_id, partition, ["job"])
        return Job.parse(item) if item else None

    async def create(self, job: Job) -> Job:
        """Makes the promise, unless there is one of this id: that one then."""
        try:
            await write_over(self._users, job.body(), None)
        except Outrun:
            return await self.read(job.partition_key, job.id) or job
        return job

    async def claim(self, job: Job, now: datetime, anew: bool = False) -> Job | None:
        """Gives a job to another driver; None if somebody has it, or it has ended, or is gone.

        Args:
            anew: Whether to do so even if somebody has it.
        """

        def claimed(held: Job) -> Job | None:
            if held.has_ended or (held.is_driven(now) and not anew):
                return None
            return held.claimed(now, self.patience)

        return await self._change(job, claimed)

    async def released(self, job: Job, now: datetime) -> None:
        """Takes a job back from the driver it was given to, unless it was written since: whoever looks next has it."""
        await self._change(job, lambda held: held.released(now) if held.revision == job.revision else None)

    async def stepped(
        self, job: Job, position: Any, progress: dict[str, Any], now: datetime, wait: timedelta
    ) -> Job | None:
        """Writes what a step came to that began from `job`; None if another driver has done it, or the job is gone."""
        return await self._change(
            job,
            lambda held: held.stepped(position, progress, now, wait, self.patience) if _is_at(held, job) else None,
        )

    async def completed(self, job: Job, progress: dict[str, Any], now: datetime, kept: timedelta | None) -> None:
        """Ends a job. Without `kept` its document goes at once."""
        if kept is None:
            await self._delete(job)
            return
        await self._change(job, lambda held: held.completed(progress, now, kept) if _is_at(held, job) else None)

    async def failed(self, job: Job, problem: str, now: datetime, wait: timedelta) -> None:
        """Notes that a step has failed which began from `job`, and is to be tried again."""
        await self._change(
            job, lambda held: held.failed(problem, now, wait, self.patience) if _is_at(held, job) else None
        )

    async def watched(self, now: datetime) -> list[Job]:
        """The jobs that nobody drives, and those that are overdue, of all partitions, by an index."""
        found: list[Job] = []
        continuation: str | None = None
        while True:
            rows, continuation = await page_of(
                self._users, WATCHED, {"now": format_timestamp(now)}, JOBS_PER_REQUEST, continuation, None
            )
            found += [Job.parse(row) for row in rows]
            if continuation is None:
                return found

    async def find(self, job_id: str) -> Job | None:
        """A job by its id alone, looked for in all partitions."""
        query = "SELECT * FROM c WHERE c.id = @id AND c.kind = 'job'"
        continuation: str | None = None
        while True:
            rows, continuation = await page_of(self._users, query, {"id": job_id}, 1, continuation, None)
            if rows:
                return Job.parse(rows[0])
            if continuation is None:
                return None

    async def newest(
        self, job: str | None, state: JobState | None, stuck_at: datetime | None, before: datetime | None, limit: int
    ) -> list[Job]:
        """The newest jobs of all partitions, those that were asked for before a moment.

        Args:
            job: Of this kind alone.
            stuck_at: Only those that nobody drives then, or that are overdue then.
        """
        conditions = {
            "c.kind = 'job'": True,
            "c.job = @job": job,
            "c.state = @state": state,
            "c.watched_from <= @stuck": stuck_at,
            "c.asked_at < @before": before,
        }
        where = " AND ".join(condition for condition, value in conditions.items() if value is not None)
        query = f"SELECT TOP {limit} * FROM c WHERE {where} ORDER BY c.asked_at DESC"  # noqa: S608  # no values
        values: dict[str, Any] = {"job": job, "state": state}
        values |= {"stuck": stuck_at and format_timestamp(stuck_at), "before": before and format_timestamp(before)}
        parameters = [{"name": f"@{name}", "value": value} for name, value in values.items() if value is not None]
        rows: Any = self._users.query_items(query, parameters=parameters)
        return [Job.parse(row) async for row in rows]

    async def _change(self, job: Job, change: Change) -> Job | None:
        """Changes a job as it is now, unless that leaves it; what it is then.

        Raises:
            Contention: others wrote it every time; call again.
        """
        changed: list[Job] = []

        def body(item: Item | None) -> Item | None:
            changed.clear()
            after = change(Job.parse(item)) if item else None
            if after is None:
                return None
            changed.append(after)
            return after.body()

        await swap(self._users, job.id, job.partition_key, body)
        return changed[0] if changed else None

    async def _delete(self, job: Job) -> None:
        with suppress(Outrun):
            await delete(self._users, job.id, job.partition_key)


def _is_at(held: Job, job: Job) -> bool:
    """Whether a job still is where a step began: what others wrote beside that, such as a claim, does not matter."""
    return held.steps == job.steps and not held.has_ended
