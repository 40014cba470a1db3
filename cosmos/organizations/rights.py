"""What somebody may in an organization: two documents, by point reads, kept for a short while."""

from __future__ import annotations

import asyncio
from datetime import datetime

from cachetools import TTLCache

from cosmos.core.database import Database
from cosmos.core.groups import Groups
from cosmos.core.reading import read_or_none
from models.accounts.profile import CurrentRoles
from models.core.rights import Held, Place, Target
from models.organizations.membership import Membership, membership_id
from models.organizations.organization import ORGANIZATION_ID, Organization, organization_partition

RIGHTS_SECONDS = 30
"""How long a process may go on with what it has read: a right that another process takes ends within this time."""

REMEMBERED = 20_000


class Rights:
    """Reads what a decision on an organization's members goes by: their membership, and the organization.

    Its cost does not depend on how many members there are. What this process itself has written is never decided past:
    `forget` goes before, and keeps what is being read at the time from being remembered.
    """

    def __init__(self, database: Database) -> None:
        self._container = database.users
        self._organizations: TTLCache[str, Organization | None] = TTLCache(REMEMBERED, RIGHTS_SECONDS)
        self._memberships: TTLCache[tuple[str, str], Membership | None] = TTLCache(REMEMBERED, RIGHTS_SECONDS)
        self._forgotten = 0

    async def place(self, user_id: str, organization_id: str, groups: Groups | None = None) -> Place | None:
        """An organization as somebody stands in it; None if there is none. Both reads go out at once.

        Args:
            groups: Of their directory. They count for members, where the organization has bound that tenant.

        Raises:
            azure.core.exceptions.AzureError: it could not be told; nobody has a right then.
        """
        organization, membership = await asyncio.gather(
            self.organization(organization_id), self.membership(user_id, organization_id)
        )
        if organization is None or organization.is_deleted:
            return None
        target = Target(organization=organization_id, switched_off=not organization.is_active)
        standing = membership.standing(organization) if membership else None
        if standing is not None:
            standing = standing.plus(await by_groups(organization, groups))
        return Place(target, standing, organization.timezone)

    async def organization(self, organization_id: str) -> Organization | None:
        """An organization as it was at most `RIGHTS_SECONDS` ago."""
        if organization_id in self._organizations:
            return self._organizations[organization_id]
        asked = self._forgotten
        item = await read_or_none(
            self._container, ORGANIZATION_ID, organization_partition(organization_id), ["organization"]
        )
        found = Organization.parse(item) if item else None
        if asked == self._forgotten and found is not None:
            self._organizations[organization_id] = found
        return found

    async def membership(self, user_id: str, organization_id: str) -> Membership | None:
        """Somebody's membership of an organization, over or not, as it was at most `RIGHTS_SECONDS` ago."""
        key = (user_id, organization_id)
        if key in self._memberships:
            return self._memberships[key]
        asked = self._forgotten
        item = await read_or_none(self._container, membership_id(organization_id), user_id, ["membership"])
        found = Membership.parse(item) if item else None
        if asked == self._forgotten and found is not None:
            self._memberships[key] = found
        return found

    async def current_roles(self, user_id: str, organization_id: str | None, now: datetime) -> CurrentRoles:
        """The roles that somebody has in an organization today, as they were at most `RIGHTS_SECONDS` ago."""
        if organization_id is None:
            return CurrentRoles()
        organization, membership = await asyncio.gather(
            self.organization(organization_id), self.membership(user_id, organization_id)
        )
        if organization is None or organization.is_deleted or membership is None or membership.status != "active":
            return CurrentRoles()
        return membership.current_roles(organization.day(now))

    def forget(self, user_id: str, organization_id: str) -> None:
        """Whoever has written a membership says so: it is read anew."""
        self._forgotten += 1
        self._memberships.pop((user_id, organization_id), None)

    def forget_organization(self, organization_id: str) -> None:
        """Whoever has written an organization says so: it is read anew."""
        self._forgotten += 1
        self._organizations.pop(organization_id, None)


async def by_groups(organization: Organization, groups: Groups | None) -> tuple[Held, ...]:
    """What an organization's member has by the groups of their directory. Nobody is asked where these give nothing."""
    if groups is None or not organization.group_roles or groups.tenant_id != organization.bound_tenant_id:
        return ()
    return organization.given_by(await groups.among(organization.group_roles))
