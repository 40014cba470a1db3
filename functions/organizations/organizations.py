"""Organizations: made, read, changed, run by staff, and taken over where nobody answers for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import Field, ValidationError

from cosmos.organizations.members import Members
from cosmos.organizations.organizations import Organizations
from cosmos.organizations.primaries import Primaries
from cosmos.organizations.rights import Rights
from functions.accounts.signed_in import writer
from functions.core.api import Routes
from functions.core.call import Call, content_hash
from functions.core.etags import revision_etag
from functions.core.operation import Reply
from functions.core.problems import invalid, not_valid
from models.accounts.profile import UserProfile
from models.core.changes import Changes
from models.core.document import Message
from models.core.errors import MoreThanOnesOwn, NotOrphaned
from models.core.fields import shown_of
from models.core.revisions import Revisions
from models.core.rights import PLATFORM
from models.core.values import Timestamp, Uuid
from models.organizations.actions import (
    CHANGE_ORGANIZATION,
    CHOOSE_PRIMARY,
    DELETE_ORGANIZATION,
    MAKE_CHILD,
    MAKE_ORGANIZATION,
    MAKE_ROOT,
    READ_MEMBERSHIPS,
    READ_ORGANIZATION,
    RUN_ORGANIZATION,
    TAKE_OVER,
    TAKE_OVER_CHILD,
)
from models.organizations.member import Member
from models.organizations.membership import MembershipStatus
from models.organizations.organization import (
    ORGANIZATION,
    NewOrganization,
    Organization,
    OrganizationChanges,
    OrganizationType,
    SeatLimit,
    ShownOrganization,
    organization_partition,
)
from models.organizations.roles import ADMIN, SYSTEM_ROLES, RoleName, permissions_of

routes = Routes()
_SHOWN: dict[str, Any] = {"returns": ShownOrganization, "etag": True}


class MyOrganization(Message):
    """An organization that the user is a member of, and as what."""

    organization_id: Uuid
    name: str = Field(description="Its name")
    organization_type: OrganizationType
    parent_organization_id: Uuid | None
    is_active: bool
    role: RoleName = Field(description="The role that they are shown with there")
    status: MembershipStatus
    section: str | None
    joined_at: Timestamp = Field(description="Since when")
    is_primary: bool = Field(description="Whether it is the one that they mostly act in")


class MyOrganizations(Message):
    """The organizations of the user."""

    items: list[MyOrganization]


class PrimaryOrganization(Message):
    """One of the user's organizations."""

    organization_id: Uuid


class Running(Changes):
    """What staff, and nobody else, say of an organization."""

    seat_limit: SeatLimit | None = Field(default=None, description="How many seats it has; null: as many as it likes")
    bound_tenant_id: Uuid | None = Field(
        default=None, description="Entra ID's `tid` of those who become members without an invitation; null of nobody"
    )
    is_verified: bool = Field(default_factory=bool, description="Whether it is what it says it is")


@routes.operation(
    "POST",
    "organizations",
    summary="Make an organization, and be its admin",
    action=MAKE_ORGANIZATION,
    also=(MAKE_ROOT, MAKE_CHILD),
    body=NewOrganization,
    status=201,
    problems=("name-taken", "not-found"),
    **_SHOWN,
)
async def create_organization(call: Call[Any]) -> Reply:
    """Platform admins make organizations; within one, whoever has `members.manage` there.

    Who makes it is its admin, takes no seat, and can hand it over. What it is part of never changes.
    """
    profile, given = await writer(call), call.body
    if given.parent_organization_id is None:
        call.check(PLATFORM, MAKE_ROOT)
    else:
        await call.check_in(given.parent_organization_id, MAKE_CHILD)
    organization = _organization(call, profile, given)
    made = await call.store[Organizations].make(organization, _owner(call, profile, organization), call.now)
    await call.store[Members].complete(_owner(call, profile, made), call.now)
    return _shown(await call.store[Organizations].read(made.organization_id))


@routes.operation(
    "GET",
    "me/organizations",
    summary="The organizations that the user is a member of",
    action=READ_MEMBERSHIPS,
    returns=MyOrganizations,
)
async def list_my_organizations(call: Call[None]) -> MyOrganizations:
    return await _mine(call)


@routes.operation(
    "PUT",
    "me/primary-organization",
    summary="Say which of one's organizations one mostly acts in",
    action=CHOOSE_PRIMARY,
    body=PrimaryOrganization,
    returns=MyOrganizations,
    problems=("not-found",),
)
async def choose_primary_organization(call: Call[PrimaryOrganization]) -> MyOrganizations:
    """The first that somebody joins is it until they say otherwise; once they leave it, the oldest of the others is."""
    profile = await writer(call)
    await call.store[Primaries].choose(profile.id, call.body.organization_id)
    return await _mine(call)


async def _mine(call: Call[Any]) -> MyOrganizations:
    user_id = call.person.user_id
    memberships = await call.store[Members].memberships(user_id)
    known = await call.store[Organizations].all_of([one.organization_id for one in memberships])
    items = [
        MyOrganization(
            **known[one.organization_id].model_dump(
                include={"organization_id", "name", "organization_type", "parent_organization_id", "is_active"}
            ),
            role=one.role,
            status=one.status,
            section=one.section,
            joined_at=one.joined_at,
            is_primary=one.is_primary,
        )
        for one in memberships
        if one.organization_id in known
    ]
    return MyOrganizations(items=items)


@routes.operation(
    "GET", "organizations/{organization_id}", summary="An organization", action=READ_ORGANIZATION, **_SHOWN
)
async def get_organization(call: Call[None]) -> Reply:
    return _shown(await call.store[Organizations].read(call.uuid("organization_id")))


