"""Container `users`: profiles, made at the first sign-in, and the claims that make emails unique."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.cosmos.exceptions import (
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from cachetools import TTLCache

from cosmos.core.database import Database
from cosmos.core.patching import LOST, edit, patch, require_revision, set_fields, set_totals_if_newer
from cosmos.core.reading import read_or_none
from cosmos.usage.allowances import create_allowance
from models.accounts.profile import EmailClaim, UserProfile
from models.accounts.profile_changes import ProfileChanges, changed
from models.analytics.rollup import Rollup
from models.core.errors import AccountClosed, EmailTaken, NotFound
from models.core.identity import Person, email_claim_id_of
from models.core.revisions import Revisions
from models.core.values import format_timestamp
from models.privacy.erasure import TOMBSTONE, is_tombstone
from models.risk.finding import moment
from models.risk.policy import after_policy
from models.risk.window import RiskWindow

STATUS_SECONDS = 30
"""How long a process may go on with a profile it has read: a suspension takes effect within this time everywhere."""

PROFILES_REMEMBERED = 20_000

NOT_DELETED = "c.account_status != 'deleted'"
"""Condition of patches that come from what was read before: the tombstone of an erased account stays as it is."""


class Users:
    """Reads and writes profiles. Keeps the ones it has seen for `STATUS_SECONDS`."""

    def __init__(self, database: Database) -> None:
        self._container = database.users
        self._sessions = database.user_sessions
        self._seen: TTLCache[str, UserProfile] = TTLCache(PROFILES_REMEMBERED, STATUS_SECONDS)
        self._closed: TTLCache[str, bool] = TTLCache(PROFILES_REMEMBERED, STATUS_SECONDS)

    async def find(self, user_id: str) -> UserProfile | None:
        """The profile as it is now, by one point read.

        Raises:
            AccountClosed: the account is deleted.
        """
        item = await read_or_none(self._container, user_id, user_id, ["profile", TOMBSTONE])
        if item is None:
            return None
        if is_tombstone(item):
            self.close(user_id)
            raise AccountClosed("deleted")
        profile = UserProfile.parse(item)
        self.remember(profile)
        return profile

    async def recent(self, user_id: str) -> UserProfile | None:
        """The profile as it was at most `STATUS_SECONDS` ago, None if there is none: by one point read, or none.

        Raises:
            AccountClosed: the account is deleted.
        """
        if user_id in self._closed:
            raise AccountClosed("deleted")
        return self._seen.get(user_id) or await self.find(user_id)

    async def ensure(self, person: Person, now: datetime, last_login: datetime, is_admin: bool = False) -> UserProfile:
        """The person's profile, made if they are new. May be up to `STATUS_SECONDS` old.

        Raises:
            EmailTaken: they are new, and another user holds their email.
            AccountClosed: the account is deleted.
        """
        profile = await self.recent(person.user_id)
        return profile or await self._create(person, now, last_login, is_admin)

    async def writer(
        self,
        person: Person,
        now: datetime,
        last_login: datetime,
        is_admin: bool = False,
        is_service: bool | None = None,
    ) -> UserProfile:
        """`ensure`, for somebody who is about to write. A service account is marked as one, until a token says
        otherwise that is not older than the newest seen at a sign-in: then it is judged again with its next turn.

        Args:
            is_service: Whether their token says that the account is a service's; None without a token of theirs.

        Raises:
            AccountClosed: the account is suspended, blocked or deleted.
        """
        profile = await self.ensure(person, now, last_login, is_admin)
        if profile.account_status != "active":
            raise AccountClosed(profile.account_status)
        if is_service is None or is_service == profile.is_service or last_login < profile.last_login:
            return profile
        unjudged = {"risk_score": 0.0, "abuse_flags": [], "abuse_evidence": [], "risk_decision": "nothing"}
        return await self._set(profile, {"is_service": is_service} | (unjudged if is_service else {}))

    async def check_not_deleted(self, user_id: str) -> None:
        """Stops a user whose account is deleted. Somebody without a profile passes: there is nothing of theirs.

        Raises:
            AccountClosed: the account is deleted.
        """
        await self.recent(user_id)

    def remember(self, profile: UserProfile) -> None:
        """Has this process go by a profile that has just been read or written, unless the account was closed since."""
        if profile.id not in self._closed:
            self._seen[profile.id] = profile

    def close(self, user_id: str) -> None:
        """Has this process take the account for deleted, also where a request is reading the profile just now."""
        self._closed[user_id] = True
        self._seen.pop(user_id, None)

    async def sign_in(self, person: Person, now: datetime, issued: datetime, is_admin: bool) -> UserProfile:
        """The profile of somebody who presents a token issued at `issued`, with what the token says brought up to date.

        Writes only if the token is newer than the last one seen, or says something else than the profile.

        Raises:
            EmailTaken: another user holds the email.
            AccountClosed: the account is deleted.
        """
        profile = await self.find(person.user_id)
        if profile is None:
            return await self._create(person, now, issued, is_admin)
        if issued < profile.last_login:  # an older token that is still good knows less than what is here
            return profile
        if email_claim_id_of(person.email) != email_claim_id_of(profile.email):
            await self._move_email(profile, person.email, now)
        changes: dict[str, Any] = {
            "email": person.email,
            "name": person.name,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "is_admin": is_admin,
        }
        if issued > profile.last_login:
            changes["last_login"] = issued
        changed = {name: value for name, value in changes.items() if value != getattr(profile, name)}
        return await self._set(profile, changed) if changed else profile

    async def edit(self, user_id: str, expected: Revisions, changes: ProfileChanges, now: datetime) -> UserProfile:
        """Changes what users may change of their own profile, if it still is at a revision that is expected.

        Takes effect in this process at once, and in all others within `STATUS_SECONDS`.

        Raises:
            NotFound: there is no such user.
            Stale: the profile has been edited since.
            PreferencesTooLarge: the preferences would be larger than they may be.
        """
        profile = await self.find(user_id)
        if profile is None:
            raise NotFound("user")
        require_revision(profile, expected)
        edited = await edit(self._container, profile, changed(profile, changes, now))
        self.remember(edited)
        return edited

    async def set_totals(self, all_time: Rollup) -> None:
        """Puts the all-time rollup's totals on the profile, unless newer ones are there already."""
        totals: dict[str, Any] = {
            "total_sessions": all_time.total_sessions,
            "total_queries": all_time.total_interactions,
            "total_tokens_used": all_time.total_tokens,
            "total_cost_usd": all_time.total_cost_usd,
        }
        if all_time.first_activity is not None and all_time.last_activity is not None:
            totals["first_session_date"] = format_timestamp(all_time.first_activity)
            totals["last_activity"] = format_timestamp(all_time.last_activity)
        user_id = all_time.user_id
        await set_totals_if_newer(self._container, user_id, user_id, totals, all_time.revision, condition=NOT_DELETED)

    async def set_risk(self, window: RiskWindow, shadow: bool, now: datetime) -> None:
        """Puts what was found of abuse on the profile, unless something newer is there, or it is a service account's.

        Then does what the policy says, if it is not only to be recorded.

        Raises:
            Stale: the profile was edited meanwhile; call again.
        """
        risk = {
            "risk_score": window.score,
            "abuse_flags": sorted(window.findings),
            "abuse_evidence": [found.model_dump(mode="json") for _, found in sorted(window.findings.items())],
            "risk_decision": window.decision,
            "risk_judged_until": format_timestamp(moment(window.newest)),
        }
        judged = f"(NOT IS_DEFINED(c.is_service) OR c.is_service = false) AND {NOT_DELETED}"
        user_id = window.user_id
        item = await set_totals_if_newer(
            self._container, user_id, user_id, risk, window.revision, "risk_revision", judged
        )
        if item is None:
            return
        profile = UserProfile.parse(item)
        wanted = after_policy(profile, window, shadow, now)
        if wanted is not profile:
            self.remember(await edit(self._container, profile, wanted))

    async def _create(self, person: Person, now: datetime, last_login: datetime, is_admin: bool) -> UserProfile:
        await self._claim_email(person.email, person.user_id, now)
        await create_allowance(self._sessions, person.user_id)
        profile = UserProfile.of(person, now, last_login, is_admin)
        try:
            await self._container.create_item(profile.body())
        except CosmosResourceExistsError:
            return await self.find(person.user_id) or profile
        self.remember(profile)
        return profile

    async def _set(self, profile: UserProfile, changes: dict[str, Any]) -> UserProfile:
        body = UserProfile.model_validate(profile.model_dump() | changes).body()
        operations = [
            *set_fields({name: body[name] for name in changes}),
            {"op": "incr", "path": "/revision", "value": 1},
        ]
        try:
            item = await patch(self._container, profile.id, profile.id, operations, NOT_DELETED)
        except HttpResponseError as error:
            if error.status_code != LOST:
                raise
            self.close(profile.id)
            raise AccountClosed("deleted") from None
        changed = UserProfile.parse(item)
        self.remember(changed)
        return changed

    async def _claim_email(self, email: str, user_id: str, now: datetime) -> None:
        claim = EmailClaim.of(email, user_id, now)
        try:
            await self._container.create_item(claim.body())
        except CosmosResourceExistsError:
            held = EmailClaim.parse(await self._container.read_item(claim.id, claim.id))
            if held.user_id != user_id:
                raise EmailTaken from None

    async def _move_email(self, profile: UserProfile, email: str, now: datetime) -> None:
        """Claims the new address before the old one is let go: at no time is the user without a claim."""
        await self._claim_email(email, profile.id, now)
        old = email_claim_id_of(profile.email)
        try:
            held = await self._container.read_item(old, old)
            if held["user_id"] == profile.id:
                await self._container.delete_item(
                    old, old, etag=held["_etag"], match_condition=MatchConditions.IfNotModified
                )
        except CosmosResourceNotFoundError:
            return
