"""Jobs, for staff: what was promised, how far it is, and what holds it up."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from cosmos.jobs.heartbeats import Heartbeats
from cosmos.jobs.jobs import Jobs
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from functions.jobs.standing_still import feeds_of
from functions.jobs.starting import start_or_release
from models.core.document import Message
from models.core.errors import NotFound
from models.core.values import Count, Timestamp, Uuid
from models.jobs.actions import READ_JOBS, START_JOB_AGAIN
from models.jobs.heartbeat import LONGEST_AGE, Feed
from models.jobs.job import Job, JobAsker, JobState

routes = Routes()


SHOWN = (
    *("state", "asked_at", "due_at", "driven_until", "attempts", "steps"),
    *("stepped_at", "ended_at", "failures", "problem"),
)
"""Fields of the document that are shown as they are."""


class JobsQuery(Paged):
    """Which jobs to show."""

    kind: str | None = Field(default=None, min_length=1, max_length=64, description="Of this kind alone")
    state: JobState | None = Field(default=None, description="In this state alone")
    stuck: Literal["true", "false"] = Field(
        default="false", description="Only those that nobody drives, or that are overdue"
    )


class JobView(Message):
    """A job as staff see it: nothing of it tells whose it is."""

    job_id: Uuid
    kind: str = Field(description="What is done: `erasure`, `withdrawal`, `rebuild`, `repricing`, ...")
    state: JobState = Field(description="`asked`: no step has been done yet; `running`; `completed`")
    asked_by: JobAsker = Field(description="Who asked: the user, staff, or the platform itself")
    asked_at: Timestamp
    age_seconds: Count = Field(description="Since it was asked for, until it ended")
    due_at: Timestamp = Field(description="By when it should have ended")
    is_overdue: bool
    is_driven: bool = Field(description="Whether somebody has it, as far as is known; if not, the timer starts it")
    driven_until: Timestamp = Field(description="Another driver is started after that, if it comes no step further")
    attempts: Count = Field(description="How often a driver was started")
    steps: Count = Field(description="Steps that were done")
    stepped_at: Timestamp | None = Field(description="When the last one ended")
    ended_at: Timestamp | None
    failures: Count = Field(description="Steps that have failed since one was done")
    problem: str | None = Field(description="How the last one failed, by types of errors; the log has more")

    @classmethod
    def of(cls, job: Job, now: datetime) -> JobView:
        return cls(
            job_id=job.id,
            kind=job.job,
            asked_by=job.asker,
            age_seconds=max(0, int(((job.ended_at or now) - job.asked_at).total_seconds())),
            is_overdue=job.is_overdue(now),
            is_driven=not job.has_ended and job.is_driven(now),
            **{name: getattr(job, name) for name in SHOWN},
        )


class FeedView(Message):
    """A change feed, by which what is stored is counted, as staff see it."""

    feed: str = Field(description="The function that takes it")
    container: str = Field(description="Whose changes it takes")
    age_seconds: Count | None = Field(
        description="How far it may be behind: since the last heartbeat that it is known to have passed, up to some "
        "three minutes where all is well; null if nobody has looked yet, or its container is not there"
    )
    stands_still: bool = Field(description="Behind for more than five minutes: see the runbook")

    @classmethod
    def of(cls, feed: Feed, age: timedelta | None) -> FeedView:
        seconds = None if age is None else int(age.total_seconds())
        late = age is not None and age > LONGEST_AGE
        return cls(feed=feed.name, container=feed.container, age_seconds=seconds, stands_still=late)


class JobViewPage(Page[JobView]):
    """One page of jobs, and what else runs by itself."""

    feeds: list[FeedView] = Field(description="The change feeds that are supposed to run")


@routes.operation(
    "GET",
    "admin/jobs",
    summary="The work that was promised, newest first: erasures, withdrawals, rebuilds, repricings; and the feeds",
    action=READ_JOBS,
    query=JobsQuery,
    returns=JobViewPage,
)
async def list_jobs(call: Call[None]) -> JobViewPage:
    """Jobs are forgotten seven days after they have ended, those of erasures at once: their receipts are kept."""
    query, before = call.query, verified_continuation(call)
    jobs = await call.store[Jobs].newest(
        query.kind,
        query.state,
        call.now if query.stuck == "true" else None,
        datetime.fromisoformat(before) if before else None,
        query.limit,
    )
    following = jobs[-1].asked_at.isoformat() if len(jobs) == query.limit else None
    feeds = feeds_of(call.services.settings)
    ages = await asyncio.gather(*(call.store[Heartbeats].age(feed, call.now) for feed in feeds))
    return JobViewPage(
        items=[JobView.of(job, call.now) for job in jobs],
        continuation=signed_continuation(call, following),
        feeds=[FeedView.of(feed, age) for feed, age in zip(feeds, ages, strict=True)],
    )


@routes.operation(
    "GET",
    "admin/jobs/{job_id}",
    summary="One job, and how far it is",
    action=READ_JOBS,
    returns=JobView,
)
async def get_job(call: Call[None]) -> JobView:
    return JobView.of(await _found(call), call.now)


@routes.operation(
    "POST",
    "admin/jobs/{job_id}/attempts",
    summary="Start a job again that has not ended: another driver goes on where it is",
    action=START_JOB_AGAIN,
    returns=JobView,
    status=202,
    repeatable=True,
    durable=True,
)
async def start_job_again(call: Call[None]) -> Reply:
    """Does no harm: each step counts once, and the driver before gives way. A job that has ended stays as it is."""
    await call.writer()
    job = await _found(call)
    claimed = await call.store[Jobs].claim(job, call.now, anew=True)
    if claimed is not None and call.durable is not None:
        await start_or_release(call.durable, call.store[Jobs], claimed)
    shown = JobView.of(claimed or job, call.now)
    return Reply(shown, headers={"Location": f"/api/admin/jobs/{job.id}"})


async def _found(call: Call[None]) -> Job:
    job = await call.store[Jobs].find(call.uuid("job_id"))
    if job is None:
        raise NotFound("job")
    return job