@routes.operation(
    "PATCH",
    "organizations/{organization_id}",
    summary="Change an organization",
    action=CHANGE_ORGANIZATION,
    body=OrganizationChanges,
    if_match=True,
    problems=("name-taken",),
    **_SHOWN,
)
async def edit_organization(call: Call[Any]) -> Reply:
    """Switched off (`is_active`), it takes no changes of its members until it is switched on again."""
    return await _edited(call, call.expected_revisions, call.body.given())


@routes.operation(
    "DELETE",
    "organizations/{organization_id}",
    summary="Delete an organization; staff can restore it for 30 days",
    action=DELETE_ORGANIZATION,
    returns=None,
    status=204,
    if_match=True,
)
async def delete_organization(call: Call[None]) -> Reply:
    """Nobody may anything in it from then on. Its members stay on record, should it be restored."""
    await call.store[Organizations].delete(call.uuid("organization_id"), call.expected_revisions, call.now)
    return Reply(None)


@routes.operation(
    "POST",
    "admin/organizations/{organization_id}/restore",
    summary="Bring a deleted organization back",
    action=MAKE_ROOT,
    repeatable=True,
    problems=("name-taken",),
    **_SHOWN,
)
async def restore_organization(call: Call[None]) -> Reply:
    return _shown(await call.store[Organizations].restore(call.uuid("organization_id"), call.now))


@routes.operation(
    "PATCH",
    "admin/organizations/{organization_id}",
    summary="Say how many seats an organization has, whose users join it by themselves, and whether it is verified",
    action=RUN_ORGANIZATION,
    body=Running,
    if_match=True,
    **_SHOWN,
)
async def run_organization(call: Call[Running]) -> Reply:
    """Fewer seats than are taken have nobody leave; nobody can join until enough have left.

    With another tenant bound, the groups of the one before give no roles any more.
    """
    changes = call.body.given()
    if "is_verified" in changes:
        changes["verified_at"] = call.now if changes.pop("is_verified") else None
    tenants = call.services.settings.entra_tenants
    if changes.get("bound_tenant_id") not in (None, *tenants):
        raise not_valid({"/bound_tenant_id": "Input should be a tenant whose users may sign in here"})
    if "bound_tenant_id" in changes:
        known = await call.store[Organizations].read(call.uuid("organization_id"))
        if known.bound_tenant_id != changes["bound_tenant_id"]:
            changes["group_roles"] = {}  # groups are the other tenant's
    return await _edited(call, call.expected_revisions, changes)


@routes.operation(
    "POST",
    "organizations/{organization_id}/takeover",
    summary="Be the admin of an organization that has none",
    action=TAKE_OVER,
    also=(TAKE_OVER_CHILD,),
    repeatable=True,
    problems=("not-orphaned",),
    **_SHOWN,
)
async def take_over_organization(call: Call[None]) -> Reply:
    """For staff, and for whoever has `members.manage` in what it is part of. It takes no seat."""
    profile, organization_id = await writer(call), call.uuid("organization_id")
    orphan = await call.store[Rights].organization(organization_id)
    if orphan is not None and orphan.parent_organization_id is not None:
        await call.check_in(orphan.parent_organization_id, TAKE_OVER_CHILD)
    else:
        call.check(PLATFORM, TAKE_OVER_CHILD)
    organization = await call.store[Organizations].read(organization_id)
    if organization.admin_ids not in ([], [profile.id]):
        raise NotOrphaned
    await call.store[Members].take_over(_owner(call, profile, organization), call.now)
    return _shown(await call.store[Organizations].read(organization_id))


async def check_gives(call: Call[Any], organization: Organization, role: str, until: date | None) -> None:
    """Stops somebody who would give a role with more rights than their own, or for longer.

    Raises:
        MoreThanOnesOwn: they would.
        Problem: 422, there is no such role.
    """
    if role not in SYSTEM_ROLES and role not in organization.roles:
        raise not_valid({"/role": "Input should be a role of the organization"})
    place = await call.place_in(organization.organization_id)
    standing = place.standing if place else None
    if place is None or standing is None:
        raise MoreThanOnesOwn
    if standing.lacking(permissions_of(role, organization.roles), place.day(call.now), until):
        raise MoreThanOnesOwn


async def _edited(call: Call[Any], expected: Revisions, changes: Mapping[str, Any]) -> Reply:
    organizations, organization_id = call.store[Organizations], call.uuid("organization_id")
    try:
        edited = await organizations.edit(organization_id, expected, changes, call.now)
    except ValidationError as error:
        raise invalid(error) from None
    return _shown(edited)


def _organization(call: Call[Any], profile: UserProfile, given: Message) -> Organization:
    organization_id = ORGANIZATION.id_by_key(profile.id, call.idempotency_key)
    fields = {name: getattr(given, name) for name in type(given).model_fields}
    try:
        return Organization(
            **fields,
            partition_key=organization_partition(organization_id),
            organization_id=organization_id,
            created_at=call.now,
            updated_at=call.now,
            request_hash=content_hash(given),
            created_by_id=profile.id,
            admin_ids=[profile.id],
            mentions=[profile.id],
        )
    except ValidationError as error:
        raise invalid(error) from None


def _owner(call: Call[Any], profile: UserProfile, organization: Organization) -> Member:
    """Who makes, or takes over, an organization, as its admin."""
    who = (profile.id, profile.name, profile.email)
    return Member.of(organization.organization_id, who, ADMIN, call.now, by=None, holds_seat=False)


def _shown(organization: Organization) -> Reply:
    return Reply(shown_of(organization, ShownOrganization), etag=revision_etag(organization))
