"""Erasing an account: a job that bars it, deletes everything in it, and ends with a receipt.

The job is written with the tombstone in the profile's place. It can be cut off anywhere, and goes on until it is done;
its own document goes last. What drives it remembers ids and times; that is removed, too, once it has ended: see
`functions.privacy.forgetting`.

What staff did to the account is personal data of its user: the audit entries go, and the receipt says how many there
were. What is kept of staff in the accounts of others, and in receipts, is a user_id that names nobody any more once
their own account is erased.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from cosmos.accounts.accounts import Accounts
from cosmos.accounts.users import Users
from cosmos.jobs.jobs import Jobs
from cosmos.privacy.erasure import ERASURE_JOB, Erasures
from functions.accounts.acting import MAX_REASON, audit_entry, audit_reason, check_may_act_on
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Header, Reply
from functions.core.parts import Parts
from functions.core.services import Services
from functions.jobs.kind import JobKind, Step, Work
from functions.jobs.starting import driven, promise
from functions.privacy.noting import noted, noted_or_promised
from models.accounts.audit import AuditEntry
from models.accounts.profile import UserProfile
from models.core.app_roles import ADMIN_ROLE
from models.core.errors import NotFound
from models.core.rights import PLATFORM, Source, Target
from models.core.tombstone import Tombstone
from models.jobs.job import Job, JobAsker
from models.privacy.actions import ERASE_ACCOUNT, ERASE_ONESELF, READ_ERASURE
from models.privacy.erasure import Asker, Erasure, erasure_id_of, user_hash_of

ERASURE_REASON = Header(
    "X-Audit-Reason",
    "Why you erase the account. It goes with the account; the receipt keeps who asked, and when",
    {"type": "string", "minLength": 1, "maxLength": MAX_REASON},
    required=True,
)

ASKERS: dict[JobAsker, Asker] = {
    "user": "user",
    "staff": "admin",
    "platform": "restore",
    "guardian": "guardian",
    "retention": "retention",
}
"""Who asked for a job, as its receipt says."""

SWEEPING = "sweeping"
"""The position of an erasure whose account is barred for everybody."""

routes = Routes()


@routes.operation(
    "DELETE",
    "me",
    summary="Erase one's account and everything in it, for ever",
    action=ERASE_ONESELF,
    returns=Erasure,
    status=202,
    problems=("not-found", "last-admin"),
    own=True,
    durable=True,
    after_deletion=True,
)
async def delete_me(call: Call[None]) -> Reply:
    """The account is closed at once: from then on the requests of its user are answered with 410, on every instance
    within half a minute. Then everything that is held about them is deleted, which takes a minute or more. It can't be
    undone, and the same identity can't sign in again. The last active admin can't go before there is another one.

    The answer is the receipt, and its `Location` where to see it completed. Sent again, the answer is the same.
    """
    account = await account_of(call, call.person.user_id)
    if isinstance(account, UserProfile) and ADMIN_ROLE in call.roles:
        await call.store[Accounts].begin_erasing_admin(account.id, account.id, call.now)
    return await erased(call, account, "user", None)


@routes.operation(
    "DELETE",
    "admin/users/{user_id}",
    summary="Erase an account and everything in it, for ever",
    action=ERASE_ACCOUNT,
    returns=Erasure,
    status=202,
    problems=("audit-reason-required", "self-moderation", "outranked", "last-admin"),
    headers=(ERASURE_REASON,),
    own=True,
    durable=True,
)
async def delete_user(call: Call[None]) -> Reply:
    """As if its user had asked for it. The reason goes with the account; the receipt keeps who asked, and when."""
    user_id, reason = call.uuid("user_id"), audit_reason(call, "you erase this account")
    call.check(Target(owner=user_id))
    account = await account_of(call, user_id)
    if not isinstance(account, Tombstone):
        check_may_act_on(call, account)
        if account.is_admin:
            await call.store[Accounts].begin_erasing_admin(user_id, call.person.user_id, call.now)
    return await erased(call, account, "staff", audit_entry(call, user_id, "erase", reason))


@routes.operation(
    "GET",
    "erasures/{erasure_id}",
    summary="The receipt of an erasure: what was deleted, and when",
    action=READ_ERASURE,
    returns=Erasure,
    own=True,
    problems=("account-suspended", "account-blocked", "account-deleted"),  # an admin's own
    after_deletion=True,
)
async def get_erasure(call: Call[None]) -> Erasure:
    """For whom it is about, who signs in as before though the account is gone, and for admins."""
    erasure, user_id = await call.store[Erasures].receipt(call.uuid("erasure_id")), call.person.user_id
    theirs = erasure.user_hash == user_hash_of(user_id, _key(call.services))
    if call.check(Target(owner=user_id) if theirs else PLATFORM) is Source.TOKEN:
        await writer(call)  # an admin's account must be active
    return erasure


async def account_of(call: Call[Any], user_id: str) -> UserProfile | Tombstone:
    account = await call.store[Erasures].account(user_id)
    if account is None:
        raise NotFound("user")
    return account


async def erased(call: Call[Any], account: UserProfile | Tombstone, asker: JobAsker, entry: AuditEntry | None) -> Reply:
    """Promises the erasure, closes the account everywhere before the answer, and has the job driven."""
    erasures, jobs, user_id = call.store[Erasures], call.store[Jobs], account.id
    job_id = account.erasure_id if isinstance(account, Tombstone) else erasure_id_of(user_id, _key(call.services))
    wanted = promise(call, JOB, job_id, user_id, {}, asker, entry.actor_id if entry else None)
    is_new = await erasures.close(user_id, _erasure_of(wanted, call.services), wanted, entry)
    call.store[Users].close(user_id)
    job = wanted if is_new else await jobs.read(user_id, job_id)
    if job is None:  # it has ended, and its document is gone
        if done := await erasures.completed(job_id):
            return _receipt(done)
        job = await jobs.create(wanted)
    await driven(call, job, is_new)  # first: what fails from here on, the job does again
    receipt, _ = await asyncio.gather(erasures.bar(user_id, _erasure_of(job, call.services)), noted(call.services, job))
    return _receipt(receipt)


def _receipt(erasure: Erasure) -> Reply:
    return Reply(erasure, headers={"Location": f"/api/erasures/{erasure.id}"})


def _erasure_of(job: Job, shared: Services) -> Erasure:
    """The receipt of an erasure that was promised by this job."""
    receipt = Erasure.of(job.partition_key, ASKERS[job.asker], job.asked_by, job.asked_at, _key(shared))
    return receipt.model_copy(update={"id": job.id, "partition_key": job.id})


async def promised_again(shared: Services, store: Parts, user_id: str, erasure_id: str, now: datetime) -> bool:
    """Promises the erasure of an account that a restore brought back; False if it is closed already.

    The timer that looks after jobs has it driven.
    """
    return await _promised(shared, store, user_id, erasure_id, now, "platform")


async def promised(shared: Services, store: Parts, user_id: str, now: datetime, asker: JobAsker) -> bool:
    """Promises the erasure of an account that nobody asked for; False if it is closed already. Driven likewise."""
    return await _promised(shared, store, user_id, erasure_id_of(user_id, _key(shared)), now, asker)


async def _promised(
    shared: Services, store: Parts, user_id: str, erasure_id: str, now: datetime, asker: JobAsker
) -> bool:
    at_once = timedelta(0)
    job = Job.promised(JOB.name, erasure_id, user_id, {}, now, due=JOB.due, patience=at_once, asker=asker)
    is_new = await store[Erasures].close(user_id, _erasure_of(job, shared), job)
    store[Users].close(user_id)
    return is_new


async def _erase(work: Work) -> Step:
    """Notes the erasure and bars the account; then, after a pause for what is on its way, deletes some of what is there
    until nothing is."""
    erasures, job, user_id = work.store[Erasures], work.job, work.job.partition_key
    if job.position is None:
        await noted_or_promised(work)
        await erasures.bar(user_id, _erasure_of(job, work.services))
        work.store[Users].close(user_id)
        settled = timedelta(seconds=work.services.settings.erasure_settle_seconds)
        return Step({}, SWEEPING, settled)
    await erasures.start(job.id, work.now)
    if await erasures.sweep(user_id):
        return Step({}, SWEEPING)
    return Step({}, SWEEPING, is_last=await erasures.finish(user_id, job.id, work.now))


JOB = JobKind(name=ERASURE_JOB, step=_erase, due=timedelta(hours=1), kept=None)


def _key(shared: Services) -> bytes:
    return shared.settings.key_for("receipts")
