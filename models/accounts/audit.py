"""Container `users`: what others did about a user, or read of theirs: staff, an organization's admins, guardians."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from models.accounts.moderation import Reason
from models.core.document import Document
from models.core.values import Timestamp, Uuid

AuditedAct = Literal[
    "read_interactions",
    "suspend",
    "block",
    "restore",
    "note",
    "set_limits",
    "dismiss_finding",
    "move_email_claim",
    "erase",
    "hide_review",
    "show_review",
    "remove_member",
    "read_activity",
    "read_dashboard",
    "read_usage",
    "read_profile",
    "export",
    "confirm_guardian",
    "grant_consent",
    "withdraw_consent",
    "lift_withdrawal",
    "correct_birth_year",
    "assign_role",
    "revoke_role",
    "grant_permission",
    "withdraw_permission",
]

ByRight = Literal["staff", "organization", "guardian"]
"""By what somebody did it: a role of their token, a right in an organization, or as the guardian of a child."""


class AuditEntry(Document):
    """One act of somebody else. It is kept in the partition of the user it is about, and never changed."""

    container: ClassVar[str] = "users"

    id: Uuid
    partition_key: Uuid
    kind: Literal["audit"] = "audit"

    user_id: Uuid = Field(description="Whom it is about")
    actor_id: Uuid = Field(description="The user_id of who did it")
    actor_roles: list[str] = Field(description="The roles of their token")
    act: AuditedAct = Field(description="What was done")
    by_right: ByRight = Field(default="staff", description="By what they did it")
    reason: Reason = Field(description="Why, as who did it says")
    audited_at: Timestamp = Field(description="When")
    request_id: str = Field(description="The request, as its answer and the log name it")
