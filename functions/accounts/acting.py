"""What staff do to an account begins here: may they, and the record of it."""

from __future__ import annotations

import uuid
from typing import Any

from cosmos.accounts.accounts import Accounts
from cosmos.accounts.audit import Audit
from functions.core.call import Call
from functions.core.headers import text_of
from functions.core.operation import Header
from functions.core.problems import Problem
from models.accounts.audit import AuditedAct, AuditEntry, ByRight
from models.accounts.profile import UserProfile
from models.core.app_roles import rank_of
from models.core.rights import Target

MAX_REASON = 500
AUDIT_REASON = Header(
    "X-Audit-Reason",
    "Why you read what this user wrote; it is kept in their audit. In UTF-8, or, from clients that send no more than "
    "Latin-1, as in RFC 8187: `UTF-8''` and the text with percent signs",
    {"type": "string", "minLength": 1, "maxLength": MAX_REASON},
    required=True,
)


def check_may_act_on(call: Call[Any], profile: UserProfile) -> None:
    """Stops staff who would do what the operation does to an account that it spares.

    Raises:
        SelfModeration: it is their own.
        Outranked: the newest token of that account showed a role above theirs.
    """
    call.check(Target(owner=profile.id, rank=rank_of(profile.staff_roles)))


async def acted_on(call: Call[Any], user_id: str, act: AuditedAct, reason: str) -> tuple[UserProfile, AuditEntry]:
    """The account that the caller is about to do something to, and the record of it, which is not written yet.

    Raises:
        SelfModeration: it is their own.
        Outranked: it has more rights than theirs.
        NotFound: there is no such account.
        AccountClosed: it is deleted.
    """
    call.check(Target(owner=user_id))  # of oneself, nothing needs to be read
    profile = await call.store[Accounts].read(user_id)
    check_may_act_on(call, profile)
    return profile, audit_entry(call, user_id, act, reason)


def audit_entry(call: Call[Any], user_id: str, act: AuditedAct, reason: str, by_right: ByRight = "staff") -> AuditEntry:
    """The record of what the caller is about to do."""
    return AuditEntry(
        id=str(uuid.uuid4()),
        partition_key=user_id,
        user_id=user_id,
        actor_id=call.person.user_id,
        actor_roles=sorted(call.roles),
        act=act,
        by_right=by_right,
        reason=reason,
        audited_at=call.now,
        request_id=call.request_id,
    )


def audit_reason(call: Call[None], what: str) -> str:
    """The reason that staff give for `what` they do.

    Raises:
        Problem: 400, there is none, or it is too long.
    """
    reason = text_of(call.request.headers.get(AUDIT_REASON.name) or "").strip()
    if not 0 < len(reason) <= MAX_REASON:
        detail = f"Say why {what}: {AUDIT_REASON.name} with 1 to {MAX_REASON} characters."
        raise Problem(400, "audit-reason-required", "A reason is required", detail)
    return reason


async def read_about(call: Call[Any], act: AuditedAct, what: str) -> UserProfile:
    """The account of whom staff are about to read something; it is on record before anything is read.

    Raises:
        Problem: 400, they don't say why.
        Outranked: it has more rights than theirs.
        NotFound: there is no such account.
        AccountClosed: it is deleted.
    """
    reason = audit_reason(call, what)
    profile = await call.store[Accounts].read(call.uuid("user_id"))
    check_may_act_on(call, profile)
    await call.store[Audit].write(audit_entry(call, profile.id, act, reason))
    return profile
