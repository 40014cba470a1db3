"""What staff do to an account begins here: may they, and the record of it."""

from __future__ import annotations

import uuid
from typing import Any

from functions.core.call import Call
from models.accounts.audit import AuditedAct, AuditEntry
from models.accounts.profile import UserProfile
from models.accounts.staff import rank_of
from models.core.errors import Outranked, SelfModeration


def check_may_act_on(call: Call[Any], profile: UserProfile) -> None:
    """Stops staff who would act on their own account, or on somebody's with more rights than theirs.

    Raises:
        SelfModeration: it is their own.
        Outranked: the newest token of that account showed a role above theirs.
    """
    if profile.id == call.person.user_id:
        raise SelfModeration
    check_outranks(call, profile)


def check_outranks(call: Call[Any], profile: UserProfile) -> None:
    """Stops staff before an account with more rights than theirs. What it may do is known by the last token it showed.

    Raises:
        Outranked: it has.
    """
    if rank_of(profile.staff_roles) > rank_of(call.roles):
        raise Outranked


async def acted_on(call: Call[Any], user_id: str, act: AuditedAct, reason: str) -> tuple[UserProfile, AuditEntry]:
    """The account that the caller is about to do something to, and the record of it, which is not written yet.

    Raises:
        SelfModeration: it is their own.
        Outranked: it has more rights than theirs.
        NotFound: there is no such account.
        AccountClosed: it is deleted.
    """
    if user_id == call.person.user_id:
        raise SelfModeration
    profile = await call.store.accounts.read(user_id)
    check_may_act_on(call, profile)
    return profile, audit_entry(call, user_id, act, reason)


def audit_entry(call: Call[Any], user_id: str, act: AuditedAct, reason: str) -> AuditEntry:
    """The record of what the caller is about to do."""
    return AuditEntry(
        id=str(uuid.uuid4()),
        partition_key=user_id,
        user_id=user_id,
        actor_id=call.person.user_id,
        actor_roles=sorted(call.roles),
        act=act,
        reason=reason,
        audited_at=call.now,
        request_id=call.request_id,
    )
