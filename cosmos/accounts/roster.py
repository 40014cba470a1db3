"""Container `users`: the roster of admins, by which the last of them who is active can't be shut out.

Accounts are in partitions of their own, so no transaction spans two of them. Whoever closes an admin's account writes
to the one roster first, under its ETag: of closings at once each sees those before it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cosmos.core.database import Database
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import repeat, write_over
from models.accounts.moderation import AccountStatus
from models.accounts.profile import UserProfile
from models.accounts.staff import ROSTER_ID, StaffRoster, is_active_admin
from models.core.errors import AccountClosed, LastAdmin


class Roster:
    """Reads and writes the roster."""

    def __init__(self, database: Database) -> None:
        self._container = database.users

    async def join(self, user_id: str) -> None:
        """Puts somebody down as an admin, once."""
        await self._change(lambda roster: roster.joined(user_id))

    async def leave(self, user_id: str) -> None:
        """Forgets somebody."""
        await self._change(lambda roster: roster.left(user_id))

    async def reopen(self, user_id: str) -> None:
        """Has an account that was about to be closed count as it is."""
        await self._change(lambda roster: roster.closed(user_id) if user_id in roster.closings else roster)

    async def begin_closing(self, user_id: str, status: AccountStatus, by: str, now: datetime) -> None:
        """Notes that an admin's account is about to be closed, for `CLOSING_LASTS`; to be called right before that.

        Args:
            by: The user_id of who closes it.

        Raises:
            AccountClosed: theirs is being closed itself.
            LastAdmin: no other active admin would be left.
            Contention: others wrote to the roster every time; call again.
        """

        async def begun() -> None:
            roster, etag = await self._read()
            if by != user_id and (own := roster.closing_of(by, now)):
                raise AccountClosed(own.status)
            if not await self._is_one_active(roster.who_may_be_left(user_id, now), now):
                raise LastAdmin
            await write_over(self._container, roster.closing(user_id, status, now).body(), etag)

        await repeat("the roster", begun)

    async def _is_one_active(self, user_ids: list[str], now: datetime) -> bool:
        for user_id in user_ids:
            item = await read_or_none(self._container, user_id, user_id, ["profile"])
            if item and is_active_admin(UserProfile.parse(item), now):
                return True
        return False

    async def _change(self, change: Callable[[StaffRoster], StaffRoster]) -> None:
        async def changed() -> None:
            roster, etag = await self._read()
            after = change(roster)
            if after is not roster:
                await write_over(self._container, after.body(), etag)

        await repeat("the roster", changed)

    async def _read(self) -> tuple[StaffRoster, str | None]:
        item = await read_or_none(self._container, ROSTER_ID, ROSTER_ID, ["staff_roster"])
        if item is None:
            return StaffRoster(), None
        return StaffRoster.parse(item), item["_etag"]
