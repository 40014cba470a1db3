"""What withdrawn consents do to documents that are stored already: page by page, each safe to be repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from azure.cosmos.aio import ContainerProxy

from cosmos.accounts.users import Users
from cosmos.core.containers import expiry_of, retention_seconds
from cosmos.core.database import Database, Item
from cosmos.core.paging import page_of
from cosmos.core.patching import patch_if, set_fields
from cosmos.counting.counters import Counters
from cosmos.counting.rebuilding import Rebuilding
from models.accounts.consent import Consent
from models.accounts.profile import UserProfile
from models.accounts.profile_changes import ProfileChanges
from models.core.errors import AccountClosed, Contention, Stale
from models.core.revisions import Revisions
from models.core.write_policy import DAY, Privacy, seconds_left
from models.counting.fold import Source
from models.counting.ledger import LedgerEntry
from models.jobs.job import Job

DOCUMENTS_PER_PAGE = 100
PATCHES_AT_ONCE = 8
ATTEMPTS = 5
WRITING = timedelta(minutes=1)
"""A `ttl` begins when it is written, which is after it was worked out: what expires less than this late is in order."""

Withdrawable = Literal["analytics_consent", "data_retention_consent"]
"""The consents whose withdrawal changes what is stored already."""

Kept = Literal["user_interactions", "user_sessions", "user_bookmarks"]
"""The containers of what may count in analytics, or expire."""

AFFECTED: dict[Withdrawable, tuple[Kept, ...]] = {
    "analytics_consent": get_args(Kept),
    "data_retention_consent": ("user_interactions", "user_sessions"),
}
"""Where a withdrawal changes something. Bookmarks are the user's own, and stay until they are deleted."""

_QUERIES: dict[Kept, str] = {
    "user_interactions": "SELECT c.id, c._ts, c.ttl, c.analytics_consent, c.timestamp AS took_place FROM c"
    " WHERE c.kind = 'interaction'",
    "user_sessions": "SELECT c.id, c._ts, c.ttl, c.analytics_consent, c.last_activity AS took_place FROM c"
    " WHERE c.kind = 'session'",
    "user_bookmarks": "SELECT c.id, c._ts, c.analytics_consent FROM c WHERE c.kind = 'bookmark'",
}
_COUNTS = "NOT IS_DEFINED(c.analytics_consent) OR c.analytics_consent = true"
_COUNTED = "SELECT * FROM c WHERE c.kind = 'ledger' AND NOT STARTSWITH(c.source, 'rollup:')"


def privacy_with(text_key: bytes, days_without_consent: int = 30) -> Privacy:
    """What is kept without consents; with them, it is as long as `containers.json` says."""
    without, turns, sessions = days_without_consent * DAY, *map(retention_seconds, AFFECTED["data_retention_consent"])
    return Privacy(text_key, without, turns=turns or without, sessions=sessions or without)


Patch = tuple[list[dict[str, Any]], str]
"""Operations, and the condition that they are done under."""


@dataclass(frozen=True)
class Applied:
    """What a page came to: how many documents were changed, and where the next page is."""

    changed: int
    continuation: str | None


