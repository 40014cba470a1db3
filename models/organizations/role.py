"""Container `users`: the roles that an organization makes for itself, in its own partition."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from models.core.document import Message
from models.core.fields import EDITABLE, GIVEN, SHOWN
from models.core.resource import Resource
from models.core.values import Uuid
from models.organizations.roles import SYSTEM_ROLES, Permission, RoleName

Permissions = Annotated[list[Permission], AfterValidator(lambda given: sorted(set(given)))]


def _own(name: str) -> str:
    if name in SYSTEM_ROLES:
        raise ValueError("is the name of a role of the system, which every organization has")
    return name


class Role(Resource):
    """A role of an organization's own. The organization's document holds what it gives, for decisions."""

    container: ClassVar[str] = "users"

    kind: Literal["role"] = "role"

    organization_id: Annotated[Uuid, SHOWN] = Field(description="Whose it is")
    name: Annotated[Annotated[RoleName, AfterValidator(_own)], GIVEN] = Field(description="Its name; it stays")
    description: Annotated[str | None, EDITABLE] = Field(default=None, max_length=500, description="What it is for")
    permissions: Annotated[Permissions, EDITABLE] = Field(default_factory=list, description="What it gives")


def role_id(name: str) -> str:
    return f"role-{name}"


class RoleView(Message):
    """A role that members can have."""

    role_id: str = Field(description="Its id: `role-` and its name")
    name: RoleName = Field(description="Its name")
    description: str | None = Field(default=None, description="What it is for")
    permissions: list[Permission] = Field(description="What it gives, in the order of the alphabet")
    is_system: bool = Field(description="Whether every organization has it; none changes it then")
    organization_id: Uuid | None = Field(default=None, description="Whose it is; null for one of the system's")
    revision: int | None = Field(default=None, ge=1, description="Counts its versions; null for one of the system's")

    @classmethod
    def of(cls, role: Role) -> RoleView:
        told: dict[str, Any] = {
            name: getattr(role, name) for name in ("name", "description", "permissions", "revision")
        }
        return cls(role_id=role.id, is_system=False, organization_id=role.organization_id, **told)


SYSTEM: list[RoleView] = [
    RoleView(role_id=role_id(name), name=name, permissions=sorted(given), is_system=True)
    for name, given in SYSTEM_ROLES.items()
]
"""Those that every organization has."""
