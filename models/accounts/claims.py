"""Container `users`: the claims that make an email and a username unique."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from models.core.document import Document
from models.core.identity import email_claim_id_of, username_claim_id_of
from models.core.values import Timestamp, Uuid


class UsernameClaim(Document):
    """Reserves a username for one user of all tenants. Holds a hash of it only."""

    container: ClassVar[str] = "users"

    kind: Literal["username_claim"] = "username_claim"
    user_id: Uuid = Field(description="Who holds the name")
    claimed_at: Timestamp = Field(description="Since when")

    @classmethod
    def of(cls, username: str, user_id: str, now: datetime) -> UsernameClaim:
        claim_id = username_claim_id_of(username)
        return cls(id=claim_id, partition_key=claim_id, user_id=user_id, claimed_at=now)


class EmailClaim(Document):
    """Reserves an email address for one user of a tenant. Holds a hash of both only."""

    container: ClassVar[str] = "users"

    kind: Literal["email_claim"] = "email_claim"
    user_id: Uuid = Field(description="Who holds the address")
    claimed_at: Timestamp = Field(description="Since when")

    @classmethod
    def of(cls, tenant_id: str, email: str, user_id: str, now: datetime) -> EmailClaim:
        claim_id = email_claim_id_of(tenant_id, email)
        return cls(id=claim_id, partition_key=claim_id, user_id=user_id, claimed_at=now)
