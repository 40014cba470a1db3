"""What staff are told of the platform: the four blocks of its insights, and its use over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from pydantic import Field

from models.accounts.profile import UserProfile
from models.analytics.platform_rollup import PlatformRollup, figures
from models.analytics.question import Question
from models.analytics.reported import ReportedUse
from models.analytics.response_times import RELATIVE_ERROR
from models.analytics.rollup import NANO, Rollup
from models.analytics.user_group import UserGroup, monday_of
from models.chat.names import Dimension
from models.core.document import Message
from models.core.values import Count, Timestamp, Total, Uuid
from models.counting.bucket import by_count, ratio
from models.risk.finding import Finding
from models.risk.judgement import score_of
from models.risk.thresholds import RiskSettings

FIRST_WEEK = timedelta(weeks=2)
"""From a cohort's first Monday until it is known who came back in the week after."""


class HighRiskUser(Message):
    """An account that scores high, with what was found and what it costs."""

    user_id: Uuid = Field(description="Whose account it is")
    account_status: str = Field(description="As on the profile")
    risk_score: float = Field(description="0-100, as it stands now: it decays")
    red_flags: list[str] = Field(description="Rules that found something, by name")
    evidence: list[Finding] = Field(description="What they found")
    daily_query_count: Count = Field(description="Turns on the last day on which there were any")
    cost_impact_usd: float = Field(description="USD in the month asked for")
    total_cost_usd: float = Field(description="USD in all")

    @classmethod
    def of(cls, profile: UserProfile, score: float, day: Rollup | None, month: Rollup | None) -> HighRiskUser:
        """The account with its score; `day` is the last with turns, `month` the one asked for."""
        return cls(
            user_id=profile.id,
            account_status=profile.account_status,
            risk_score=score,
            red_flags=profile.abuse_flags,
            evidence=profile.abuse_evidence,
            daily_query_count=day.total_interactions if day else 0,
            cost_impact_usd=month.total_cost_usd if month else 0.0,
            total_cost_usd=profile.total_cost_usd,
        )


def risk_score(profile: UserProfile, settings: RiskSettings, now: datetime) -> float:
    """What the findings on a profile score at `now`."""
    return score_of({found.rule: found for found in profile.abuse_evidence}, settings, now)


class PlatformHealth(Message):
    """How the platform did in the month."""

    total_interactions: Count = Field(description="Turns")
    total_cost_usd: float = Field(description="USD; turns whose model has no price are left out, see unpriced")
    unpriced_interactions: Count = Field(description="Turns whose model has no price")
    active_users: Count = Field(description="Users with turns in that month of their own calendar")
    avg_response_time_ms: float | None = Field(description="Mean over the turns that report their time")
    response_time_p50_ms: float | None = Field(description=f"Median, within {RELATIVE_ERROR:.0%}")
    response_time_p95_ms: float | None = Field(description=f"95th percentile, within {RELATIVE_ERROR:.0%}")
    error_rate: float = Field(description="Turns answered by a fallback (`response_quality`) by turns, 0-1")
    user_satisfaction: float | None = Field(description="Mean of the ratings 1-5; null without one")
    cost_per_interaction_usd: float = Field(description="USD by turns that have a price")
    reported: ReportedUse = Field(description="What users reported besides; the figures above are those of servers")

    @classmethod
    def of(cls, month: PlatformRollup | None) -> PlatformHealth:
        sums = month.sums if month else {}
        known = figures(sums) | {"reported": ReportedUse.of(sums)}
        return cls.model_validate({name: known[name] for name in cls.model_fields})


class CommonQuestion(Message):
    """A question that at least three users have asked."""

    question: str = Field(description="Normalised: case, width, spacing, punctuation, a trailing counter don't matter")
    frequency: Count = Field(description="Turns that ask it, of all time")
    avg_rating: float | None = Field(description="Mean of the ratings 1-5 of its answers; null without one")


class Cohort(Message):
    """The users whose first turn was in the same week of their own calendar."""

    week: str = Field(description="ISO week, such as 2026-W47")
    users: Count = Field(description="Users whose first turn was then")
    returned: Count = Field(description="Of them, those with turns in the week after")
    retention_rate: float = Field(description="`returned` by `users`, 0-1")
    is_complete: bool = Field(description="Whether that week is over, in all time zones")

    @classmethod
    def of(cls, group: UserGroup, now: datetime) -> Cohort:
        returned = group.sums.get("week:1", 0)
        over = monday_of(group.period_key) + FIRST_WEEK + timedelta(days=1)
        return cls(
            week=group.period_key,
            users=group.users,
            returned=returned,
            retention_rate=ratio(returned, group.users),
            is_complete=now.date() >= over,
        )


class FeatureAdoption(Message):
    """The share of all users with turns that has ever used a feature, 0-1."""

    bookmarking: float = Field(description="Saved a turn")
    multiple_personalities: float = Field(description="Asked two personalities or more")
    follow_up_questions: float = Field(description="Asked a second question in a session")


