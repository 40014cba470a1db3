"""Container `users`: invitations to organizations, each with the seat that it holds while it is open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cosmos.core.database import Database, Item
from cosmos.core.paging import full_page_of, rows_of
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, transact, written_over
from cosmos.organizations.members import seat_taken
from cosmos.organizations.organizations import Organizations
from models.core.errors import KeyReused, NotFound, SeatsTaken
from models.core.kinds import Names
from models.core.values import format_timestamp
from models.organizations.invitation import Invitation, InvitationNotice, InvitationStatus, address_partition
from models.organizations.member import SEAT_GIVEN_BACK
from models.organizations.organization import organization_partition

MISSING = NotFound("invitation")


class Invitations:
    """Writes, finds and ends invitations."""

    def __init__(self, database: Database, organizations: Organizations, names: Names) -> None:
        self._container = database.users
        self._organizations = organizations
        self._names = names

    def partition_for(self, email: str) -> str:
        """Where somebody finds invitations who signs in with an address."""
        return address_partition(email, self._names)

    async def invite(self, invitation: Invitation, now: datetime) -> Invitation:
        """Writes an invitation, together with the seat that it holds. The same request again makes one.

        Seats of invitations that have expired are free again, once somebody needs them.

        Raises:
            SeatsTaken: there is none left.
            NotFound: there is no such organization.
            KeyReused: another request made one under its id.
        """
        for tried in range(2):
            operations: list[Any] = [("create", (invitation.body(),)), seat_taken()]
            try:
                await transact(self._container, operations, invitation.partition_key)
                return invitation
            except Outrun as outrun:
                if outrun.why == "exists":
                    return await self._same(invitation)
            await self._organizations.read(invitation.organization_id)
            if tried or not await self.expire(invitation.organization_id, now):
                break
        raise SeatsTaken

    async def page(
        self, organization_id: str, limit: int, continuation: str | None
    ) -> tuple[list[Invitation], str | None]:
        """One page of an organization's invitations, the newest first."""
        query = 'SELECT * FROM c WHERE c.kind = "invitation" ORDER BY c.created_at DESC'
        partition = organization_partition(organization_id)
        rows, following = await full_page_of(self._container, query, {}, limit, continuation, partition)
        return [Invitation.parse(row) for row in rows], following

    async def notices(self, partition: str, now: datetime) -> list[InvitationNotice]:
        """The open invitations that somebody finds: under their user_id, or their address."""
        query = 'SELECT * FROM c WHERE c.kind = "invitation_notice"'
        found = map(InvitationNotice.parse, await rows_of(self._container, query, {}, partition))
        return [notice for notice in found if now < notice.expires_at]

    async def open_one(self, organization_id: str, invitation_id: str, now: datetime) -> tuple[Invitation, str]:
        """An open invitation, and its ETag.

        Raises:
            NotFound: there is none, or it is over.
        """
        found = await self._stored(organization_id, invitation_id)
        if found is None or not found[0].is_open(now):
            raise MISSING
        return found

    async def end(self, organization_id: str, invitation_id: str, status: InvitationStatus, now: datetime) -> None:
        """Ends an open invitation without anybody joining; its seat is free.

        Raises:
            NotFound: there is none that is open.
        """
        found = await self._stored(organization_id, invitation_id)
        if found is None or found[0].status != "open" or not await self._ended(*found, status, now):
            raise MISSING

    async def expire(self, organization_id: str, now: datetime) -> int:
        """Ends the invitations of an organization that have expired; how many there were."""
        query = 'SELECT * FROM c WHERE c.kind = "invitation" AND c.status = "open" AND c.expires_at <= @now'
        partition, parameters = organization_partition(organization_id), {"now": format_timestamp(now)}
        rows = await rows_of(self._container, query, parameters, partition)
        return sum([await self._ended(Invitation.parse(row), row["_etag"], "expired", now) for row in rows])

    async def _ended(self, invitation: Invitation, etag: str, status: InvitationStatus, now: datetime) -> bool:
        """Whether it could be: nobody else ended it meanwhile."""
        ended = invitation.ended(status, now)
        try:
            operations = [written_over(ended.body(), etag), SEAT_GIVEN_BACK]
            await transact(self._container, operations, invitation.partition_key)
        except Outrun:
            return False
        return True

    async def _same(self, invitation: Invitation) -> Invitation:
        found = await self._stored(invitation.organization_id, invitation.id)
        if found is None or found[0].request_hash != invitation.request_hash:
            raise KeyReused
        return found[0]

    async def _stored(self, organization_id: str, invitation_id: str) -> tuple[Invitation, str] | None:
        partition = organization_partition(organization_id)
        item: Item | None = await read_or_none(self._container, invitation_id, partition, ["invitation"])
        return (Invitation.parse(item), item["_etag"]) if item else None
