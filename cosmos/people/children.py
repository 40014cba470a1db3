"""Container `users`: children who need a guardian's consent, and how often guardians read about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cosmos.core.database import Database
from cosmos.core.paging import page_of
from models.accounts.profile import UserProfile
from models.core.values import format_timestamp
from models.people.engagement import OPENS

PAGE = 100


class Children:
    """Finds children, whatever partition they are in."""

    def __init__(self, database: Database) -> None:
        self._container = database.users

    async def page(self, continuation: str | None) -> tuple[list[UserProfile], str | None]:
        """Some of those who need a guardian's consent, by an index over all partitions; a page may be empty."""
        query = 'SELECT * FROM c WHERE c.kind = "profile" AND c.parental_consent.required = true'
        rows, following = await page_of(self._container, query, {}, PAGE, continuation, None)
        return [UserProfile.parse(row) for row in rows], following

    async def opened(self, parent_id: str, child_ids: Iterable[str], since: datetime) -> int:
        """How often a guardian opened reports on their children: by one query for each."""
        acts = ", ".join(f'"{act}"' for act in OPENS)
        query = (
            'SELECT VALUE COUNT(1) FROM c WHERE c.kind = "audit" AND c.audited_at >= @since '  # noqa: S608  # no values
            f'AND c.actor_id = @parent AND c.by_right = "guardian" AND c.act IN ({acts})'
        )
        parameters: list[dict[str, Any]] = [
            {"name": "@since", "value": format_timestamp(since)},
            {"name": "@parent", "value": parent_id},
        ]
        opens = 0
        for child_id in child_ids:
            counts: Any = self._container.query_items(query, parameters=parameters, partition_key=child_id)
            opens += sum([count async for count in counts])
        return opens
