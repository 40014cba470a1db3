"""Members of organizations: listed, added, removed; leaving, and handing an organization over."""

from __future__ import annotations

from typing import Any, cast

from pydantic import Field

from cosmos.accounts.audit import Audit
from cosmos.accounts.users import Users
from cosmos.organizations.members import MemberFilter, Members
from cosmos.organizations.organizations import Organizations
from cosmos.organizations.rights import Rights
from functions.accounts.acting import audit_entry
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.core.paging import Page, Paged, signed_continuation, verified_continuation
from functions.organizations.invitations import Offer, written
from functions.organizations.organizations import check_gives
from models.core.document import Message
from models.core.errors import MoreThanOnesOwn
from models.core.fields import shown_of
from models.core.values import Timestamp, Uuid
from models.organizations.actions import ADD_MEMBERS, HAND_OVER, LEAVE, READ_MEMBERS, REMOVE_MEMBERS
from models.organizations.member import Member, MemberStatus, ShownMember
from models.organizations.roles import RoleName

routes = Routes()
_PAGE: Any = cast(Any, Page)[ShownMember]


class MemberQuery(Paged):
    """Which members to list: those that fit all that is given."""

    role: RoleName | None = Field(default=None, description="Those who are shown with this role")
    status: MemberStatus | None = None


class NewMember(Offer):
    """Somebody who is to be a member."""

    user_id: Uuid = Field(description="Who")


class AddedMember(Message):
    """Somebody who has a seat: as a member, or invited to be one."""

    user_id: Uuid
    status: str = Field(description="`active`, a member already; `invited`, they have to accept")
    invitation_id: str | None = Field(description="The invitation, if they are invited")
    role: RoleName
    joined_at: Timestamp | None = Field(description="Since when they are a member")


class NewAdmin(Message):
    """Who is to answer for an organization."""

    user_id: Uuid = Field(description="Another member")


@routes.operation(
    "GET",
    "organizations/{organization_id}/members",
    summary="An organization's members, those who joined first at first",
    action=READ_MEMBERS,
    query=MemberQuery,
    returns=_PAGE,
)
async def list_members(call: Call[None]) -> Any:
    wanted = MemberFilter(call.query.role, call.query.status)
    found, following = await call.store[Members].page(
        call.uuid("organization_id"), wanted, call.query.limit, verified_continuation(call)
    )
    items = [shown_of(member, ShownMember) for member in found]
    return _PAGE(items=items, continuation=signed_continuation(call, following))


@routes.operation(
    "POST",
    "organizations/{organization_id}/members",
    summary="Give somebody a seat: at once where their tenant is bound to the organization, else once they accept",
    action=ADD_MEMBERS,
    body=NewMember,
    returns=AddedMember,
    status=201,
    problems=("seats-taken", "more-than-ones-own"),
)
async def add_member(call: Call[NewMember]) -> Reply:
    """Nobody becomes a member without accepting, but by their tenant. An invitation holds the seat meanwhile.

    The answer is the same whether there is such a user.
    """
    actor, wanted, store = await writer(call), call.body, call.store
    organization = await store[Organizations].read(call.uuid("organization_id"))
    await check_gives(call, organization, wanted.role, wanted.effective_to)
    profile = await store[Users].existing(wanted.user_id) if organization.bound_tenant_id else None
    if profile is not None and profile.tenant_id == organization.bound_tenant_id:
        who = (profile.id, profile.name, profile.email)
        member = Member.of(
            organization.organization_id,
            who,
            wanted.role,
            call.now,
            actor.id,
            True,
            wanted.section,
            wanted.effective_to,
        )
        joined = await store[Members].join(member, call.now)
        return Reply(
            AddedMember(
                user_id=profile.id, status="active", invitation_id=None, role=joined.role, joined_at=joined.joined_at
            )
        )
    made, _ = await written(call, actor, organization, wanted, call.idempotency_key, user_id=wanted.user_id)
    return Reply(
        AddedMember(user_id=wanted.user_id, status="invited", invitation_id=made.id, role=made.role, joined_at=None)
    )


@routes.operation(
    "DELETE",
    "organizations/{organization_id}/members/{user_id}",
    summary="Leave an organization, or have somebody leave",
    action=LEAVE,
    also=(REMOVE_MEMBERS,),
    returns=None,
    status=204,
    problems=("last-organization-admin", "more-than-ones-own"),
)
async def remove_member(call: Call[None]) -> Reply:
    """What they may there ends at once, and their seat is free. Who removes somebody has all their rights."""
    organization_id, user_id = call.uuid("organization_id"), call.uuid("user_id")
    if user_id == call.person.user_id:
        await call.store[Members].end(user_id, organization_id, "left", call.now)
        return Reply(None)
    await call.check_in(organization_id, REMOVE_MEMBERS)
    await writer(call)
    await check_above(call, organization_id, user_id)
    entry = audit_entry(call, user_id, "remove_member", "Removed by an admin of the organization.", "organization")
    await call.store[Audit].write(entry)
    await call.store[Members].end(user_id, organization_id, "removed", call.now)
    return Reply(None)


@routes.operation(
    "POST",
    "organizations/{organization_id}/hand-over",
    summary="Make another member admin in one's own place",
    action=HAND_OVER,
    body=NewAdmin,
    returns=None,
    status=204,
    repeatable=True,
    problems=("more-than-ones-own",),
)
async def hand_over_organization(call: Call[NewAdmin]) -> Reply:
    giver, organization_id = await writer(call), call.uuid("organization_id")
    organization = await call.store[Organizations].read(organization_id)
    if giver.id not in organization.admin_ids:
        raise MoreThanOnesOwn
    if call.body.user_id != giver.id:
        await call.store[Members].hand_over(organization_id, giver.id, call.body.user_id, call.now)
    return Reply(None)


async def check_above(call: Call[Any], organization_id: str, user_id: str) -> None:
    """Stops somebody who would act on a member with rights that they lack.

    Raises:
        MoreThanOnesOwn: the member has such.
    """
    rights = call.store[Rights]
    mine = await call.place_in(organization_id)
    theirs = await rights.place(user_id, organization_id)
    if mine is None or theirs is None or theirs.standing is None:
        return
    day = mine.day(call.now)
    if not theirs.standing.permissions(day) <= (mine.standing.permissions(day) if mine.standing else frozenset()):
        raise MoreThanOnesOwn
