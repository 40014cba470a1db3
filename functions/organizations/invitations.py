"""Invitations to organizations: written, revoked, found, accepted and declined."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import Any, cast

from pydantic import Field, model_validator

from cosmos.organizations.invitations import Invitations
from cosmos.organizations.members import Members
from cosmos.organizations.organizations import Organizations
from functions.accounts.signed_in import writer
from functions.core import problems
from functions.core.api import Routes
from functions.core.call import Call, content_hash
from functions.core.operation import Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from functions.organizations.organizations import check_gives
from models.accounts.profile import UserProfile
from models.core.document import Message
from models.core.errors import NotFound
from models.core.fields import shown_of
from models.core.identity import Email
from models.core.values import Day, Label, Timestamp, Uuid
from models.organizations.actions import (
    ADD_MEMBERS,
    ANSWER_INVITATION,
    READ_INVITATIONS,
    READ_OWN_INVITATIONS,
    REVOKE_INVITATIONS,
)
from models.organizations.invitation import (
    DEFAULT_DAYS,
    MOST_DAYS,
    Invitation,
    ShownInvitation,
    invitation_id_of,
    organization_of,
    token_of,
)
from models.organizations.member import Member
from models.organizations.membership import Membership, ShownMembership
from models.organizations.organization import Organization, organization_partition
from models.organizations.roles import RoleName

routes = Routes()
MOST_AT_ONCE = 50
_PAGE: Any = cast(Any, Page)[ShownInvitation]


class Offer(Message):
    """What somebody is to be in an organization."""

    role: RoleName = Field(default="member", description="The role that they get")
    effective_to: Day | None = Field(default=None, description="Its last day; null without an end")
    section: Label | None = Field(default=None, description="Their part of it, such as B")


class NewInvitation(Offer):
    """Whom to invite, and as what. They need not have signed in before."""

    email: Email = Field(description="Their address")
    expires_in_days: int = Field(default=DEFAULT_DAYS, ge=1, le=MOST_DAYS, description="Until when it can be accepted")


class NewInvitations(Message):
    """Up to 50 at once."""

    invitations: list[NewInvitation] = Field(min_length=1, max_length=MOST_AT_ONCE)


class WrittenInvitation(Message):
    """An invitation that was written, with what it is accepted with."""

    invitation: ShownInvitation  # type: ignore[valid-type]
    token: str = Field(description="For a link in a letter to them. It is told this once, and works once")


class InvitationResult(Message):
    """What became of one of several invitations."""

    email: Email
    status: int = Field(description="201, or that of the error")
    written: WrittenInvitation | None = None
    error: dict[str, Any] | None = Field(default=None, description="The problem, as in an error's body")


class InvitationResults(Message):
    """What became of each, in the order sent."""

    items: list[InvitationResult]


class MyInvitation(Message):
    """An organization that the user may join."""

    invitation_id: str
    organization_id: Uuid
    organization_name: str
    role: RoleName
    expires_at: Timestamp


class MyInvitations(Message):
    """What the user is invited to, by their id, or by an address that is theirs."""

    items: list[MyInvitation]


class InvitationAnswer(Message):
    """Which invitation: by its token, or, of one that `GET /api/me/invitations` lists, by its ids."""

    token: str | None = Field(default=None, max_length=200, description="As it was in the letter")
    organization_id: Uuid | None = None
    invitation_id: str | None = Field(default=None, max_length=64, pattern="^invitation-[0-9a-f]{32}$")

    @model_validator(mode="after")
    def _names_one(self) -> InvitationAnswer:
        if (self.token is None) == (self.organization_id is None or self.invitation_id is None):
            raise ValueError("must have a token, or both ids")
        return self


@routes.operation(
    "POST",
    "organizations/{organization_id}/invitations",
    summary="Invite somebody, who may never have signed in",
    action=ADD_MEMBERS,
    body=NewInvitation,
    returns=WrittenInvitation,
    status=201,
    problems=("seats-taken", "more-than-ones-own"),
)
async def create_invitation(call: Call[NewInvitation]) -> Reply:
    """It holds a seat until it is accepted, declined, revoked, or has expired. Nothing is sent: that is the client's.

    Who signs in with the address, verified by a home tenant, finds it in their list; all others accept by its token.
    """
    organization = await call.store[Organizations].read(call.uuid("organization_id"))
    return Reply(await _invited(call, await writer(call), organization, call.body, call.idempotency_key))


@routes.operation(
    "POST",
    "organizations/{organization_id}/invitations/bulk",
    summary="Invite up to 50 people, each answered with its own status",
    action=ADD_MEMBERS,
    body=NewInvitations,
    returns=InvitationResults,
    status=207,
    problems=("more-than-ones-own",),
)
async def create_invitations(call: Call[NewInvitations]) -> Reply:
    actor = await writer(call)
    organization = await call.store[Organizations].read(call.uuid("organization_id"))
    items, key = [], call.idempotency_key
    for number, wanted in enumerate(call.body.invitations):
        try:
            written = await _invited(call, actor, organization, wanted, f"{key}/{number}" if key else None)
            items.append(InvitationResult(email=wanted.email, status=201, written=written))
        except Exception as error:  # a boundary: each invitation has an answer of its own
            problem = problems.of(error)
            items.append(InvitationResult(email=wanted.email, status=problem.status, error=problem.body()))
    return Reply(InvitationResults(items=items))


@routes.operation(
    "GET",
    "organizations/{organization_id}/invitations",
    summary="An organization's invitations, the newest first",
    action=READ_INVITATIONS,
    query=Paged,
    returns=_PAGE,
)
async def list_invitations(call: Call[None]) -> Any:
    organization_id = call.uuid("organization_id")
    found, following = await call.store[Invitations].page(
        organization_id, call.query.limit, verified_continuation(call)
    )
    items = [shown_of(invitation, ShownInvitation) for invitation in found]
    return _PAGE(items=items, continuation=signed_continuation(call, following))


@routes.operation(
    "DELETE",
    "organizations/{organization_id}/invitations/{invitation_id}",
    summary="Revoke an invitation; its seat is free",
    action=REVOKE_INVITATIONS,
    returns=None,
    status=204,
)
async def revoke_invitation(call: Call[None]) -> Reply:
    await writer(call)
    invitation_id = call.request.route_params["invitation_id"]
    await call.store[Invitations].end(call.uuid("organization_id"), invitation_id, "revoked", call.now)
    return Reply(None)


@routes.operation(
    "GET",
    "me/invitations",
    summary="The organizations that the user is invited to",
    action=READ_OWN_INVITATIONS,
    returns=MyInvitations,
)
async def list_my_invitations(call: Call[None]) -> MyInvitations:
    profile = await writer(call)
    found = [
        notice
        for partition in _partitions(call, profile)
        for notice in await call.store[Invitations].notices(partition, call.now)
    ]
    items = [
        MyInvitation(
            invitation_id=notice.id,
            organization_id=notice.organization_id,
            organization_name=notice.organization_name,
            role=notice.role,
            expires_at=notice.expires_at,
        )
        for notice in found
    ]
    return MyInvitations(items=items)


@routes.operation(
    "POST",
    "me/invitations/accept",
    summary="Accept an invitation: join the organization",
    action=ANSWER_INVITATION,
    body=InvitationAnswer,
    returns=ShownMembership,
    repeatable=True,
    problems=("not-found",),
)
async def accept_invitation(call: Call[InvitationAnswer]) -> Reply:
    profile = await writer(call)
    invitation, etag = await _named(call, profile)
    who = (profile.id, profile.name, profile.email)
    member = Member.of(
        invitation.organization_id,
        who,
        invitation.role,
        call.now,
        invitation.invited_by,
        True,
        invitation.section,
        invitation.effective_to,
    )
    accepted = invitation.ended("accepted", call.now)
    joined: Membership = await call.store[Members].join(member, call.now, (accepted, etag))
    return Reply(shown_of(joined, ShownMembership))


@routes.operation(
    "POST",
    "me/invitations/decline",
    summary="Decline an invitation",
    action=ANSWER_INVITATION,
    body=InvitationAnswer,
    returns=None,
    status=204,
    repeatable=True,
    problems=("not-found",),
)
async def decline_invitation(call: Call[InvitationAnswer]) -> Reply:
    invitation, _ = await _named(call, await writer(call))
    await call.store[Invitations].end(invitation.organization_id, invitation.id, "declined", call.now)
    return Reply(None)


def _secret_of(call: Call[Any], actor_id: str, key: str | None) -> str:
    """Nobody's to guess, and the same for the same idempotency key of who invites."""
    if key is None:
        return secrets.token_urlsafe(32)
    keyed = call.services.settings.key_for("invitations")
    return hmac.new(keyed, f"{actor_id}/{key}".encode(), "sha256").hexdigest()


