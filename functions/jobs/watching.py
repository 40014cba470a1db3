"""The timer that looks every minute whether what was promised goes on.

It finds, by one indexed query, the jobs that nobody drives: not started, or whose driver failed, was lost or purged.
Those it gives to another driver, after growing pauses. What it finds late it measures: alerts ask for that, and for its
absence.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from cosmos.jobs.jobs import Jobs
from functions.core.redaction import private, told
from functions.core.services import Services, services
from functions.jobs.kind import JobKind
from functions.jobs.starting import start

STARTS_AT_ONCE = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watch:
    """One run of the timer: what it looks with, and when."""

    services: Services
    client: df.DurableOrchestrationClient
    now: datetime


Look = Callable[[Watch], Awaitable[None]]


def blueprint(kinds: Sequence[JobKind], further: Sequence[Look] = ()) -> Any:
    """The timer's function, for jobs of these kinds; and whatever else is to be looked after every minute."""
    blueprint = df.Blueprint()
    looks = [look_after_jobs({kind.name for kind in kinds}), *further]

    @blueprint.timer_trigger(schedule="0 * * * * *", arg_name="timer")  # type: ignore[untyped-decorator]
    @blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]
    @private
    async def keep_watch(timer: func.TimerRequest, client: Any) -> None:
        await watch(Watch(services(), client, datetime.now(UTC)), looks)

    return blueprint


async def watch(run: Watch, looks: Sequence[Look]) -> None:
    """Looks after everything, each whatever becomes of the others.

    Raises:
        ExceptionGroup: what failed.
    """
    results = await asyncio.gather(*(look(run) for look in looks), return_exceptions=True)
    failed = [result for result in results if isinstance(result, Exception)]
    for error in failed:
        log.error("a part of the watch failed: %s", told(error))
    if failed:
        raise ExceptionGroup("a part of the watch failed", failed)


def look_after_jobs(kinds: set[str]) -> Look:
    """Starts what nobody drives, and tells what is overdue."""

    async def look(run: Watch) -> None:
        jobs = (await run.services.store())[Jobs]
        found = await jobs.watched(run.now)
        overdue = Counter(job.job for job in found if job.is_overdue(run.now))
        for kind in sorted(kinds | overdue.keys()):
            run.services.telemetry.jobs_overdue(kind, overdue[kind])
        slots = asyncio.Semaphore(STARTS_AT_ONCE)

        async def started(job: Any) -> bool:
            async with slots:
                claimed = await jobs.claim(job, run.now)
                return claimed is not None and await start(run.client, claimed)

        begun = sum(await asyncio.gather(*(started(job) for job in found if not job.is_driven(run.now))))
        log.info("jobs: %d were driven by nobody, %d started, %d overdue", len(found), begun, overdue.total())

    return look
