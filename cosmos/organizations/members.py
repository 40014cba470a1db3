"""Container `users`: who belongs to an organization.

A membership is in its member's partition, and is the authority. A member, in the organization's, is made in one
transaction with the seat that they take, and before the membership; it goes with the seat, and after the membership has
ended. What is cut off in between is done by the change feed, from either of the two documents: it may be done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from azure.core.exceptions import HttpResponseError

from cosmos.core.database import Database, Item
from cosmos.core.paging import full_page_of, rows_of
from cosmos.core.patching import patch_if, set_fields, set_totals_if_newer
from cosmos.core.reading import read_or_none
from cosmos.core.status import NOT_FOUND
from cosmos.core.swapping import Outrun, deleted, repeat, transact, written_over
from cosmos.organizations.organizations import Organizations
from cosmos.organizations.primaries import Primaries
from cosmos.organizations.rights import Rights
from models.core.errors import AccountClosed, NotFound, SeatsTaken
from models.core.tombstone import is_tombstone
from models.core.values import format_timestamp
from models.organizations.assignment import NewAssignment, RoleAssignment, assigned
from models.organizations.invitation import Invitation
from models.organizations.member import SEAT_GIVEN_BACK, Member, MemberStatus, member_id
from models.organizations.membership import Membership, MembershipStatus, membership_id
from models.organizations.organization import ORGANIZATION_ID, Organization, organization_partition
from models.organizations.roles import ADMIN


@dataclass(frozen=True)
class MemberFilter:
    """Which members to list; None asks for any."""

    role: str | None = None
    status: MemberStatus | None = None


class Members:
    """Has people join and leave, and lists who is there."""

    def __init__(self, database: Database, organizations: Organizations, rights: Rights, primaries: Primaries) -> None:
        self._container = database.users
        self._organizations = organizations
        self._rights = rights
        self._primaries = primaries

    async def membership(self, user_id: str, organization_id: str) -> Membership:
        """An active membership as it is now, by one point read.

        Raises:
            NotFound: there is none.
        """
        found = await self._membership(user_id, organization_id)
        if found is None or found.status != "active":
            raise NotFound("member")
        return found

    async def was_removed(self, user_id: str, organization_id: str) -> bool:
        """Whether somebody's last membership was ended by others."""
        found = await self._membership(user_id, organization_id)
        return found is not None and found.status == "removed"

    async def memberships(self, user_id: str) -> list[Membership]:
        """All active memberships of a user, by one query in their partition, the oldest first."""
        query = 'SELECT * FROM c WHERE c.kind = "membership" AND c.status = "active"'
        found = map(Membership.parse, await rows_of(self._container, query, {}, user_id))
        return sorted(found, key=lambda one: (one.joined_at, one.organization_id))

    async def page(
        self, organization_id: str, wanted: MemberFilter, limit: int, continuation: str | None
    ) -> tuple[list[Member], str | None]:
        """One page of members, those who joined first at first."""
        conditions, parameters = ['c.kind = "member"'], dict[str, Any]()
        for name, value in (("role", wanted.role), ("status", wanted.status)):
            if value is not None:
                conditions.append(f"c.{name} = @{name}")
                parameters[name] = value
        query = f"SELECT * FROM c WHERE {' AND '.join(conditions)} ORDER BY c.joined_at"  # noqa: S608  # no values
        partition = organization_partition(organization_id)
        rows, following = await full_page_of(self._container, query, parameters, limit, continuation, partition)
        return [Member.parse(row) for row in rows], following

    async def join(self, member: Member, now: datetime, invitation: tuple[Invitation, str] | None = None) -> Membership:
        """Makes somebody a member, who takes a seat, or that of the invitation that they accept. May be repeated.

        Args:
            invitation: As it is once it is accepted, and the ETag of what was read.

        Raises:
            SeatsTaken: there is none left.
            NotFound: there is no such organization, or the invitation is over.
            AccountClosed: the account is deleted.
        """
        organization_id = member.organization_id

        def operations() -> list[Any]:
            making = written_over(member.body(), None)
            if invitation:
                accepted, etag = invitation
                return [making, written_over(accepted.body(), etag)]
            return [making, seat_taken()] if member.holds_seat else [making]

        async def seated() -> Membership | None:
            try:
                await transact(self._container, operations(), member.partition_key)
            except Outrun as outrun:
                if outrun.why != "exists":
                    raise await self._why_not(organization_id, invitation is not None) from None
                there = await self._already(member, invitation)
                if there is None:
                    raise
                return there
            return None

        there = await repeat("a member", seated)
        if there is not None:
            return there
        return await self.complete(member, now)

    async def complete(self, member: Member, now: datetime) -> Membership:
        """Writes the membership of somebody who has their seat. May be repeated, by anybody.

        Raises:
            AccountClosed: the account is deleted; the seat is given back.
            NotFound: they have left since.
        """
        organization = await self._organizations.read(member.organization_id)
        await self._check_there(member)
        try:
            membership = await self._joined(member, organization, now)
        finally:
            self._rights.forget(member.user_id, member.organization_id)
        profile = await self._check_there(member)
        if membership.is_open_admin:
            await self._organizations.join_admins(member.organization_id, member.user_id, now)
        if profile is not None and profile.get("primary_organization_id") is None:
            await self._primaries.settle(member.user_id, member.created_by_id)
        await self._settled(member)
        return membership

    async def end(
        self, user_id: str, organization_id: str, status: MembershipStatus, now: datetime, last: bool = False
    ) -> None:
        """Ends a membership: what it gave ends at once, and the seat is free. May be repeated.

        Raises:
            NotFound: there is none.
            LastOrganizationAdmin: nobody else would answer for the organization.
        """
        known = await self._membership(user_id, organization_id)
        if known is None:
            raise NotFound("member")
        if known.status == "active":
            await self._organizations.leave_admins(organization_id, user_id, now, last)

        def ended(membership: Membership | None) -> tuple[Membership, None] | None:
            if membership is None or membership.status != "active":
                return None
            return membership.changed(now, status=status, assignments=[], grants=[], is_primary=False), None

        try:
            await self._swapped(user_id, organization_id, ended)
        finally:
            self._rights.forget(user_id, organization_id)
        await self.release(user_id, organization_id)
        if known.is_primary:
            await self._another_primary(user_id)
        if known.status != "active":
            raise NotFound("member")

    async def hand_over(self, organization_id: str, giver: str, taker: str, now: datetime) -> None:
        """Makes another member admin in one's own place. May be repeated.

        Raises:
            NotFound: the other is no member.
        """
        await self._made_admin(taker, organization_id, giver, now)
        await self._organizations.leave_admins(organization_id, giver, now)
        await self._no_admin(giver, organization_id, now)

    async def take_over(self, owner: Member, now: datetime) -> None:
        """Makes somebody the admin of an organization that has none; they take no seat. May be repeated.

        Raises:
            NotFound: there is no such organization.
            AccountClosed: the account is deleted.
        """
        await self.join(owner, now)
        await self._made_admin(owner.user_id, owner.organization_id, owner.user_id, now)

    async def release(self, user_id: str, organization_id: str) -> None:
        """Gives the seat back of somebody whose membership has ended, or was never written. May be repeated."""
        partition, item_id = organization_partition(organization_id), member_id(user_id)

        async def released() -> None:
            item = await read_or_none(self._container, item_id, partition, ["member"])
            if item is None:
                return
            membership = await self._membership(user_id, organization_id)
            if membership is not None and membership.status == "active":
                return
            freed = [SEAT_GIVEN_BACK] if item["holds_seat"] else []
            await transact(self._container, [deleted(item_id, item["_etag"]), *freed], partition)

        await repeat("a member", released)

    async def bring(self, items: Iterable[Item], now: datetime) -> None:
        """Does what was cut off, and brings members to what memberships say. May be repeated.

        Raises:
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again.
        """
        for item in items:
            if item.get("kind") == "member" and item["status"] == "joining":
                await self._go_on(item, now)
            elif item.get("kind") == "membership":
                await self._shown(item["partition_key"], item["organization_id"], now)

    async def _joined(self, member: Member, organization: Organization, now: datetime) -> Membership:
        """Writes the membership with its role, unless it is there."""

        def joined(known: Membership | None) -> tuple[Membership, RoleAssignment] | None:
            if known is None:
                return _membership(member, organization, None, now)
            if known.status == "active":
                return None
            if known.joined_at >= member.joined_at:
                raise NotFound("member")
            return _membership(member, organization, known, now)

        return await self._swapped(member.user_id, member.organization_id, joined)

    async def _swapped(
        self,
        user_id: str,
        organization_id: str,
        change: Callable[[Membership | None], tuple[Membership, RoleAssignment | None] | None],
    ) -> Membership:
        """Compare-and-swap of a membership, in one transaction with the assignments that it changes."""

        async def swapped() -> Membership:
            held = await read_or_none(self._container, membership_id(organization_id), user_id, ["membership"])
            known = Membership.parse(held) if held else None
            changed = change(known)
            if changed is None:
                if known is None:
                    raise NotFound("member")
                return known
            after, assignment = changed
            operations: list[Any] = [written_over(after.body(), held["_etag"] if held else None)]
            if assignment:
                operations.append(written_over(assignment.body(), None))
            if known is not None:
                operations += _of_assignments(known, after)
            await transact(self._container, operations, user_id)
            return after

        return await repeat("a membership", swapped)

    async def _go_on(self, item: Item, now: datetime) -> None:
        held = await read_or_none(self._container, item["id"], item["partition_key"], ["member"])
        if held is None or held["status"] != "joining":
            return
        member = Member.parse(held)
        try:
            await self.complete(member, now)
        except (NotFound, AccountClosed):
            await self.release(member.user_id, member.organization_id)

    async def _shown(self, user_id: str, organization_id: str, now: datetime) -> None:
        """The member as the membership says now; the seat is given back, and nobody an admin, where it has ended."""
        membership = await self._membership(user_id, organization_id)
        if membership is None:
            return
        if membership.status != "active":
            await self.release(user_id, organization_id)
            await self._another_primary(user_id)
        else:
            shown = {"role": membership.role, "section": membership.section}
            partition, item_id = organization_partition(organization_id), member_id(user_id)
            revision, counter = membership.revision, "source_revision"
            await set_totals_if_newer(self._container, item_id, partition, shown, revision, counter)
        if not membership.is_open_admin:
            try:
                await self._organizations.leave_admins(organization_id, user_id, now, last=True)
            except NotFound:  # the organization is gone
                return

    async def _another_primary(self, user_id: str) -> None:
        try:
            await self._primaries.settle(user_id)
        except NotFound:  # the account is gone
            return

    async def _already(self, member: Member, invitation: tuple[Invitation, str] | None) -> Membership | None:
        """The membership of somebody who is a member; None where a former one leaves a seat, which is free then."""
        user_id, organization_id = member.user_id, member.organization_id
        item = await read_or_none(self._container, member.id, member.partition_key, ["member"])
        if item is not None and item["status"] == "joining":
            return await self.complete(Member.parse(item), member.joined_at)
        found = await self._membership(user_id, organization_id)
        if found is None or found.status != "active":
            await self.release(user_id, organization_id)
            return None
        if invitation:
            accepted, etag = invitation
            with suppress(Outrun):
                over = written_over(accepted.body(), etag)
                await transact(self._container, [over, SEAT_GIVEN_BACK], member.partition_key)
        return found

    async def _why_not(self, organization_id: str, invited: bool) -> Exception:
        try:
            await self._organizations.read(organization_id)
        except NotFound as gone:
            return gone
        return NotFound("invitation") if invited else SeatsTaken()

    async def _check_there(self, member: Member) -> Item | None:
        """The profile. Of somebody whose account is being erased it gives the seat, and the membership, back."""
        item = await read_or_none(self._container, member.user_id, member.user_id)
        if item is None or not is_tombstone(item):
            return item
        try:
            await self._container.delete_item(membership_id(member.organization_id), member.user_id)
        except HttpResponseError as error:
            if error.status_code != NOT_FOUND:
                raise
        await self.release(member.user_id, member.organization_id)
        raise AccountClosed("deleted")

    async def _settled(self, member: Member) -> None:
        fields, joining = set_fields({"status": "active"}), 'c.status = "joining"'
        await patch_if(self._container, member.id, member.partition_key, fields, joining)

    async def _made_admin(self, user_id: str, organization_id: str, by: str, now: datetime) -> None:
        organization = await self._organizations.read(organization_id)
        wanted = NewAssignment(role=ADMIN, is_primary=True)
        admin = assigned(organization_id, user_id, wanted, by, now, today(organization.timezone, now))

        def made(known: Membership | None) -> tuple[Membership, RoleAssignment] | None:
            if known is None or known.status != "active":
                raise NotFound("member")
            if known.is_open_admin:
                return None
            return known.changed(now, assignments=known.with_admin(admin.held)), admin

        try:
            await self._swapped(user_id, organization_id, made)
        finally:
            self._rights.forget(user_id, organization_id)
        await self._organizations.join_admins(organization_id, user_id, now)

    async def _no_admin(self, user_id: str, organization_id: str, now: datetime) -> None:
        def left(known: Membership | None) -> tuple[Membership, None] | None:
            if known is None or not known.is_open_admin:
                return None
            return known.changed(now, assignments=known.without_admin()), None

        try:
            await self._swapped(user_id, organization_id, left)
        finally:
            self._rights.forget(user_id, organization_id)

    async def _membership(self, user_id: str, organization_id: str) -> Membership | None:
        item = await read_or_none(self._container, membership_id(organization_id), user_id, ["membership"])
        return Membership.parse(item) if item else None


