"""What Microsoft Graph says of users, asked on their behalf, where that is configured: for the profile of who signs in,
and which groups somebody is in whose token can't hold them all.

Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow, and
https://learn.microsoft.com/graph/api/user-get, .../profilephoto-get and .../directoryobject-checkmembergroups.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msal  # type: ignore[import-untyped]
from azure.core.exceptions import AzureError
from cachetools import TTLCache
from msal.exceptions import MsalError  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field

from cosmos.accounts.directory import Directory
from functions.core.groups import GroupsOfCaller, GroupSource
from functions.core.settings import Settings
from models.accounts.directory import DirectoryEntry, is_due
from models.accounts.profile import UserProfile

LIMIT_SECONDS = 2.0
"""What asking Graph may add to a sign-in, in all."""

MAX_PHOTO_BYTES = 8192
"""Of the 48x48 thumbnail, which is kept in the profile as a data URL."""

GROUPS_SECONDS = 300
"""How long somebody is in a group who was in it. By a token's claim they are for as long as the token lasts."""

USERS_REMEMBERED = 10_000

PHOTO_TYPES = ("image/jpeg", "image/png")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")

log = logging.getLogger(__name__)


class GraphUnavailable(Exception):
    """Graph did not say who the user is; the message tells why, without personal data."""


class GraphUser(BaseModel):
    """The answer of `/me`, as far as it is used."""

    model_config = ConfigDict(extra="ignore")

    job_title: str | None = Field(default=None, alias="jobTitle")
    company_name: str | None = Field(default=None, alias="companyName")
    preferred_language: str | None = Field(default=None, alias="preferredLanguage")


class GraphGroups(BaseModel):
    """The answer of `/me/checkMemberGroups`."""

    model_config = ConfigDict(extra="ignore")

    value: list[str]


