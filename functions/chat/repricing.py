"""Repricing: a job that prices the turns of a time anew, when prices were wrong or missing.

A turn whose cost changes is a new revision, and the fold applies the difference to every rollup that counts it. What
was taken from budgets stays: they are about what was known at the time.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import Field, model_validator

from cosmos.chat.repricing import Repricing
from cosmos.counting.rebuilding import Rebuilding
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.jobs.kind import AT_ONCE, JobKind, Step, Work, for_each
from functions.jobs.starting import found, of_staff, view_of
from models.accounts.limits import NANO
from models.chat.actions import READ_REPRICINGS, START_REPRICING
from models.chat.repricing import Repriced
from models.core.document import Message
from models.core.values import Count, Timestamp, Uuid
from models.jobs.job import PLATFORM_JOBS, Job, WorkState

USERS_PER_PAGE = 40

routes = Routes()


class RepricingRequest(Message):
    """Which turns to price anew: those of a time, by the time that they were asked."""

    user_id: Uuid | None = Field(default=None, description="One user, or null for everybody")
    from_: Timestamp = Field(alias="from", description="First instant")
    to: Timestamp = Field(description="First instant after it")
    dry_run: bool = Field(default=False, description="Only tell what would change")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.from_ >= self.to:
            raise ValueError("from must be before to")
        return self


class RepricingProgress(Message):
    """What a repricing has found so far. Turns that a broken-off attempt has changed are not counted as changed."""

    users_done: Count = Field(default=0, description="Those that failed included")
    users_failed: Count = Field(default=0, description="Users whose turns could not be priced, whatever was tried")
    turns: Count = Field(default=0, description="Turns of that time")
    changed: Count = Field(default=0, description="Those whose cost is another now")
    newly_priced: Count = Field(default=0, description="Those that had no price before")
    newly_unpriced: Count = Field(default=0, description="Those that have no price any more")
    difference_usd: float = Field(default=0.0, description="USD by which the cost of all of them changes")


class RepricingView(RepricingProgress):
    """A repricing, and how far it is."""

    repricing_id: Uuid
    user_id: Uuid | None
    from_: Timestamp = Field(alias="from")
    to: Timestamp
    dry_run: bool
    status: WorkState
    created_at: Timestamp
    updated_at: Timestamp


@routes.operation(
    "POST",
    "admin/repricings",
    summary="Price the turns of a time anew, of a user or of everybody",
    action=START_REPRICING,
    body=RepricingRequest,
    returns=RepricingView,
    status=202,
    problems=("not-found",),
    durable=True,
)
async def start_repricing(call: Call[RepricingRequest]) -> Reply:
    """By the prices of the app as it runs now: update the package or the overrides first."""
    repricing = _described(await of_staff(call, JOB))
    return Reply(repricing, headers={"Location": f"/api/admin/repricings/{repricing.repricing_id}"})


@routes.operation(
    "GET",
    "admin/repricings/{repricing_id}",
    summary="How far a repricing is, and what it has changed",
    action=READ_REPRICINGS,
    returns=RepricingView,
)
async def get_repricing(call: Call[None]) -> RepricingView:
    """A repricing is forgotten seven days after its end."""
    return _described(await found(call, JOB, PLATFORM_JOBS, call.uuid("repricing_id")))


async def _reprice(work: Work) -> Step:
    """A page of turns of each of some users.

    Its position has the users who are not done yet, each with where to go on, and where the next users are.
    """
    wanted, progress = work.job.request, work.job.progress
    place = work.job.position or {"users": [[wanted["user_id"], None]] if wanted["user_id"] else [], "following": None}
    users, following = place["users"], place["following"]
    if not users and not wanted["user_id"]:
        found_users, following = await work.store[Rebuilding].users(USERS_PER_PAGE, following)
        users = [[user, None] for user in found_users]
    start, end = (datetime.fromisoformat(wanted[name]) for name in ("from", "to"))

    async def page(one: list[Any]) -> tuple[Repriced, str | None]:
        user, continuation = one
        return await work.store[Repricing].page(user, start, end, wanted["dry_run"], continuation, work.now)

    wave, users = users[:AT_ONCE], users[AT_ONCE:]
    for (user, _), result in zip(wave, await for_each(work, wave, page), strict=True):
        progress = advanced(progress, result)
        if result and result[1]:
            users.append([user, result[1]])
    return Step(progress, {"users": users, "following": following}, is_last=not users and following is None)


JOB = JobKind(name="repricing", step=_reprice, due=timedelta(days=1))


def advanced(progress: dict[str, Any], result: tuple[Repriced, str | None] | None) -> dict[str, Any]:
    """The progress with a page of a user's turns counted in it, None of one that could not be priced."""
    total = {"users_done": 0, "users_failed": 0, **Repriced().model_dump()} | progress
    total["users_done"] += int(result is None or result[1] is None)
    total["users_failed"] += int(result is None)
    for name, value in (result[0].model_dump() if result else {}).items():
        total[name] += value
    return total


def _described(job: Job) -> RepricingView:
    counts = {name: job.progress[name] for name in RepricingProgress.model_fields if name in job.progress}
    view = counts | {"difference_usd": job.progress.get("difference_nano_usd", 0) / NANO}
    view |= job.request | view_of(job) | {"repricing_id": job.id}
    return RepricingView.model_validate_json(json.dumps(view))
