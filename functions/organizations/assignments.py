"""Which roles and permissions a member has in an organization, from which day to which."""

from __future__ import annotations

from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from cosmos.organizations.assignments import Assignments
from cosmos.organizations.rights import Rights
from functions.accounts.acting import audit_entry
from functions.core.api import Routes
from functions.core.call import Call, content_hash
from functions.core.operation import Query, Reply
from functions.core.problems import invalid, not_valid
from functions.organizations.giving import check_gives, organization_of, other_member
from models.accounts.audit import AuditedAct, AuditEntry
from models.core.document import Message
from models.core.errors import NotFound
from models.core.fields import shown_model, shown_of
from models.core.values import Day
from models.organizations.actions import GIVE_ROLES, READ_ASSIGNMENTS
from models.organizations.assignment import (
    AssignmentChanges,
    NewAssignment,
    PermissionGrant,
    RoleAssignment,
    assigned,
    grant_id,
)
from models.organizations.organization import Organization
from models.organizations.roles import PERMISSIONS, SYSTEM_ROLES, Permission, permissions_of

routes = Routes()

_MEMBER = "organizations/{organization_id}/members/{user_id}"
UNSAID = "Not said"

ShownAssignment: Any = shown_model(RoleAssignment, "RoleAssignment")
ShownGrant: Any = shown_model(PermissionGrant, "PermissionGrant")


class AssignmentQuery(Query):
    """On which day."""

    on: Day | None = Field(default=None, description="A day of the organization's calendar; without it, all there were")


class AssignmentList(Message):
    """What a member was given."""

    items: list[ShownAssignment] = Field(description="Roles, the newest first")
    grants: list[ShownGrant] = Field(description="Single permissions")


class NewGrant(Message):
    """How long a permission is granted."""

    effective_to: Day | None = Field(default=None, description="The last day; null without an end")


@routes.operation(
    "GET",
    f"{_MEMBER}/roles",
    summary="The roles and permissions that a member was given",
    action=READ_ASSIGNMENTS,
    query=AssignmentQuery,
    returns=AssignmentList,
    etag=True,
)
async def list_member_roles(call: Call[None]) -> Reply:
    """Its ETag is that of them all: who sends it as If-Match when they change one learns if somebody else has."""
    organization_id, on = call.uuid("organization_id"), call.query.on
    assignments, grants, memberships = await call.store[Assignments].all_of(call.uuid("user_id"))
    (membership,) = [one for one in memberships if one.organization_id == organization_id] or (None,)
    if membership is None:
        raise NotFound("member")
    shown = AssignmentList(
        items=[
            shown_of(one, ShownAssignment)
            for one in sorted(assignments, key=lambda one: one.created_at, reverse=True)
            if one.tenant_id == organization_id and (on is None or one.on(on))
        ],
        grants=[
            shown_of(one, ShownGrant)
            for one in grants
            if one.organization_id == organization_id and (on is None or one.held.on(on))
        ],
    )
    return Reply(shown, etag=f'"{membership.revision}"')


@routes.operation(
    "POST",
    f"{_MEMBER}/roles",
    summary="Give a member a role, from one day to another, or without an end",
    action=GIVE_ROLES,
    body=NewAssignment,
    returns=ShownAssignment,
    status=201,
    problems=("outranked", "precondition-failed"),
    etag=True,
)
async def assign_role(call: Call[NewAssignment]) -> Reply:
    """Never more than one has, nor for longer, nor to oneself, nor to somebody who has more. Of their roles one is
    primary: a new primary one takes the place of the one before. The ETag is that of all their roles together; it may
    be sent as If-Match.
    """
    organization, wanted = await organization_of(call), call.body
    member = await other_member(call, organization, call.revisions_if_said)
    gives = await _gives(call, organization, wanted.role)
    try:
        assignment_id = call.services.kinds["role_assignment"].id_by_key(
            f"{organization.organization_id}/{member.user_id}", call.idempotency_key
        )
        new = assigned(
            organization.organization_id,
            member.user_id,
            wanted,
            call.person.user_id,
            call.now,
            member.today,
            assignment_id,
        )
        new = new.model_copy(update={"request_hash": content_hash(wanted) if call.idempotency_key else None})
        check_gives(call, gives, new.effective_from, new.effective_to)
        made, revision = await call.store[Assignments].give(
            member, new, _entry(call, member.user_id, "assign_role", wanted.reason)
        )
    except ValidationError as error:
        raise invalid(error) from None
    return _shown(made, revision)


