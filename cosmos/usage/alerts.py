"""From the change feed of `user_sessions`: alerts for users who come close to their limits.

The alert is created first, under an id that follows from what it says; then the allowance remembers it. What is lost in
between, or overtaken, comes again with the next change of the allowance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from pydantic import ValidationError

from cosmos.accounts.users import Users
from cosmos.core.database import Database, Item
from cosmos.core.swapping import Outrun, write_over
from cosmos.counting.counters import Counters
from models.accounts.limits import LimitTable, effective
from models.core.errors import AccountClosed
from models.counting.dead_letter import DeadLetter
from models.usage.alert import due
from models.usage.allowance import Allowance

USERS_AT_ONCE = 8

FORGOTTEN_TOGETHER = 64
"""Entries that no longer count are dropped by the next admission; of users without admissions, here, together."""


class Alerts:
    """Raises alerts, each once."""

    def __init__(self, database: Database, users: Users, counters: Counters, everybody: LimitTable) -> None:
        self._sessions = database.user_sessions
        self._alerts = database.user_analytics
        self._users = users
        self._counters = counters
        self._everybody = everybody

    async def sessions(self, items: Iterable[Item], now: datetime) -> None:
        """Looks at the allowances among the changes of `user_sessions`.

        Raises:
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again with the same.
        """
        slots = asyncio.Semaphore(USERS_AT_ONCE)

        async def one(item: Item) -> None:
            async with slots:
                await self._look_at(item, now)

        await asyncio.gather(*(one(item) for item in items if item.get("kind") == "allowance"))

    async def _look_at(self, item: Item, now: datetime) -> None:
        try:
            allowance = Allowance.parse(item)
        except ValidationError as error:
            names = sorted({str(part["loc"][0]) for part in error.errors() if part["loc"]})
            await self._counters.bury(DeadLetter.of("user_sessions", item, f"not valid: {', '.join(names)}", now))
            return
        try:
            profile = await self._users.recent(allowance.partition_key)
        except AccountClosed:
            return
        if profile is None:
            return
        alerts = due(allowance, effective(self._everybody, profile.limit_override, now), now)
        for alert in alerts:
            with suppress(Outrun):
                await write_over(self._alerts, alert.body(), None)
        if alerts or allowance.forgettable(now) >= FORGOTTEN_TOGETHER:
            kept = allowance.pruned(now)
            raised = kept.alerts | {alert.key: now for alert in alerts}
            with suppress(Outrun):
                await write_over(self._sessions, kept.model_copy(update={"alerts": raised}).body(), item["_etag"])
