"""An organization: a group, a customer, a school, a class, a team."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.core.fields import EDITABLE, SHOWN
from models.core.resource import Resource
from models.core.values import TimeZone, Uuid
from models.organizations.roles import Permission, RoleName

ORGANIZATION_ID = "organization"
MOST_ROLES = 50


def organization_partition(organization_id: str) -> str:
    """The partition of all that is an organization's."""
    return f"org:{organization_id}"


class Organization(Resource):
    """An organization, in its own partition. Whoever decides about its members' rights reads it."""

    container: ClassVar[str] = "users"

    id: str = ORGANIZATION_ID
    kind: Literal["organization"] = "organization"

    organization_id: Annotated[Uuid, SHOWN] = Field(description="Its id")
    is_active: Annotated[bool, EDITABLE] = Field(
        default=True, description="Whether its members can change anything in it"
    )
    timezone: Annotated[TimeZone, EDITABLE] = Field(
        default="UTC", description="Whose calendar says on which day a role or a grant begins and ends"
    )
    roles: dict[RoleName, list[Permission]] = Field(
        default_factory=dict, max_length=MOST_ROLES, description="What its own roles give, besides the system's"
    )
