"""What staff are told of the platform: the four blocks of its insights, and its use over time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from pydantic import Field

from models.accounts.finding import Finding
from models.analytics.platform_rollup import PlatformRollup, cost_per_turn, figures
from models.analytics.question import TURNS_A_DAY, Asked, Question
from models.analytics.reported import ReportedUse
from models.analytics.response_times import RELATIVE_ERROR
from models.analytics.rollup import NANO, Rollup
from models.analytics.user_group import RETENTION_DAYS, UserGroup
from models.chat.names import Dimension
from models.core.document import Message
from models.core.values import Count, Timestamp, Total, Uuid
from models.counting.bucket import Sums, by_count, mean, ratio
from models.risk.standing import Flagged

FIRST_WEEK = 7
"""Days after which somebody who comes back has come back after the first week."""


class HighRiskUser(Message):
    """An account that scores high, with what was found and what it costs."""

    user_id: Uuid = Field(description="Whose account it is")
    account_status: str = Field(description="As on the profile")
    risk_score: float = Field(description="0-100, decayed to `risk_score_at`")
    risk_score_at: Timestamp = Field(description="The end of the month asked for, or now")
    red_flags: list[str] = Field(description="Rules that found something, by name")
    evidence: list[Finding] = Field(description="What they found")
    daily_query_count: Count = Field(description="Turns on `peak_day`")
    peak_day: str | None = Field(
        description="The day of the month with the most turns, in the user's own calendar, of equal ones the latest"
    )
    cost_impact_usd: float = Field(
        description="USD in the month asked for, of the user's own calendar; turns whose model has no price are left "
        "out"
    )
    total_cost_usd: float = Field(description="USD in all; turns whose model has no price are left out")

    @classmethod
    def of(cls, flagged: Flagged, at: datetime, days: Sequence[Rollup]) -> HighRiskUser:
        """The account with its score at a time; `days` are those of the month with turns."""
        score, profile, seen = flagged
        peak = max(days, key=lambda day: (day.total_interactions, day.period_key), default=None)
        return cls(
            user_id=profile.id,
            account_status=profile.account_status,
            risk_score=score,
            risk_score_at=at,
            red_flags=sorted(found.rule for found in seen),
            evidence=seen,
            daily_query_count=peak.total_interactions if peak else 0,
            peak_day=peak.period_key if peak else None,
            cost_impact_usd=sum(day.sums.get("cost_nano_usd", 0) for day in days) / NANO,
            total_cost_usd=profile.total_cost_usd,
        )


class FlaggedUse(Message):
    """What the accounts that are flagged had of a month of UTC."""

    accounts: Count = Field(description="Accounts flagged")
    interactions: Count = Field(description="Their turns")
    share_of_interactions: float | None = Field(
        description="Of the month's turns, 0-1; null of a month without one, and while fewer than theirs are counted"
    )
    cost_usd: float = Field(description="USD; turns whose model has no price are left out")
    share_of_cost: float | None = Field(
        description="Of the month's cost, 0-1; null of a month without any, and while less than theirs is counted"
    )
    cost_per_interaction_usd: float | None = Field(description="USD by their turns that have a price; null without one")

    @classmethod
    def of(cls, accounts: int, theirs: Sums, month: Sums) -> FlaggedUse:
        turns, cost = theirs.get("served", 0), theirs.get("cost_nano_usd", 0)
        return cls(
            accounts=accounts,
            interactions=turns,
            share_of_interactions=_share(turns, month.get("interactions", 0)),
            cost_usd=cost / NANO,
            share_of_cost=_share(cost, month.get("cost_nano_usd", 0)),
            cost_per_interaction_usd=cost_per_turn(cost, turns, theirs.get("unpriced", 0)),
        )


class PlatformHealth(Message):
    """How the platform did in the month."""

    total_interactions: Count = Field(description="Turns")
    total_cost_usd: float = Field(description="USD; turns whose model has no price are left out, see unpriced")
    unpriced_interactions: Count = Field(description="Turns whose model has no price")
    active_users: Count = Field(description="Users with turns in that month of their own calendar")
    avg_response_time_ms: float | None = Field(description="Mean over `timed_interactions`; null without one")
    timed_interactions: Count = Field(description="Turns that report their response time")
    response_time_p50_ms: float | None = Field(description=f"Median, within {RELATIVE_ERROR:.0%}")
    response_time_p95_ms: float | None = Field(description=f"95th percentile, within {RELATIVE_ERROR:.0%}")
    error_rate: float = Field(
        description="Turns answered by a fallback (`response_quality`) by turns, 0-1; 0 without a turn"
    )
    user_satisfaction: float | None = Field(
        description="Mean of the ratings 1-5 of `rated_interactions`; null without one"
    )
    rated_interactions: Count = Field(description="Turns that are rated")
    cost_per_interaction_usd: float | None = Field(description="USD by turns that have a price; null without one")
    cost_per_interaction_without_flagged_usd: float | None = Field(
        description="The same without the accounts that are flagged; null, too, while less than theirs is counted"
    )
    flagged: FlaggedUse = Field(description="What those accounts had of the month")

    reported: ReportedUse = Field(description="What users reported besides; the figures above are those of servers")

    @classmethod
    def of(cls, month: PlatformRollup | None, accounts: int, theirs: Sums) -> PlatformHealth:
        """The month's figures; `theirs` is what the accounts that are flagged had of it."""
        sums = month.sums if month else {}
        names = {"cost_nano_usd": "cost_nano_usd", "interactions": "served", "unpriced": "unpriced"}
        rest = [sums.get(name, 0) - theirs.get(of_user, 0) for name, of_user in names.items()]
        known = figures(sums) | {
            "cost_per_interaction_without_flagged_usd": cost_per_turn(*rest) if min(rest) >= 0 else None,
            "flagged": FlaggedUse.of(accounts, theirs, sums),
            "reported": ReportedUse.of(sums),
        }
        return cls.model_validate({name: known[name] for name in cls.model_fields})


