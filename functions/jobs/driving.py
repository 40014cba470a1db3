"""The orchestration that drives jobs of every kind: turn by turn, until the job's document says that it has ended.

It knows the job's place and nothing else. Where it is lost, another one goes on from the document; where two drive the
same job, the one of the older attempt ends. A job that has ended, or is not there any more, ends it, too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df

from cosmos.jobs.jobs import Jobs
from functions.core.redaction import named, private, told
from functions.core.services import Services, services
from functions.jobs.kind import JobKind, Work
from models.jobs.job import Job

TURN_SECONDS = 10.0
"""For how long an activity takes further steps. A step that it has begun, it ends."""

TURNS_PER_HISTORY = 40
"""Activities after which the orchestration begins anew, so that its history stays short."""

ATTEMPTS = df.RetryOptions(first_retry_interval_in_milliseconds=2000, max_number_of_attempts=5)
PAUSE_SECONDS = 60.0
"""After all attempts have failed: Cosmos DB is out of reach for longer. Also the longest pause after a failed step."""

FIRST_PAUSE_SECONDS = 1.0
"""After the first step that failed; twice as long each time."""

OVER = {"is_over": True, "wait": 0.0}

log = logging.getLogger(__name__)


def blueprint(kinds: Sequence[JobKind]) -> Any:
    """The functions that drive jobs of these kinds."""
    known = {kind.name: kind for kind in kinds}
    blueprint = df.Blueprint()

    @blueprint.orchestration_trigger(context_name="context")  # type: ignore[untyped-decorator]
    def drive_job(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        yield from turns(context)

    @blueprint.activity_trigger(input_name="work")  # type: ignore[untyped-decorator]
    @private
    async def job_turn(work: Any) -> dict:  # type: ignore[type-arg]  # the worker refuses a parametrised type
        return await turn(known, services(), work["partition"], work["id"], work["attempt"])

    return blueprint


def turns(context: df.DurableOrchestrationContext) -> Generator[Any, Any, None]:
    """Has turns taken until one says that the job is over; begins anew from time to time."""
    work = context.get_input()
    try:
        for _ in range(TURNS_PER_HISTORY):
            came_to = yield context.call_activity_with_retry("job_turn", ATTEMPTS, work)
            if came_to["is_over"]:
                return
            if came_to["wait"]:
                yield context.create_timer(context.current_utc_datetime + timedelta(seconds=came_to["wait"]))
    except Exception:  # the SDK has no other type for an activity that failed at every attempt
        if not context.is_replaying:
            log.error("a job is held up: its driver goes on in %d seconds", PAUSE_SECONDS)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=PAUSE_SECONDS))
    context.continue_as_new(work)


async def turn(
    kinds: Mapping[str, JobKind], shared: Services, partition: str, job_id: str, attempt: int
) -> dict[str, Any]:
    """Takes steps of a job until it has ended, has to wait, or the time of a turn is over.

    Args:
        attempt: The driver's. It gives way to a later one.

    Returns:
        Whether the driver is done with it, and how many seconds it has to wait if not.

    Raises:
        azure.core.exceptions.AzureError: Cosmos DB is out of reach, and not even that could be noted.
    """
    store, until = await shared.store(), time.monotonic() + TURN_SECONDS
    job = await store[Jobs].read(partition, job_id)
    while job is not None and not job.has_ended and job.attempts <= attempt:
        kind = kinds.get(job.job)
        if kind is None:
            log.error("a job is held up: this release knows no kind %s", job.job)
            return OVER
        try:
            after, wait = await _step(kind, Work(job, shared, store, datetime.now(UTC)))
        except Exception as error:  # the boundary: whatever happened is noted on the job, and tried again
            wait = _pause(job)
            log.error("a job is held up: %s goes on in %.0f seconds: %s", job.job, wait.total_seconds(), told(error))
            await store[Jobs].failed(job, named(error), datetime.now(UTC), wait)
            return {"is_over": False, "wait": wait.total_seconds()}
        if after is None:
            return OVER
        job = after
        if wait or time.monotonic() >= until:
            return {"is_over": False, "wait": wait.total_seconds()}
    return OVER


async def _step(kind: JobKind, work: Work) -> tuple[Job | None, timedelta]:
    """One step. The job as it is then, None if it has ended; and what has to be waited for."""
    step = await kind.step(work)
    jobs, job, now = work.store[Jobs], work.job, datetime.now(UTC)
    if step.is_last:
        await jobs.completed(job, step.progress, now, kind.kept)
        return None, timedelta(0)
    written = await jobs.stepped(job, step.position, step.progress, now, step.wait)
    if written is None:  # somebody else has taken this step
        return await jobs.read(job.partition_key, job.id), timedelta(0)
    return written, step.wait


def _pause(job: Job) -> timedelta:
    return timedelta(seconds=min(FIRST_PAUSE_SECONDS * 2 ** min(job.failures, 10), PAUSE_SECONDS))
