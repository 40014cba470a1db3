"""Container `users`: the claims by which a username has one account."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from cosmos.core.database import Database, Item
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, delete, swap
from models.accounts.claims import UsernameClaim
from models.core.errors import NameTaken
from models.core.identity import username_claim_id_of

ABANDONED_AFTER = timedelta(minutes=2)
"""Longer than a request: a claim that its holder's profile does not show by then was left by one that was cut off."""


class Usernames:
    """Claims and releases usernames. Each claim is in a partition of its own."""

    def __init__(self, database: Database) -> None:
        self._container = database.users

    async def claim(self, username: str, user_id: str, now: datetime) -> None:
        """Claims a username; one that the user holds stays theirs.

        Raises:
            NameTaken: somebody else holds it.
        """
        claim = UsernameClaim.of(username, user_id, now)
        held = await read_or_none(self._container, claim.id, claim.id)
        abandoned = held is not None and held["user_id"] != user_id and await self._is_abandoned(held, now)

        def claimed(current: Item | None) -> Item | None:
            if current is None:
                return claim.body()
            if current["user_id"] == user_id:
                return None
            if not (abandoned and held and current["_etag"] == held["_etag"]):
                raise NameTaken("username")
            return claim.model_copy(update={"revision": current["revision"] + 1}).body()

        await swap(self._container, claim.id, claim.id, claimed)

    async def settle(self, before: str | None, user_id: str) -> None:
        """Lets a name go that the user held, unless their profile shows it (again)."""
        if before is None or await self._shown(user_id) == username_claim_id_of(before):
            return
        claim_id = username_claim_id_of(before)
        held = await read_or_none(self._container, claim_id, claim_id)
        if held is None or held["user_id"] != user_id:
            return
        with suppress(Outrun):  # it has gone to somebody meanwhile
            await delete(self._container, claim_id, claim_id, held["_etag"])

    async def _is_abandoned(self, held: Item, now: datetime) -> bool:
        claimed_at = UsernameClaim.parse(held).claimed_at
        return now - claimed_at > ABANDONED_AFTER and await self._shown(held["user_id"]) != held["id"]

    async def _shown(self, user_id: str) -> str | None:
        """The id of the claim of the name that a profile shows."""
        profile = await read_or_none(self._container, user_id, user_id, ["profile"])
        username = profile.get("username") if profile else None
        return username_claim_id_of(username) if username else None
