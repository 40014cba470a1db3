"""Container `user_analytics`: what the rollups of the platform say, read without looking at any user's documents."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from cosmos.analytics.questions import Questions
from cosmos.core.database import Database
from cosmos.core.paging import rows_of
from cosmos.core.reading import read_or_none
from models.accounts.profile import UserProfile
from models.analytics.insights import GrowthMetrics, HighRiskUser, Insights, PlatformHealth, risk_score
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.pseudonyms import PLATFORM, Pseudonyms
from models.analytics.rollup import Rollup
from models.analytics.user_group import UserGroup
from models.core.values import format_timestamp
from models.counting.bucket import Bucket, Sums, bucket_id
from models.counting.bucket_document import Counted
from models.risk.judgement import flagged_for
from models.risk.thresholds import RiskSettings

RISKY_USERS = 20
CANDIDATES = 200
QUESTIONS = 20
COHORT_WEEKS = 12
USERS_AT_ONCE = 100

C = TypeVar("C", bound=Counted)


class PlatformInsights:
    """Reads what is counted of the platform."""

    def __init__(self, database: Database, risk: RiskSettings, pseudonyms: Pseudonyms) -> None:
        self._analytics = database.user_analytics
        self._users = database.users
        self._risk = risk
        self.questions = Questions(database, pseudonyms)

    async def insights(self, month: str, now: datetime) -> Insights:
        """The four blocks, for a month of UTC such as `2026-11`."""
        last = min(_end_of(month), now.date() + timedelta(days=1))
        first = last - timedelta(weeks=COHORT_WEEKS)
        rollup, users, cohorts, flagged = await asyncio.gather(
            self._read(PlatformRollup, Bucket("utc_monthly", month)),
            self._users_until(month),
            self._range(UserGroup, Bucket("cohort", first.isoformat()), Bucket("cohort", last.isoformat())),
            self.flagged(as_of(month, now)),
        )
        risky, theirs, questions = await asyncio.gather(
            self._described(flagged, RISKY_USERS, month, now),
            self._use_of(list(flagged), month),
            self.questions.common(month, QUESTIONS, list(flagged)),
        )
        return Insights(
            month=month,
            as_of=rollup.last_updated if rollup else None,
            high_risk_users=risky,
            platform_health=PlatformHealth.of(rollup, len(flagged), theirs),
            common_questions=questions,
            growth_metrics=GrowthMetrics.of(rollup, cohorts, users, now),
        )

    async def periods(self, first: Bucket, last: Bucket) -> list[PlatformRollup]:
        """The platform's rollups from one to another of the same period, in order of time."""
        return await self._range(PlatformRollup, first, last)

    async def high_risk_users(self, limit: int, month: str, now: datetime) -> list[HighRiskUser]:
        """The accounts that are flagged, the highest scores first, with their days and months."""
        return await self._described(await self.flagged(as_of(month, now)), limit, month, now)

    async def _described(
        self, flagged: dict[str, UserProfile], limit: int, month: str, now: datetime
    ) -> list[HighRiskUser]:
        scores = {profile.id: risk_score(profile, self._risk, as_of(month, now)) for profile in flagged.values()}

        async def described(profile: UserProfile) -> HighRiskUser:
            day, monthly = await asyncio.gather(
                self._last_day(profile.id),
                read_or_none(self._analytics, bucket_id(profile.id, Bucket("monthly", month)), profile.id),
            )
            return HighRiskUser.of(profile, scores[profile.id], day, Rollup.parse(monthly) if monthly else None)

        highest = sorted(flagged.values(), key=lambda profile: (-scores[profile.id], profile.id))[:limit]
        return await asyncio.gather(*map(described, highest))

    async def flagged(self, at: datetime) -> dict[str, UserProfile]:
        """The accounts that are flagged by their scores at a time, by user id.

        Found by an index on the scores as they were at the accounts' newest turns, among the highest `CANDIDATES` of
        those that may not have decayed since.
        """
        query = (
            "SELECT * FROM c WHERE c.kind = 'profile' AND c.risk_score >= @flagged AND c.risk_judged_until >= @since "
            "ORDER BY c.risk_score DESC OFFSET 0 LIMIT @limit"
        )
        parameters = {
            "flagged": self._risk.flag_from,
            "since": format_timestamp(at - flagged_for(self._risk)),
            "limit": CANDIDATES,
        }
        named = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        profiles = [UserProfile.parse(item) async for item in self._users.query_items(query, parameters=named)]
        scores = {profile.id: risk_score(profile, self._risk, at) for profile in profiles}
        return {profile.id: profile for profile in profiles if scores[profile.id] >= self._risk.flag_from}

    async def _users_until(self, month: str) -> int:
        """Users whose first turn was in a month of UTC or before."""
        query = "SELECT c.new_users FROM c WHERE c.id >= @first AND c.id <= @last"
        first, last = (bucket_id(PLATFORM, Bucket("utc_monthly", key)) for key in ("0", month))
        rows = await rows_of(self._analytics, query, {"first": first, "last": last}, PLATFORM)
        return sum(row["new_users"] for row in rows)

    async def _use_of(self, users: Sequence[str], month: str) -> Sums:
        """What some users did in a month of UTC, by their days of UTC. Looks in these users' partitions alone."""
        total: Counter[str] = Counter()
        for start in range(0, len(users), USERS_AT_ONCE):
            some = {f"user{number}": user for number, user in enumerate(users[start : start + USERS_AT_ONCE])}
            names = ", ".join(f"@{name}" for name in some)
            of_users = f"c.kind = 'presence' AND STARTSWITH(c.period_key, @month) AND c.partition_key IN ({names})"
            query = f"SELECT c.sums FROM c WHERE {of_users}"  # noqa: S608  # names of parameters
            values: dict[str, object] = {"month": month, **some}
            named = [{"name": f"@{name}", "value": value} for name, value in values.items()]
            async for row in self._analytics.query_items(query, parameters=named):
                total.update(row["sums"])
        return dict(total)

    async def _last_day(self, user_id: str) -> Rollup | None:
        query = (
            "SELECT * FROM c WHERE c.id >= @first AND c.id < @end AND c.total_interactions > 0 "
            "ORDER BY c.id DESC OFFSET 0 LIMIT 1"
        )
        first = bucket_id(user_id, Bucket("daily", "0"))
        rows = await rows_of(self._analytics, query, {"first": first, "end": f"{first[:-1]}~"}, user_id)
        return Rollup.parse(rows[0]) if rows else None

    async def _read(self, model: type[C], bucket: Bucket) -> C | None:
        item = await read_or_none(self._analytics, bucket_id(PLATFORM, bucket), PLATFORM)
        return model.parse(item) if item else None

    async def _range(self, model: type[C], first: Bucket, last: Bucket) -> list[C]:
        query = "SELECT * FROM c WHERE c.id >= @first AND c.id <= @last ORDER BY c.id"
        parameters = {"first": bucket_id(PLATFORM, first), "last": bucket_id(PLATFORM, last)}
        return [model.parse(item) for item in await rows_of(self._analytics, query, parameters, PLATFORM)]


def as_of(month: str, now: datetime) -> datetime:
    """The time that a month of UTC is told at: its end, or now."""
    return min(now, datetime.combine(_end_of(month) + timedelta(days=1), time(), UTC))


def _end_of(month: str) -> date:
    return (date.fromisoformat(f"{month}-28") + timedelta(days=4)).replace(day=1) - timedelta(days=1)
