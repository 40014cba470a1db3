"""Accounts, for staff: finding them, moderating them, and reading what a user wrote, for a reason."""

from __future__ import annotations

import uuid
from typing import Any, Self

from pydantic import Field, model_validator

from cosmos.accounts.accounts import AccountFilter
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.etags import revision_etag
from functions.core.headers import text_of
from functions.core.operation import Access, Header, Reply
from functions.core.paging import Page, Paged, seal, unseal
from functions.core.problems import Problem, forbidden
from models.accounts.moderation import FOR_ADMINS, AccountStatus, Moderation, ModerationAction, status_after
from models.accounts.profile import UserProfile
from models.chat.interaction import UserInteraction
from models.core.errors import SelfModeration, Stale
from models.core.identity import Email
from models.core.values import Timestamp
from models.privacy.audit import AuditedAct, AuditEntry

routes = Routes()

MAX_REASON = 500
AUDIT_REASON = Header(
    "X-Audit-Reason",
    "Why you read what this user wrote; it is kept in their audit. In UTF-8, or, from clients that send no more than "
    "Latin-1, as in RFC 8187: `UTF-8''` and the text with percent signs",
    {"type": "string", "minLength": 1, "maxLength": MAX_REASON},
    required=True,
)


class AccountQuery(Paged):
    """Which accounts to find: those that fit all that is given. An email address is looked up by itself."""

    email: Email | None = Field(default=None, description="The exact address, given alone; case does not count")
    name: str | None = Field(default=None, min_length=1, max_length=256, description="What the name begins with")
    account_status: AccountStatus | None = Field(default=None, description="An account that is deleted is not found")
    min_risk_score: float | None = Field(default=None, ge=0, le=100)
    active_since: Timestamp | None = Field(default=None, description="Last activity then or later")

    @model_validator(mode="after")
    def _email_is_alone(self) -> Self:
        if self.email is not None and self.model_fields_set - {"email", "limit"}:
            raise ValueError("email is looked up by itself: leave out the rest")
        return self


@routes.operation(
    "GET",
    "admin/users",
    summary="Find accounts, by email address or by other signs; in no particular order",
    access=Access.MODERATOR,
    query=AccountQuery,
    returns=Page[UserProfile],
)
async def find_users(call: Call[None]) -> Page[UserProfile]:
    query: AccountQuery = call.query
    if query.email is not None:
        profile = await call.store.accounts.with_email(query.email)
        return Page(items=[profile] if profile else [], continuation=None)
    wanted = AccountFilter(query.name, query.account_status, query.min_risk_score, query.active_since)
    profiles, following = await call.store.accounts.page(wanted, query.limit, unseal(call))
    return Page(items=profiles, continuation=seal(call, following))


@routes.operation(
    "GET",
    "admin/users/{user_id}",
    summary="One account",
    access=Access.MODERATOR,
    returns=UserProfile,
    etag=True,
)
async def get_user(call: Call[None]) -> Reply:
    return _shown(await call.store.accounts.read(call.uuid("user_id")))


@routes.operation(
    "PATCH",
    "admin/users/{user_id}",
    summary="Suspend, block or restore an account, or note something about it; blocking and restoring is for admins",
    access=Access.MODERATOR,
    body=Moderation,
    returns=UserProfile,
    problems=("wrong-status", "self-moderation"),
    if_match=True,
    etag=True,
)
async def moderate_user(call: Call[Moderation]) -> Reply:
    user_id, wanted = call.uuid("user_id"), call.body
    if user_id == call.person.user_id:
        raise SelfModeration
    if wanted.action in FOR_ADMINS and not call.is_admin:
        raise forbidden("This needs the role Vimarsh.Admin.")
    expected = call.expected_revisions
    entry = await audit_entry(call, user_id, wanted.action, wanted.reason)
    profile = await call.store.accounts.read(user_id)
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
    return _shown(await call.store.accounts.moderate(profile, action, entry))


@routes.operation(
    "GET",
    "admin/users/{user_id}/interactions",
    summary="What a user wrote, newest first; each page that is read is audited",
    access=Access.MODERATOR,
    query=Paged,
    returns=Page[UserInteraction],
    problems=("audit-reason-required", "account-suspended", "account-blocked", "email-taken"),
    headers=(AUDIT_REASON,),
)
async def read_user_interactions(call: Call[None]) -> Page[UserInteraction]:
    reason, continuation, user_id = (
        audit_reason(call, "you read what this user wrote"),
        unseal(call),
        call.uuid("user_id"),
    )
    entry = await audit_entry(call, user_id, "read_interactions", reason)
    await call.store.accounts.read(user_id)  # nothing is kept about somebody who does not exist
    turns, following = await call.store.audit.read_interactions(entry, call.query.limit, continuation)
    return Page(items=turns, continuation=seal(call, following))


@routes.operation(
    "GET",
    "admin/users/{user_id}/audit",
    summary="What staff did about a user, newest first",
    access=Access.MODERATOR,
    query=Paged,
    returns=Page[AuditEntry],
)
async def list_user_audit(call: Call[None]) -> Page[AuditEntry]:
    user_id, continuation = call.uuid("user_id"), unseal(call)
    entries, following = await call.store.audit.page(user_id, call.query.limit, continuation)
    if not entries and continuation is None:
        await call.store.accounts.read(user_id)  # tells a user about whom there is nothing from none
    return Page(items=entries, continuation=seal(call, following))


def _shown(profile: UserProfile) -> Reply:
    """With its revision as its ETag: the database's own changes with each turn that is counted on the profile."""
    return Reply(profile, etag=revision_etag(profile))


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


async def audit_entry(call: Call[Any], user_id: str, act: AuditedAct, reason: str) -> AuditEntry:
    """The record of what the caller is about to do. Staff whose own account may not write can do nothing, either."""
    actor = await call.writer()
    return AuditEntry(
        id=str(uuid.uuid4()),
        partition_key=user_id,
        user_id=user_id,
        actor_id=actor.id,
        actor_roles=sorted(call.caller.roles) if call.caller else [],
        act=act,
        reason=reason,
        audited_at=call.now,
        request_id=call.request_id,
    )
