"""Tokens with the claims that Entra v2.0 puts into them, signed RS256.

Claims: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt

from local.entra.identity import API_CLIENT_ID, USER_SCOPE, Application, Person, pairwise_subject
from local.entra.keys import SigningKey

LIFETIME_SECONDS = 3600
SECRET_AUTHENTICATION = "1"  # noqa: S105 - a claim's value: the client proved itself with a secret
NO_AUTHENTICATION = "0"

Claims = dict[str, Any]


@dataclass(frozen=True)
class TokenIssuer:
    """Issues and signs the tokens of any tenant below `base_url` (no slash at its end). `now` gives Unix seconds."""

    base_url: str
    key: SigningKey
    now: Callable[[], float]
    _kid: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_kid", self.key.kid)

    def issuer(self, tenant: str) -> str:
        """The `iss` of a tenant's tokens; `{tenantid}` gives the form of the multi-tenant metadata."""
        return f"{self.base_url}/{tenant}/v2.0"

    def user_claims(
        self,
        person: Person,
        *,
        client_id: str,
        audience: str = API_CLIENT_ID,
        scopes: str = USER_SCOPE,
        client_authentication: str = NO_AUTHENTICATION,
        lifetime: int = LIFETIME_SECONDS,
    ) -> Claims:
        """A delegated access token's claims: `scp`, and `roles` where the user has app roles."""
        claims = self._frame(audience, person.tenant, lifetime) | {
            "azp": client_id,
            "azpacr": client_authentication,
            "oid": person.oid,
            "scp": scopes,
            "sub": pairwise_subject(person.oid, person.tenant, audience),
        }
        if person.roles and audience == API_CLIENT_ID:
            claims["roles"] = list(person.roles)
        return claims | _names(person)

    def app_claims(self, application: Application, *, lifetime: int = LIFETIME_SECONDS) -> Claims:
        """An app-only access token's claims: `roles` and no `scp`, and nothing about a person."""
        claims = self._frame(API_CLIENT_ID, application.tenant, lifetime) | {
            "azp": application.client_id,
            "azpacr": SECRET_AUTHENTICATION,
            "idtyp": "app",
            "oid": application.oid,
            "sub": application.oid,
        }
        return claims | ({"roles": list(application.roles)} if application.roles else {})

    def id_claims(self, person: Person, *, client_id: str, nonce: str | None) -> Claims:
        """An ID token's claims, for the client itself."""
        claims = self._frame(client_id, person.tenant, LIFETIME_SECONDS) | {
            "oid": person.oid,
            "sub": pairwise_subject(person.oid, person.tenant, client_id),
        }
        if nonce:
            claims["nonce"] = nonce
        return claims | _names(person)

    def sign(self, claims: Claims) -> str:
        return jwt.encode(claims, self.key.private, algorithm="RS256", headers={"kid": self._kid})

    def _frame(self, audience: str, tenant: str, lifetime: int) -> Claims:
        now = int(self.now())
        return {
            "aud": audience,
            "iss": self.issuer(tenant),
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "rh": f"1.{_random_text(33)}.",
            "tid": tenant,
            "uti": _random_text(16),
            "ver": "2.0",
        }


def _names(person: Person) -> Claims:
    return {
        "email": person.email,
        "family_name": person.family_name,
        "given_name": person.given_name,
        "name": person.name,
        "preferred_username": person.email,
    }


def _random_text(size: int) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(size)).decode().rstrip("=")
