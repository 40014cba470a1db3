"""How a request promises a job, and has it driven.

The promise needs Cosmos DB alone. To start its driver, the store of the orchestrations is asked beside the answer, and
not waited for. If it does not take the job, nobody has it any more: the next request for it, or the timer in
`functions.jobs.watching` within a minute, starts another driver. Where that fails, too, the timer's pauses grow.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
from azure.core.exceptions import AzureError

from cosmos.jobs.jobs import Jobs
from functions.core.call import Call
from functions.core.redaction import named
from functions.jobs.kind import JobKind
from models.core.errors import Contention, KeyReused, NotFound
from models.core.identity import Person
from models.jobs.job import PLATFORM_JOBS, Job, JobAsker

ORCHESTRATOR = "drive_job"
START_SECONDS = 5.0
"""What starting a driver may take."""

log = logging.getLogger(__name__)
_starting: set[asyncio.Task[bool]] = set()


def promise(
    call: Call[Any],
    kind: JobKind,
    job_id: str,
    partition: str,
    request: dict[str, Any],
    asker: JobAsker,
    asked_by: str | None = None,
    for_revision: int | None = None,
) -> Job:
    """The document that promises a job. It is to be written with whatever it is promised for."""
    return Job.promised(
        kind.name,
        job_id,
        partition,
        request,
        call.now,
        due=kind.due,
        patience=call.store[Jobs].patience,
        asker=asker,
        asked_by=asked_by,
        for_revision=for_revision,
    )


async def of_staff(call: Call[Any], kind: JobKind) -> Job:
    """The job that an admin's request names, promised with its body unless it is there already.

    Raises:
        AccountClosed: the admin's own account may not write.
        NotFound: there is no such user as the body names.
        KeyReused: the same key came with another body before.
    """
    await call.writer()
    if call.body.user_id is not None:
        await call.store.callers.check_known(call.body.user_id)
    request = call.body.model_dump(mode="json", by_alias=True)
    job_id, admin = id_for(call.person, kind, call.idempotency_key), call.person.user_id
    job = promise(call, kind, job_id, PLATFORM_JOBS, request, "staff", admin)
    held = await call.store[Jobs].create(job)
    if held.request != request:
        raise KeyReused
    return await driven(call, held, is_new=held is job)


def id_for(person: Person, kind: JobKind, key: str | None) -> str:
    """The id of a job: the same for the same person and key, a new one without a key."""
    return str(uuid.uuid5(uuid.UUID(person.user_id), f"{kind.name}:{key}") if key else uuid.uuid4())


async def found(call: Call[Any], kind: JobKind, partition: str, job_id: str) -> Job:
    """A job of this kind, by one point read.

    Raises:
        NotFound: there is none (any more).
    """
    job = await call.store[Jobs].read(partition, job_id)
    if job is None or job.job != kind.name:
        raise NotFound(kind.name)
    return job


async def driven(call: Call[Any], job: Job, is_new: bool) -> Job:
    """Has a job driven: one that was promised just now, or one that nobody drives any more."""
    claimed = job if is_new else None
    if not is_new and not job.has_ended and not job.is_driven(call.now):
        claimed = await call.store[Jobs].claim(job, call.now)
    if claimed is not None and call.durable is not None:
        task = asyncio.create_task(start_or_release(call.durable, call.store[Jobs], claimed))
        _starting.add(task)
        task.add_done_callback(_starting.discard)
    return claimed or job


async def start_or_release(client: df.DurableOrchestrationClient, jobs: Jobs, job: Job) -> bool:
    """Starts a driver; one that can't be started has the job no longer. Whether it could be."""
    if await start(client, job):
        return True
    try:
        await jobs.released(job, datetime.now(UTC))
    except (AzureError, Contention) as error:  # the job stays given to nobody until the driver's time is over
        log.warning("a driver of %s still has it, though it was not started: %s", job.job, named(error))
    return False


async def start(client: df.DurableOrchestrationClient, job: Job) -> bool:
    """Starts a driver; whether that could be done."""
    work = {"partition": job.partition_key, "id": job.id, "attempt": job.attempts}
    try:
        async with asyncio.timeout(START_SECONDS):
            await client.start_new(ORCHESTRATOR, job.instance_id, work)
    except Exception as error:  # the SDK has no type of its own for an answer that it does not like
        log.warning("a driver of %s could not be started (%s): it is tried again", job.job, named(error))
        return False
    return True


def view_of(job: Job) -> dict[str, Any]:
    """What each description of a job has: `status`, `created_at` and `updated_at`."""
    return {
        "status": "completed" if job.has_ended else "running",
        "created_at": job.asked_at.isoformat(),
        "updated_at": (job.stepped_at or job.asked_at).isoformat(),
    }
