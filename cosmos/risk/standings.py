"""Which accounts stand out: by what was found in them, and by how much they ask. Looks in all partitions: staff ask."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from cosmos.core.database import Database, Item
from models.accounts.limits import NANO
from models.accounts.profile import UserProfile
from models.core.values import format_timestamp
from models.risk.judgement import flagged_for
from models.risk.standing import BusyAccount, moment_of, risk_score
from models.risk.thresholds import RiskSettings

ZONES = timedelta(hours=15)
"""A day of somebody's calendar begins at most so long before or after that of UTC."""


class Standings:
    """Lists of accounts, whole and in order. What is flagged, and what is busy, is few."""

    def __init__(self, database: Database, risk: RiskSettings) -> None:
        self._users = database.users
        self._analytics = database.user_analytics
        self._risk = risk

    async def flagged(self, month: str, now: datetime) -> list[tuple[float, UserProfile]]:
        """The accounts that are flagged as of a month, with their scores then, the highest first.

        Found by an index on the scores as they were at the accounts' newest turns: those that may have been high enough
        then, and may not have decayed since.
        """
        at = moment_of(month, now)
        halvings = (now - at) / timedelta(days=self._risk.half_life_days)
        least, since = self._risk.flag_from * 0.5**halvings, format_timestamp(at - flagged_for(self._risk))
        query = "SELECT * FROM c WHERE c.kind = 'profile' AND c.risk_score >= @least AND c.risk_judged_until >= @since"
        parameters: list[dict[str, object]] = [{"name": "@least", "value": least}, {"name": "@since", "value": since}]
        found = [UserProfile.parse(item) async for item in self._users.query_items(query, parameters=parameters)]
        scored = [(risk_score(profile, self._risk, at), profile) for profile in found]
        flagged = [(score, profile) for score, profile in scored if score >= self._risk.flag_from]
        return sorted(flagged, key=lambda one: (-one[0], one[1].id))

    async def busy(self, month: str, least: int) -> list[BusyAccount]:
        """The accounts with days of at least so many turns in a month, those with the busiest day first.

        Days are the users' own. Turns of users without consent to analytics are in no rollup, and so not here.
        """
        start = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
        query = (
            "SELECT c.partition_key, c.period_key, c.total_interactions, c.sums.cost_nano_usd FROM c "
            "WHERE c.kind = 'rollup' AND c.analytics_period = 'daily' AND c.period_start >= @from "
            "AND c.period_start < @to AND STARTSWITH(c.period_key, @month) AND c.total_interactions >= @least"
        )
        values: dict[str, object] = {
            "from": format_timestamp(start - ZONES),
            "to": format_timestamp(start + timedelta(days=31) + ZONES),
            "month": month,
            "least": least,
        }
        parameters: list[dict[str, object]] = [{"name": f"@{name}", "value": value} for name, value in values.items()]
        days: dict[str, list[Item]] = defaultdict(list)
        async for row in self._analytics.query_items(query, parameters=parameters):
            days[row["partition_key"]].append(row)
        found = [_busy(user_id, of_user) for user_id, of_user in days.items()]
        return sorted(found, key=lambda one: (-one.peak_turns, one.user_id))


def _busy(user_id: str, days: list[Item]) -> BusyAccount:
    peak = max(days, key=lambda day: (day["total_interactions"], day["period_key"]))
    return BusyAccount(
        user_id=user_id,
        peak_day=peak["period_key"],
        peak_turns=peak["total_interactions"],
        busy_days=len(days),
        busy_turns=sum(day["total_interactions"] for day in days),
        busy_cost_usd=sum(day.get("cost_nano_usd", 0) for day in days) / NANO,
    )
