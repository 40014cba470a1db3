"""Who somebody is, and the ids that follow from it."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from models.core.document import Message
from models.core.values import TimeZone, Uuid

_USERS = uuid.UUID("6f1d0c1e-6f0e-5f0b-9d0b-76696d617273")
_REQUESTS = uuid.UUID("0d4b7c56-1f0a-5c0e-8c55-76696d617273")


Recorder = Literal["user", "server"]
"""Who says so: a user's client, or a trusted server."""


def user_id_of(tenant_id: str, auth_id: str) -> str:
    """The user's id: a UUIDv5 of Entra ID's (`tid`, `oid`), so that one identity can never get two profiles."""
    return str(uuid.uuid5(_USERS, f"{tenant_id.lower()}/{auth_id.lower()}"))


def request_id_of(user_id: str, scope: str, idempotency_key: str) -> str:
    """The id of the document that a repeatable request makes: the same key in the same scope gives the same id.

    Args:
        scope: what the key is unique in, such as the session that a turn is recorded in.
    """
    return str(uuid.uuid5(_REQUESTS, f"{user_id}/{scope}/{idempotency_key}"))


def email_claim_id_of(tenant_id: str, email: str) -> str:
    """The id, and partition, of the document that reserves an email address in a tenant. Case does not count."""
    return "email-" + hashlib.sha256(f"{tenant_id.lower()}/{email.strip().casefold()}".encode()).hexdigest()


def username_claim_id_of(username: str) -> str:
    """The id, and partition, of the document that reserves a username. Case does not count."""
    return "username-" + hashlib.sha256(username.casefold().encode()).hexdigest()


Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,30}[A-Za-z0-9]$")]
"""3 to 32 letters, digits, and `.`, `_`, `-` within."""

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""E.164: a plus, the country's code, and the number, without spaces."""

_ADDRESS = r"^[^\s\x00-\x20\x7f-\xa0]+@[^\s@\x00-\x20\x7f-\xa0]+$"


def _is_address(value: str) -> str:
    if not re.fullmatch(_ADDRESS, value):
        raise ValueError("must be an email address, like alice@contoso.example")
    return value


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=320),
    AfterValidator(_is_address),
    WithJsonSchema({"type": "string", "maxLength": 320, "pattern": _ADDRESS}),
]


Guid = Annotated[Uuid, BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)]
"""Of Entra ID: one identity however its case is spelled."""


class Person(Message):
    """A user as Entra ID knows them: from the claims of a token, or as a trusted server names them."""

    tenant_id: Guid = Field(description="Entra ID's `tid`")
    auth_id: Guid = Field(description="Entra ID's `oid`")
    email: Email | None = Field(default=None, description="Absent where their directory has none")
    name: str = Field(min_length=1, max_length=256, description="Display name")
    given_name: str | None = Field(default=None, max_length=128)
    family_name: str | None = Field(default=None, max_length=128)
    preferred_language: str = Field(default="en", min_length=2, max_length=35, description="BCP 47 language tag")
    timezone: TimeZone | None = Field(default=None, description="IANA time zone")

    @property
    def user_id(self) -> str:
        return user_id_of(self.tenant_id, self.auth_id)
