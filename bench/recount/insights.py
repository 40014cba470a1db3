"""What the API and the stored rollups say of the platform and its users, compared with the traffic alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.recount.leaks import Leak, leaks
from bench.recount.traffic import DIMENSIONS, Health, Recount, Use, mean
from bench.simulation.actors import Platform

Json = dict[str, Any]

RELATIVE_ERROR = 0.01
"""What the documentation promises of quantiles; they are rounded to a tenth of a millisecond beside."""

MONTH_LENGTH, DAY_LENGTH = 7, 10


@dataclass
class Comparison:
    """One row of the report: how many values were compared, and those that differ, as (which, wanted, found)."""

    what: str
    compared: int = 0
    differing: list[tuple[object, object, object]] = field(default_factory=list)

    def add(self, which: object, wanted: object, found: object, within: float = 0.0) -> None:
        """`within`: the share of `wanted` by which `found` may be off."""
        self.compared += 1
        if not _equal(wanted, found, within):
            self.differing.append((which, wanted, found))

    def add_all(self, wanted: Mapping[Any, object], found: Mapping[Any, object]) -> None:
        """Every key that either has."""
        for key in wanted.keys() | found.keys():
            self.add(key, wanted.get(key), found.get(key))


def _equal(wanted: object, found: object, within: float) -> bool:
    if not within or not isinstance(wanted, int | float) or not isinstance(found, int | float):
        return wanted == found
    return abs(found - wanted) <= within * wanted + 0.05


def compare(platform: Platform, recount: Recount) -> list[Comparison]:
    """Everything, against everything."""
    months = sorted(recount.utc_use(MONTH_LENGTH))
    insights = {month: platform.get("admin/insights", month=month) for month in months}
    return [
        *_use_over_time(platform, recount, "day", DAY_LENGTH),
        *_use_over_time(platform, recount, "month", MONTH_LENGTH),
        *_health_of_months(insights, recount),
        *_stored_days(platform, recount),
        *_new_users(insights, recount),
        *_users(platform, recount),
    ]


def _use_over_time(platform: Platform, recount: Recount, interval: str, length: int) -> list[Comparison]:
    wanted, sessions = recount.utc_use(length), recount.sessions_started(length)
    days = sorted(recount.utc_use(DAY_LENGTH))
    totals = Comparison(f"turns, sessions, tokens, cost, unpriced by {interval} of UTC")
    rows = [totals]
    for dimension in DIMENSIONS:
        use = platform.get("admin/analytics", by=dimension, interval=interval, **{"from": days[0], "to": days[-1]})
        told = {item["period"]: (item["sessions"], _told(item)) for item in use["items"]}
        totals.add_all({period: (sessions[period], use) for period, use in wanted.items()}, told)
        by_value = Comparison(f"turns, tokens, cost, unpriced by {interval} and {dimension}")
        groups = {(item["period"], group["value"]): _told(group) for item in use["items"] for group in item["groups"]}
        by_value.add_all(recount.utc_use_by(dimension, length), groups)
        rows.append(by_value)
    return rows


def _told(item: Json) -> Use:
    return Use(item["interactions"], item["tokens"], round(item["cost_usd"] * 1e9), item["unpriced_interactions"])


def _health_of_months(insights: Mapping[str, Json], recount: Recount) -> list[Comparison]:
    rows = _HealthRows("month of UTC")
    use, health, active = (
        recount.utc_use(MONTH_LENGTH),
        recount.health(MONTH_LENGTH),
        recount.active_users_by_own_month(),
    )
    for month, told in insights.items():
        rows.add(month, use[month], health[month], active.get(month, 0), told["platform_health"])
    return rows.all


def _stored_days(platform: Platform, recount: Recount) -> list[Comparison]:
    """The platform's days as they are stored, which is what admins see who query the database."""
    query = "SELECT * FROM c WHERE c.partition_key = 'platform' AND c.analytics_period = 'utc_daily'"
    stored = {row["period_key"]: row for row in platform.rows("user_analytics", query)}
    rows = _HealthRows("day of UTC")
    use, health, active = recount.utc_use(DAY_LENGTH), recount.health(DAY_LENGTH), recount.active_users_by_utc_day()
    for day in use:
        rows.add(day, use[day], health[day], active[day], stored[day])
    new = Comparison("new users by day of UTC")
    new.add_all(
        dict(recount.new_users(DAY_LENGTH)), {day: row["new_users"] for day, row in stored.items() if row["new_users"]}
    )
    return [*rows.all, new]