@routes.operation(
    "PATCH",
    f"{_MEMBER}/roles/{{assignment_id}}",
    summary="Make a member's role their primary one, or change its last day",
    action=GIVE_ROLES,
    body=AssignmentChanges,
    returns=ShownAssignment,
    problems=("outranked", "last-organization-admin"),
    if_match=True,
    etag=True,
)
async def edit_assignment(call: Call[AssignmentChanges]) -> Reply:
    """If-Match is the ETag of all their roles together: of two who change one at once, the second is told (412)."""
    organization, changes = await organization_of(call), call.body.given()
    member = await other_member(call, organization, call.expected_revisions)
    assignment_id = call.uuid("assignment_id")
    if "effective_to" in changes:
        role = await call.store[Assignments].role_of(member, assignment_id)
        check_gives(call, await _gives(call, organization, role), member.today, changes["effective_to"])
    entry = _entry(call, member.user_id, "assign_role", changes.get("reason"))
    try:
        changed, revision = await call.store[Assignments].change(member, assignment_id, changes, entry)
    except ValidationError as error:
        raise invalid(error) from None
    return _shown(changed, revision)


@routes.operation(
    "DELETE",
    f"{_MEMBER}/roles/{{assignment_id}}",
    summary="Take a role away from a member, at once; one that is taken away stays so",
    action=GIVE_ROLES,
    returns=None,
    status=204,
    problems=("outranked", "last-organization-admin"),
)
async def revoke_role(call: Call[None]) -> Reply:
    """It holds at once here, and everywhere within half a minute. It stays among what they had."""
    member = await other_member(call, await organization_of(call))
    entry = _entry(call, member.user_id, "revoke_role", None)
    await call.store[Assignments].revoke(member, call.uuid("assignment_id"), entry)
    return Reply(None)


@routes.operation(
    "PUT",
    f"{_MEMBER}/permissions/{{permission}}",
    summary="Grant a member a single permission; granted again, it is one",
    action=GIVE_ROLES,
    body=NewGrant,
    returns=ShownGrant,
    problems=("outranked",),
    etag=True,
)
async def grant_permission(call: Call[NewGrant]) -> Reply:
    """Never more than one has, nor for longer, nor to oneself, nor to somebody who has more."""
    organization, permission = await organization_of(call), _permission(call)
    member = await other_member(call, organization)
    check_gives(call, [permission], member.today, call.body.effective_to)
    if call.body.effective_to is not None and call.body.effective_to < member.today:
        raise not_valid({"/effective_to": "Input should not lie in the past"})
    grant = PermissionGrant(
        id=grant_id(organization.organization_id, permission),
        partition_key=member.user_id,
        user_id=member.user_id,
        organization_id=organization.organization_id,
        permission=permission,
        effective_from=member.today,
        effective_to=call.body.effective_to,
        granted_at=call.now,
        granted_by_id=call.person.user_id,
        created_at=call.now,
        updated_at=call.now,
        mentions=[call.person.user_id],
    )
    entry = _entry(call, member.user_id, "grant_permission", None)
    made = await call.store[Assignments].grant(member, grant, entry)
    return Reply(shown_of(made, ShownGrant), etag=f'"{made.revision}"')


@routes.operation(
    "DELETE",
    f"{_MEMBER}/permissions/{{permission}}",
    summary="Take a single permission away from a member, at once; one that they do not have stays away",
    action=GIVE_ROLES,
    returns=None,
    status=204,
    problems=("outranked",),
)
async def withdraw_permission(call: Call[None]) -> Reply:
    permission, member = _permission(call), await other_member(call, await organization_of(call))
    entry = _entry(call, member.user_id, "withdraw_permission", None)
    await call.store[Assignments].withdraw(member, permission, entry)
    return Reply(None)


async def _gives(call: Call[Any], organization: Organization, role: str) -> frozenset[Permission]:
    """What a role gives there. One that another process has just made is looked for once more.

    Raises:
        Problem: 422, there is no such role.
    """
    if role not in SYSTEM_ROLES and role not in organization.roles:
        call.store[Rights].forget_organization(organization.organization_id)
        organization = await organization_of(call)
        if role not in organization.roles:
            raise not_valid({"/role": "Input should be a role of the system or of this organization"})
    return permissions_of(role, organization.roles)


_PERMISSION: TypeAdapter[Permission] = TypeAdapter(Permission)


def _permission(call: Call[Any]) -> Permission:
    name = call.request.route_params["permission"]
    if name not in PERMISSIONS:
        raise NotFound("permission")
    return _PERMISSION.validate_python(name)


def _entry(call: Call[Any], user_id: str, act: AuditedAct, reason: str | None) -> AuditEntry:
    return audit_entry(call, user_id, act, reason or UNSAID)


def _shown(assignment: RoleAssignment, revision: int) -> Reply:
    return Reply(shown_of(assignment, ShownAssignment), etag=f'"{revision}"')
