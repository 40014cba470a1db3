"""Who the local issuer knows: one tenant, one API, and any person or app that is asked for.

Everything is derived from what is given, so that the same e-mail address is the same user in every run.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass

TENANT_ID = "72f988bf-0000-4000-8000-76696d617273"
API_CLIENT_ID = "a91a0c00-0000-4000-8000-76696d617273"
"""The API's app registration: the audience of the tokens it accepts."""
WEB_CLIENT_ID = "3eb0c11e-0000-4000-8000-76696d617273"
"""A public client, such as the chat's page in the browser."""
SERVER_CLIENT_ID = "5e48e400-0000-4000-8000-76696d617273"
"""A confidential client, such as the chat's own server."""

API_URI = f"api://{API_CLIENT_ID}"
USER_SCOPE = "Vimarsh.Access"
ADMIN_ROLE = "Vimarsh.Admin"
MODERATOR_ROLE = "Vimarsh.Moderator"
INGEST_ROLE = "Vimarsh.Ingest"
SERVICE_ROLE = "Vimarsh.Service"

_EMAIL = re.compile(r"[^@\s<>\"']{1,64}@[^@\s<>\"']{1,190}")
_ROLE = re.compile(r"[\w.\-]{1,120}")


class IdentityError(ValueError):
    """What was asked for can't be an identity; the message says why, for the person who asked."""


@dataclass(frozen=True)
class Person:
    """A user of a tenant, with the app roles that are assigned to them."""

    email: str
    name: str
    given_name: str
    family_name: str
    roles: tuple[str, ...] = ()
    tenant: str = TENANT_ID

    @property
    def oid(self) -> str:
        return oid_of(self.email, self.tenant)


@dataclass(frozen=True)
class Application:
    """An app registration that calls in its own name, with its app roles."""

    client_id: str
    roles: tuple[str, ...] = (INGEST_ROLE,)
    tenant: str = TENANT_ID

    @property
    def oid(self) -> str:
        """The object id of the app's service principal, which differs from its client id."""
        return str(uuid.uuid5(uuid.UUID(self.tenant), f"service-principal:{self.client_id}"))


def oid_of(email: str, tenant: str = TENANT_ID) -> str:
    """The object id of the user with this e-mail address (in any case) in this tenant."""
    return str(uuid.uuid5(uuid.UUID(tenant), email.strip().casefold()))


def pairwise_subject(oid: str, tenant: str, client_id: str) -> str:
    """The `sub` of a user: stable for one application, unlinkable between two, 43 characters as Entra's."""
    digest = hashlib.sha256(f"{tenant}/{oid}/{client_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def make_person(
    email: str,
    *,
    name: str | None = None,
    given_name: str | None = None,
    family_name: str | None = None,
    roles: tuple[str, ...] = (),
    tenant: str = TENANT_ID,
) -> Person:
    """A person by e-mail address; names that are not given are guessed from it.

    Raises IdentityError.
    """
    email = email.strip()
    if not _EMAIL.fullmatch(email):
        raise IdentityError(f"{email!r} is not an e-mail address such as alice@contoso.example")
    local_part, domain = email.split("@")
    words = [word.capitalize() for word in re.split(r"[._\-+]+", local_part) if word]
    given = given_name or (name.split()[0] if name and name.strip() else "".join(words[:1]) or local_part)
    family = family_name or " ".join((name or "").split()[1:] or words[1:]) or domain.split(".")[0].capitalize()
    return Person(
        email=email,
        name=name or f"{given} {family}",
        given_name=given,
        family_name=family,
        roles=checked_roles(roles),
        tenant=checked_guid(tenant, "tenant"),
    )


def checked_roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    """The roles without repetitions, in their order. Raises IdentityError."""
    for role in roles:
        if not _ROLE.fullmatch(role):
            raise IdentityError(f"{role!r} is not an app role such as {ADMIN_ROLE}")
    return tuple(dict.fromkeys(roles))


def checked_guid(value: str, what: str) -> str:
    """The GUID in its canonical form. Raises IdentityError."""
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise IdentityError(f"{value!r} is not a GUID, which a {what} has to be") from None
