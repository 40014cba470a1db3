"""Container `users`: the roles and grants of members: each written with its copy on the membership, in one transaction.

The membership's ETag guards them all. So of two changes at once the second sees the first, and whoever goes by a
revision that is over is told so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from cosmos.core.database import Database, Item
from cosmos.core.paging import rows_of
from cosmos.core.patching import require_revision
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import repeat, transact, written_over
from cosmos.organizations.organizations import Organizations
from cosmos.organizations.rights import Rights
from models.accounts.audit import AuditEntry
from models.core.errors import KeyReused, NotFound
from models.core.revisions import Revisions
from models.organizations.assignment import PermissionGrant, RoleAssignment, grant_id
from models.organizations.membership import HeldRole, Membership, membership_id
from models.organizations.roles import Permission

NO_MEMBER = NotFound("member")
NO_ASSIGNMENT = NotFound("role assignment")


@dataclass(frozen=True)
class Member:
    """Whose roles are written, and how.

    Attributes:
        today: In the organization's calendar.
        expected: Revisions of the membership that whoever writes goes by; None goes by whatever is there.
        check: Raises what is to be told to who may not act on this member.
    """

    user_id: str
    organization_id: str
    today: date
    now: datetime
    expected: Revisions | None = None
    check: Callable[[Membership], None] = field(default=lambda membership: None)


@dataclass(frozen=True)
class _Written:
    """What a change makes of a membership, with further operations of its transaction."""

    membership: Membership
    operations: list[Any]


_Change = Callable[[Membership], Awaitable[_Written | None]]


class Assignments:
    """Gives roles and permissions to members, and takes them away."""

    def __init__(self, database: Database, organizations: Organizations, rights: Rights) -> None:
        self._container = database.users
        self._organizations = organizations
        self._rights = rights

    async def give(self, member: Member, assignment: RoleAssignment, entry: AuditEntry) -> tuple[RoleAssignment, int]:
        """Gives a member a role; the assignment as it is then, and the membership's revision.

        May be repeated, if the assignment has the hash of its request, and an id that follows from it.

        Raises:
            NotFound: they are no member.
            Stale: their roles have been changed since.
            KeyReused: another request made an assignment under this id.
            pydantic.ValidationError: they have as many roles as one can have.
        """
        made = assignment

        async def given(membership: Membership) -> _Written | None:
            nonlocal made
            known = await self._assignment(member, assignment.id) if assignment.request_hash else None
            if known is not None:
                made = known
                if known.request_hash != assignment.request_hash:
                    raise KeyReused
                return None
            held = _running(membership.assignments, member.today)
            first = not any(one.is_primary for one in held)
            made = assignment.model_copy(update={"is_primary": assignment.is_primary or first})
            operations: list[Any] = [("create", (made.body(),)), ("create", (entry.body(),))]
            if made.is_primary:
                held, dethroned = _without_primary(held)
                operations += dethroned
            after = [*held, *_running([made.held], member.today)]
            return _Written(membership.changed(member.now, assignments=after), operations)

        return made, (await self._write(member, given)).revision

    async def change(
        self, member: Member, assignment_id: str, changes: Mapping[str, Any], entry: AuditEntry
    ) -> tuple[RoleAssignment, int]:
        """Changes an assignment that has not been revoked; it, and the membership's revision.

        Raises:
            NotFound: there is none, or it is revoked.
            Stale: the member's roles have been changed since.
            pydantic.ValidationError: it can't have these values together.
        """
        after: RoleAssignment | None = None

        async def changed(membership: Membership) -> _Written:
            nonlocal after
            before = await self._assignment(member, assignment_id)
            if before is None or before.revoked_at is not None:
                raise NO_ASSIGNMENT
            after = before.changed(member.now, **changes)
            held = [one for one in membership.assignments if one.assignment_id != assignment_id]
            operations: list[Any] = [("replace", (assignment_id, after.body())), ("create", (entry.body(),))]
            if after.is_primary:
                held, dethroned = _without_primary(held)
                operations += dethroned
            running = _running([*held, after.held], member.today)
            return _Written(membership.changed(member.now, assignments=running), operations)

        membership = await self._write(member, changed)
        if after is None:
            raise NO_ASSIGNMENT
        return after, membership.revision

    async def revoke(self, member: Member, assignment_id: str, entry: AuditEntry) -> None:
        """Takes a role away, at once; one that is revoked stays so.

        Raises:
            NotFound: there is no such assignment.
        """

        async def revoked(membership: Membership) -> _Written | None:
            before = await self._assignment(member, assignment_id)
            if before is None:
                raise NO_ASSIGNMENT
            if before.revoked_at is not None:
                return None
            after = before.changed(member.now, revoked_at=member.now, revoked_on=member.today, is_primary=False)
            held = [one for one in membership.assignments if one.assignment_id != assignment_id]
            operations: list[Any] = [("replace", (assignment_id, after.body())), ("create", (entry.body(),))]
            running = _running(held, member.today)
            return _Written(membership.changed(member.now, assignments=running), operations)

        await self._write(member, revoked)

    async def grant(self, member: Member, grant: PermissionGrant, entry: AuditEntry) -> PermissionGrant:
        """Gives a member a permission; given again, it is one, with its new last day.

        Raises:
            NotFound: they are no member.
            pydantic.ValidationError: they have as many grants as one can have.
        """
        after = grant

        async def granted(membership: Membership) -> _Written | None:
            nonlocal after
            known = await self._grant(member, grant.permission)
            if known and not known.is_deleted and known.effective_to == grant.effective_to:
                after = known
                return None
            after = grant.over(known) if known else grant
            held = [one for one in membership.grants if one.permission != grant.permission]
            operations: list[Any] = [("upsert", (after.body(),)), ("create", (entry.body(),))]
            return _Written(membership.changed(member.now, grants=[*held, after.held]), operations)

        await self._write(member, granted)
        return after

    async def withdraw(self, member: Member, permission: Permission, entry: AuditEntry) -> None:
        """Takes a permission away, at once; one that they do not have stays away.

        Raises:
            NotFound: they are no member.
        """

        async def withdrawn(membership: Membership) -> _Written | None:
            known = await self._grant(member, permission)
            if known is None or known.is_deleted:
                return None
            gone = known.deleted(member.now)
            held = [one for one in membership.grants if one.permission != permission]
            operations: list[Any] = [("replace", (gone.id, gone.body())), ("create", (entry.body(),))]
            return _Written(membership.changed(member.now, grants=held), operations)

        await self._write(member, withdrawn)

    async def role_of(self, member: Member, assignment_id: str) -> str:
        """Which role an assignment gives.

        Raises:
            NotFound: there is no such assignment.
        """
        found = await self._assignment(member, assignment_id)
        if found is None:
            raise NO_ASSIGNMENT
        return found.role

    async def all_of(self, user_id: str) -> tuple[list[RoleAssignment], list[PermissionGrant], list[Membership]]:
        """What somebody was given anywhere, over or not, and their memberships: by one query of their partition."""
        query = (
            'SELECT * FROM c WHERE c.kind IN ("role_assignment", "permission_grant", "membership") '
            "AND IS_NULL(c.deleted_at)"
        )
        rows = await rows_of(self._container, query, {}, user_id)
        of_kind = {name: [row for row in rows if row["kind"] == name] for name in {row["kind"] for row in rows}}
        return (
            [RoleAssignment.parse(row) for row in of_kind.get("role_assignment", [])],
            [PermissionGrant.parse(row) for row in of_kind.get("permission_grant", [])],
            [Membership.parse(row) for row in of_kind.get("membership", [])],
        )

    async def _assignment(self, member: Member, assignment_id: str) -> RoleAssignment | None:
        item = await read_or_none(self._container, assignment_id, member.user_id, ["role_assignment"])
        if item is None or item["tenant_id"] != member.organization_id:
            return None
        return RoleAssignment.parse(item)

    async def _grant(self, member: Member, permission: Permission) -> PermissionGrant | None:
        item = await read_or_none(
            self._container, grant_id(member.organization_id, permission), member.user_id, ["permission_grant"]
        )
        return PermissionGrant.parse(item) if item else None

    async def _membership(self, member: Member) -> tuple[Membership, Item]:
        item = await read_or_none(
            self._container, membership_id(member.organization_id), member.user_id, ["membership"]
        )
        membership = Membership.parse(item) if item else None
        if item is None or membership is None or membership.status != "active" or membership.is_deleted:
            raise NO_MEMBER
        return membership, item

    async def _write(self, member: Member, change: _Change) -> Membership:
        """Writes a membership with what goes with it, if nobody else has written it meanwhile; else again.

        Who answers for the organization is on its list of admins: it is left before the membership says so, and joined
        after. So the list never names somebody who may be none any more.

        What `change` reads it reads after the membership: so whatever others wrote before is in it, and whatever they
        write from then on has the membership changed.
        """

        async def changed() -> Membership:
            before, item = await self._membership(member)
            member.check(before)
            if member.expected is not None:
                require_revision(before, member.expected)
            written = await change(before)
            if written is None:
                return before
            user_id, organization_id = member.user_id, member.organization_id
            if before.is_open_admin and not written.membership.is_open_admin:
                await self._organizations.leave_admins(organization_id, user_id, member.now)
            operations = [written_over(written.membership.body(), item["_etag"]), *written.operations]
            try:
                await transact(self._container, operations, member.user_id)
            finally:  # also where it is not known whether it was written
                self._rights.forget(user_id, organization_id)
            if written.membership.is_open_admin and not before.is_open_admin:
                await self._organizations.join_admins(organization_id, user_id, member.now)
            return written.membership

        return await repeat("a membership", changed)


def _running(held: list[HeldRole], today: date) -> list[HeldRole]:
    """Those that have not ended: the others are history, and documents of their own alone."""
    return [one for one in held if one.effective_to is None or one.effective_to >= today]


def _without_primary(held: list[HeldRole]) -> tuple[list[HeldRole], list[Any]]:
    """Roles of which none is the primary one, with the patches of the assignments that were."""
    patches: list[Any] = []
    for one in (one for one in held if one.is_primary):
        operations = [
            {"op": "set", "path": "/is_primary", "value": False},
            {"op": "incr", "path": "/revision", "value": 1},
        ]
        patches.append(("patch", (one.assignment_id, operations)))
    return [one.model_copy(update={"is_primary": False}) for one in held], patches
