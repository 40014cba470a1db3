"""Container `user_analytics`: tells the accounts at an address that they are more than people's."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Item
from cosmos.core.paging import rows_everywhere
from cosmos.core.swapping import swap
from models.core.tombstone import is_tombstone
from models.core.values import format_timestamp
from models.risk.address_day import AddressDay
from models.risk.judgement import judged
from models.risk.thresholds import RiskSettings
from models.risk.together import Together, accounts_together, addresses, in_steps
from models.risk.window import RiskWindow, risk_window_id

ZONES = timedelta(hours=15)
"""A day of somebody's calendar begins at most so long before or after that of UTC."""


class Gatherings:
    """From an address to the accounts that were busy there.

    The platform's partition names none of them. They are found by their own days, in a query of all partitions, which
    nobody waits for, and which is needed only where an address has more accounts than people have.
    """

    def __init__(self, container: ContainerProxy, risk: RiskSettings) -> None:
        self._container = container
        self._risk = risk

    async def changed(self, item: Item, now: datetime) -> None:
        """Has each account know that it was one of too many, if it was. Safe to be repeated, and in any order.

        Raises:
            Contention: turns of an account came in all the while; call again with the same.
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again with the same.
        """
        place = AddressDay.parse(item)
        accounts = accounts_together(place.sums, self._risk.thresholds.suspicious_patterns)
        if not accounts:
            return
        for day in await self._days_at(place):
            if place.address in addresses(day["sums"]):
                seen = Together(
                    day=place.day,
                    accounts=accounts,
                    turns=in_steps(day["sums"][f"address:{place.address}"]),
                    first_seen=day["period_start"],
                    last_seen=day["period_end"],
                    revision=place.revision,
                )
                await self._tell_one(day["partition_key"], place.period_key, seen)

    async def _days_at(self, place: AddressDay) -> list[Item]:
        midnight = datetime.combine(datetime.fromisoformat(place.day), time(), UTC)
        query = (
            "SELECT c.partition_key, c.sums, c.period_start, c.period_end FROM c WHERE c.kind = 'rollup' "
            "AND c.analytics_period = 'daily' AND c.period_start >= @from AND c.period_start <= @to "
            "AND c.period_key = @day AND IS_DEFINED(c.sums[@address])"
        )
        values = {
            "from": format_timestamp(midnight - ZONES),
            "to": format_timestamp(midnight + ZONES),
            "day": place.day,
            "address": f"address:{place.address}",
        }
        return await rows_everywhere(self._container, query, values)

    async def _tell_one(self, user_id: str, place: str, seen: Together) -> None:
        def told(item: Item | None) -> Item | None:
            if item is None or is_tombstone(item):
                return None
            window = RiskWindow.parse(item)
            after = window.with_together(place, seen)
            if after is window:
                return None
            return judged(after, self._risk).model_copy(update={"revision": window.revision + 1}).body()

        await swap(self._container, risk_window_id(user_id), user_id, told)
