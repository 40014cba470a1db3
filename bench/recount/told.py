"""Everything that is stored and told of use, field by field, compared with its definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

from pydantic import BaseModel

from bench.recount.comparison import Json, Report
from bench.recount.definitions import answers, insights, users
from bench.recount.definitions.platform import DIMENSIONS, Platform
from bench.recount.definitions.turns import Item, Stored, Turn, mean
from bench.simulation.actors import People
from docs.figures import FIGURES
from models.accounts.profile import UserProfile
from models.chat.facts import facts_of
from models.chat.interaction import UserInteraction
from models.chat.session import UserSession
from models.risk.spam import is_advertisement

BUSY = 50
"""Turns of a day that `admin/busy-users` is asked for."""

RISKY, COMMON = 20, 20
"""How many of each the insights show."""


def _because(reason: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, reason)


_NAMED = _because("says which document it is", "id", "kind", "schema_version")
_WRITTEN = _because(
    "says when or how often it was written", "revision", "told_revision", "counted_revision", "last_updated", "ttl"
)
COUNTED = _NAMED | _WRITTEN


def _no_figures(model: type[BaseModel]) -> dict[str, str]:
    """What the page on data calls none of a model's figures."""
    plain = next(figures.plain for figures in FIGURES if figures.model is model)
    return COUNTED | _because("is what was recorded, by the page on data", *plain)


OF_SESSIONS, OF_PROFILES = _no_figures(UserSession), _no_figures(UserProfile)
OF_QUESTIONS = COUNTED | {
    "analytics_period": "says which document it is",
    "partition_key": "says which document it is",
    "period_key": "has the question's pseudonym in it",
    "sums": "is told by the fields",
    "first_activity": "is no figure: when the question was first asked",
    "last_activity": "is no figure: when the question was last asked",
    "shown_askers": "is compared below",
    "was_common": "is for the next write",
}


@dataclass
class Past:
    """What has been counted, and is not stored any more, or not as counting.

    Attributes:
        erased: Turns, sessions and bookmarks of erased users: the platform's figures keep them.
        counted: Turns that have counted, by id: those that are taken out leave their times.
    """

    erased: tuple[list[Item], list[Item], list[Item]] = field(default_factory=lambda: ([], [], []))
    counted: dict[str, Item] = field(default_factory=dict)


def compare(people: People, sign_in: Mapping[str, dict[str, str]], now: datetime, past: Past | None = None) -> Report:
    """Everything that is stored and told, with what the stored turns, sessions and bookmarks say.

    Args:
        sign_in: Headers by the user id of those whose answers are looked at.
    """
    past = past or Past()
    turns, sessions, bookmarks = rows = what_is_stored(people)
    stored = Stored(turns, sessions, bookmarks, advertises)
    platform = Platform(_with_erased(past, *rows), _taken_out(past, turns))
    comparison = _Comparison(Report(), people, stored, platform, now)
    comparison.documents_of_users()
    comparison.documents_of_platform()
    for month in platform.months:
        comparison.month(month)
    comparison.use_over_time()
    for user, headers in sign_in.items():
        comparison.answers_to(user, headers)
    return comparison.report


def what_is_stored(people: People) -> tuple[list[Json], list[Json], list[Json]]:
    """Turns, sessions and bookmarks."""
    return (
        people.rows("user_interactions", "SELECT * FROM c WHERE c.kind = 'interaction'"),
        people.rows("user_sessions", "SELECT * FROM c WHERE c.kind = 'session'"),
        people.rows("user_bookmarks", "SELECT * FROM c WHERE c.kind = 'bookmark'"),
    )


def advertises(item: Item) -> bool:
    """As the app reads it."""
    return is_advertisement(facts_of(UserInteraction.parse(dict(item))))


def _with_erased(past: Past, *rows: list[Json]) -> Stored:
    turns, sessions, bookmarks = ([*kept, *gone] for kept, gone in zip(rows, past.erased, strict=True))
    return Stored(turns, sessions, bookmarks)


def _taken_out(past: Past, turns: Iterable[Json]) -> list[Turn]:
    counting = {item["id"]: item for item in turns if item.get("analytics_consent", True)}
    past.counted |= counting
    return [Turn.of(item) for turn_id, item in past.counted.items() if turn_id not in counting]


