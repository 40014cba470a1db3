"""How an account stands at a time: one score, wherever it is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from models.accounts.finding import Finding
from models.accounts.profile import UserProfile
from models.risk.judgement import score_of
from models.risk.thresholds import RiskSettings


class Flagged(NamedTuple):
    """An account that is flagged as of a time, with its score then and the findings behind it, by rule."""

    score: float
    profile: UserProfile
    findings: list[Finding]


def risk_score(profile: UserProfile, settings: RiskSettings, at: datetime) -> float:
    """What the findings on a profile score at a time."""
    return score_of({found.rule: found for found in profile.abuse_evidence}, settings, at)


def as_it_stands(profile: UserProfile, settings: RiskSettings, now: datetime) -> UserProfile:
    """The profile with its score decayed to now, which is what is shown of it."""
    at = now if profile.abuse_evidence else None
    return profile.model_copy(update={"risk_score": risk_score(profile, settings, now), "risk_score_at": at})


def moment_of(month: str, now: datetime) -> datetime:
    """When a month of UTC is told of: at its end, or now if that is to come."""
    year, number = map(int, month.split("-"))
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return min(end, now)


class BusyAccount(NamedTuple):
    """An account and its busiest day of a month."""

    user_id: str
    peak_day: str
    peak_turns: int
    busy_days: int
    busy_turns: int
    busy_cost_usd: float
