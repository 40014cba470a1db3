"""Validates Entra ID access tokens. There is no setting that turns this off."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jwt
from cachetools import LRUCache

from functions.core.problems import Problem, forbidden, tenant_not_allowed, unauthenticated
from functions.core.settings import Settings
from models.core.identity import Person
from models.core.rights import Asker
from models.core.sign_in import person_of

SCOPE = "Vimarsh.Access"
KEYS_SECONDS = 24 * 3600
"""Keys are fetched anew once a day."""
UNKNOWN_KEY_SECONDS = 30
"""An unknown key fetches them too, but no more often than this: junk must not flood the issuer."""
LEEWAY_SECONDS = 60
CHECKED_SECONDS = 300
"""A token that has been found valid is not checked again for so long, while its key is the issuer's and it lasts."""
TOKENS_REMEMBERED = 10_000
MAX_TOKEN_CHARACTERS = 16_384
TIMES = ("iat", "nbf", "exp")
LATEST_TIME = 4_102_444_800
"""2100, in seconds since 1970."""


@dataclass(frozen=True)
class Caller:
    """Who a valid token speaks for: a person who signed in, or an application as itself.

    Attributes:
        roles: Those that count here: none of them in a token of a tenant that is not a home tenant.
        tenants: Whose users an application acts for; none for a person.
        groups: Of the person's tenant, by their object ids; None where the token leaves them out.
    """

    roles: frozenset[str]
    issued: datetime
    person: Person | None = None
    app_id: str | None = None
    tenants: frozenset[str] = frozenset()
    groups: frozenset[str] | None = frozenset()

    @property
    def asker(self) -> Asker:
        return Asker(self.person.user_id if self.person else None, self.roles)


@dataclass(frozen=True)
class Checked:
    """What a valid token was found to say, by which key, and until when that holds, in seconds since 1970."""

    caller: Caller
    kid: str
    key: jwt.PyJWK
    until: float


