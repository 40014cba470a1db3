"""What withdrawing a consent does to turns and sessions that are kept: a job, page by page.

The job is written with the profile that withdraws the consent. Processes may go by a profile that they have seen for a
while, and what they record meanwhile is not yet without the consent. So all pages are gone through again once that time
is over.
"""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from pydantic import Field

from cosmos.accounts.users import Users
from cosmos.jobs.jobs import Jobs
from cosmos.privacy.consents import AFFECTED, Applied, Consents, Withdrawable
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.jobs.kind import JobKind, Step, Work
from functions.jobs.starting import driven, found, promise, view_of
from models.accounts.profile import UserProfile
from models.core.document import Message
from models.core.values import Count, Timestamp, Uuid
from models.jobs.job import Job, WorkState
from models.privacy.actions import READ_WITHDRAWAL, WITHDRAW_CONSENT

LAGGING = timedelta(seconds=5)
"""When to look again if the profile that is read is older than the promise: a replica that lags behind answered."""

LAST_ROUND = 2
"""The second one is for what was recorded during the first by processes that did not know of the withdrawal yet."""

UNCOUNT, EMPTY = "uncount", "empty"
"""The steps after those of `AFFECTED`, for analytics alone and in the last round: what has been counted is taken out of
the rollups, and then whatever is left in them."""

COUNTERS = {
    "user_interactions": "turns",
    "user_sessions": "sessions",
    "user_bookmarks": "bookmarks",
    UNCOUNT: "uncounted",
}

routes = Routes()


class WithdrawalProgress(Message):
    """What a withdrawal has changed so far."""

    turns: Count = Field(default=0, description="Turns that it has changed")
    sessions: Count = Field(default=0, description="Sessions that it has changed")
    bookmarks: Count = Field(default=0, description="Bookmarks that it has taken out of the rollups; they stay as such")
    uncounted: Count = Field(default=0, description="What still counted then, such as turns that have expired since")


class Withdrawal(WithdrawalProgress):
    """A consent that is being withdrawn from what is kept already, and how far that is."""

    withdrawal_id: Uuid
    consent: Withdrawable
    status: WorkState
    created_at: Timestamp
    updated_at: Timestamp


@routes.operation(
    "DELETE",
    "me/analytics",
    summary="Withdraw consent to analytics, and take all past turns and sessions out of them",
    action=WITHDRAW_CONSENT,
    returns=Withdrawal,
    status=202,
    durable=True,
)
async def delete_my_analytics(call: Call[None]) -> Reply:
    """Sets `analytics_consent` to false, and then goes through what is stored. Sent again, it is the same withdrawal.

    In the end the rollups of all periods are empty, and so is the dashboard. Turns, sessions and bookmarks stay, and so
    do limits and what is kept against abuse. If the consent is given again before the end, it goes no further.
    """
    profile = await call.store[Users].ensure(call.person, call.now, call.issued, call.roles)
    consent: Withdrawable = "analytics_consent"
    profile, made = await call.store[Consents].withdraw(
        profile, consent, call.now, lambda after: promised(call, after, consent)
    )
    job = made or promised(call, profile, consent)
    held = job if made else await call.store[Jobs].create(job)
    held = await driven(call, held, held is job)
    return Reply(_described(held), headers={"Location": location(held.id)})


@routes.operation(
    "GET",
    "me/withdrawals/{withdrawal_id}",
    summary="How far the withdrawal of a consent is",
    action=READ_WITHDRAWAL,
    returns=Withdrawal,
)
async def get_withdrawal(call: Call[None]) -> Withdrawal:
    return _described(await found(call, JOB, call.person.user_id, call.uuid("withdrawal_id")))


def promised(call: Call[Any], profile: UserProfile, consent: Withdrawable) -> Job:
    """The job that brings what is stored in line with a consent, of a profile that withdraws it.

    It is named by when the consent was withdrawn: the same withdrawal is the same job.
    """
    changes = [change.changed_at for change in profile.consent_history if change.consent == consent]
    since = changes[-1].isoformat() if changes else ""
    withdrawal_id = str(uuid.uuid5(uuid.UUID(profile.id), f"withdrawal:{consent}:{since}"))
    request = {"consent": consent}
    return promise(call, JOB, withdrawal_id, profile.id, request, "user", for_revision=profile.revision)


def promised_by_edit(call: Call[Any], before: UserProfile, after: UserProfile) -> list[Job]:
    """The job, if an edit of the profile withdraws the consent to retention."""
    if before.data_retention_consent and not after.data_retention_consent:
        return [promised(call, after, "data_retention_consent")]
    return []


def location(withdrawal_id: str) -> str:
    return f"/api/me/withdrawals/{withdrawal_id}"


async def _withdraw(work: Work) -> Step:
    """One page of one round."""
    consents, job, user_id = work.store[Consents], work.job, work.job.partition_key
    consent: Withdrawable = job.request["consent"]
    progress = WithdrawalProgress().model_dump() | job.progress
    is_withdrawn = await consents.is_withdrawn(user_id, consent, job.for_revision)
    if is_withdrawn is None:
        return Step(progress, job.position, LAGGING)
    if not is_withdrawn:
        return Step(progress, is_last=True)  # it was given again, or the user is gone
    round_, step, continuation = job.position or [1, AFFECTED[consent][0], None]
    page = await _page(work, user_id, consent, step, continuation)
    if step in COUNTERS:
        progress[COUNTERS[step]] += page.changed
    if following := _next(consent, round_, step, page.continuation):
        return Step(progress, [round_, *following])
    if round_ == LAST_ROUND:
        return Step(progress, is_last=True)
    settled = timedelta(seconds=work.services.settings.erasure_settle_seconds)
    return Step(progress, [round_ + 1, AFFECTED[consent][0], None], settled)


async def _page(work: Work, user_id: str, consent: Withdrawable, step: Any, continuation: str | None) -> Applied:
    consents = work.store[Consents]
    if step == UNCOUNT:
        return await consents.uncount(user_id, continuation, work.now)
    if step == EMPTY:
        await consents.empty(user_id, work.now)
        return Applied(0, None)
    return await consents.apply(user_id, consent, step, continuation, work.now)


JOB = JobKind(name="withdrawal", step=_withdraw, due=timedelta(hours=1))


def _next(consent: Withdrawable, round_: int, step: str, continuation: str | None) -> tuple[str, str | None] | None:
    """Where to go on after a page; None if this round is at its end."""
    if continuation is not None:
        return step, continuation
    has_rollups = consent == "analytics_consent" and round_ == LAST_ROUND
    steps = [*AFFECTED[consent], *((UNCOUNT, EMPTY) if has_rollups else ())]
    following = steps[steps.index(step) + 1 :]
    return (following[0], None) if following else None


def _described(job: Job) -> Withdrawal:
    told = {"withdrawal_id": job.id, "consent": job.request["consent"]}
    return Withdrawal.model_validate_json(json.dumps(job.progress | told | view_of(job)))
