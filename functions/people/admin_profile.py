"""What a user administers: nothing of it is stored, it follows from their token and their memberships today."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from functions.core.api import Routes
from functions.core.call import Call
from functions.organizations.my_rights import rights_of
from models.core.app_roles import ADMIN_ROLE
from models.core.document import Message
from models.core.values import Uuid
from models.organizations.roles import ADMIN, Permission
from models.people.actions import READ_ADMIN_PROFILE

routes = Routes()

AccessLevel = Literal["standard", "organization", "platform"]


class AdminProfile(Message):
    """What somebody administers."""

    user_id: Uuid
    permissions: list[Permission] = Field(description="What they may in any of their organizations today")
    managed_schools: list[Uuid] = Field(description="The schools whose admin they are today")
    access_level: AccessLevel = Field(
        description="`platform`, by the role Vimarsh.Admin; `organization`, as an admin of one; else `standard`"
    )


@routes.operation(
    "GET",
    "me/admin-profile",
    summary="What the user administers",
    action=READ_ADMIN_PROFILE,
    returns=AdminProfile,
)
async def get_admin_profile(call: Call[None]) -> AdminProfile:
    found = await rights_of(call)
    run = [organization for organization, rights in found if ADMIN in rights.roles]
    level: AccessLevel = "platform" if ADMIN_ROLE in call.roles else "organization" if run else "standard"
    return AdminProfile(
        user_id=call.person.user_id,
        permissions=sorted({permission for _, rights in found for permission in rights.permissions}),
        managed_schools=[one.organization_id for one in run if one.organization_type == "school"],
        access_level=level,
    )