class Tokens:
    """Checks bearer tokens against the issuer's keys."""

    def __init__(self, settings: Settings) -> None:
        self._audience = settings.entra_audience
        self._issuer = settings.entra_issuer
        self._tenants = frozenset(settings.entra_tenants)
        self._homes = settings.home_tenants
        self._tenants_of_apps = settings.application_tenants
        self._keys = SigningKeys(settings.entra_metadata_url)
        self._checked: LRUCache[bytes, Checked] = LRUCache(TOKENS_REMEMBERED)

    async def caller(self, authorization: str | None) -> Caller:
        """Who sends this `Authorization` header.

        A token that was found valid a moment ago is known by its digest: nothing keeps the token itself.

        Raises:
            Problem: 401, the token is missing or not valid; 403, it is valid but grants nothing here.
        """
        token = _bearer(authorization)
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._checked.get(digest)
        if known is not None and time.time() < known.until and await self._keys.key(known.kid) is known.key:
            return known.caller
        claims, kid, key = await self._claims(token)
        caller = self._caller(claims)
        until = min(time.time() + CHECKED_SECONDS, claims["exp"] + LEEWAY_SECONDS)
        self._checked[digest] = Checked(caller, kid, key, until)
        return caller

    def _caller(self, claims: dict[str, Any]) -> Caller:
        roles = claims.get("roles", [])
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise forbidden("The token's roles are not a list of names.")
        tenant = claims["tid"]
        if tenant not in self._homes:
            roles = []
        issued = datetime.fromtimestamp(claims["iat"], UTC)
        if claims.get("idtyp") == "app":
            if not roles:
                raise forbidden("The token has no role of an application, or is not of a home tenant.")
            app_id = _text(claims, "azp")
            tenants = self._tenants_of_apps.get(app_id.lower(), [tenant])
            return Caller(frozenset(roles), issued, app_id=app_id, tenants=self._tenants.intersection(tenants))
        if SCOPE not in _text(claims, "scp").split():
            raise forbidden(f"The token lacks the scope {SCOPE}.")
        return Caller(frozenset(roles), issued, person=_person(claims), groups=_groups(claims))

    async def ready(self) -> bool:
        """Whether the issuer's keys are here, or can be had.

        Raises:
            Problem: 503, the issuer can't be reached.
        """
        return await self._keys.ready()

    async def _claims(self, token: str) -> tuple[dict[str, Any], str, jwt.PyJWK]:
        """What a token says, and the key that it is signed with."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "RS256" or not isinstance(header.get("kid"), str):
                raise unauthenticated("The token is not signed with RS256 by a named key")
            key = await self._keys.key(header["kid"])
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "nbf", "iat", "iss", "aud", "tid", "ver"], "verify_iss": False},
            )
        except jwt.ExpiredSignatureError:
            raise unauthenticated("The token has expired") from None
        except jwt.PyJWTError as error:
            raise unauthenticated(f"The token is not valid ({type(error).__name__})") from None
        except (TypeError, ValueError, OverflowError, RecursionError):  # claims, or a header, of odd types or depth
            raise unauthenticated("The token is not valid") from None
        for name in TIMES:
            _check_time(claims, name)
        tenant = claims["tid"]
        if not _is_guid(tenant) or tenant not in self._tenants:
            raise tenant_not_allowed("The users of your tenant may not sign in here.")
        if claims["iss"] != self._issuer.replace("{tenantid}", tenant):
            raise unauthenticated("The token is from another issuer")
        if claims["ver"] != "2.0":
            raise unauthenticated("The token is not of version 2.0")
        return claims, header["kid"], key


@dataclass
class SigningKeys:
    """The issuer's public keys by `kid`, found through its OpenID metadata."""

    metadata_url: str
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _fetched: float = float("-inf")
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def key(self, kid: str) -> jwt.PyJWK:
        """The key of this name.

        Raises:
            Problem: 401, the issuer has no such key; 503, the issuer can't be reached.
        """
        age = time.monotonic() - self._fetched
        if age > KEYS_SECONDS or (kid not in self._keys and age > UNKNOWN_KEY_SECONDS):
            async with self._fetching:
                if time.monotonic() - self._fetched >= age:
                    await self._fetch()
        if kid not in self._keys:
            raise unauthenticated("The token is signed with an unknown key")
        return self._keys[kid]

    async def ready(self) -> bool:
        """Whether the keys are here, or can be had."""
        if not self._keys:
            async with self._fetching:
                await self._fetch()
        return bool(self._keys)

    async def _fetch(self) -> None:
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5), raise_for_status=True) as http:
                async with http.get(self.metadata_url) as answer:
                    metadata = await answer.json()
                async with http.get(metadata["jwks_uri"]) as answer:
                    keys = jwt.PyJWKSet.from_dict(await answer.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError, jwt.PyJWTError) as error:
            if self._keys:
                self._fetched = time.monotonic()  # the keys at hand stay good; the next try waits its turn
                return
            detail = "The sign-in service can't be reached to check the token. Try again."
            raise Problem(503, "unavailable", "Try again", detail, {"Retry-After": "5"}) from error
        self._keys = {key.key_id: key for key in keys.keys if key.key_id}
        self._fetched = time.monotonic()


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise unauthenticated("Send an Entra ID access token as: Authorization: Bearer <token>", error=None)
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthenticated("The Authorization header is not of the form Bearer <token>", error="invalid_request")
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise unauthenticated("The token is too long")
    return token.strip()


def _check_time(claims: dict[str, Any], name: str) -> None:
    """PyJWT takes what `int` takes: also texts and truth values, and times that no calendar has."""
    value = claims[name]
    if type(value) not in (int, float) or not 0 <= value < LATEST_TIME:
        raise unauthenticated(f"The token's {name} is not a time")


def _text(claims: dict[str, Any], name: str) -> str:
    """A claim that is a text; empty where it is absent."""
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise unauthenticated(f"The token's {name} is not a text")
    return value


def _person(claims: dict[str, Any]) -> Person:
    """Whom a delegated token speaks for. The address only describes: users are keyed on `tid` and `oid`."""
    try:
        return person_of(claims)
    except ValueError:
        raise forbidden("The token does not say who the user is: its oid is not a GUID.") from None


def _groups(claims: dict[str, Any]) -> frozenset[str] | None:
    """The groups of whom a token speaks for; None where they are too many for it."""
    elsewhere = claims.get("_claim_names")
    if claims.get("hasgroups") is True or (isinstance(elsewhere, dict) and "groups" in elsewhere):
        return None
    groups = claims.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise forbidden("The token's groups are not a list of ids.")
    return frozenset(group.lower() for group in groups)


def _is_guid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False