@dataclass
class _Comparison:
    report: Report
    people: People
    stored: Stored
    platform: Platform
    now: datetime

    def __post_init__(self) -> None:
        analytics = self.people.rows("user_analytics", "SELECT * FROM c WHERE c.kind IN ('rollup', 'presence')")
        platform = "c.partition_key = 'platform' AND c.kind IN ('platform_rollup', 'user_group', 'question')"
        shown = self.people.rows("user_analytics", f"SELECT * FROM c WHERE {platform}")
        self.told = {row["id"]: row for row in (*analytics, *shown) if row["sums"]}
        profiles = self.people.rows("users", "SELECT * FROM c WHERE c.kind = 'profile'")
        self.profiles = {row["id"]: row for row in profiles}
        self.findings: dict[str, insights.Findings] = {
            user: row["abuse_evidence"] for user, row in self.profiles.items()
        }
        windows = self.people.rows("user_analytics", "SELECT c.user_id, c.history FROM c WHERE c.kind = 'risk_window'")
        self.history = {row["user_id"]: row["history"] for row in windows}
        self.rollups = users.rollups(self.stored)

    def _of_kind(self, *kinds: str) -> dict[str, Json]:
        return {name: _without_bins(row) for name, row in self.told.items() if row["kind"] in kinds}

    def documents_of_users(self) -> None:
        report, stored = self.report, self.stored
        report.add_all("rollups", self.rollups, self._of_kind("rollup"), COUNTED)
        report.add_all("presences", users.presences(stored), self._of_kind("presence"), COUNTED)
        sessions = {row["id"]: dict(row) for row in stored.every_session}
        report.add_all("sessions", users.session_totals(stored), sessions, OF_SESSIONS)
        totals = users.profile_totals(stored, self.profiles)
        for user, findings in self.findings.items():
            judged = self.profiles[user]["risk_judged_until"]
            totals[user]["risk_score"] = insights.score(findings, datetime.fromisoformat(judged)) if judged else 0
            totals[user]["abuse_flags"] = sorted(finding["rule"] for finding in findings)
            if "last_activity" not in totals[user]:  # that of the first sign-in, or of turns that are taken out
                totals[user]["last_activity"] = self.profiles[user]["last_activity"]
        report.add_all("profiles", totals, self.profiles, OF_PROFILES)

    def documents_of_platform(self) -> None:
        told = self._of_kind("platform_rollup", "user_group")
        self.report.add_all("platform", self.platform.documents(), told, COUNTED)
        shown = {(row["period_key"][:7], row["question"]): row for row in self._of_kind("question").values()}
        wanted = {
            (month, row["question"]): row | {"shown_askers": row["askers"]}
            for month in self.platform.months
            for row in self.platform.questions(month)
        }
        besides = {name: reason for name, reason in OF_QUESTIONS.items() if name != "shown_askers"}
        for which in wanted.keys() | {key for key, row in shown.items() if row["shown_askers"]}:
            self.report.add("questions", str(which), wanted.get(which, {}), shown.get(which), besides)

    def month(self, month: str) -> None:
        """The insights of a month, and the lists of accounts."""
        report, told = self.report, self.people.get("admin/insights", month=month)
        at = self._told_at(month, told["high_risk_users"])
        flagged = insights.flagged(self._findings_of(month), at)
        wanted = {
            "month": month,
            "as_of": self.told.get(f"platform:utc_monthly:{month}", {}).get("last_updated"),
            "high_risk_total": len(flagged),
            "platform_health": insights.health(self.platform, month, flagged),
            "common_questions": self.platform.questions(month, flagged)[:COMMON],
            "growth_metrics": insights.growth(self.platform, month, self.now),
        }
        report.add("insights", month, wanted, told, {"high_risk_users": "is compared below"})
        self._high_risk(f"{month}, insights", month, told["high_risk_users"], RISKY)
        self._high_risk(month, month, self.people.all("admin/high-risk-users", month=month, limit="7"))
        self._busy(month)

    def _told_at(self, month: str, told: list[Json]) -> datetime:
        """The month's end, or when its list was asked for: scores that are close change places while they decay."""
        at = insights.told_at(month, self.now)
        return datetime.fromisoformat(told[0]["risk_score_at"]) if told and at >= self.now else at

    def _findings_of(self, month: str) -> dict[str, insights.Findings]:
        """By user: as they are, or as they were known at the end of a month that is past."""
        at = insights.told_at(month, self.now)
        if at >= self.now:
            return self.findings
        judged = [user for user, profile in self.profiles.items() if not profile.get("is_service")]
        return {user: insights.found_by(self.history.get(user, []), at) for user in judged}

    def _high_risk(self, which: str, month: str, told: list[Json], most: int | None = None) -> None:
        rows, asked = [], self._told_at(month, told)
        every = self._findings_of(month)
        for place, user in enumerate(insights.flagged(every, asked)[:most]):
            findings = every[user]
            at = told[place]["risk_score_at"] if place < len(told) else f"{self.now:%Y-%m-%dT%H:%M:%S}+00:00"
            row = insights.high_risk(self.stored, user, findings, month, datetime.fromisoformat(at))
            row |= {"evidence": findings, "account_status": self.profiles[user]["account_status"], "risk_score_at": at}
            rows.append(row)
        self.report.add_rows("high-risk users", which, rows, told)

    def _busy(self, month: str) -> None:
        told = self.people.all("admin/busy-users", month=month, least=str(BUSY), limit="7")
        wanted = [row for row in insights.busy(self.stored, month, BUSY) if row["user_id"] in self.profiles]
        for row, shown in zip(wanted, told, strict=False):
            findings, at = self.findings[row["user_id"]], shown["risk_score_at"]
            row["risk_score"], row["risk_score_at"] = insights.score(findings, datetime.fromisoformat(at)), at
            row["red_flags"] = sorted(finding["rule"] for finding in findings)
            row["account_status"] = self.profiles[row["user_id"]]["account_status"]
        self.report.add_rows("busy users", month, wanted, told)

    def use_over_time(self) -> None:
        """`admin/analytics`, by everything, for the whole time or a year of it."""
        began, end = date.fromisoformat(f"{self.platform.months[0]}-01"), insights.last_day(self.platform.months[-1])
        first, last = f"{began}", f"{min(end, began + timedelta(days=365))}"
        for dimension, interval in product(DIMENSIONS, ("day", "month")):
            query = {"by": dimension, "interval": interval, "from": first, "to": last}
            wanted = self.platform.use(dimension, interval, first, last)
            told = self.people.get("admin/analytics", **query)
            self.report.add("use over time", f"{interval}, {dimension}", wanted, told)

    def answers_to(self, user: str, headers: dict[str, str]) -> None:
        """What one user is told."""
        report, people = self.report, self.people
        all_time = self.told.get(f"{user}:all_time", {})
        as_of = self.people.rows("user_analytics", f"SELECT c.last_updated FROM c WHERE c.id = '{user}:all_time'")
        written = as_of[0]["last_updated"] if as_of else None
        wanted = answers.dashboard(self.stored, user, self.now) | {"as_of": written}
        report.add("dashboards", user, wanted, people.get_as(headers, "me/dashboard"))
        suggested = answers.suggestions(self.stored, user)
        told = people.get_as(headers, "me/recommendations")
        report.add("recommendations", user, {"items": suggested, "as_of": written if all_time else None}, told)
        self._analytics(user, headers)
        me = people.get_as(headers, "me")
        at = me["risk_score_at"]
        score = insights.score(self.findings[user], datetime.fromisoformat(at)) if at else 0
        names = ("total_sessions", "total_queries", "total_tokens_used", "total_cost_usd", "first_session_date")
        wanted = users.profile_totals(self.stored, [user])[user]
        report.add("profiles", user, {name: wanted[name] for name in names} | {"risk_score": score}, _only(me, wanted))

    def _analytics(self, user: str, headers: dict[str, str]) -> None:
        """`me/analytics` of all time, and of the first year of days."""
        whole = self.rollups.get(f"{user}:all_time")
        told = self.people.get_as(headers, "me/analytics", period="all_time")
        self._listed(f"{user}, all time", [whole] if whole else [], len(self.stored.of(user, "all_time").days), told)
        keys = sorted(key for owner, period, key in self.stored.periods if (owner, period) == (user, "daily"))
        if keys:
            last = f"{date.fromisoformat(keys[0]) + timedelta(days=365)}"
            rows = [self.rollups[f"{user}:daily:{key}"] for key in keys if key <= last]
            told = self.people.get_as(headers, "me/analytics", period="daily", **{"from": keys[0], "to": last})
            self._listed(f"{user}, daily", rows, sum(row["total_interactions"] > 0 for row in rows), told)

    def _listed(self, which: str, rows: list[Json], active_days: int, told: Json) -> None:
        self.report.add_rows("my analytics", which, rows, told["items"], COUNTED)
        self.report.add("my analytics", which, _total(rows) | {"active_days": active_days}, told["total"])


def _total(rollups: Iterable[Json]) -> Json:
    """What rollups sum to."""
    rows, sums = list(rollups), Counter[str]()
    for row in rows:
        sums.update(row["sums"])
    stars = [int(measure[7:]) for measure, count in sums.items() if measure.startswith("rating:") for _ in range(count)]
    names = ("total_sessions", "total_interactions", "total_tokens", "unpriced_interactions")
    told: Json = {name: sum(row[name] for row in rows) for name in names}
    return told | {
        "sums": dict(sums),
        "total_cost_usd": sums["cost_nano_usd"] / 10**9,
        "avg_response_rating": mean(stars),
    }


def _only(told: Mapping[str, Any], names: Iterable[str]) -> Json:
    return {name: value for name, value in told.items() if name in {*names, "risk_score"} - {"last_activity"}}


def _without_bins(row: Json) -> Json:
    """Without the histogram of response times, which the quantiles tell."""
    sums = {measure: value for measure, value in row["sums"].items() if not measure.startswith("response_ms:")}
    return row | {"sums": sums}
