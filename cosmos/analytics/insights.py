"""Container `user_analytics`: what the rollups of the platform say, read without looking at any user's documents."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import TypeVar

from cosmos.core.database import Database
from cosmos.core.paging import rows_of
from cosmos.core.reading import read_or_none
from models.accounts.profile import UserProfile
from models.analytics.insights import (
    CommonQuestion,
    GrowthMetrics,
    HighRiskUser,
    Insights,
    PlatformHealth,
    common_question,
    risk_score,
)
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.pseudonyms import PLATFORM
from models.analytics.question import Question
from models.analytics.rollup import Rollup
from models.analytics.user_group import UserGroup
from models.core.values import format_timestamp
from models.counting.bucket import Bucket, bucket_id
from models.counting.bucket_document import Counted
from models.risk.judgement import flagged_for
from models.risk.thresholds import RiskSettings

RISKY_USERS = 20
CANDIDATES = 200
QUESTIONS = 20
COHORT_WEEKS = 12

C = TypeVar("C", bound=Counted)


class PlatformInsights:
    """Reads what is counted of the platform."""

    def __init__(self, database: Database, risk: RiskSettings) -> None:
        self._analytics = database.user_analytics
        self._users = database.users
        self._risk = risk

    async def insights(self, month: str, now: datetime) -> Insights:
        """The four blocks, for a month of UTC such as `2026-11`."""
        since = now.date() - timedelta(weeks=COHORT_WEEKS)
        rollup, everyone, cohorts, questions, risky = await asyncio.gather(
            self._read(PlatformRollup, Bucket("utc_monthly", month)),
            self._read(UserGroup, Bucket("growth")),
            self._range(UserGroup, _week(since), _week(now.date())),
            self.common_questions(QUESTIONS),
            self.high_risk_users(RISKY_USERS, month, now),
        )
        return Insights(
            month=month,
            as_of=rollup.last_updated if rollup else None,
            high_risk_users=risky,
            platform_health=PlatformHealth.of(rollup),
            common_questions=questions,
            growth_metrics=GrowthMetrics.of(rollup, cohorts, everyone, now),
        )

    async def periods(self, first: Bucket, last: Bucket) -> list[PlatformRollup]:
        """The platform's rollups from one to another of the same period, in order of time."""
        return await self._range(PlatformRollup, first, last)

    async def common_questions(self, limit: int) -> list[CommonQuestion]:
        """The most frequent questions that may be shown, by one query and an index."""
        query = "SELECT * FROM c WHERE c.shown_frequency > 0 ORDER BY c.shown_frequency DESC OFFSET 0 LIMIT @limit"
        rows = await rows_of(self._analytics, query, {"limit": limit}, PLATFORM)
        found = [common_question(Question.parse(row)) for row in rows]
        return sorted(found, key=lambda one: (-one.frequency, one.question))

    async def high_risk_users(self, limit: int, month: str, now: datetime) -> list[HighRiskUser]:
        """The accounts that are flagged by their scores as of now, the highest first, with their days and months.

        Found by an index on the scores as they were at the accounts' newest turns, among the highest `CANDIDATES` of
        those that may not have decayed since.
        """
        query = (
            "SELECT * FROM c WHERE c.kind = 'profile' AND c.risk_score >= @flagged AND c.risk_judged_until >= @since "
            "ORDER BY c.risk_score DESC OFFSET 0 LIMIT @limit"
        )
        parameters = {
            "flagged": self._risk.flag_from,
            "since": format_timestamp(now - flagged_for(self._risk)),
            "limit": CANDIDATES,
        }
        named = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        profiles = [UserProfile.parse(item) async for item in self._users.query_items(query, parameters=named)]
        scores = {profile.id: risk_score(profile, self._risk, now) for profile in profiles}
        flagged = [profile for profile in profiles if scores[profile.id] >= self._risk.flag_from]

        async def described(profile: UserProfile) -> HighRiskUser:
            day, monthly = await asyncio.gather(
                self._last_day(profile.id),
                read_or_none(self._analytics, bucket_id(profile.id, Bucket("monthly", month)), profile.id),
            )
            return HighRiskUser.of(profile, scores[profile.id], day, Rollup.parse(monthly) if monthly else None)

        highest = sorted(flagged, key=lambda profile: (-scores[profile.id], profile.id))[:limit]
        return await asyncio.gather(*map(described, highest))

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


def _week(day: date) -> Bucket:
    year, week, _ = day.isocalendar()
    return Bucket("cohort", f"{year}-W{week:02}")
