"""What staff are told: health and growth of a month, and the accounts that stand out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bench.recount.definitions.platform import RETURNS, Platform
from bench.recount.definitions.turns import (
    Fields,
    Stored,
    cost_per_turn,
    mean,
    nano,
    of_servers,
    share,
    tokens,
    unpriced,
    usd,
    week_of,
)

POINTS, HALF_LIFE, FLAGGED_FROM = 90, timedelta(days=14), 30
"""What a finding of full strength scores, until when it halves, and from which score on an account is flagged."""

FEATURES = ("bookmarking", "multiple_personalities", "follow_up_questions")
HEALTH = (
    *("total_interactions", "total_cost_usd", "unpriced_interactions", "active_users", "avg_response_time_ms"),
    *("timed_interactions", "response_time_p50_ms", "response_time_p95_ms", "error_rate", "user_satisfaction"),
    *("rated_interactions", "cost_per_interaction_usd"),
)

Findings = Sequence[Mapping[str, Any]]
"""Of an account, one of each rule: `python -m bench abuse` measures what the rules see in turns."""


def told_at(month: str, now: datetime) -> datetime:
    """The month's end, or now."""
    first = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
    return min(now, (first + timedelta(days=31)).replace(day=1))


def points(finding: Mapping[str, Any], at: datetime) -> float:
    """Halved every two weeks since the last evidence."""
    age = max(timedelta(0), at - datetime.fromisoformat(finding["last_seen"])) / HALF_LIFE
    return float(POINTS * finding["strength"] * 0.5**age)


def score(findings: Findings, at: datetime) -> float:
    return round(min(100.0, sum(points(finding, at) for finding in findings)), 2)


def found_by(history: Findings, at: datetime) -> Findings:
    """What was known at a time that is past: of each rule what scored most then."""
    known = [one for one in history if datetime.fromisoformat(one["last_seen"]) < at]
    best = {one["rule"]: one for one in sorted(known, key=lambda one: points(one, at))}
    return [best[rule] for rule in sorted(best)]


def flagged(accounts: Mapping[str, Findings], at: datetime) -> list[str]:
    """The highest scores first."""
    scores = {user: score(findings, at) for user, findings in accounts.items()}
    return sorted((user for user in scores if scores[user] >= FLAGGED_FROM), key=lambda user: (-scores[user], user))


def high_risk(stored: Stored, user: str, findings: Findings, month: str, at: datetime) -> Fields:
    """An account that is flagged, but for its state and what was found."""
    counted = stored.of(user, "monthly", month)
    days = {f"{day}": len(stored.of(user, "daily", f"{day}").turns) for day in counted.days}
    peak = max(days, key=lambda day: (days[day], day), default=None)
    return {
        "user_id": user,
        "risk_score": score(findings, at),
        "red_flags": sorted(finding["rule"] for finding in findings),
        "daily_query_count": days[peak] if peak else 0,
        "peak_day": peak,
        "cost_impact_usd": usd(counted.turns),
        "total_cost_usd": usd(stored.of(user, "all_time").turns),
    }


def busy(stored: Stored, month: str, least: int) -> list[Fields]:
    """The accounts with days of at least so many turns in a month of their own calendar, the busiest first."""
    found: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    for (user, period, key), counted in stored.periods.items():
        if period == "daily" and key.startswith(month) and len(counted.turns) >= least:
            found[user][key] = counted.turns
    rows = []
    for user, days in found.items():
        peak = max(days, key=lambda day: (len(days[day]), day))
        turns = [turn for of_day in days.values() for turn in of_day]
        told = {"user_id": user, "peak_day": peak, "peak_queries": len(days[peak]), "busy_days": len(days)}
        rows.append(told | {"busy_queries": len(turns), "busy_cost_usd": usd(turns)})
    return sorted(rows, key=lambda row: (-row["peak_queries"], row["user_id"]))


def health(platform: Platform, month: str, without: Iterable[str]) -> Fields:
    """`platform_health`; what the accounts that are flagged had of it, and a turn's cost without them."""
    known, every = set(without), platform.turns_of(month)
    figures, turns = platform.figures(month, every), of_servers(every)
    theirs = [turn for turn in turns if turn["user_id"] in known]
    rest = [turn for turn in turns if turn["user_id"] not in known]
    reported = [turn for turn in every if turn["recorded_by"] == "user"]
    return {name: figures[name] for name in HEALTH} | {
        "cost_per_interaction_without_flagged_usd": cost_per_turn(rest),
        "flagged": {
            "accounts": len(known),
            "interactions": len(theirs),
            "share_of_interactions": len(theirs) / len(turns) if turns else None,
            "cost_usd": usd(theirs),
            "share_of_cost": nano(theirs) / nano(turns) if nano(turns) else None,
            "cost_per_interaction_usd": cost_per_turn(theirs),
        },
        "reported": {
            "interactions": len(reported),
            "tokens": tokens(reported),
            "cost_usd": usd(reported),
            "unpriced_interactions": unpriced(reported),
        },
    }


def growth(platform: Platform, month: str, now: datetime) -> Fields:
    """`growth_metrics`."""
    end = min(last_day(month), now.date() + timedelta(days=1))
    groups = {day: spans for day, spans in platform.cohorts().items() if end - timedelta(weeks=12) <= day <= end}
    weeks: dict[str, list[date]] = defaultdict(list)
    for day in groups:
        weeks[week_of(day)].append(day)
    retention = [{"day": days} | _kept(groups, days, now) for days in RETURNS]
    features, active = platform.features(month), platform.active(month)
    return {
        "new_users_this_month": sum(count for day, count in platform.firsts.items() if day.startswith(month)),
        "total_users": sum(count for day, count in platform.firsts.items() if day[:7] <= month),
        "retention": retention,
        "retention_rate": retention[1]["rate"],
        "cohorts": [_cohort(week, {day: groups[day] for day in weeks[week]}, now) for week in sorted(weeks)],
        "feature_adoption": {name: share(features.get(name, 0), active) for name in FEATURES},
    }


def last_day(month: str) -> date:
    return (date.fromisoformat(f"{month}-01") + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _kept(groups: Mapping[date, Sequence[int]], days: int, now: datetime) -> Fields:
    """Of those whose day to come back on is over everywhere: the last of all zones ends it 12 hours after UTC."""
    could = [span for day, spans in groups.items() if _is_over(day + timedelta(days=days), now) for span in spans]
    back = sum(span >= days for span in could)
    return {"could_return": len(could), "returned": back, "rate": mean([span >= days for span in could])}


def _is_over(day: date, now: datetime) -> bool:
    return now.astimezone(UTC).date() >= day + timedelta(days=2)


def _cohort(week: str, groups: Mapping[date, Sequence[int]], now: datetime) -> Fields:
    kept = _kept(groups, 7, now)
    sunday = date.fromisocalendar(int(week[:4]), int(week[6:]), 7)
    return {
        "week": week,
        "users": sum(map(len, groups.values())),
        "could_return": kept["could_return"],
        "returned": kept["returned"],
        "retention_rate": kept["rate"],
        "is_complete": _is_over(sunday + timedelta(days=7), now),
    }
