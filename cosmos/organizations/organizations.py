"""Container `users`: organizations: made, changed, run, and never left without somebody who answers for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from azure.cosmos.exceptions import CosmosBatchOperationError

from cosmos.core.database import Database, Item
from cosmos.core.patching import require_revision
from cosmos.core.reading import read_or_none
from cosmos.core.status import CONFLICT
from cosmos.core.swapping import swap
from cosmos.organizations.naming import OrganizationNames
from cosmos.organizations.rights import Rights
from models.core.errors import KeyReused, LastOrganizationAdmin, NotFound
from models.core.revisions import Revisions
from models.organizations.member import Member
from models.organizations.organization import (
    ORGANIZATION_ID,
    Organization,
    OrganizationNameClaim,
    organization_partition,
)

MISSING = NotFound("organization")


class Organizations:
    """Reads and writes organizations. Whoever belongs to them is in `cosmos.organizations.members`."""

    def __init__(self, database: Database, rights: Rights) -> None:
        self._container = database.users
        self._rights = rights
        self._names = OrganizationNames(database)

    async def read(self, organization_id: str) -> Organization:
        """An organization as it is now, by one point read.

        Raises:
            NotFound: there is none, or it is deleted.
        """
        partition = organization_partition(organization_id)
        return _there(await read_or_none(self._container, ORGANIZATION_ID, partition, ["organization"]))

    async def all_of(self, organization_ids: list[str]) -> dict[str, Organization]:
        """Those of these organizations that are there, by their ids, as they were at most half a minute ago."""
        found = await asyncio.gather(*map(self._rights.organization, organization_ids))
        return {one.organization_id: one for one in found if one is not None and not one.is_deleted}

    async def make(self, organization: Organization, owner: Member, now: datetime) -> Organization:
        """Makes an organization together with its first member, who is its admin; their membership is still to come.

        Its name is claimed before. May be repeated.

        Raises:
            NameTaken: its name is another one's, within the same parent.
            KeyReused: another request made one under its id.
        """
        await self._names.claim(_claim(organization, now), now)
        operations: list[Any] = [("create", (organization.body(),)), ("create", (owner.body(),))]
        try:
            await self._container.execute_item_batch(operations, organization.partition_key)
        except CosmosBatchOperationError as error:
            if error.status_code != CONFLICT:
                raise
            known = await self.read(organization.organization_id)
            if known.request_hash != organization.request_hash:
                await self._names.settle(_claim(organization, now))
                raise KeyReused from None
            return known
        return organization

    async def edit(
        self, organization_id: str, expected: Revisions, changes: Mapping[str, Any], now: datetime
    ) -> Organization:
        """Changes fields of an organization that still is at a revision that its editor goes by.

        Raises:
            NotFound: there is none.
            Stale: it has been changed since.
            NameTaken: its new name is another one's.
            pydantic.ValidationError: it can't have these values together.
        """
        before = await self.read(organization_id)
        require_revision(before, expected)
        after = before.changed(now, **changes)
        renamed = _claim(after, now).id != _claim(before, now).id
        if renamed:
            await self._names.claim(_claim(after, now), now)

        def edited(known: Organization) -> Organization | None:
            require_revision(known, expected)
            if all(getattr(known, name) == value for name, value in changes.items()):
                return None
            return known.changed(now, **changes)

        try:
            return await self._written(organization_id, edited)
        finally:
            if renamed:
                await self._names.settle(_claim(after, now))
                await self._names.settle(_claim(before, now))

    async def delete(self, organization_id: str, expected: Revisions, now: datetime) -> None:
        """Deletes an organization; nobody may anything in it from then on. It can be restored for a while.

        Raises:
            NotFound: there is none.
            Stale: it has been changed since.
        """

        def deleted(known: Organization) -> Organization:
            require_revision(known, expected)
            return known.deleted(now)

        await self._names.settle(_claim(await self._written(organization_id, deleted), now))

    async def restore(self, organization_id: str, now: datetime) -> Organization:
        """Brings a deleted organization back; one that is there stays as it is.

        Raises:
            NotFound: there is none, or its time is over.
            NameTaken: its name is another one's by now.
        """
        partition = organization_partition(organization_id)
        item = await read_or_none(self._container, ORGANIZATION_ID, partition, ["organization"])
        if item is None:
            raise MISSING
        await self._names.claim(_claim(Organization.parse(item), now), now)

        def restored(held: Item | None) -> Item | None:
            known = Organization.parse(held) if held else None
            if known is None or (known.is_deleted and not known.restorable(now)):
                raise MISSING
            return known.restored(now).body() if known.is_deleted else None

        item = await swap(self._container, ORGANIZATION_ID, partition, restored)
        self._rights.forget_organization(organization_id)
        return _there(item)

    async def set_group(self, organization_id: str, group_id: str, role: str | None, now: datetime) -> Organization:
        """Has a group of the bound tenant give its members a role; None: no longer. May be repeated.

        Raises:
            NotFound: there is no such organization.
            pydantic.ValidationError: there are as many groups as there may be.
        """

        def changed(known: Organization) -> Organization | None:
            if known.group_roles.get(group_id) == role:
                return None
            others = {group: given for group, given in known.group_roles.items() if group != group_id}
            return known.changed(now, group_roles=others | ({group_id: role} if role else {}))

        return await self._written(organization_id, changed)

    async def join_admins(self, organization_id: str, user_id: str, now: datetime) -> None:
        """Notes an admin without an end. Their membership says so already."""

        def joined(known: Organization) -> Organization | None:
            return None if user_id in known.admin_ids else known.with_admins([*known.admin_ids, user_id], now)

        await self._written(organization_id, joined)

    async def leave_admins(self, organization_id: str, user_id: str, now: datetime, last: bool = False) -> None:
        """Strikes an admin off, before their membership says so.

        Args:
            last: Also if they are the last: only where their membership is over whatever becomes of it.

        Raises:
            LastOrganizationAdmin: nobody else would be left.
        """

        def left(known: Organization) -> Organization | None:
            others = [one for one in known.admin_ids if one != user_id]
            if len(others) == len(known.admin_ids):
                return None
            if not others and not last:
                raise LastOrganizationAdmin
            return known.with_admins(others, now)

        await self._written(organization_id, left)

    async def _written(
        self, organization_id: str, change: Callable[[Organization], Organization | None]
    ) -> Organization:
        def changed(held: Item | None) -> Item | None:
            after = change(_there(held))
            return after.body() if after else None

        partition = organization_partition(organization_id)
        item = await swap(self._container, ORGANIZATION_ID, partition, changed)
        self._rights.forget_organization(organization_id)
        return Organization.parse(item or {})


def _there(item: Item | None) -> Organization:
    organization = Organization.parse(item) if item else None
    if organization is None or organization.is_deleted:
        raise MISSING
    return organization


def _claim(organization: Organization, now: datetime) -> OrganizationNameClaim:
    return OrganizationNameClaim.of(organization, now)
