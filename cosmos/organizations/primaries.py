"""Container `users`: which of their organizations somebody mostly acts in: one, for as long as they belong to any.

The profile names it, and its membership says so: both are in the user's partition, and written in one transaction that
goes by what the profile named before. So of two choices at once one is made after the other.
"""

from __future__ import annotations

from typing import Any

from cosmos.core.database import Database, Item
from cosmos.core.paging import rows_of
from cosmos.core.patching import set_fields
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import repeat, transact
from models.core.errors import NotFound

_NONE = "(NOT IS_DEFINED(c.primary_organization_id) OR IS_NULL(c.primary_organization_id))"
_COUNTED: dict[str, Any] = {"op": "incr", "path": "/revision", "value": 1}


class Primaries:
    """Says which organization is somebody's primary one."""

    def __init__(self, database: Database) -> None:
        self._container = database.users

    async def choose(self, user_id: str, organization_id: str) -> None:
        """Makes an organization somebody's primary one, as they wish. May be repeated.

        Raises:
            NotFound: they do not belong to it.
        """
        await self._written(user_id, organization_id, None)

    async def settle(self, user_id: str, invited_by: str | None = None) -> None:
        """Has somebody's primary organization be one that they belong to: the one it was, else the oldest of theirs.

        This leaves the profile's revision as it is: no edit of its user is stale for it. May be repeated.

        Args:
            invited_by: Who brought them to their first one, which is kept on the profile.
        """
        await self._written(user_id, None, invited_by)

    async def _written(self, user_id: str, wanted: str | None, invited_by: str | None) -> None:

        async def written() -> None:
            profile = await read_or_none(self._container, user_id, user_id, ["profile"])
            query = 'SELECT * FROM c WHERE c.kind = "membership" AND c.status = "active" AND IS_NULL(c.deleted_at)'
            rows = await rows_of(self._container, query, {}, user_id)
            rows = sorted(rows, key=lambda row: (row["joined_at"], row["organization_id"]))
            ids = [row["organization_id"] for row in rows]
            if profile is None or wanted not in (None, *ids):
                raise NotFound("member")
            named = profile.get("primary_organization_id")
            chosen = wanted or (named if named in ids else next(iter(ids), None))
            operations = _operations(profile, rows, chosen, wanted is not None, invited_by)
            if operations:
                await transact(self._container, operations, user_id)

        await repeat("a primary organization", written)


def _operations(
    profile: Item, rows: list[Item], chosen: str | None, is_wish: bool, invited_by: str | None
) -> list[Any]:
    """What makes the profile and the memberships say so; nothing where they do."""
    named = profile.get("primary_organization_id")
    operations: list[Any] = []
    for row in rows:
        is_primary = row["organization_id"] == chosen
        if row["is_primary"] != is_primary:
            still = {"filter_predicate": 'FROM c WHERE c.status = "active"'}
            operations.append(("patch", (row["id"], [*set_fields({"is_primary": is_primary}), _COUNTED]), still))
    if not operations and named == chosen:
        return []
    fields: dict[str, Any] = {"primary_organization_id": chosen}
    if invited_by and profile.get("created_by_id") is None and named is None:
        fields["created_by_id"] = invited_by
    before = f'c.primary_organization_id = "{named}"' if named else _NONE
    guard = {"filter_predicate": f"FROM c WHERE c.kind = 'profile' AND {before}"}
    counted = [_COUNTED] if is_wish else []
    return [("patch", (profile["id"], [*set_fields(fields), *counted]), guard), *operations]
