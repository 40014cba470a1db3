"""Container `users`, in an organization's partition: a member, as the others see them, and their seat."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from models.core.document import Document
from models.core.fields import SHOWN, shown_model
from models.core.identity import Email
from models.core.kinds import Kind, Mentioned, Owner
from models.core.values import Count, Day, Timestamp, Uuid
from models.organizations.organization import ORGANIZATION_ID, organization_partition
from models.organizations.roles import RoleName

MemberStatus = Literal["joining", "active"]


SEAT_GIVEN_BACK: Any = ("patch", (ORGANIZATION_ID, [{"op": "incr", "path": "/seats_used", "value": -1}]))
"""An operation of a batch in the organization's partition."""


def member_id(user_id: str) -> str:
    return f"member-{user_id}"


class Member(Document):
    """One member of an organization: made together with the seat that they take, and gone together with it.

    What it shows is a mirror of their membership, by which alone anything is decided. While it is `joining`, the
    membership is still to be written: whoever finds it so does the rest.
    """

    container: ClassVar[str] = "users"

    kind: Literal["member"] = "member"
    user_id: Annotated[Uuid, SHOWN] = Field(description="Who it is")
    name: Annotated[str, SHOWN] = Field(default="", description="Display name")
    email: Annotated[Email | None, SHOWN] = Field(default=None, description="Address, as they are known by here")
    role: Annotated[RoleName, SHOWN] = Field(description="The role that they are shown with")
    role_until: Day | None = Field(default=None, description="Its last day, while they are `joining`")
    status: Annotated[MemberStatus, SHOWN] = Field(default="joining", description="Whether the membership is written")
    section: Annotated[str | None, SHOWN] = Field(default=None, description="Their part of it, such as B")
    joined_at: Annotated[Timestamp, SHOWN] = Field(description="Since when")
    created_by_id: Annotated[Uuid | None, SHOWN] = Field(
        default=None, description="The user_id of who invited them; null for whoever made the organization"
    )
    holds_seat: Annotated[bool, SHOWN] = Field(
        default=True, description="Whether they take one of its seats: all do but those who made or took it over"
    )
    source_revision: Count = Field(default=0, description="The revision of the membership that it shows")
    profile_revision: Count = Field(default=0, description="The revision of the profile whose name it shows")
    mentions: list[Uuid] = Field(default_factory=list, description="The user_ids of those it names")

    @classmethod
    def of(
        cls,
        organization_id: str,
        user: tuple[str, str, str | None],
        role: str,
        now: Any,
        by: str | None,
        holds_seat: bool,
        section: str | None = None,
        until: date | None = None,
    ) -> Member:
        """Somebody who joins now.

        Args:
            user: Their user_id, name and address.
            by: The user_id of who invited them.
        """
        user_id, name, email = user
        return cls(
            id=member_id(user_id),
            partition_key=organization_partition(organization_id),
            user_id=user_id,
            name=name,
            email=email,
            role=role,
            role_until=until,
            section=section,
            joined_at=now,
            created_by_id=by,
            holds_seat=holds_seat,
            mentions=sorted({user_id, *([by] if by else [])}),
        )

    @property
    def organization_id(self) -> str:
        return self.partition_key.removeprefix("org:")


def seat_given_back(member: Mapping[str, Any]) -> list[Any]:
    """What else of the organization changes in the transaction that deletes a member."""
    return [SEAT_GIVEN_BACK] if member.get("holds_seat", True) else []


ShownMember = shown_model(Member, "Member")

MEMBER = Kind(
    model=Member,
    capability="organizations",
    enumerations={"MemberStatus": MemberStatus},
    owner=Owner.ORGANIZATION,
    mentioned=Mentioned.REDACTED,
    redacted=("created_by_id",),
    deleted_with="user_id",
    freed=seat_given_back,
    told=("role", "status", "joined_at", "section"),
)
