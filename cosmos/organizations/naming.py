"""Container `users`: the claims by which a name has one organization within its parent."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from cosmos.core.database import Database, Item
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, delete, swap
from models.core.errors import NameTaken
from models.organizations.organization import ORGANIZATION_ID, OrganizationNameClaim, organization_partition

ABANDONED_AFTER = timedelta(minutes=2)
"""Longer than a request: a claim whose organization does not show it by then was left by one that was cut off."""


class OrganizationNames:
    """Claims and releases names. Each claim is in a partition of its own."""

    def __init__(self, database: Database) -> None:
        self._container = database.users

    async def claim(self, claim: OrganizationNameClaim, now: datetime) -> None:
        """Claims a name for an organization; one that it holds stays its own.

        Raises:
            NameTaken: another one holds it.
        """
        held = await read_or_none(self._container, claim.id, claim.id)
        abandoned = held is not None and await self._is_abandoned(held, now)

        def claimed(current: Item | None) -> Item | None:
            if current is None:
                return claim.body()
            if current["organization_id"] == claim.organization_id:
                return None
            if not (abandoned and held and current["_etag"] == held["_etag"]):
                raise NameTaken("name")
            return claim.model_copy(update={"revision": current["revision"] + 1}).body()

        await swap(self._container, claim.id, claim.id, claimed)

    async def settle(self, claim: OrganizationNameClaim) -> None:
        """Lets a name go that an organization held, unless it shows it (again)."""
        if await self._shown(claim.organization_id) == claim.id:
            return
        held = await read_or_none(self._container, claim.id, claim.id)
        if held is None or held["organization_id"] != claim.organization_id:
            return
        with suppress(Outrun):  # it has gone to another meanwhile
            await delete(self._container, claim.id, claim.id, held["_etag"])

    async def _is_abandoned(self, held: Item, now: datetime) -> bool:
        claimed_at = OrganizationNameClaim.parse(held).claimed_at
        return now - claimed_at > ABANDONED_AFTER and await self._shown(held["organization_id"]) != held["id"]

    async def _shown(self, organization_id: str) -> str | None:
        """The id of the claim of the name that an organization has."""
        partition = organization_partition(organization_id)
        item = await read_or_none(self._container, ORGANIZATION_ID, partition, ["organization"])
        if item is None or item.get("deleted_at"):
            return None
        return OrganizationNameClaim.id_of(item["parent_organization_id"], item["organization_type"], item["name"])