def seat_taken() -> Any:
    """An operation of a batch in the organization's partition: it fails where there is no seat left.

    A new one each time: the SDK takes the condition out of it.
    """
    there = "c.kind = 'organization' AND IS_NULL(c.deleted_at)"
    left = "(IS_NULL(c.seat_limit) OR c.seats_used < c.seat_limit)"
    taking = [{"op": "incr", "path": "/seats_used", "value": 1}]
    return ("patch", (ORGANIZATION_ID, taking), {"filter_predicate": f"FROM c WHERE {there} AND {left}"})


def today(zone: str, now: datetime) -> date:
    """The day in an organization's calendar."""
    return now.astimezone(ZoneInfo(zone)).date()


def _membership(
    member: Member, organization: Organization, before: Membership | None, now: datetime
) -> tuple[Membership, RoleAssignment]:
    wanted = NewAssignment(role=member.role, effective_to=member.role_until, is_primary=True)
    day = today(organization.timezone, member.joined_at)
    given = assigned(member.organization_id, member.user_id, wanted, member.created_by_id, now, day)
    membership = Membership(
        id=membership_id(member.organization_id),
        partition_key=member.user_id,
        revision=before.revision + 1 if before else 1,
        created_at=before.created_at if before else now,
        updated_at=now,
        user_id=member.user_id,
        organization_id=member.organization_id,
        organization_type=organization.organization_type,
        joined_at=member.joined_at,
        invited_by=member.created_by_id,
        section=member.section,
        assignments=[given.held],
        mentions=[member.created_by_id] if member.created_by_id else [],
    )
    return membership, given


def _of_assignments(before: Membership, after: Membership) -> list[Any]:
    """What becomes of the assignments that a membership holds copies of, when these are other, or gone."""
    now, held = after.updated_at, {one.assignment_id: one for one in after.assignments}
    operations: list[Any] = []
    for one in before.assignments:
        kept = held.get(one.assignment_id)
        if kept == one:
            continue
        fields: dict[str, Any] = {"updated_at": format_timestamp(now)}
        if kept is None:
            fields |= {"revoked_at": format_timestamp(now), "revoked_on": now.date().isoformat()}
        else:
            fields["is_primary"] = kept.is_primary
        counted = {"op": "incr", "path": "/revision", "value": 1}
        operations.append(("patch", (one.assignment_id, [*set_fields(fields), counted])))
    return operations
