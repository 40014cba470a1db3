"""Which accounts stand out: by what was found in them, and by how much they ask. Looks in all partitions: staff ask."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from cosmos.core.database import Database, Item
from cosmos.core.paging import rows_everywhere
from cosmos.core.reading import read_or_none
from models.accounts.finding import Finding
from models.accounts.limits import NANO
from models.accounts.profile import UserProfile
from models.core.values import format_timestamp
from models.risk.judgement import flagged_for, score_of, weightiest
from models.risk.standing import BusyAccount, Flagged, moment_of, risk_score
from models.risk.thresholds import RiskSettings

ZONES = timedelta(hours=15)
"""A day of somebody's calendar begins at most so long before or after that of UTC."""


class Standings:
    """Lists of accounts, whole and in order. What is flagged, and what is busy, is few."""

    def __init__(self, database: Database, risk: RiskSettings) -> None:
        self._users = database.users
        self._analytics = database.user_analytics
        self._risk = risk

    async def flagged(self, month: str, now: datetime) -> list[Flagged]:
        """The accounts that are flagged as of a month, with their scores then, the highest first.

        Of the current month those of now, by their profiles. Of a past one those of its end, by what had been found by
        then: neither what is found later nor what decays later changes them, but a dismissal does.
        """
        at = moment_of(month, now)
        found = await (self._of_now(now) if at == now else self._as_of(at))
        return sorted(found, key=lambda one: (-one.score, one.profile.id))

    async def _of_now(self, now: datetime) -> list[Flagged]:
        """Found by an index on the scores as they were at the accounts' newest turns: they may have decayed since."""
        query = "SELECT * FROM c WHERE c.kind = 'profile' AND c.risk_score >= @least AND c.risk_judged_until >= @since"
        values = {"least": self._risk.flag_from, "since": format_timestamp(now - flagged_for(self._risk))}
        profiles = [UserProfile.parse(row) for row in await rows_everywhere(self._users, query, values)]
        scored = [
            Flagged(risk_score(profile, self._risk, now), profile, profile.abuse_evidence) for profile in profiles
        ]
        return [one for one in scored if one.score >= self._risk.flag_from]

    async def _as_of(self, at: datetime) -> list[Flagged]:
        """By the findings whose evidence ended before a time, one read of the profile for each account."""
        query = (
            "SELECT c.user_id, f AS found FROM c JOIN f IN c.history WHERE c.kind = 'risk_window' "
            "AND f.last_seen >= @since AND f.last_seen < @at"
        )
        values = {"since": format_timestamp(at - flagged_for(self._risk)), "at": format_timestamp(at)}
        found: dict[str, list[Finding]] = defaultdict(list)
        for row in await rows_everywhere(self._analytics, query, values):
            found[row["user_id"]].append(Finding.model_validate(row["found"]))
        flagged = []
        for user_id, findings in found.items():
            kept = weightiest(findings, self._risk)
            score = score_of(kept, self._risk, at)
            if score >= self._risk.flag_from and (profile := await self._profile(user_id)):
                flagged.append(Flagged(score, profile, [kept[rule] for rule in sorted(kept)]))
        return flagged

    async def _profile(self, user_id: str) -> UserProfile | None:
        """That of an account which is judged."""
        item = await read_or_none(self._users, user_id, user_id, ["profile"])
        profile = UserProfile.parse(item) if item else None
        return None if profile is None or profile.is_service else profile

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
        days: dict[str, list[Item]] = defaultdict(list)
        for row in await rows_everywhere(self._analytics, query, values):
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
