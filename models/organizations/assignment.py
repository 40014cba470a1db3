"""Container `users`: roles and single permissions that members are given, in their own partitions, for some days.

A membership holds copies of those that have not ended: a decision reads these. The documents here are the history.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from models.core.changes import Changes
from models.core.document import Message
from models.core.fields import SHOWN
from models.core.resource import Resource
from models.core.values import Day, Timestamp, Uuid
from models.organizations.membership import HeldGrant, HeldRole
from models.organizations.roles import Permission, RoleName

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def _days_fit(self: Any) -> Any:
    if self.is_acting and self.effective_to is None:
        raise ValueError("what stands in for somebody has an end: effective_to is required with is_acting")
    if self.effective_from and self.effective_to and self.effective_to < self.effective_from:
        raise ValueError("effective_to can't lie before effective_from")
    return self


class NewAssignment(Message):
    """A role that a member is to have."""

    role: RoleName = Field(description="A role of the system, or one of the organization's own")
    effective_from: Day | None = Field(default=None, description="The first day; today if it is not said")
    effective_to: Day | None = Field(default=None, description="The last day; null without an end")
    is_primary: bool | None = Field(
        default=None, description="Whether they are shown with it; if it is not said, their first role is"
    )
    is_acting: bool = Field(default=False, description="Whether it stands in for somebody: it must have an end then")
    reason: Why | None = Field(default=None, description="Why they are given it")

    _days = model_validator(mode="after")(_days_fit)


class RoleAssignment(Resource):
    """A role that somebody has, or had, in an organization. One that has ended is kept."""

    container: ClassVar[str] = "users"

    kind: Literal["role_assignment"] = "role_assignment"

    user_id: Annotated[Uuid, SHOWN] = Field(description="Who has it; same as `partition_key`")
    tenant_id: Annotated[Uuid, SHOWN] = Field(description="The `organization_id` of where they have it")
    role: Annotated[RoleName, SHOWN] = Field(description="The role's name")
    is_acting: Annotated[bool, SHOWN] = Field(default=False, description="Whether it stands in for somebody")
    is_primary: Annotated[bool, SHOWN] = Field(default=False, description="Whether they are shown with it")
    effective_from: Annotated[Day, SHOWN] = Field(description="The first day, of the organization's calendar")
    effective_to: Annotated[Day | None, SHOWN] = Field(default=None, description="The last day; null without an end")
    created_by: Annotated[Uuid | None, SHOWN] = Field(
        default=None, description="Who gave it; null once they are erased"
    )
    reason: Annotated[Why | None, SHOWN] = Field(default=None, description="Why, as they said")
    revoked_at: Annotated[Timestamp | None, SHOWN] = Field(default=None, description="When it was taken away")
    revoked_on: Day | None = Field(default=None, description="The day that it was then, there: it counts no more on it")

    _days = model_validator(mode="after")(_days_fit)

    @property
    def held(self) -> HeldRole:
        """The copy of it on the membership."""
        return HeldRole(
            assignment_id=self.id,
            role=self.role,
            effective_from=self.effective_from,
            effective_to=self.effective_to,
            is_primary=self.is_primary,
            is_acting=self.is_acting,
        )

    def on(self, day: date) -> bool:
        """Whether they have it on a day; both ends are in."""
        begun, ended = self.effective_from <= day, self.effective_to is not None and self.effective_to < day
        return begun and not ended and (self.revoked_on is None or day < self.revoked_on)


class PermissionGrant(Resource):
    """A single permission that somebody has in an organization. Granted twice, it is one."""

    container: ClassVar[str] = "users"

    kind: Literal["permission_grant"] = "permission_grant"

    user_id: Annotated[Uuid, SHOWN] = Field(description="Who has it; same as `partition_key`")
    organization_id: Annotated[Uuid, SHOWN] = Field(description="Where they have it")
    permission: Annotated[Permission, SHOWN] = Field(description="What they may")
    effective_from: Annotated[Day, SHOWN] = Field(description="The first day, of the organization's calendar")
    effective_to: Annotated[Day | None, SHOWN] = Field(default=None, description="The last day; null without an end")
    granted_at: Annotated[Timestamp, SHOWN] = Field(description="When it was granted")
    granted_by_id: Annotated[Uuid | None, SHOWN] = Field(
        default=None, description="Who granted it; null once they are erased"
    )

    @property
    def held(self) -> HeldGrant:
        """The copy of it on the membership."""
        return HeldGrant(permission=self.permission, effective_from=self.effective_from, effective_to=self.effective_to)


def assigned(
    organization_id: str,
    user_id: str,
    wanted: NewAssignment,
    by: str | None,
    now: datetime,
    today: date,
    assignment_id: str | None = None,
) -> RoleAssignment:
    """A new assignment; its copy for the membership is its `held`.

    Args:
        by: Who gives it; None for what nobody in particular gives, such as a role by a group of Entra ID.
        today: In the organization's calendar.
        assignment_id: Where it follows from a request; else it is a new one.

    Raises:
        pydantic.ValidationError: its last day lies before the first.
    """
    return RoleAssignment(
        id=assignment_id or str(uuid.uuid4()),
        partition_key=user_id,
        user_id=user_id,
        tenant_id=organization_id,
        role=wanted.role,
        is_acting=wanted.is_acting,
        is_primary=bool(wanted.is_primary),
        effective_from=wanted.effective_from or today,
        effective_to=wanted.effective_to,
        created_by=by,
        reason=wanted.reason,
        created_at=now,
        updated_at=now,
        mentions=[by] if by and by != user_id else [],
    )


def grant_id(organization_id: str, permission: Permission) -> str:
    return f"permission-{organization_id}-{permission}"


class AssignmentChanges(Changes):
    """What to change of an assignment; what is absent stays."""

    is_primary: Literal[True] = Field(default=True, description="They are shown with it from then on")
    effective_to: Day | None = Field(default=None, description="Its last day; null without an end")
    reason: Why | None = Field(default=None, description="Why")
