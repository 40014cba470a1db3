"""Container `users`: the roles that organizations make for themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cosmos.core.database import Database
from cosmos.core.paging import rows_of
from cosmos.core.patching import at_revision, require_revision
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, transact, written_over
from cosmos.organizations.rights import Rights
from models.core.errors import KeyReused, NameTaken, NotFound, Stale
from models.core.revisions import Revisions
from models.organizations.organization import ORGANIZATION_ID, organization_partition
from models.organizations.role import Role, role_id

NO_ROLE = NotFound("role")


class Roles:
    """Makes and changes roles. What one gives is written on the organization, too, in the same transaction."""

    def __init__(self, database: Database, rights: Rights) -> None:
        self._container = database.users
        self._rights = rights

    async def all_of(self, organization_id: str) -> list[Role]:
        """An organization's own roles, by name."""
        query = 'SELECT * FROM c WHERE c.kind = "role" AND IS_NULL(c.deleted_at)'
        rows = await rows_of(self._container, query, {}, organization_partition(organization_id))
        return sorted((Role.parse(row) for row in rows), key=lambda role: role.name)

    async def read(self, organization_id: str, name: str) -> Role:
        """One of its own roles.

        Raises:
            NotFound: there is none.
        """
        item = await read_or_none(self._container, role_id(name), organization_partition(organization_id), ["role"])
        if item is None or item.get("deleted_at"):
            raise NO_ROLE
        return Role.parse(item)

    async def make(self, role: Role) -> Role:
        """Makes a role; the one that is there, if the same request made it before.

        Raises:
            KeyReused: there is another role of that name.
            NameTaken: there was one, which is deleted.
            NotFound: there is no such organization.
        """
        try:
            await self._write(role, ("create", (role.body(),)))
        except Outrun as outrun:
            if outrun.why == "gone":
                raise NO_ROLE from None
            try:
                known = await self.read(role.organization_id, role.name)
            except NotFound:
                raise NameTaken("name") from None
            if known.request_hash != role.request_hash:
                raise KeyReused from None
            return known
        return role

    async def delete(self, organization_id: str, name: str, expected: Revisions, now: datetime) -> None:
        """Deletes a role: whoever has it may nothing by it from then on. Its name is never another role's.

        So it needs nobody to be looked for who has it, and nobody gets by an old assignment what a new role gives.

        Raises:
            NotFound: there is none.
            Stale: it has been changed since.
        """
        partition = organization_partition(organization_id)
        held = await read_or_none(self._container, role_id(name), partition, ["role"])
        if held is None or held.get("deleted_at"):
            raise NO_ROLE
        known = Role.parse(held)
        require_revision(known, expected)
        gone = known.deleted(now).model_copy(update={"ttl": None})  # kept: its name is never another role's
        replacing = written_over(gone.body(), held["_etag"])
        removing: Any = ("patch", (ORGANIZATION_ID, [{"op": "remove", "path": f"/roles/{name}"}]))
        try:
            await transact(self._container, [replacing, removing], partition)
        except Outrun:
            raise Stale from None
        finally:
            self._rights.forget_organization(organization_id)

    async def replace(self, role: Role, expected: Revisions) -> Role:
        """Writes a role anew that still is at the revision before its own, by which its editor goes.

        Raises:
            NotFound: there is none.
            Stale: it has been changed since.
        """
        known = await self.read(role.organization_id, role.name)
        require_revision(known, expected)
        before = at_revision(Revisions.of(known.revision))
        values = [
            {"op": "set", "path": f"/{name}", "value": value}
            for name, value in role.body().items()
            if name in {"description", "permissions", "updated_at", "revision"}
        ]
        patch: Any = ("patch", (role.id, values), {"filter_predicate": f"FROM c WHERE {before}"})
        try:
            await self._write(role, patch)
        except Outrun as outrun:
            raise (NO_ROLE if outrun.why == "gone" else Stale) from None
        return role

    async def _write(self, role: Role, operation: Any) -> None:
        gives = [{"op": "set", "path": f"/roles/{role.name}", "value": list(role.permissions)}]
        try:
            await transact(self._container, [operation, ("patch", (ORGANIZATION_ID, gives))], role.partition_key)
        finally:
            self._rights.forget_organization(role.organization_id)
