"""Container `users`: what the directory says of a user, put on their profile."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cosmos.accounts.users import NOT_DELETED, Users
from cosmos.core.database import Database
from cosmos.core.patching import patch, set_fields
from cosmos.core.swapping import Outrun
from models.accounts.directory import DirectoryEntry, described
from models.accounts.profile import UserProfile
from models.core.values import format_timestamp


class Directory:
    """Writes the fields of profiles that come from the directory."""

    def __init__(self, database: Database, users: Users) -> None:
        self._container = database.users
        self._users = users

    async def begin(self, profile: UserProfile, now: datetime) -> UserProfile | None:
        """Notes on the profile that the directory is asked now; None if somebody else has noted that meanwhile.

        Of many sign-ins at once only one asks, and one whose process dies is repeated like one that failed.
        """
        last = profile.graph_attempted_at
        never = "NOT IS_DEFINED(c.graph_attempted_at) OR IS_NULL(c.graph_attempted_at)"
        same = f"c.graph_attempted_at = '{format_timestamp(last)}'" if last else never
        return await self._patch(profile, {"graph_attempted_at": format_timestamp(now)}, same)

    async def fill(self, profile: UserProfile, entry: DirectoryEntry, now: datetime) -> UserProfile | None:
        """Puts what the directory says on the profile; None if that was edited since it was read."""
        changes = described(profile, entry)
        synced = {"graph_synced_at": format_timestamp(now)}
        return await self._patch(profile, changes | synced, f"c.revision = {profile.revision}", counted=bool(changes))

    async def _patch(
        self, profile: UserProfile, values: dict[str, Any], condition: str, counted: bool = False
    ) -> UserProfile | None:
        operations = set_fields(values)
        if counted:
            operations.append({"op": "incr", "path": "/revision", "value": 1})
        try:
            item = await patch(self._container, profile.id, profile.id, operations, f"({condition}) AND {NOT_DELETED}")
        except Outrun as outrun:
            if outrun.why == "gone":
                raise
            return None
        written = UserProfile.parse(item)
        self._users.remember(written)
        return written