class Graph(GroupSource):
    """Asks Microsoft Graph.

    Args:
        http_client: What MSAL sends its requests with; its own by default.
    """

    def __init__(self, settings: Settings, credential: str | dict[str, str], http_client: Any = None) -> None:
        self._url = settings.graph_url.rstrip("/")
        self._tokens = OnBehalfOf(settings, credential, http_client)
        self._groups: TTLCache[tuple[str, frozenset[str]], frozenset[str]] = TTLCache(USERS_REMEMBERED, GROUPS_SECONDS)

    @classmethod
    def configured(cls, settings: Settings) -> Graph | None:
        """None where the app has no credential to ask with."""
        credential = credential_of(settings)
        return cls(settings, credential) if credential else None

    async def entry(self, tenant_id: str, user_token: str) -> DirectoryEntry:
        """What Graph says of the user who sent this valid token, within `LIMIT_SECONDS`.

        Raises:
            GraphUnavailable: nothing, for now.
        """
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                headers = {"Authorization": f"Bearer {await self._tokens.token(tenant_id, user_token)}"}
                async with aiohttp.ClientSession(headers=headers) as http:
                    user, photo = await self._user(http), await self._photo(http)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise GraphUnavailable(type(error).__name__) from None
        language = user.preferred_language or ""
        return DirectoryEntry(
            job_title=user.job_title and user.job_title[:256],
            company_name=user.company_name and user.company_name[:256],
            preferred_language=language if len(language) <= 35 and _LANGUAGE.fullmatch(language) else None,
            profile_picture_url=photo,
        )

    async def groups_among(self, user: GroupsOfCaller, group_ids: frozenset[str]) -> frozenset[str]:
        """Those of at most 20 groups that somebody is in, also through other groups; as it was within `GROUPS_SECONDS`.

        While Graph does not tell, they are in none of them.
        """
        key = (user.user_id, group_ids)
        if key in self._groups:
            return self._groups[key]
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                headers = {"Authorization": f"Bearer {await self._tokens.token(user.tenant_id, user.token)}"}
                async with aiohttp.ClientSession(headers=headers) as http:
                    found = await self._groups_of(http, group_ids)
        except (GraphUnavailable, aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = str(error) if isinstance(error, GraphUnavailable) else type(error).__name__
            log.warning("the directory does not say which groups somebody is in: %s", reason)
            return frozenset()
        self._groups[key] = found
        return found

    async def _groups_of(self, http: aiohttp.ClientSession, group_ids: frozenset[str]) -> frozenset[str]:
        asked = {"groupIds": sorted(group_ids)}
        async with http.post(f"{self._url}/me/checkMemberGroups", json=asked, raise_for_status=True) as answer:
            found = GraphGroups.model_validate_json(await answer.read())
        return group_ids & frozenset(group.lower() for group in found.value)

    async def _user(self, http: aiohttp.ClientSession) -> GraphUser:
        fields = {"$select": "jobTitle,companyName,preferredLanguage"}
        async with http.get(f"{self._url}/me", params=fields, raise_for_status=True) as answer:
            return GraphUser.model_validate_json(await answer.read())

    async def _photo(self, http: aiohttp.ClientSession) -> str | None:
        """The user's thumbnail as a data URL; None if they have none, or it can't be kept."""
        async with http.get(f"{self._url}/me/photos/48x48/$value") as answer:
            if answer.status != 200 or answer.content_type not in PHOTO_TYPES:
                return None
            image = await answer.content.read(MAX_PHOTO_BYTES + 1)
            if len(image) > MAX_PHOTO_BYTES:
                return None
            return f"data:{answer.content_type};base64,{base64.b64encode(image).decode()}"


class OnBehalfOf:
    """Exchanges users' tokens for tokens to Graph. MSAL blocks, so it works in threads of its own."""

    def __init__(self, settings: Settings, credential: str | dict[str, str], http_client: Any) -> None:
        self._client_id = settings.graph_client_id or settings.entra_audience
        self._credential = credential
        self._authority = settings.entra_issuer.rstrip("/").removesuffix("/v2.0")
        origin = urlsplit(settings.graph_url)
        self._scopes = [f"{origin.scheme}://{origin.netloc}/User.Read"]
        self._http_client = http_client
        self._apps: dict[str, msal.ConfidentialClientApplication] = {}
        self._making = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="msal")

    async def token(self, tenant_id: str, user_token: str) -> str:
        """A token to Graph for the user of this token.

        Raises:
            GraphUnavailable: the issuer gives none.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._exchange, tenant_id, user_token)

    def _exchange(self, tenant_id: str, user_token: str) -> str:
        try:
            result = self._app(tenant_id).acquire_token_on_behalf_of(user_token, self._scopes)
        except (OSError, ValueError, RuntimeError, MsalError) as error:  # what MSAL and its transport raise
            raise GraphUnavailable(type(error).__name__) from None
        if "access_token" not in result:
            raise GraphUnavailable(str(result.get("error")))
        token: str = result["access_token"]
        return token

    def _app(self, tenant_id: str) -> msal.ConfidentialClientApplication:
        with self._making:
            if tenant_id not in self._apps:
                self._apps[tenant_id] = msal.ConfidentialClientApplication(
                    self._client_id,
                    client_credential=self._credential,
                    authority=self._authority.replace("{tenantid}", tenant_id),
                    instance_discovery=False,  # the authority is a setting: nobody else need vouch for it
                    token_cache=_Forgetful(),
                    http_client=self._http_client,
                    timeout=LIMIT_SECONDS,
                )
            return self._apps[tenant_id]


class _Forgetful(msal.TokenCache):  # type: ignore[misc]  # it has no types
    """Keeps no tokens: each is used once a day, and there are as many as users."""

    def add(self, event: dict[str, Any], now: int | None = None) -> None:
        return


def credential_of(settings: Settings) -> str | dict[str, str] | None:
    """The app's secret or certificate in MSAL's form, None if there is neither."""
    if settings.graph_client_certificate:
        pem = settings.graph_client_certificate.get_secret_value()
        return {
            "private_key": _part(pem, "(?:RSA )?PRIVATE KEY"),
            "public_certificate": _part(pem, "CERTIFICATE"),
        }
    return settings.graph_client_secret.get_secret_value() if settings.graph_client_secret else None


async def refreshed(
    graph: Graph | None, directory: Directory, profile: UserProfile, user_token: str, now: datetime
) -> UserProfile:
    """The profile of somebody who signs in, with what Graph says of them, if it is time to ask. Never fails."""
    if graph is None or not is_due(profile, now):
        return profile
    try:
        begun = await directory.begin(profile, now)
        if begun is None:
            return profile
        entry = await graph.entry(profile.tenant_id, user_token)
        return await directory.fill(begun, entry, now) or begun
    except (GraphUnavailable, AzureError) as error:
        reason = str(error) if isinstance(error, GraphUnavailable) else type(error).__name__
        log.warning("the directory says nothing of a user who signs in: %s", reason)
        return profile


def _part(pem: str, label: str) -> str:
    """The first block of a PEM text with this label.

    Raises:
        ValueError: there is none.
    """
    found = re.search(f"-----BEGIN {label}-----.+?-----END {label}-----", pem, re.DOTALL)
    if found is None:
        raise ValueError("GRAPH_CLIENT_CERTIFICATE must be a PEM with a private key and its certificate")
    return found[0]
