"""Rebuilding analytics: a job that compares rollups with their sources, and repairs them when asked.

One user, or all of them page by page, and then the platform.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import Field

from cosmos.counting.rebuilding import Rebuilding
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.jobs.kind import JobKind, Step, Work, for_each
from functions.jobs.starting import found, of_staff, view_of
from models.core.document import Message
from models.core.pseudonyms import is_platform
from models.core.values import Count, Timestamp, Uuid
from models.counting.actions import READ_REBUILDS, START_REBUILD
from models.counting.drift import BucketDrift, UserDrift, total_of
from models.jobs.job import PLATFORM_JOBS, Job, WorkState

USERS_PER_STEP = 20
DRIFT_SHOWN = 200

routes = Routes()


class RebuildRequest(Message):
    """Whose analytics to rebuild."""

    user_id: Uuid | None = Field(default=None, description="One user, or null for everybody")
    repair: bool = Field(default=False, description="Whether to repair what is wrong, or only to report it")


class Progress(Message):
    """What a rebuild has found so far."""

    users_total: Count = 0
    users_done: Count = Field(default=0, description="Those that failed included")
    users_failed: Count = Field(default=0, description="Users and partitions that could not be compared")
    buckets: Count = Field(default=0, description="Rollups compared")
    drifted_buckets: Count = Field(default=0, description="Rollups that did not hold what the ledger applied to them")
    repaired_buckets: Count = 0
    unsettled_buckets: Count = Field(default=0, description="Rollups that were written all the while; not compared")
    expired_buckets: Count = Field(default=0, description="Rollups that count what is not kept any more; not compared")
    sources: Count = Field(
        default=0, description="Turns, sessions, bookmarks, and rollups that others count, compared with the ledger"
    )
    sources_behind: Count = Field(default=0, description="Those not folded yet, or lost; folded if to be repaired")
    sources_wrong: Count = Field(default=0, description="Those that count otherwise; folded anew if to be repaired")
    sources_unreadable: Count = Field(default=0, description="Documents that are not valid, and count nothing")
    drift: list[BucketDrift] = Field(default=[], description=f"The first {DRIFT_SHOWN} rollups that were wrong")


class Rebuild(Progress):
    """A rebuild, and how far it is."""

    rebuild_id: Uuid
    user_id: Uuid | None
    repair: bool
    status: WorkState
    created_at: Timestamp
    updated_at: Timestamp


@routes.operation(
    "POST",
    "admin/rebuilds",
    summary="Compare the rollups of a user or of everybody with their sources, and repair them if asked",
    action=START_REBUILD,
    body=RebuildRequest,
    returns=Rebuild,
    status=202,
    problems=("not-found",),
    durable=True,
)
async def start_rebuild(call: Call[RebuildRequest]) -> Reply:
    rebuild = _described(await of_staff(call, JOB))
    return Reply(rebuild, headers={"Location": f"/api/admin/rebuilds/{rebuild.rebuild_id}"})


@routes.operation(
    "GET",
    "admin/rebuilds/{rebuild_id}",
    summary="How far a rebuild is, and what it has found",
    action=READ_REBUILDS,
    returns=Rebuild,
)
async def get_rebuild(call: Call[None]) -> Rebuild:
    """A rebuild is forgotten seven days after its end."""
    return _described(await found(call, JOB, PLATFORM_JOBS, call.uuid("rebuild_id")))


async def _rebuild(work: Work) -> Step:
    """Some users, or some of the platform's partitions."""
    rebuilding, wanted, user = work.store[Rebuilding], work.job.request, work.job.request["user_id"]
    progress = work.job.progress
    if not progress:
        total = 1 if user else await rebuilding.count_users()
        progress = Progress(users_total=total).model_dump(mode="json")
    if user:
        partitions, following = [user], None
    else:
        partitions, following = await rebuilding.partitions(USERS_PER_STEP, work.job.position)

    async def rebuilt(partition: str) -> dict[str, Any]:
        return (await rebuilding.rebuild(partition, wanted["repair"], work.now)).model_dump(mode="json")

    reports = await for_each(work, partitions, rebuilt)
    progress = advanced(progress, partitions, [report for report in reports if report])
    return Step(progress, following, is_last=following is None)


JOB = JobKind(name="rebuild", step=_rebuild, due=timedelta(days=1))


def advanced(progress: dict[str, Any], wave: Sequence[str], reports: list[dict[str, Any]]) -> dict[str, Any]:
    """The progress with some users and partitions counted in it; of those that failed there is no report."""
    told = [UserDrift.model_validate(report) for report in reports]
    drift = [*progress["drift"], *(drift for report in reports for drift in report["drifted"])]
    users = sum(not is_platform(partition) for partition in wave)
    total = {"users_done": users, "users_failed": len(wave) - len(told)} | total_of(told)
    counts = {name: progress.get(name, 0) + value for name, value in total.items()}
    return progress | counts | {"drift": drift[:DRIFT_SHOWN]}


def _described(job: Job) -> Rebuild:
    view = {"rebuild_id": job.id} | view_of(job)
    return Rebuild.model_validate_json(json.dumps(job.progress | job.request | view))