class CommonQuestion(Message):
    """A question that at least three users have asked in the month, of those whose accounts are not flagged."""

    question: str = Field(description="Normalised: case, width, spacing, punctuation, a trailing counter don't matter")
    askers: Count = Field(
        description="Users who asked it in the month of UTC, without accounts that are flagged; who asks it when 300 "
        "pairs of user and day did, counts as one with all such"
    )
    frequency: Count = Field(description=f"Their turns that ask it, up to {TURNS_A_DAY} of each user on each day")
    ratings: Count = Field(description="Their turns that ask it and are rated")
    avg_rating: float | None = Field(description="Mean of these ratings 1-5; null without one")

    @classmethod
    def of(cls, question: Question, asked: Asked) -> CommonQuestion:
        return cls(question=question.question or "", **asked.model_dump())

    @property
    def rank(self) -> tuple[int, int, str]:
        """Orders questions: most askers first, then most turns, then by text."""
        return (-self.askers, -self.frequency, self.question)


class Retention(Message):
    """Who came back, of the users whose day to come back on has passed everywhere."""

    day: int = Field(description="Days after the user's first day with a turn")
    could_return: Count = Field(description="Users whose first day is longer ago than that")
    returned: Count = Field(description="Of them, those with a turn on that day or later")
    rate: float | None = Field(description="`returned` by `could_return`, 0-1; null of nobody")

    @classmethod
    def of(cls, days: int, groups: Sequence[UserGroup], now: datetime) -> Retention:
        able = [group for group in groups if _has_passed(group, days, now)]
        users, returned = sum(group.users for group in able), sum(group.returned(days) for group in able)
        return cls(day=days, could_return=users, returned=returned, rate=mean(returned, users))


class Cohort(Message):
    """The users whose first turn was in the same week of their own calendar."""

    week: str = Field(description="ISO week, such as 2026-W47")
    users: Count = Field(description="Users whose first turn was then")
    could_return: Count = Field(description="Of them, those whose 7th day after the first has passed")
    returned: Count = Field(description="Of those, the ones with a turn 7 days after their first day or later")
    retention_rate: float | None = Field(description="`returned` by `could_return`, 0-1; null of nobody")
    is_complete: bool = Field(description="Whether all of the week's users could return")

    @classmethod
    def of(cls, week: str, groups: Sequence[UserGroup], now: datetime) -> Cohort:
        kept = Retention.of(FIRST_WEEK, groups, now)
        users = sum(group.users for group in groups)
        return cls(
            week=week,
            users=users,
            could_return=kept.could_return,
            returned=kept.returned,
            retention_rate=kept.rate,
            is_complete=now.date() >= date.fromisocalendar(int(week[:4]), int(week[6:]), 7) + _passing(FIRST_WEEK),
        )


