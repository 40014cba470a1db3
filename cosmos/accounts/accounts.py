"""Container `users`, as staff see it: finding accounts, and moderating them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cosmos.accounts.email_claims import EmailClaims
from cosmos.accounts.roster import Roster
from cosmos.accounts.users import Users
from cosmos.core.database import Database, Stored
from cosmos.core.paging import full_page_of
from cosmos.core.patching import set_fields
from cosmos.core.swapping import Outrun, transact
from models.accounts.audit import AuditEntry
from models.accounts.claims import EmailClaim
from models.accounts.limits import LimitOverride
from models.accounts.moderation import AccountStatus, ModerationAction, kept
from models.accounts.profile import UserProfile
from models.core.errors import NotFound, Stale, WrongStatus
from models.core.values import format_timestamp


@dataclass(frozen=True)
class AccountFilter:
    """Which accounts to find; None asks for any.

    Attributes:
        email: The whole address; case does not count.
        name: What the display name begins with; case does not count.
        min_risk_score: 0-100.
        active_since: The newest turn counted, or the first sign-in, was then or later.
    """

    email: str | None = None
    name: str | None = None
    account_status: AccountStatus | None = None
    min_risk_score: float | None = None
    active_since: datetime | None = None

    def query(self) -> tuple[str, dict[str, Any]]:
        """The query and its parameters. It has no order: over partitions the SDK can't page one that has."""
        since = format_timestamp(self.active_since) if self.active_since else None
        conditions, parameters = ['c.kind = "profile"'], dict[str, Any]()
        for name, condition, value in (
            ("email", "STRINGEQUALS(c.email, @email, true)", self.email),
            ("name", "STARTSWITH(c.name, @name, true)", self.name),
            ("status", "c.account_status = @status", self.account_status),
            ("risk", "c.risk_score >= @risk", self.min_risk_score),
            ("since", "c.last_activity >= @since", since),
        ):
            if value is not None:
                conditions.append(condition)
                parameters[name] = value
        where = " AND ".join(conditions)
        return f"SELECT * FROM c WHERE {where}", parameters  # noqa: S608  # no values


@dataclass(frozen=True)
class EmailHolding:
    """How an address is held that a profile shows.

    Attributes:
        claim: None where nobody holds it.
        rival: The other account that holds it; None where there is none, or it is gone.
    """

    email: str
    claim: Stored[EmailClaim] | None
    rival: UserProfile | None


class Accounts:
    """Finds and moderates accounts."""

    def __init__(self, database: Database, users: Users) -> None:
        self._container = database.users
        self._users = users
        self._claims = EmailClaims(database)
        self._roster = Roster(database)

    async def read(self, user_id: str) -> UserProfile:
        """An account as it is now, by one point read.

        Raises:
            NotFound: there is no such account.
            AccountClosed: it is deleted.
        """
        profile = await self._users.find(user_id)
        if profile is None:
            raise NotFound("user")
        return profile

    async def page(
        self, wanted: AccountFilter, limit: int, continuation: str | None
    ) -> tuple[list[UserProfile], str | None]:
        """One page of accounts, in no particular order, and the continuation of the next. Looks in all partitions."""
        query, parameters = wanted.query()
        rows, following = await full_page_of(self._container, query, parameters, limit, continuation, None)
        return [UserProfile.parse(row) for row in rows], following

    async def moderate(self, profile: UserProfile, action: ModerationAction, entry: AuditEntry) -> UserProfile:
        """Does something to an account that still is at the profile's revision, and records it in the same transaction.

        Takes effect in this process at once, and in all others within `STATUS_SECONDS`.

        Raises:
            NotFound: the account is gone.
            Stale: it has changed since.
            AccountClosed: it is an admin's, and the account of who does this is being closed itself.
            LastAdmin: it is an admin's, and no other active admin would be left.
        """
        actions = [done.model_dump(mode="json") for done in kept(profile.moderation_actions, action)]
        changes: dict[str, Any] = {"account_status": action.status_after, "moderation_actions": actions}
        if action.action == "note":
            changes["admin_notes"] = action.reason
        if not profile.is_admin or action.action == "note":
            return await self._write(profile, changes, entry)
        if action.status_after == "active":
            restored = await self._write(profile, changes, entry)
            await self._roster.reopen(profile.id)
            return restored
        await self._roster.begin_closing(profile.id, action.status_after, action.by, action.at)
        try:
            return await self._write(profile, changes, entry)
        except Stale:
            await self._roster.reopen(profile.id)
            raise

    async def set_limits(self, profile: UserProfile, override: LimitOverride, entry: AuditEntry) -> UserProfile:
        """Decides the limits of an account that still is at the profile's revision, recorded in the same transaction.

        Takes effect in this process at once, and in all others within `STATUS_SECONDS`.

        Raises:
            NotFound: the account is gone.
            Stale: it has changed since.
        """
        return await self._write(profile, {"limit_override": override.model_dump(mode="json")}, entry)

    async def begin_erasing_admin(self, user_id: str, by: str, now: datetime) -> None:
        """Strikes an admin off the roster whose account is about to be erased, for ever: that can end much later.

        Raises:
            AccountClosed: the account of who erases it is being closed itself.
            LastAdmin: no other active admin would be left.
        """
        await self._roster.begin_closing(user_id, "deleted", by, now)
        await self._roster.leave(user_id)

    async def email_holding(self, profile: UserProfile) -> EmailHolding:
        """How the address on a profile is held, by two point reads at most.

        Raises:
            WrongStatus: there is no address on it.
        """
        if profile.email is None:
            raise WrongStatus("move_email_claim", "without an email address")
        claim = await self._claims.read(profile.tenant_id, profile.email)
        is_others = claim is not None and claim.document.user_id != profile.id
        rival = await self._users.existing(claim.document.user_id) if claim and is_others else None
        return EmailHolding(profile.email, claim, rival)

    async def move_claim(
        self, profile: UserProfile, holding: EmailHolding, entry: AuditEntry, rivals_entry: AuditEntry | None
    ) -> UserProfile:
        """Gives the address on a profile to its user, and records it with whoever held it, too. Safe to be repeated.

        The account that loses the claim is written first. If the process dies on the way, the next token of either
        account finds who holds the claim.

        Raises:
            NotFound: one of the accounts is gone.
            Stale: one of them has changed since, or the claim has moved.
        """
        rival = holding.rival
        if rival is not None and rivals_entry is not None:
            shows_it = rival.email is not None and rival.email.casefold() == holding.email.casefold()
            await self._write(rival, {"email_status": "contested"} if shows_it else {}, rivals_entry)
        claim = EmailClaim.of(profile.tenant_id, holding.email, profile.id, entry.audited_at)
        await self._claims.move(holding.claim, claim)
        return await self._write(profile, {"email_status": "claimed"}, entry)

    async def _write(self, profile: UserProfile, changes: dict[str, Any], entry: AuditEntry) -> UserProfile:
        patch = [*set_fields(changes), {"op": "incr", "path": "/revision", "value": 1}]
        unchanged = f"FROM c WHERE c.revision = {profile.revision}"
        operations: list[Any] = [
            ("patch", (profile.id, patch), {"filter_predicate": unchanged}),
            ("create", (entry.body(),)),
        ]
        try:
            results = await transact(self._container, operations, profile.id)
        except Outrun as outrun:
            if outrun.why == "exists":  # the record: it is another one's
                raise
            raise (NotFound("user") if outrun.why == "gone" else Stale) from None
        written = UserProfile.parse(results[0]["resourceBody"])
        self._users.remember(written)
        return written