class GrowthMetrics(Message):
    """Who is new, who comes back, and what they use."""

    new_users_this_month: Count = Field(description="Users whose first session or turn was in the month of UTC")
    total_users: Count = Field(description="Users with turns, of all time")
    retention_rate: float | None = Field(
        description="First-week retention over the cohorts listed that are complete; null without one"
    )
    cohorts: list[Cohort] = Field(description="By week, oldest first")
    feature_adoption: FeatureAdoption = Field(description="Shares of all users")

    @classmethod
    def of(
        cls, month: PlatformRollup | None, groups: Iterable[UserGroup], everyone: UserGroup | None, now: datetime
    ) -> GrowthMetrics:
        cohorts = [Cohort.of(group, now) for group in groups if group.users]
        complete = [cohort for cohort in cohorts if cohort.is_complete]
        began = sum(cohort.users for cohort in complete)
        adoption = everyone.feature_adoption if everyone else dict.fromkeys(FeatureAdoption.model_fields, 0.0)
        return cls(
            new_users_this_month=month.new_users if month else 0,
            total_users=everyone.users if everyone else 0,
            retention_rate=ratio(sum(cohort.returned for cohort in complete), began) if complete else None,
            cohorts=cohorts,
            feature_adoption=FeatureAdoption(**adoption),
        )


class Insights(Message):
    """The platform in a month, from rollups alone."""

    month: str = Field(description="Of UTC, such as 2026-11")
    as_of: Timestamp | None = Field(description="When the month's figures were last written; null if there are none")
    high_risk_users: list[HighRiskUser] = Field(
        description="Accounts that are flagged, by their scores as they stand now"
    )
    platform_health: PlatformHealth = Field(description="How the platform did in the month")
    common_questions: list[CommonQuestion] = Field(description="Most frequent first")
    growth_metrics: GrowthMetrics = Field(description="Who is new, who comes back, and what they use")


class Group(Message):
    """The use of one model, personality, category or language."""

    value: str = Field(description="`other` for what is beyond the 200 values that a day counts by name")
    interactions: Count = Field(description="Turns")
    tokens: Total = Field(description="Tokens of all four kinds")
    cost_usd: float = Field(description="USD; turns whose model has no price are left out")
    unpriced_interactions: Count = Field(description="Turns whose model has no price")
    reported: ReportedUse = Field(description="What users reported besides")


class UsePeriod(Message):
    """The use in one day, month, or the whole range."""

    period: str = Field(description="2026-11-20, 2026-11, or the range's `total`")
    interactions: Count = Field(description="Turns")
    sessions: Count = Field(description="Sessions started")
    tokens: Total = Field(description="Tokens of all four kinds")
    cost_usd: float = Field(description="USD; turns whose model has no price are left out")
    unpriced_interactions: Count = Field(description="Turns whose model has no price")
    reported: ReportedUse = Field(description="What users reported besides")
    groups: list[Group] = Field(description="Highest cost first, then most turns")

    @classmethod
    def of(cls, period: str, sums: dict[str, int], by: Dimension) -> UsePeriod:
        return cls(
            period=period,
            interactions=sums.get("interactions", 0),
            sessions=sums.get("sessions", 0),
            tokens=sums.get("tokens", 0),
            cost_usd=sums.get("cost_nano_usd", 0) / NANO,
            unpriced_interactions=sums.get("unpriced", 0),
            reported=ReportedUse.of(sums),
            groups=groups(sums, by),
        )


class PlatformUse(Message):
    """Cost and use over time."""

    by: Dimension = Field(description="What the use is grouped by")
    first_day: date = Field(description="First day of the range")
    last_day: date = Field(description="Counted in")
    items: list[UsePeriod] = Field(description="The days or months of UTC in which anything was counted, in order")
    total: UsePeriod = Field(description="The whole range")


def groups(sums: dict[str, int], by: Dimension) -> list[Group]:
    """The use by the values of a dimension."""
    costs = by_count(sums, f"{by}_cost_nano_usd")
    tokens, unpriced = by_count(sums, f"{by}_tokens"), by_count(sums, f"{by}_unpriced")
    turns = by_count(sums, by)
    found = [
        Group(
            value=value,
            interactions=turns.get(value, 0),
            tokens=tokens.get(value, 0),
            cost_usd=costs.get(value, 0) / NANO,
            unpriced_interactions=unpriced.get(value, 0),
            reported=ReportedUse.by(sums, by, value),
        )
        for value in turns.keys() | by_count(sums, f"{by}_reported").keys()
    ]
    return sorted(found, key=lambda group: (-group.cost_usd, -group.interactions, group.value))


def platform_use(rollups: Sequence[PlatformRollup], by: Dimension, first: date, last: date) -> PlatformUse:
    """What rollups of days, or of months, tell of the use by a dimension."""
    total: Counter[str] = Counter()
    for rollup in rollups:
        total.update(rollup.sums)
    items = [UsePeriod.of(rollup.period_key, rollup.sums, by) for rollup in rollups]
    return PlatformUse(by=by, first_day=first, last_day=last, items=items, total=UsePeriod.of("total", dict(total), by))


def common_question(question: Question) -> CommonQuestion:
    return CommonQuestion(
        question=question.question or "", frequency=question.frequency, avg_rating=question.avg_rating
    )
