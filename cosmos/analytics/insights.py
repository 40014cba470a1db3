"""Container `user_analytics`: what the rollups of the platform say, read without looking at any user's documents."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

from cosmos.analytics.questions import Questions
from cosmos.core.database import Database
from cosmos.core.paging import rows_everywhere, rows_of
from cosmos.core.reading import read_or_none
from cosmos.risk.standings import Standings
from models.analytics.insights import GrowthMetrics, HighRiskUser, Insights, PlatformHealth
from models.analytics.platform_rollup import PlatformRollup
from models.analytics.rollup import Rollup
from models.analytics.user_group import UserGroup
from models.core.pseudonyms import PLATFORM, Pseudonyms
from models.counting.bucket import Bucket, Sums, bucket_id
from models.counting.bucket_document import BucketDocument
from models.risk.standing import Flagged, moment_of
from models.risk.thresholds import RiskSettings

RISKY_USERS = 20
QUESTIONS = 20
COHORT_WEEKS = 12
USERS_AT_ONCE = 100

C = TypeVar("C", bound=BucketDocument)


class PlatformInsights:
    """Reads what is counted of the platform."""

    def __init__(self, database: Database, risk: RiskSettings, pseudonyms: Pseudonyms) -> None:
        self._analytics = database.user_analytics
        self.standings = Standings(database, risk)
        self.questions = Questions(database, pseudonyms)

    async def insights(self, month: str, now: datetime) -> Insights:
        """The four blocks, for a month of UTC such as `2026-11`."""
        last = min(_end_of(month), now.date() + timedelta(days=1))
        first = last - timedelta(weeks=COHORT_WEEKS)
        rollup, users, cohorts, flagged = await asyncio.gather(
            self._read(PlatformRollup, Bucket("utc_monthly", month)),
            self._users_until(month),
            self._range(UserGroup, Bucket("cohort", first.isoformat()), Bucket("cohort", last.isoformat())),
            self.standings.flagged(month, now),
        )
        risky, theirs, questions = await asyncio.gather(
            self.described(flagged[:RISKY_USERS], month, now),
            self._use_of([one.profile.id for one in flagged], month),
            self.questions.common(month, QUESTIONS, [one.profile.id for one in flagged]),
        )
        return Insights(
            month=month,
            as_of=rollup.last_updated if rollup else None,
            high_risk_users=risky,
            high_risk_total=len(flagged),
            platform_health=PlatformHealth.of(rollup, len(flagged), theirs),
            common_questions=questions,
            growth_metrics=GrowthMetrics.of(rollup, cohorts, users, now),
        )

    async def periods(self, first: Bucket, last: Bucket) -> list[PlatformRollup]:
        """The platform's rollups from one to another of the same period that hold anything, in order of time."""
        return [rollup for rollup in await self._range(PlatformRollup, first, last) if rollup.sums]

    async def described(self, flagged: Sequence[Flagged], month: str, now: datetime) -> list[HighRiskUser]:
        """Accounts and their scores with their busiest days and their cost, by one query of each one's partition."""
        at = moment_of(month, now)

        async def one(account: Flagged) -> HighRiskUser:
            return HighRiskUser.of(account, at, await self._days(account.profile.id, month))

        return await asyncio.gather(*map(one, flagged))

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
            for row in await rows_everywhere(self._analytics, query, {"month": month, **some}):
                total.update(row["sums"])
        return dict(total)

    async def _days(self, user_id: str, month: str) -> list[Rollup]:
        query = "SELECT * FROM c WHERE c.id >= @first AND c.id <= @last AND c.total_interactions > 0"
        first, last = (bucket_id(user_id, Bucket("daily", f"{month}-{day}")) for day in ("01", "31"))
        rows = await rows_of(self._analytics, query, {"first": first, "last": last}, user_id)
        return list(map(Rollup.parse, rows))

    async def _read(self, model: type[C], bucket: Bucket) -> C | None:
        item = await read_or_none(self._analytics, bucket_id(PLATFORM, bucket), PLATFORM)
        return model.parse(item) if item else None

    async def _range(self, model: type[C], first: Bucket, last: Bucket) -> list[C]:
        query = "SELECT * FROM c WHERE c.id >= @first AND c.id <= @last ORDER BY c.id"
        parameters = {"first": bucket_id(PLATFORM, first), "last": bucket_id(PLATFORM, last)}
        return [model.parse(item) for item in await rows_of(self._analytics, query, parameters, PLATFORM)]


def _end_of(month: str) -> date:
    return (date.fromisoformat(f"{month}-28") + timedelta(days=4)).replace(day=1) - timedelta(days=1)