class Consents:
    """Withdraws consents."""

    def __init__(
        self, database: Database, users: Users, counters: Counters, rebuilding: Rebuilding, privacy: Privacy
    ) -> None:
        self._database = database
        self._users = users
        self._counters = counters
        self._rebuilding = rebuilding
        self._privacy = privacy

    async def is_withdrawn(self, user_id: str, consent: Consent, revision: int | None = None) -> bool | None:
        """Whether the user has withdrawn it, by the profile as it is now. Who has none, or is deleted, has not.

        Args:
            revision: Of the profile that withdrew it. None is returned if one is read that is older.
        """
        try:
            profile = await self._users.find(user_id)
        except AccountClosed:
            return False
        if profile is not None and profile.revision < (revision or 0):
            return None
        return profile is not None and not getattr(profile, consent)

    async def withdraw(
        self, profile: UserProfile, consent: Consent, now: datetime, promised: Callable[[UserProfile], Job]
    ) -> tuple[UserProfile, Job | None]:
        """The profile with a consent withdrawn, and the job that was written with it. Unchanged, if it is already.

        Args:
            promised: Makes the job, of the profile as it will be.

        Raises:
            Contention: others edited the profile all the while; try again.
            NotFound: it is gone.
        """
        for _ in range(ATTEMPTS):
            if not getattr(profile, consent):
                return profile, None
            jobs: list[Job] = []

            def promising(before: UserProfile, after: UserProfile, jobs: list[Job] = jobs) -> list[Job]:
                if getattr(before, consent) and not getattr(after, consent):
                    jobs.append(promised(after))
                return jobs

            try:
                changes = ProfileChanges.model_validate({consent: False})
                edited = await self._users.edit(profile.id, Revisions.of(profile.revision), changes, now, promising)
                return edited, jobs[0] if jobs else None
            except Stale:
                profile = await self._users.find(profile.id) or profile
        raise Contention(f"a profile was edited {ATTEMPTS} times while a consent was withdrawn")

    async def apply(
        self, user_id: str, consent: Withdrawable, container: Kept, continuation: str | None, now: datetime
    ) -> Applied:
        """Brings one page of what is stored in line with a consent that was withdrawn.

        Without consent to analytics it is stamped so, at a new revision, and the fold takes the difference. Without
        consent to retention it expires that long after it took place. Neither lets anything expire later.
        """
        items = _container(self._database, container)
        rows, following = await page_of(items, _QUERIES[container], {}, DOCUMENTS_PER_PAGE, continuation, user_id)
        slots = asyncio.Semaphore(PATCHES_AT_ONCE)

        async def one(row: Item) -> bool:
            expires = expiry_of(row, container)
            patch = (
                _uncounted(row, expires, now) if consent == "analytics_consent" else self._shortened(row, expires, now)
            )
            if patch is None:
                return False
            operations, condition = patch
            async with slots:
                return await patch_if(items, row["id"], user_id, operations, condition) is not None

        return Applied(sum(await asyncio.gather(*map(one, rows))), following)

    def _shortened(self, row: Item, expires: datetime | None, now: datetime) -> Patch | None:
        took_place = datetime.fromisoformat(row["took_place"])
        seconds = seconds_left(now, took_place + timedelta(seconds=self._privacy.without_consent))
        if expires is not None and expires <= now + timedelta(seconds=seconds) + WRITING:
            return None
        return set_fields({"ttl": seconds}), f"NOT IS_DEFINED(c.ttl) OR c.ttl > {seconds} OR c.ttl < 0"

    async def uncount(self, user_id: str, continuation: str | None, now: datetime) -> Applied:
        """Takes one page of what the ledger has applied out of the rollups: also what is not kept any more.

        Raises:
            Contention: others write the same rollups all the while; call again.
        """
        rows, following = await page_of(
            self._database.user_analytics, _COUNTED, {}, DOCUMENTS_PER_PAGE, continuation, user_id
        )
        entries = [entry for entry in map(LedgerEntry.parse, rows) if entry.applied]
        sources = [Source(entry.source, entry.source_revision, {}, ttl=entry.ttl) for entry in entries]
        await self._counters.fold(user_id, sources, now, again=True)
        return Applied(len(sources), following)

    async def empty(self, user_id: str, now: datetime) -> None:
        """Leaves in the rollups what the ledger has applied to them, and no more.

        Raises:
            Contention: some of them were written all the while; call again.
        """
        report = await self._rebuilding.rebuild(user_id, True, now, forgetting=True)
        if report.unsettled:
            raise Contention(f"{report.unsettled} rollups were written while they were emptied")


def _container(database: Database, name: Kept) -> ContainerProxy:
    containers = {
        "user_interactions": database.user_interactions,
        "user_sessions": database.user_sessions,
        "user_bookmarks": database.user_bookmarks,
    }
    return containers[name]


def _uncounted(row: Item, expires: datetime | None, now: datetime) -> Patch | None:
    if not row.get("analytics_consent", True):
        return None
    stamped: dict[str, Any] = {"analytics_consent": False}
    if expires is not None:
        stamped["ttl"] = seconds_left(now, expires)
    return [*set_fields(stamped), {"op": "incr", "path": "/revision", "value": 1}], _COUNTS
