"""The roles that an organization's members can have: the system's, and its own."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from cosmos.organizations.roles import Roles
from functions.core.api import Routes
from functions.core.call import Call, content_hash
from functions.core.etags import revision_etag
from functions.core.operation import Reply
from functions.core.problems import invalid
from functions.organizations.giving import check_gives, organization_of
from models.core.document import Message
from models.core.fields import changes_model, given_model
from models.organizations.actions import DEFINE_ROLES, READ_ROLES
from models.organizations.organization import organization_partition
from models.organizations.role import SYSTEM, Role, RoleView, role_id
from models.organizations.roles import SYSTEM_ROLES

routes = Routes()

NewRole = given_model(Role, "NewRole")
RoleChanges = changes_model(Role, "RoleChanges")


class RoleList(Message):
    """The roles that members can have."""

    items: list[RoleView] = Field(description="The system's first, then the organization's own, by name")


@routes.operation(
    "GET",
    "organizations/{organization_id}/roles",
    summary="The roles that members can have, and what each gives",
    action=READ_ROLES,
    returns=RoleList,
)
async def list_roles(call: Call[None]) -> RoleList:
    organization = await organization_of(call)
    own = await call.store[Roles].all_of(organization.organization_id)
    return RoleList(items=[*SYSTEM, *map(RoleView.of, own)])


@routes.operation(
    "POST",
    "organizations/{organization_id}/roles",
    summary="Make a role of the organization's own",
    action=DEFINE_ROLES,
    body=NewRole,
    returns=RoleView,
    status=201,
    problems=("key-reused", "name-taken"),
    etag=True,
    repeatable=True,
)
async def create_role(call: Call[Any]) -> Reply:
    """It gives no more than who makes it has. Sent again, it is the same; another one of its name is refused, also of
    the name of one that was deleted: else whoever had that would have this.
    """
    organization, given = await organization_of(call), call.body
    check_gives(call, given.permissions, organization.day(call.now), None)
    role = Role(
        id=role_id(given.name),
        partition_key=organization_partition(organization.organization_id),
        organization_id=organization.organization_id,
        name=given.name,
        description=given.description,
        permissions=given.permissions,
        created_at=call.now,
        updated_at=call.now,
        request_hash=content_hash(given),
    )
    return _shown(await call.store[Roles].make(role))


@routes.operation(
    "GET",
    "organizations/{organization_id}/roles/{role}",
    summary="One role",
    action=READ_ROLES,
    returns=RoleView,
)
async def get_role(call: Call[None]) -> Reply:
    name = call.request.route_params["role"]
    for view in SYSTEM:
        if view.name == name:
            return Reply(view)
    organization = await organization_of(call)
    return _shown(await call.store[Roles].read(organization.organization_id, name))


@routes.operation(
    "PATCH",
    "organizations/{organization_id}/roles/{role}",
    summary="Change one of the organization's own roles: all who have it may what it gives then",
    action=DEFINE_ROLES,
    body=RoleChanges,
    returns=RoleView,
    if_match=True,
    etag=True,
)
async def edit_role(call: Call[Any]) -> Reply:
    """It gives, and gave before, no more than who changes it has. The system's roles are not to be found here."""
    expected, name, organization = (
        call.expected_revisions,
        call.request.route_params["role"],
        await organization_of(call),
    )
    before = await call.store[Roles].read(organization.organization_id, name if name not in SYSTEM_ROLES else "")
    try:
        after = before.changed(call.now, **call.body.given())
    except ValidationError as error:
        raise invalid(error) from None
    check_gives(call, {*before.permissions, *after.permissions}, organization.day(call.now), None)
    return _shown(await call.store[Roles].replace(after, expected))


@routes.operation(
    "DELETE",
    "organizations/{organization_id}/roles/{role}",
    summary="Delete one of the organization's own roles: it gives nobody anything from then on",
    action=DEFINE_ROLES,
    returns=None,
    status=204,
    if_match=True,
)
async def delete_role(call: Call[None]) -> Reply:
    """Also if members have it: they keep it among what they were given, without what it gave. Nobody gets it any more.

    It gave no more than who deletes it has.
    """
    expected, name = call.expected_revisions, call.request.route_params["role"]
    organization = await organization_of(call)
    before = await call.store[Roles].read(organization.organization_id, name if name not in SYSTEM_ROLES else "")
    check_gives(call, before.permissions, organization.day(call.now), None)
    await call.store[Roles].delete(organization.organization_id, name, expected, call.now)
    return Reply(None)


def _shown(role: Role) -> Reply:
    return Reply(RoleView.of(role), etag=revision_etag(role))
