"""Roles by groups of Entra ID, and joining by a tenant: what an organization leaves to its directory."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from cosmos.organizations.members import Members
from cosmos.organizations.organizations import Organizations
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Reply
from functions.core.problems import forbidden, invalid, not_valid
from functions.organizations.giving import check_gives
from models.core.document import Message
from models.core.errors import NotFound
from models.core.fields import shown_of
from models.core.values import Uuid
from models.organizations.actions import GIVE_ROLES, JOIN_BY_TENANT, READ_ASSIGNMENTS
from models.organizations.member import Member
from models.organizations.membership import ShownMembership
from models.organizations.organization import Organization
from models.organizations.roles import SYSTEM_ROLES, RoleName, permissions_of

routes = Routes()
_GROUPS = "organizations/{organization_id}/groups"


class GivenRole(Message):
    """What a group gives."""

    role: RoleName = Field(description="A role of the system, or one of the organization's own")


class GroupRole(GivenRole):
    """A group of Entra ID whose people have a role in an organization, as far as they are members of it."""

    group_id: Uuid = Field(description="The group's object id")


class GroupRoles(Message):
    """The groups that give roles."""

    items: list[GroupRole]


@routes.operation(
    "GET", _GROUPS, summary="The groups of Entra ID that give roles", action=READ_ASSIGNMENTS, returns=GroupRoles
)
async def list_groups(call: Call[None]) -> GroupRoles:
    organization = await call.store[Organizations].read(call.uuid("organization_id"))
    return GroupRoles(items=[GroupRole(group_id=one, role=role) for one, role in organization.group_roles.items()])


@routes.operation(
    "PUT",
    f"{_GROUPS}/{{group_id}}",
    summary="Have a group of Entra ID give a role to those of its people who are members",
    action=GIVE_ROLES,
    body=GivenRole,
    returns=GroupRole,
)
async def set_group(call: Call[GivenRole]) -> Reply:
    """For organizations that have bound a tenant: the group is one of it. Never more than one has.

    It counts at each request, by the claim `groups` of the token, or by Microsoft Graph where these are too many for
    it. It ends with the group, makes nobody a member, and none of the admins whom an organization can't be without.
    """
    organization, role = await call.store[Organizations].read(call.uuid("organization_id")), call.body.role
    group_id = call.uuid("group_id")
    if organization.bound_tenant_id is None:
        raise not_valid({"/group_id": "The organization has bound no tenant whose groups could be meant"})
    if role not in SYSTEM_ROLES and role not in organization.roles:
        raise not_valid({"/role": "Input should be a role of the system or of this organization"})
    _check_above(call, organization, group_id, role)
    try:
        await call.store[Organizations].set_group(organization.organization_id, group_id, role, call.now)
    except ValidationError as error:
        raise invalid(error) from None
    return Reply(GroupRole(group_id=group_id, role=role))


@routes.operation(
    "DELETE",
    f"{_GROUPS}/{{group_id}}",
    summary="Have a group give no role any more",
    action=GIVE_ROLES,
    returns=None,
    status=204,
)
async def unset_group(call: Call[None]) -> Reply:
    organization, group_id = await call.store[Organizations].read(call.uuid("organization_id")), call.uuid("group_id")
    _check_above(call, organization, group_id)
    await call.store[Organizations].set_group(organization.organization_id, group_id, None, call.now)
    return Reply(None)


@routes.operation(
    "POST",
    "organizations/{organization_id}/join",
    summary="Join an organization that has bound one's tenant",
    action=JOIN_BY_TENANT,
    returns=ShownMembership,
    repeatable=True,
    problems=("seats-taken",),
)
async def join_organization(call: Call[None]) -> Reply:
    """With the role `member`, and what groups give besides. To users of other tenants there is no such organization.

    Who was removed is invited, or added, by an admin.
    """
    profile, organization_id = await writer(call), call.uuid("organization_id")
    organization = await call.store[Organizations].read(organization_id)
    if organization.bound_tenant_id != profile.tenant_id:
        raise NotFound("organization")
    if not organization.is_active:
        raise forbidden("This organization is switched off: nobody can join it.")
    if await call.store[Members].was_removed(profile.id, organization_id):
        raise forbidden("You were removed from this organization. Ask one of its admins to add you.")
    who = (profile.id, profile.name, profile.email)
    member = Member.of(organization_id, who, "member", call.now, by=None, holds_seat=True)
    return Reply(shown_of(await call.store[Members].join(member, call.now), ShownMembership))


def _check_above(call: Call[Any], organization: Organization, group_id: str, role: str | None = None) -> None:
    """Stops somebody who would give, or take, more than they have."""
    today, given = organization.day(call.now), {role, organization.group_roles.get(group_id)} - {None}
    for name in sorted(filter(None, given)):
        check_gives(call, permissions_of(name, organization.roles), today, None)
