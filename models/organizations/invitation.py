"""Container `users`: that somebody may join an organization, and how they learn of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from models.core.fields import SHOWN, shown_model
from models.core.identity import Email
from models.core.kinds import Kind, Mentioned, Names, Owner
from models.core.mirrors import Mirror, MirrorDocument
from models.core.resource import Resource
from models.core.values import Day, Label, Timestamp, Uuid
from models.organizations.member import SEAT_GIVEN_BACK
from models.organizations.roles import RoleName

InvitationStatus = Literal["open", "accepted", "declined", "revoked", "expired"]

KEPT_AFTER = timedelta(days=30)
"""How long an invitation is kept after it has expired."""

DEFAULT_DAYS, MOST_DAYS = 14, 90


def token_of(organization_id: str, secret: str) -> str:
    """What an invitation is accepted with, by whoever has it: it is told once, to who invites."""
    return f"{organization_id}.{secret}"


def invitation_id_of(token: str) -> str:
    """The id of the invitation that is accepted with a token: a hash, so that documents don't tell the token."""
    return "invitation-" + hashlib.sha256(token.encode()).hexdigest()[:32]


def organization_of(token: str) -> str:
    """The organization_id that a token names; anything of a text that is none."""
    return token.partition(".")[0]


def address_partition(email: str, names: Names) -> str:
    """The partition of what somebody finds who signs in with an address: a keyed hash of it."""
    return "invited:" + names.named("invited address", email.strip().casefold())


class Invitation(Resource):
    """That somebody may join. It holds a seat while it is open. Nobody becomes a member without accepting it."""

    container: ClassVar[str] = "users"

    kind: Literal["invitation"] = "invitation"
    organization_id: Annotated[Uuid, SHOWN] = Field(description="What they may join")
    organization_name: Annotated[str, SHOWN] = Field(description="Its name, when it was written")
    user_id: Annotated[Uuid | None, SHOWN] = Field(default=None, description="Whom it is for, if they are known by id")
    email: Annotated[Email | None, SHOWN] = Field(default=None, description="The address that it is for")
    role: Annotated[RoleName, SHOWN] = Field(description="The role that they get")
    effective_to: Annotated[Day | None, SHOWN] = Field(default=None, description="Its last day; null without an end")
    section: Annotated[Label | None, SHOWN] = Field(default=None, description="Their part of it, such as B")
    invited_by: Annotated[Uuid | None, SHOWN] = Field(default=None, description="The user_id of who wrote it")
    expires_at: Annotated[Timestamp, SHOWN] = Field(description="Until when it can be accepted")
    status: Annotated[InvitationStatus, SHOWN] = Field(default="open", description="What has become of it")
    notice_partition: str = Field(description="Where whom it is for finds it: their user_id, or a hash of the address")

    def is_open(self, now: datetime) -> bool:
        return self.status == "open" and now < self.expires_at

    def ended(self, status: InvitationStatus, now: datetime) -> Invitation:
        """Itself, once it is over. It forgets the address."""
        changes = {"status": status, "email": None, "revision": self.revision + 1, "updated_at": now}
        return self.model_copy(update=changes)

    @property
    def kept_seconds(self) -> int:
        return int((self.expires_at - self.created_at + KEPT_AFTER).total_seconds())


class InvitationNotice(MirrorDocument):
    """An open invitation, as the one whom it is for finds it: by their id, or by a hash of their address."""

    container: ClassVar[str] = "users"

    kind: Literal["invitation_notice"] = "invitation_notice"
    organization_id: Uuid = Field(description="What they may join")
    organization_name: str = Field(description="Its name")
    role: RoleName = Field(description="The role that they get")
    expires_at: Timestamp = Field(description="Until when it can be accepted")


def _notice(invitation: Invitation, names: Names) -> list[Mirror]:
    body = None
    if invitation.status == "open":
        body = InvitationNotice(
            id=invitation.id,
            partition_key=invitation.notice_partition,
            revision=invitation.revision,
            ttl=invitation.kept_seconds,
            source_revision=invitation.revision,
            source_owner=invitation.organization_id,
            source_id=invitation.id,
            organization_id=invitation.organization_id,
            organization_name=invitation.organization_name,
            role=invitation.role,
            expires_at=invitation.expires_at,
        ).body()
    return [Mirror("users", invitation.notice_partition, invitation.id, body, invitation.revision)]


def seat_not_needed(invitation: Mapping[str, Any]) -> list[Any]:
    """What else of the organization changes in the transaction that deletes an invitation."""
    return [SEAT_GIVEN_BACK] if invitation.get("status") == "open" else []


ShownInvitation = shown_model(Invitation, "Invitation")

INVITATION = Kind(
    model=Invitation,
    capability="organizations",
    owner=Owner.ORGANIZATION,
    mirrors=_notice,
    mentioned=Mentioned.REDACTED,
    redacted=("invited_by",),
    deleted_with="user_id",
    freed=seat_not_needed,
    told=("organization_name", "role", "status", "created_at", "expires_at"),
)
INVITATION_NOTICE = Kind(model=InvitationNotice, capability="organizations", mentioned=Mentioned.DELETED)
