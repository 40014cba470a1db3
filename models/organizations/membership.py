"""A membership: what somebody belongs to, and what they may there. It is its member's, and the authority."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.accounts.profile import CurrentRoles
from models.core.document import Message
from models.core.fields import SHOWN, shown_model
from models.core.kinds import Kind, Mentioned
from models.core.resource import Resource
from models.core.rights import Held, Standing
from models.core.values import Day, Timestamp, Uuid
from models.organizations.organization import Organization, OrganizationType
from models.organizations.roles import ADMIN, Permission, RoleName, permissions_of

MembershipStatus = Literal["active", "left", "removed"]

MOST_HELD = 50
"""As many roles, and as many grants, that have not ended. Those that have are documents of their own alone."""


def membership_id(organization_id: str) -> str:
    return f"membership-{organization_id}"


class HeldRole(Message):
    """A role on some days; a copy of its assignment, written in the same batch."""

    assignment_id: Uuid = Field(description="The assignment")
    role: RoleName = Field(description="The role's name")
    effective_from: Day = Field(description="The first day")
    effective_to: Day | None = Field(default=None, description="The last day; null without an end")
    is_primary: bool = Field(default=False, description="Whether it is the one that its member is shown with")
    is_acting: bool = Field(default=False, description="Whether it stands in for somebody")

    def on(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


class HeldGrant(Message):
    """A single permission on some days; a copy of its grant, written in the same batch."""

    permission: Permission = Field(description="What it gives")
    effective_from: Day = Field(description="The first day")
    effective_to: Day | None = Field(default=None, description="The last day; null without an end")

    def on(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


class Membership(Resource):
    """Somebody's membership of an organization, with the roles and grants that have not ended.

    It is what a decision reads of its member: what they may on a day follows from it and from the organization alone.
    """

    container: ClassVar[str] = "users"

    kind: Literal["membership"] = "membership"

    user_id: Annotated[Uuid, SHOWN] = Field(description="Whose it is")
    organization_id: Annotated[Uuid, SHOWN] = Field(description="Of what")
    status: Annotated[MembershipStatus, SHOWN] = Field(
        default="active", description="Whether they belong to it; what they had stays on record"
    )
    organization_type: Annotated[OrganizationType, SHOWN] = Field(default="group", description="What that is")
    joined_at: Annotated[Timestamp, SHOWN] = Field(description="Since when")
    invited_by: Annotated[Uuid | None, SHOWN] = Field(default=None, description="The user_id of who invited them")
    is_primary: Annotated[bool, SHOWN] = Field(
        default=False, description="Whether its role is the one that they mostly act in"
    )
    section: Annotated[str | None, SHOWN] = Field(default=None, description="Their part of it, such as B")
    assignments: list[HeldRole] = Field(
        default_factory=list, max_length=MOST_HELD, description="Roles that they have, or will"
    )
    grants: list[HeldGrant] = Field(
        default_factory=list, max_length=MOST_HELD, description="Single permissions that they have, or will"
    )

    @property
    def role(self) -> str:
        """The role that they are shown with: the primary one, else any, else that of a member."""
        shown = sorted(self.assignments, key=lambda one: not one.is_primary)
        return shown[0].role if shown else "member"

    def current_roles(self, day: date) -> CurrentRoles:
        """The roles that they have on a day."""
        held = [one for one in self.assignments if one.on(day)]
        primary = next((one.role for one in held if one.is_primary), None)
        return CurrentRoles(primary, tuple(sorted({one.role for one in held})))

    @property
    def is_open_admin(self) -> bool:
        """Whether they answer for the organization until somebody says otherwise."""
        return self.status == "active" and any(
            one.role == ADMIN and one.effective_to is None for one in self.assignments
        )

    def with_admin(self, admin: HeldRole) -> list[HeldRole]:
        """The roles with that of an admin, who is shown as one."""
        if self.is_open_admin:
            return self.assignments
        return [*(one.model_copy(update={"is_primary": False}) for one in self.assignments), admin]

    def without_admin(self) -> list[HeldRole]:
        """The roles without those of an admin."""
        return [one for one in self.assignments if one.role != ADMIN]

    def standing(self, organization: Organization) -> Standing | None:
        """What it gives; None if it is over."""
        if self.status != "active" or self.is_deleted:
            return None
        roles = [
            Held(permissions_of(one.role, organization.roles), one.effective_from, one.effective_to, by=one.role)
            for one in self.assignments
        ]
        grants = [Held(frozenset({one.permission}), one.effective_from, one.effective_to) for one in self.grants]
        return Standing((*roles, *grants))


ShownMembership = shown_model(Membership, "Membership")

MEMBERSHIP = Kind(
    model=Membership,
    capability="organizations",
    mentioned=Mentioned.REDACTED,
    redacted=("invited_by",),
    told=("status", "joined_at"),
    enumerations={"MembershipStatus": MembershipStatus},
)