class _HealthRows:
    """The comparisons of `platform_health`, by one kind of period."""

    def __init__(self, period: str) -> None:
        self.quantiles = Comparison(f"p50 and p95 of response times by {period}, within {RELATIVE_ERROR:.0%}")
        self.rates = Comparison(f"error rate, satisfaction, mean response time, cost per turn by {period}")
        self.active = Comparison(f"active users by {period}")
        self.all = [self.quantiles, self.rates, self.active]

    def add(self, period: str, use: Use, health: Health, active: int, told: Json) -> None:
        for name, share in (("response_time_p50_ms", 0.5), ("response_time_p95_ms", 0.95)):
            self.quantiles.add((period, name), health.quantile(share), told[name], within=RELATIVE_ERROR)
        priced = use.turns - use.unpriced
        wanted = {
            "error_rate": health.fallbacks / use.turns,
            "user_satisfaction": mean(health.ratings),
            "avg_response_time_ms": mean(health.response_ms),
            "cost_per_interaction_usd": use.nano_usd / priced / 1e9 if priced else 0,
        }
        for name, value in wanted.items():
            self.rates.add((period, name), value, told[name])
        self.active.add(period, active, told["active_users"])


def _new_users(insights: Mapping[str, Json], recount: Recount) -> list[Comparison]:
    new, wanted = Comparison("new users by month"), recount.new_users(MONTH_LENGTH)
    for month, told in insights.items():
        growth = told["growth_metrics"]
        new.add(month, wanted[month], growth["new_users_this_month"])
        total = sum(count for other, count in wanted.items() if other <= month)
        new.add((month, "total"), total, growth["total_users"])
    return [new]


def _users(platform: Platform, recount: Recount) -> list[Comparison]:
    profiles = platform.rows(
        "users", "SELECT c.id, c.email, c.total_queries, c.total_tokens_used FROM c WHERE c.kind = 'profile'"
    )
    emails = {row["id"]: row["email"].lower() for row in profiles}
    rollups = platform.rows(
        "user_analytics", "SELECT c.user_id, c.analytics_period, c.period_key, c.sums FROM c WHERE c.kind = 'rollup'"
    )
    used: dict[tuple[str, str, str], Use] = {}
    models: dict[tuple[str, str, str], Json] = {}
    for row in rollups:
        key, sums = (emails[row["user_id"]], row["analytics_period"], row["period_key"]), row["sums"]
        used[key] = Use(*(sums.get(name, 0) for name in ("interactions", "tokens", "cost_nano_usd", "unpriced")))
        models[key] = {name[6:]: turns for name, turns in sums.items() if name.startswith("model:")}
    rows: list[Comparison] = []
    wanted, wanted_models = recount.user_use(), recount.user_models()
    for period in ("session", "daily", "weekly", "monthly", "all_time"):
        totals = Comparison(f"each user's turns, tokens, cost, unpriced: {period}")
        totals.add_all(_of(period, wanted), _of(period, used))
        by_model = Comparison(f"each user's turns by model: {period}")
        by_model.add_all(_of(period, wanted_models), _of(period, models))
        rows += [totals, by_model]
    return [*rows, *_shown_totals(platform, profiles, recount)]


def _of(period: str, by_key: Mapping[tuple[str, str, str], Any]) -> dict[tuple[str, str, str], Any]:
    return {key: value for key, value in by_key.items() if key[1] == period}


def _shown_totals(platform: Platform, profiles: list[Json], recount: Recount) -> list[Comparison]:
    """What the profile and the session say of themselves."""
    wanted = {key: (use.turns, use.tokens) for key, use in recount.user_use().items()}
    of_users = Comparison("turns and tokens on profiles")
    turned = {row["email"].lower(): (row["total_queries"], row["total_tokens_used"]) for row in profiles}
    of_users.add_all(
        {user: total for (user, period, _), total in wanted.items() if period == "all_time"},
        {user: total for user, total in turned.items() if total[0]},
    )
    query = "SELECT c.id, c.total_queries, c.total_tokens FROM c WHERE c.kind = 'session'"
    of_sessions = Comparison("turns and tokens on sessions")
    of_sessions.add_all(
        {session: total for (_, period, session), total in wanted.items() if period == "session"},
        {row["id"]: (row["total_queries"], row["total_tokens"]) for row in platform.rows("user_sessions", query)},
    )
    return [of_users, of_sessions]


def find_leaks(platform: Platform, recount: Recount) -> tuple[int, list[Leak]]:
    """How many documents of the platform were looked through, and what of users is in them."""
    documents = platform.rows("user_analytics", "SELECT * FROM c WHERE STARTSWITH(c.partition_key, 'platform')")
    profiles = platform.rows("users", "SELECT c.id, c.auth_id FROM c WHERE c.kind = 'profile'")
    return len(documents), leaks(documents, [str(value) for row in profiles for value in row.values()], recount)
