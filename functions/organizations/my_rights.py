"""What the signed-in user may, where, and on which day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from cosmos.organizations.assignments import Assignments
from cosmos.organizations.rights import Rights, by_groups
from functions.core.api import Routes
from functions.core.call import Call
from functions.core.operation import Query
from functions.core.parts import Parts
from functions.organizations.assignments import ShownAssignment
from models.accounts.profile import CurrentRoles, UserProfile
from models.core.document import Message
from models.core.fields import shown_of
from models.core.values import Day, Uuid
from models.organizations.actions import READ_OWN_RIGHTS
from models.organizations.assignment import PermissionGrant, RoleAssignment
from models.organizations.membership import Membership
from models.organizations.organization import Organization
from models.organizations.roles import PERMISSIONS, Permission, RoleName, permissions_of

routes = Routes()


class RightsQuery(Query):
    """Where, and on which day."""

    organization_id: Uuid | None = Field(default=None, description="In one organization; without it, in all")
    on: Day | None = Field(default=None, description="A day of each organization's calendar; today if it is not said")


class MyRoles(Message):
    """The roles that somebody has on a day, with those that stand in for somebody."""

    items: list[ShownAssignment] = Field(description="The primary one of each organization first")


class RightsIn(Message):
    """What somebody may in one organization on a day."""

    organization_id: Uuid
    on: Day
    role: RoleName | None = Field(description="Of their primary role; null without one")
    roles: list[RoleName] = Field(description="All that they have, today with those by groups of their directory")
    permissions: list[Permission] = Field(description="What these and single grants give, in the order of the alphabet")


class MyRights(Message):
    """What somebody may, in each organization that they belong to."""

    items: list[RightsIn]


@routes.operation(
    "GET", "me/roles", summary="The user's roles on a day", action=READ_OWN_RIGHTS, query=RightsQuery, returns=MyRoles
)
async def get_my_roles(call: Call[None]) -> MyRoles:
    """Of a day that is past, those that they had; those that were taken away since are there until that day.

    What they have by groups of their directory is in `GET /api/me/permissions`.
    """
    items: list[RoleAssignment] = []
    for _, day, assignments, _ in await _everywhere(call, call.query.organization_id, call.query.on):
        items += sorted(
            (one for one in assignments if one.on(day)), key=lambda one: (not one.is_primary, one.created_at)
        )
    return MyRoles(items=[shown_of(one, ShownAssignment) for one in items])


@routes.operation(
    "GET",
    "me/permissions",
    summary="What the user may in their organizations on a day",
    action=READ_OWN_RIGHTS,
    query=RightsQuery,
    returns=MyRights,
)
async def get_my_permissions(call: Call[None]) -> MyRights:
    query: RightsQuery = call.query
    return MyRights(items=[rights for _, rights in await rights_of(call, query.organization_id, query.on)])


async def rights_of(
    call: Call[Any], organization_id: str | None = None, on: date | None = None
) -> list[tuple[Organization, RightsIn]]:
    """What the caller may in their organizations, or in one, on a day; today if it is not said."""
    found: list[tuple[Organization, RightsIn]] = []
    for organization, day, assignments, grants in await _everywhere(call, organization_id, on):
        roles = [one for one in assignments if one.on(day)]
        by_group = await by_groups(organization, call.groups) if day == organization.day(call.now) else ()
        given: set[str] = {permission for one in roles for permission in permissions_of(one.role, organization.roles)}
        given |= {one.permission for one in grants if one.held.on(day)}
        given |= {permission for one in by_group for permission in one.permissions}
        primary = next((one.role for one in roles if one.is_primary), None)
        names = sorted({*(one.role for one in roles), *(one.by or "" for one in by_group)})
        rights = RightsIn(
            organization_id=organization.organization_id,
            on=day,
            role=primary,
            roles=names,
            permissions=sorted(PERMISSIONS & given),
        )
        found.append((organization, rights))
    return found


async def roles_today(store: Parts, profile: UserProfile, now: datetime) -> CurrentRoles:
    """The roles that a user has in their primary organization."""
    return await store[Rights].current_roles(profile.id, profile.primary_organization_id, now)


_Place = tuple[Organization, date, list[RoleAssignment], list[PermissionGrant]]


async def _everywhere(call: Call[Any], organization_id: str | None, on: date | None) -> list[_Place]:
    """The organizations that somebody belongs to, the day that is asked for there, and what they were given."""
    assignments, grants, memberships = await call.store[Assignments].all_of(call.person.user_id)
    found: list[_Place] = []
    for membership in sorted(filter(_counts, memberships), key=lambda one: one.joined_at):
        if organization_id not in (None, membership.organization_id):
            continue
        organization = await call.store[Rights].organization(membership.organization_id)
        if organization is not None and not organization.is_deleted:
            today = organization.day(call.now)
            here = [one for one in assignments if one.tenant_id == membership.organization_id]
            if on is None or on >= today:
                here = _held(here, membership)
            granted = [one for one in grants if one.organization_id == membership.organization_id]
            found.append((organization, on or today, here, granted))
    return found


def _held(assignments: list[RoleAssignment], membership: Membership) -> list[RoleAssignment]:
    """Those that the membership has: it is what counts from today on."""
    held = {one.assignment_id: one for one in membership.assignments}
    return [one.model_copy(update={"is_primary": held[one.id].is_primary}) for one in assignments if one.id in held]


def _counts(membership: Membership) -> bool:
    return membership.status == "active"
