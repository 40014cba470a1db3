"""An organization: a group, a customer, a school, a class, a team."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints

from models.core.document import Document
from models.core.fields import EDITABLE, GIVEN, SHOWN, changes_model, given_model, shown_model
from models.core.kinds import Kind, Mentioned, Owner
from models.core.open_maps import small_map
from models.core.resource import Resource
from models.core.rights import Held
from models.core.values import Count, NotBlank, Timestamp, TimeZone, Uuid
from models.organizations.roles import Permission, RoleName, permissions_of

ORGANIZATION_ID = "organization"
MOST_ROLES = 50
MOST_ADMINS = 50
MOST_GROUPS = 20
"""As many as the directory tells of at once."""

OrganizationType = Literal["group", "tenant", "school", "class", "team"]
OrganizationName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), NotBlank]
Settings = Annotated[dict[str, Any], AfterValidator(small_map)]
SeatLimit = Annotated[int, Field(ge=0, le=1_000_000)]


def organization_partition(organization_id: str) -> str:
    """The partition of all that is an organization's."""
    return f"org:{organization_id}"


class Organization(Resource):
    """An organization, in its own partition. Whoever decides about its members' rights reads it."""

    container: ClassVar[str] = "users"

    id: str = ORGANIZATION_ID
    kind: Literal["organization"] = "organization"

    organization_id: Annotated[Uuid, SHOWN] = Field(description="Its id")
    organization_type: Annotated[OrganizationType, GIVEN] = Field(description="What it is")
    name: Annotated[OrganizationName, EDITABLE] = Field(
        description="Another one of its type within the same parent has no such name; case and spaces do not count"
    )
    description: Annotated[Annotated[str, StringConstraints(max_length=2000)] | None, EDITABLE] = Field(
        default=None, description="What it is for"
    )
    parent_organization_id: Annotated[Uuid | None, GIVEN] = Field(
        default=None, description="What it is part of; this never changes. Rights do not flow down"
    )
    settings: Annotated[Settings, EDITABLE] = Field(default_factory=dict, description="As it likes it; 4 kB at most")
    is_active: Annotated[bool, EDITABLE] = Field(
        default=True, description="Whether its members can change anything in it"
    )
    timezone: Annotated[TimeZone, EDITABLE] = Field(
        default="UTC", description="Whose calendar says on which day a role or a grant begins and ends"
    )
    roles: dict[RoleName, list[Permission]] = Field(
        default_factory=dict, max_length=MOST_ROLES, description="What its own roles give, besides the system's"
    )
    seat_limit: Annotated[SeatLimit | None, GIVEN] = Field(
        default=None, description="How many seats it has; null: as many as it likes. Later it is staff's to say"
    )
    seats_used: Annotated[Count, SHOWN] = Field(
        default=0, description="Seats of members, and of open invitations. Written past the revision"
    )
    admin_ids: Annotated[list[Uuid], SHOWN] = Field(
        default_factory=list,
        max_length=MOST_ADMINS,
        description="Who has the role admin without an end. An organization without any is orphaned, until an admin "
        "of its parent, or staff, takes it over",
    )
    created_by_id: Annotated[Uuid | None, SHOWN] = Field(default=None, description="The user_id of who made it")
    bound_tenant_id: Annotated[Uuid | None, SHOWN] = Field(
        default=None, description="Entra ID's `tid` of those who become members without an invitation"
    )
    group_roles: dict[Uuid, RoleName] = Field(
        default_factory=dict,
        max_length=MOST_GROUPS,
        description="What members have who are in groups of that tenant, by the object ids of these in Entra ID",
    )
    verified_at: Annotated[Timestamp | None, SHOWN] = Field(
        default=None, description="When staff saw that it is what it says it is"
    )

    def day(self, now: datetime) -> date:
        """The day that it is there."""
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def given_by(self, group_ids: Collection[str]) -> tuple[Held, ...]:
        """What members have by these groups, without an end: it is theirs for as long as they are in them."""
        roles = sorted({role for group, role in self.group_roles.items() if group in group_ids})
        return tuple(Held(permissions_of(role, self.roles), date.min, by=role) for role in roles)

    def with_admins(self, admin_ids: list[str], now: datetime) -> Self:
        """Itself with other admins."""
        named = sorted({*admin_ids, *([self.created_by_id] if self.created_by_id else [])})
        return self.changed(now, admin_ids=admin_ids, mentions=named)


class OrganizationNameClaim(Document):
    """Reserves a name for one organization among those of its type within its parent. Holds a hash only."""

    container: ClassVar[str] = "users"

    kind: Literal["organization_name_claim"] = "organization_name_claim"
    organization_id: Uuid = Field(description="What has the name")
    claimed_at: Timestamp = Field(description="Since when")

    @staticmethod
    def id_of(parent: str | None, organization_type: str, name: str) -> str:
        """The id, and partition. Neither case nor spaces count."""
        meant = f"{parent or 'platform'}/{organization_type}/{' '.join(name.casefold().split())}"
        return "organization-name-" + hashlib.sha256(meant.encode()).hexdigest()

    @classmethod
    def of(cls, organization: Organization, now: datetime) -> OrganizationNameClaim:
        claim_id = cls.id_of(organization.parent_organization_id, organization.organization_type, organization.name)
        return cls(id=claim_id, partition_key=claim_id, organization_id=organization.organization_id, claimed_at=now)


NewOrganization = given_model(Organization, "NewOrganization")
OrganizationChanges = changes_model(Organization, "OrganizationChanges")
ShownOrganization = shown_model(Organization, "Organization")

ORGANIZATION = Kind(
    model=Organization,
    capability="organizations",
    owner=Owner.ORGANIZATION,
    mentioned=Mentioned.REDACTED,
    redacted=("created_by_id", "admin_ids"),
    told=("name", "organization_type", "created_at"),
    enumerations={"OrganizationType": OrganizationType},
)