class FeatureAdoption(Message):
    """The share of the users with turns in the month of their own calendar that used a feature in it, 0-1."""

    bookmarking: float = Field(description="Saved a turn")
    multiple_personalities: float = Field(description="Asked two personalities or more")
    follow_up_questions: float = Field(description="Asked a second question in a session")


class GrowthMetrics(Message):
    """Who is new, who comes back, and what they use, as of the month."""

    new_users_this_month: Count = Field(
        description="Users whose first turn was in the month of UTC, also if they are erased since"
    )
    total_users: Count = Field(
        description="Users whose first turn was in the month of UTC or before, also if they are erased since"
    )
    retention_rate: float | None = Field(description="After the first week: the `rate` of `retention` for 7 days")
    retention: list[Retention] = Field(
        description="For 1, 7 and 30 days: of the users whose first day was in the 12 weeks up to the month's end, by "
        "what is known now"
    )
    cohorts: list[Cohort] = Field(description="The same users by week of their first day, oldest first")
    feature_adoption: FeatureAdoption = Field(description="Shares of the month's active users")

    @classmethod
    def of(
        cls, month: PlatformRollup | None, groups: Sequence[UserGroup], total_users: int, now: datetime
    ) -> GrowthMetrics:
        weeks: dict[str, list[UserGroup]] = defaultdict(list)
        for group in groups:
            if group.users:
                weeks[f"{date.fromisoformat(group.period_key):%G-W%V}"].append(group)
        retention = [Retention.of(days, groups, now) for days in RETENTION_DAYS]
        adopted = month.feature_adoption if month else {}
        users = month.active_users if month else 0
        return cls(
            new_users_this_month=month.new_users if month else 0,
            total_users=total_users,
            retention_rate=next(kept.rate for kept in retention if kept.day == FIRST_WEEK),
            retention=retention,
            cohorts=[Cohort.of(week, weeks[week], now) for week in sorted(weeks)],
            feature_adoption=FeatureAdoption(
                **{feature: ratio(adopted.get(feature, 0), users) for feature in FeatureAdoption.model_fields}
            ),
        )


def _share(part: int, whole: int) -> float | None:
    """None where it can't be told: of nothing, or while the platform has not counted yet what its users have."""
    return mean(part, whole) if part <= whole else None


def _has_passed(group: UserGroup, days: int, now: datetime) -> bool:
    """Whether that day after the cohort's first is over, in all time zones."""
    return now.date() >= date.fromisoformat(group.period_key) + _passing(days)


def _passing(days: int) -> timedelta:
    """From a day until another so many days later is over, which in the last time zone is when UTC's next is half."""
    return timedelta(days=days + 2)


class Insights(Message):
    """The platform in a month, from rollups alone."""

    month: str = Field(description="Of UTC, such as 2026-11")
    as_of: Timestamp | None = Field(description="When the month's figures were last written; null if there are none")
    high_risk_users: list[HighRiskUser] = Field(
        description="The first 20 accounts that are flagged as of the month, the highest scores first; "
        "`GET /api/admin/high-risk-users` pages them all"
    )
    high_risk_total: Count = Field(
        description="Accounts that are flagged as of the month, by the findings that are kept: one each of a rule"
    )
    platform_health: PlatformHealth = Field(description="How the platform did in the month")
    common_questions: list[CommonQuestion] = Field(description="Up to 20 of the month, those of most users first")
    growth_metrics: GrowthMetrics = Field(description="Who is new, who comes back, and what they use")


class Group(Message):
    """The use of one model, personality, category or language."""

    value: str = Field(description="`other` for what is beyond the 200 values that a day counts by name")
    interactions: Count = Field(description="Turns")
    tokens: Total = Field(description="Tokens of all kinds")
    cost_usd: float = Field(description="USD; turns whose model has no price are left out")
    unpriced_interactions: Count = Field(description="Turns whose model has no price")
    reported: ReportedUse = Field(description="What users reported besides")


class UsePeriod(Message):
    """The use in one day, month, or the whole range."""

    period: str = Field(description="2026-11-20, 2026-11, or the range's `total`")
    interactions: Count = Field(description="Turns")
    sessions: Count = Field(description="Sessions started")
    tokens: Total = Field(description="Tokens of all kinds")
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
    last_day: date = Field(description="BucketDocument in")
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
