"""Container `users`: the names and addresses by which organizations show their members: those of the profiles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cachetools import LRUCache

from cosmos.core.database import Database, Item
from cosmos.core.patching import set_totals_if_newer
from cosmos.organizations.members import Members
from models.organizations.member import member_id
from models.organizations.organization import organization_partition

NAMES_REMEMBERED = 20_000
"""A profile changes with each turn that is counted on it, and its name hardly ever."""


class MemberNames:
    """Brings what organizations show of their members to what profiles say."""

    def __init__(self, database: Database, members: Members) -> None:
        self._container = database.users
        self._members = members
        self._shown: LRUCache[str, tuple[str, str | None]] = LRUCache(NAMES_REMEMBERED)

    async def bring(self, items: Iterable[Item], now: datetime) -> None:
        """Has the organizations of somebody show the name and the address that their profile shows. May be repeated.

        Raises:
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again.
        """
        for item in items:
            if item.get("kind") == "profile" and item.get("primary_organization_id"):
                await self._show(item)

    async def _show(self, profile: Item) -> None:
        user_id, shown = profile["id"], (profile["name"], profile.get("email"))
        if self._shown.get(user_id) == shown:
            return
        told = dict(zip(("name", "email"), shown, strict=True))
        for membership in await self._members.memberships(user_id):
            partition, revision = organization_partition(membership.organization_id), profile["revision"]
            await set_totals_if_newer(
                self._container, member_id(user_id), partition, told, revision, "profile_revision"
            )
        self._shown[user_id] = shown
