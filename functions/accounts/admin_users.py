"""Accounts, for staff: finding them, moderating them, and reading what a user wrote, for a reason."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cosmos.accounts.accounts import AccountFilter, Accounts
from cosmos.accounts.audit import Audit
from cosmos.accounts.users import Users
from functions.accounts.acting import acted_on, audit_entry, check_may_act_on
from functions.accounts.showing import told
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.etags import revision_etag
from functions.core.operation import Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from models.accounts.actions import (
    CLOSE_ACCOUNT,
    FIND_ACCOUNTS,
    MODERATE_ACCOUNT,
    MOVE_ADDRESS,
    READ_ACCOUNT,
    READ_AUDIT,
)
from models.accounts.audit import AuditEntry
from models.accounts.moderation import FOR_ADMINS, AccountStatus, Moderation, ModerationAction, Reason, status_after
from models.accounts.profile import UserProfile
from models.core.document import Message
from models.core.errors import Stale
from models.core.identity import Email
from models.core.rights import PLATFORM
from models.core.values import Timestamp

routes = Routes()


class AccountQuery(Paged):
    """Which accounts to find: those that fit all that is given."""

    email: Email | None = Field(
        default=None,
        description="The whole address; case does not count. Several accounts may have it: in other tenants, or where "
        "it is contested",
    )
    name: str | None = Field(default=None, min_length=1, max_length=256, description="What the name begins with")
    account_status: AccountStatus | None = Field(default=None, description="An account that is deleted is not found")
    min_risk_score: float | None = Field(
        default=None, ge=0, le=100, description="As of now: a page may have fewer items for it"
    )
    active_since: Timestamp | None = Field(default=None, description="Last activity then or later")


@routes.operation(
    "GET",
    "admin/users",
    summary="Find accounts, by email address, name or other signs; in no particular order",
    action=FIND_ACCOUNTS,
    query=AccountQuery,
    returns=Page[UserProfile],
)
async def find_users(call: Call[None]) -> Page[UserProfile]:
    query: AccountQuery = call.query
    wanted = AccountFilter(query.email, query.name, query.account_status, query.min_risk_score, query.active_since)
    profiles, following = await call.store[Accounts].page(wanted, query.limit, verified_continuation(call))
    shown = [call.store[Users].as_it_stands(profile, call.now) for profile in profiles]
    least = query.min_risk_score or 0  # found by the scores as they are stored, which have decayed since
    return Page(
        items=[profile for profile in shown if profile.risk_score >= least],
        continuation=signed_continuation(call, following),
    )


@routes.operation(
    "GET",
    "admin/users/{user_id}",
    summary="One account",
    action=READ_ACCOUNT,
    returns=UserProfile,
    etag=True,
)
async def get_user(call: Call[None]) -> Reply:
    return await _shown(call, await call.store[Accounts].read(call.uuid("user_id")))


@routes.operation(
    "PATCH",
    "admin/users/{user_id}",
    summary="Suspend, block or restore an account, or note something about it; blocking and restoring is for admins",
    action=MODERATE_ACCOUNT,
    also=(CLOSE_ACCOUNT,),
    body=Moderation,
    returns=UserProfile,
    problems=("wrong-status", "self-moderation", "outranked", "last-admin"),
    if_match=True,
    etag=True,
)
async def moderate_user(call: Call[Moderation]) -> Reply:
    """Not one's own account, nor one with more rights than one's own. The last active admin can't be suspended or
    blocked: somebody else must have shown the role first.
    """
    wanted = call.body
    if wanted.action in FOR_ADMINS:
        call.check(PLATFORM, CLOSE_ACCOUNT)
    expected = call.expected_revisions
    profile, entry = await acted_on(call, call.uuid("user_id"), wanted.action, wanted.reason)
    if profile.revision not in expected:
        raise Stale
    action = ModerationAction(
        action=wanted.action,
        reason=wanted.reason,
        by=entry.actor_id,
        at=call.now,
        status_before=profile.account_status,
        status_after=status_after(wanted.action, profile.account_status),
    )
    return await _shown(call, await call.store[Accounts].moderate(profile, action, entry))


class ClaimMove(Message):
    """Why an address is to be this account's."""

    reason: Reason


@routes.operation(
    "PUT",
    "admin/users/{user_id}/email-claim",
    summary="Give an account the email address that it shows, though another account of its tenant holds it",
    action=MOVE_ADDRESS,
    body=ClaimMove,
    returns=UserProfile,
    problems=("wrong-status", "self-moderation", "outranked"),
    if_match=True,
    etag=True,
)
async def move_email_claim(call: Call[ClaimMove]) -> Reply:
    """The account is `claimed` from then on, and whoever held the address is `contested`; both keep it in their audit.

    An address that is free by itself, because its holder's token shows another one or their account is erased, needs no
    such decision: the next `GET /api/me` of whoever shows it claims it.
    """
    expected, reason = call.expected_revisions, call.body.reason
    profile, entry = await acted_on(call, call.uuid("user_id"), "move_email_claim", reason)
    if profile.revision not in expected:
        raise Stale
    holding, rivals_entry = await call.store[Accounts].email_holding(profile), None
    if holding.rival is not None:
        check_may_act_on(call, holding.rival)
        rivals_entry = audit_entry(call, holding.rival.id, "move_email_claim", reason)
    return await _shown(call, await call.store[Accounts].move_claim(profile, holding, entry, rivals_entry))


@routes.operation(
    "GET",
    "admin/users/{user_id}/audit",
    summary="What staff did about a user, newest first",
    action=READ_AUDIT,
    query=Paged,
    returns=Page[AuditEntry],
)
async def list_user_audit(call: Call[None]) -> Page[AuditEntry]:
    user_id, continuation = call.uuid("user_id"), verified_continuation(call)
    entries, following = await call.store[Audit].page(user_id, call.query.limit, continuation)
    if not entries and continuation is None:
        await call.store[Accounts].read(user_id)  # tells a user about whom there is nothing from none
    return Page(items=entries, continuation=signed_continuation(call, following))


async def _shown(call: Call[Any], profile: UserProfile) -> Reply:
    """With its revision as its ETag: the database's own changes with each turn that is counted on the profile."""
    return Reply(await told(call, profile), etag=revision_etag(profile))