async def _named(call: Call[InvitationAnswer], profile: UserProfile) -> tuple[Invitation, str]:
    """The open invitation that the body names, if the user may answer it."""
    answer = call.body
    if answer.token is not None:
        organization_id = organization_of(answer.token)
        found = await call.store[Invitations].open_one(organization_id, invitation_id_of(answer.token), call.now)
        if found[0].user_id not in (None, profile.id):
            raise NotFound("invitation")
        return found
    found = await call.store[Invitations].open_one(answer.organization_id or "", answer.invitation_id or "", call.now)
    if found[0].notice_partition not in _partitions(call, profile):
        raise NotFound("invitation")
    return found


def _partitions(call: Call[Any], profile: UserProfile) -> list[str]:
    """Where the user finds invitations. An address counts if it is theirs alone, in a home tenant."""
    by_address = profile.email_status == "claimed" and profile.tenant_id in call.services.settings.home_tenants
    email = profile.email if by_address else None
    return [profile.id, *([call.store[Invitations].partition_for(email)] if email else [])]


async def _invited(
    call: Call[Any], actor: UserProfile, organization: Organization, wanted: NewInvitation, key: str | None
) -> WrittenInvitation:
    await check_gives(call, organization, wanted.role, wanted.effective_to)
    made, token = await written(call, actor, organization, wanted, key, wanted.expires_in_days, email=wanted.email)
    return WrittenInvitation(invitation=shown_of(made, ShownInvitation), token=token)


async def written(
    call: Call[Any],
    actor: UserProfile,
    organization: Organization,
    wanted: Offer,
    key: str | None,
    days: int = DEFAULT_DAYS,
    *,
    email: str | None = None,
    user_id: str | None = None,
) -> tuple[Invitation, str]:
    """An invitation of somebody by address or id, which holds a seat from now on; and what it is accepted with."""
    token = token_of(organization.organization_id, _secret_of(call, actor.id, key))
    invitation = Invitation(
        id=invitation_id_of(token),
        partition_key=organization_partition(organization.organization_id),
        created_at=call.now,
        updated_at=call.now,
        request_hash=content_hash(wanted),
        organization_id=organization.organization_id,
        organization_name=organization.name,
        email=email,
        user_id=user_id,
        role=wanted.role,
        effective_to=wanted.effective_to,
        section=wanted.section,
        invited_by=actor.id,
        expires_at=call.now + timedelta(days=days),
        notice_partition=user_id or call.store[Invitations].partition_for(email or ""),
        mentions=sorted({actor.id, user_id or actor.id}),
    )
    invitation.ttl = invitation.kept_seconds
    return await call.store[Invitations].invite(invitation, call.now), token
