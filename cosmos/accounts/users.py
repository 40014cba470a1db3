"""Container `users`: profiles, made at the first sign-in, and brought up to date by the tokens that follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from cachetools import TTLCache

from cosmos.accounts.email_claims import EmailClaims
from cosmos.accounts.roster import Roster
from cosmos.accounts.usernames import Usernames
from cosmos.core.database import Database
from cosmos.core.patching import edit, patch, patch_if, require_revision, set_fields
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, write_over
from models.accounts.profile import EmailStatus, LimitZone, UserProfile
from models.accounts.profile_changes import ProfileChanges, changed
from models.accounts.staff import shown_by
from models.core.app_roles import SERVICE_ROLE
from models.core.errors import AccountClosed, NotFound, Stale
from models.core.identity import Person
from models.core.revisions import Revisions
from models.core.tombstone import TOMBSTONE, is_tombstone
from models.jobs.job import Job

STATUS_SECONDS = 30
"""How long a process may go on with a profile it has read: a suspension takes effect within this time everywhere."""

PROFILES_REMEMBERED = 20_000

NOT_DELETED = "c.account_status != 'deleted'"
"""Condition of patches that come from what was read before: the tombstone of an erased account stays as it is."""

Promising = Callable[[UserProfile, UserProfile], Sequence[Job]]

Prepare = Callable[[str], Awaitable[None]]
"""What a user needs before there is a profile, by their id. May be repeated."""

Bar = Callable[[str, bool, int], Awaitable[None]]
"""Keeps a user from recording turns, or no longer, by the revision of the consent that says so. May be repeated."""

Standing = Callable[[UserProfile, datetime], UserProfile]
"""A profile as it is shown at a time: what was found of abuse weighs less and less."""


class Users:
    """Reads and writes profiles. Keeps the ones it has seen for `STATUS_SECONDS`.

    Attributes:
        as_it_stands: How a profile is shown at a time.
    """

    def __init__(self, database: Database, prepare: Prepare, as_it_stands: Standing, bar: Bar) -> None:
        self._container = database.users
        self._prepare = prepare
        self._bar = bar
        self.as_it_stands = as_it_stands
        self._claims = EmailClaims(database)
        self._usernames = Usernames(database)
        self._roster = Roster(database)
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

    async def existing(self, user_id: str) -> UserProfile | None:
        """`find`, None also for an account that is deleted."""
        try:
            return await self.find(user_id)
        except AccountClosed:
            return None

    async def recent(self, user_id: str) -> UserProfile | None:
        """The profile as it was at most `STATUS_SECONDS` ago, None if there is none: by one point read, or none.

        Raises:
            AccountClosed: the account is deleted.
        """
        if user_id in self._closed:
            raise AccountClosed("deleted")
        return self._seen.get(user_id) or await self.find(user_id)

    async def ensure(
        self, person: Person, now: datetime, last_login: datetime, roles: Collection[str] | None = None
    ) -> UserProfile:
        """The person's profile, made if they are new. May be up to `STATUS_SECONDS` old.

        What the roles of their token say of the account is noted: whether it is staff's; and whether it is a service's,
        until a token says otherwise that is not older than the newest seen at a sign-in: then it is judged again with
        its next turn.

        Args:
            roles: Those of their token; None without a token of theirs.

        Raises:
            AccountClosed: the account is deleted.
        """
        profile = await self.recent(person.user_id) or await self._create(person, now, last_login)
        profile = await self.zoned(profile, person.timezone, now)
        if roles is None:
            return profile
        noted, is_service = shown_by(profile, roles, last_login), SERVICE_ROLE in roles
        if is_service != profile.is_service and last_login >= profile.last_login:
            unjudged = {"risk_score": 0.0, "abuse_flags": [], "abuse_evidence": [], "risk_decision": "nothing"}
            noted |= {"is_service": is_service} | (unjudged if is_service else {})
        return await self._note(profile, noted)

    async def writer(
        self, person: Person, now: datetime, last_login: datetime, roles: Collection[str] | None = None
    ) -> UserProfile:
        """`ensure`, for somebody whose account must be active: because they are about to write, or are of the staff.

        Raises:
            AccountClosed: the account is suspended, blocked or deleted.
        """
        profile = await self.ensure(person, now, last_login, roles)
        if profile.account_status != "active":
            raise AccountClosed(profile.account_status)
        return profile

    async def zoned(self, profile: UserProfile, timezone: str | None, now: datetime) -> UserProfile:
        """The profile, which takes a time zone that is heard of while it has none, unless its user wants it so.

        This leaves its revision, and so its ETag, as it is: no edit of its user is stale for it.

        Raises:
            AccountClosed: the account is deleted.
        """
        if timezone is None or profile.timezone is not None or profile.limit_zone is not None:
            return profile
        limits = LimitZone(timezone=timezone, since=now)
        changes = {"timezone": timezone, "limit_zone": limits.model_dump(mode="json")}
        none_yet = f"{NOT_DELETED} AND IS_NULL(c.timezone) AND NOT IS_OBJECT(c.limit_zone)"
        item = await patch_if(self._container, profile.id, profile.id, set_fields(changes), none_yet)
        if item is None:
            return await self.find(profile.id) or profile  # somebody else has told it meanwhile
        zoned = UserProfile.parse(item)
        self.remember(zoned)
        return zoned

    async def check_not_deleted(self, user_id: str) -> None:
        """Stops a user whose account is deleted. Somebody without a profile passes: there is nothing of theirs.

        Raises:
            AccountClosed: the account is deleted.
        """
        await self.recent(user_id)

    async def check_known(self, user_id: str) -> None:
        """Stops what is about a user who is not there.

        Raises:
            NotFound: there is no such user.
            AccountClosed: the account is deleted.
        """
        if await self.find(user_id) is None:
            raise NotFound("user")

    def remember(self, profile: UserProfile) -> None:
        """Has this process go by a profile that has just been read or written, unless the account was closed since."""
        if profile.id not in self._closed:
            self._seen[profile.id] = profile

    def close(self, user_id: str) -> None:
        """Has this process take the account for deleted, also where a request is reading the profile just now."""
        self._closed[user_id] = True
        self._seen.pop(user_id, None)

    async def sign_in(
        self, person: Person, now: datetime, issued: datetime, roles: Collection[str] = ()
    ) -> UserProfile:
        """The profile of somebody who presents a token issued at `issued`, with what the token says brought up to date.

        Writes only if the token is newer than the last one seen, or says something else than the profile. An address
        that somebody else holds is `contested`, and claimed as soon as it is free.

        Raises:
            AccountClosed: the account is deleted.
        """
        profile = await self.find(person.user_id)
        if profile is None:
            profile = await self._create(person, now, issued)
        if issued < profile.last_login:  # an older token that is still good knows less than what is here
            return profile
        changes: dict[str, Any] = {
            "email": person.email,
            "email_status": await self._settled(profile, person.email, now, anew=issued > profile.last_login),
            "name": person.name,
            "given_name": person.given_name,
            "family_name": person.family_name,
        } | shown_by(profile, roles, issued)
        if issued > profile.last_login:
            changes["last_login"] = issued
        consent = profile.parental_consent
        if consent is not None and consent.required and not profile.is_under_13(now):  # they have grown up
            changes["parental_consent"] = consent.model_copy(update={"required": False})
            await self._bar(profile.id, False, consent.revision)
        return await self._note(
            profile, {name: value for name, value in changes.items() if value != getattr(profile, name)}
        )

    async def edit(
        self,
        user_id: str,
        expected: Revisions,
        changes: ProfileChanges,
        now: datetime,
        promising: Promising = lambda before, after: (),
    ) -> UserProfile:
        """Changes what users may change of their own profile, if it still is at a revision that is expected.

        Takes effect in this process at once, and in all others within `STATUS_SECONDS`.

        Args:
            promising: The jobs that the change promises, from the profile as it was and as it will be. They are
                written in the same transaction.

        Raises:
            NotFound: there is no such user.
            Stale: the profile has been edited since.
            PreferencesTooLarge: the preferences would be larger than they may be.
            NameTaken: somebody else has the username.
            BirthYearFixed: the year of birth would make them older.
        """
        profile = await self.find(user_id)
        if profile is None:
            raise NotFound("user")
        require_revision(profile, expected)
        after = changed(profile, changes, now)
        if after.is_barred(now) and after.parental_consent is not None:
            await self._bar(user_id, True, after.parental_consent.revision)
        promised = promising(profile, after.model_copy(update={"revision": profile.revision + 1}))
        if after.username == profile.username:
            edited = await edit(self._container, profile, after, further=promised)
        else:
            edited = await self._renamed(profile, after, promised, now)
        self.remember(edited)
        return edited

    async def _renamed(
        self, profile: UserProfile, after: UserProfile, promised: Sequence[Job], now: datetime
    ) -> UserProfile:
        """`edit` of a username: the new one is claimed before, the old one let go after. May be cut off anywhere.

        Who is stale lets the name go that they claimed. In case that was the name of another edit of the same user,
        this claims it again.
        """
        if after.username is not None:
            await self._usernames.claim(after.username, profile.id, now)
        try:
            edited = await edit(self._container, profile, after, further=promised)
        except (NotFound, Stale):
            await self._usernames.settle(after.username, profile.id)
            raise
        if after.username is not None:
            await self._usernames.claim(after.username, profile.id, now)
        await self._usernames.settle(profile.username, profile.id)
        return edited

    async def _create(self, person: Person, now: datetime, last_login: datetime) -> UserProfile:
        email_status = await self._claims.settle(person.tenant_id, person.email, person.user_id, now)
        await self._prepare(person.user_id)
        profile = UserProfile.of(person, now, last_login, email_status)
        try:
            await write_over(self._container, profile.body(), None)
        except Outrun:
            return await self.find(person.user_id) or profile
        self.remember(profile)
        return profile

    async def _settled(self, profile: UserProfile, email: str | None, now: datetime, anew: bool) -> EmailStatus:
        """How an address stands that a token shows. The one on the profile is let go if it is another one.

        Args:
            anew: Whether to look though the profile says that it is claimed: staff may have moved the claim.
        """
        tenant_id, is_same = profile.tenant_id, _folded(email) == _folded(profile.email)
        if is_same and not anew and profile.email_status != "contested":
            return profile.email_status
        status = await self._claims.settle(tenant_id, email, profile.id, now)
        if profile.email is not None and not is_same:
            await self._claims.release(tenant_id, profile.email, profile.id)
        return status

    async def _note(self, profile: UserProfile, changes: dict[str, Any]) -> UserProfile:
        """Sets fields. Whoever shows the role of an admin is put on the roster before, and struck off it after."""
        if not changes:
            return profile
        if changes.get("is_admin"):
            await self._roster.join(profile.id)
        noted = await self._set(profile, changes)
        if profile.is_admin and not noted.is_admin:
            await self._roster.leave(profile.id)
        return noted

    async def _set(self, profile: UserProfile, changes: dict[str, Any]) -> UserProfile:
        body = UserProfile.model_validate(dict(profile) | changes).body()
        operations = [
            *set_fields({name: body[name] for name in changes}),
            {"op": "incr", "path": "/revision", "value": 1},
        ]
        try:
            item = await patch(self._container, profile.id, profile.id, operations, NOT_DELETED)
        except Outrun as outrun:
            if outrun.why == "gone":
                raise
            self.close(profile.id)
            raise AccountClosed("deleted") from None
        changed = UserProfile.parse(item)
        self.remember(changed)
        return changed


def _folded(email: str | None) -> str | None:
    return email and email.casefold()
