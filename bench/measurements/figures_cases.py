"""What was wrong or misleading once, looked for in traffic: how much of it there is, of how much.

Each case is counted from what is stored and told, by what the turns say. A case that is mended counts nothing; the
figures that were replaced are shown as they are told now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bench.recount.comparison import Json
from bench.recount.definitions.turns import DEEP, Stored, mean, moment
from bench.simulation.actors import People


class Case(NamedTuple):
    """One row: what would be wrong, and how often it is, or what is told in its place."""

    what: str
    found: str


RISK = ("usage_anomalies", "risk_indicators", "abuse_likelihood")
LEAST = 50
"""Turns of a day from which an account is busy."""


class Cases:
    """Everything in which the cases are looked for.

    Args:
        month: Of most of the traffic.
        defined: Rollups by their definitions.
    """

    def __init__(self, people: People, stored: Stored, month: str, defined: dict[str, Json]) -> None:
        self._people, self._stored, self._month, self._defined = people, stored, month, defined
        kinds = "c.kind IN ('rollup', 'presence', 'platform_rollup')"
        rows = people.rows("user_analytics", f"SELECT * FROM c WHERE {kinds}")
        self._told = [row for row in rows if row["sums"]]
        self._rollups = [row for row in self._told if row["kind"] == "rollup"]
        self._insights = people.get("admin/insights", month=month)
        self._profiles = people.rows("users", "SELECT * FROM c WHERE c.kind = 'profile' AND c.total_queries > 0")

    def all(self) -> Iterator[Case]:
        dashboards = [self._people.get_as(self._people.sign_in(row["email"]), "me/dashboard") for row in self._profiles]
        yield from self._times()
        yield from self._misuse()
        yield from self._topics()
        yield from self._questions()
        yield from self._high_risk()
        yield from self._over_time([one for one in dashboards if one["total_interactions"]])
        yield from self._saved()
        yield from self._sessions()
        yield from self._retention()
        yield from self._ranked()
        yield from self._costs()
        yield from self._busy()

    def _times(self) -> Iterator[Case]:
        for what, kind in (("presences", "presence"), ("days and months of the platform", "platform_rollup")):
            rows = [row for row in self._told if row["kind"] == kind and row["first_activity"]]
            spans = ((row["period_key"], row["first_activity"], row["last_activity"]) for row in rows)
            wrong = sum(not (first.startswith(key) and last.startswith(key)) for key, first, last in spans)
            yield Case(f"{what} whose first or last activity is outside of them", _of(wrong, len(rows)))

    def _misuse(self) -> Iterator[Case]:
        wrong = sum(any(row[name] != self._defined[row["id"]][name] for name in RISK) for row in self._rollups)
        seen = sum(bool(row["usage_anomalies"]) for row in self._rollups)
        yield Case(
            "rollups that say of misuse what their turns don't", f"{_of(wrong, len(self._rollups))}; {seen} say some"
        )

    def _topics(self) -> Iterator[Case]:
        asked = Counter((turn["user_id"], turn["session_id"], turn["query_category"]) for turn in self._stored.turns)
        deep = {(user, topic) for (user, _, topic), times in asked.items() if times >= DEEP}
        told = [(row["user_id"], topic) for row in self._whole() for topic in row["deep_dive_topics"]]
        wrong = sum(one not in deep for one in told)
        yield Case("deep dives that nobody asked about three times in a session", _of(wrong, len(told)))

    def _questions(self) -> Iterator[Case]:
        flagged = {row["user_id"] for row in self._everybody_flagged()}
        first = self._insights["common_questions"][:3]
        ranked = "; ".join(f"{one['askers']} askers, {one['frequency']} times" for one in first)
        yield Case(f"the first three common questions, without {len(flagged)} flagged accounts", ranked)

    def _everybody_flagged(self) -> list[Json]:
        return self._people.all("admin/high-risk-users", month=self._month, limit="20")

    def _high_risk(self) -> Iterator[Case]:
        listed, total = self._everybody_flagged(), self._insights["high_risk_total"]
        yield Case("flagged accounts that no list has", _of(total - len(listed), total))
        lower = 0
        for one in listed:
            keys = [key for user, period, key in self._stored.periods if (user, period) == (one["user_id"], "daily")]
            days = [key for key in keys if key.startswith(self._month)]
            most = max((len(self._stored.of(one["user_id"], "daily", day).turns) for day in days), default=0)
            lower += one["daily_query_count"] != most
        yield Case("of them, told with another day than their busiest", _of(lower, total))

    def _over_time(self, dashboards: Sequence[Json]) -> Iterator[Case]:
        scores = [one["usage_insights"]["consistency_score"] for one in dashboards]
        full, unknown = sum(score == 10 for score in scores), sum(score is None for score in scores)
        told = f"{_of(full, len(scores))}; {unknown} have none yet, {len(set(scores) - {None})} different values"
        yield Case("users with a consistency of 10.0", told)
        levels = Counter(str(one["learning_growth_metrics"]["knowledge_progression"]) for one in dashboards)
        yield Case("knowledge_progression", ", ".join(f"{value}: {users}" for value, users in levels.most_common()))

    def _saved(self) -> Iterator[Case]:
        saved = Counter(row["interaction_id"] for row in self._stored.bookmarks)
        marked = {turn["id"] for turn in self._stored.turns if turn["was_bookmarked"]}
        total = sum(row["total_bookmarks"] for row in self._whole())
        wrong = len(marked ^ saved.keys())
        yield Case(
            "turns that say they are saved and are not, or the reverse", f"{_of(wrong, len(marked))}; {total} told"
        )

    def _sessions(self) -> Iterator[Case]:
        sessions, untimed, wrong, short = self._stored.sessions, 0, 0, 0
        for session in sessions:
            turns = self._stored.of(session["user_id"], "session", session["session_id"]).turns
            times = [turn["response_time_ms"] for turn in turns]
            untimed += 0 in times
            wrong += 0 in times and session["avg_response_time_ms"] != mean([time for time in times if time])
            short += session["duration_seconds"] == 0
        yield Case("sessions whose mean time counts unknown times", _of(wrong, untimed))
        yield Case("sessions that lasted 0 seconds", _of(short, len(sessions)))
        unended = [row for row in self._rollups if not row["timed_sessions"]]
        zero = sum(row["avg_session_duration"] is not None for row in unended)
        yield Case("rollups without a session whose length is known that tell one", _of(zero, len(unended)))

    def _retention(self) -> Iterator[Case]:
        kept = self._insights["growth_metrics"]["retention"]
        told = (f"day {one['day']}: {one['returned']} of {one['could_return']}" for one in kept)
        yield Case("users who came back, of those who could", ", ".join(told))

    def _ranked(self) -> Iterator[Case]:
        ties = wrong = 0
        for row in self._rollups:
            hours = {int(name[5:]): turns for name, turns in row["sums"].items() if name.startswith("hour:")}
            order = sorted(hours, key=lambda hour: (-hours[hour], hour))
            ties += len(set(hours.values())) < len(hours)
            wrong += row["most_active_hours"] != order[:3]
        yield Case("most_active_hours whose ties are not in order", _of(wrong, ties))
        quiet = [row for row in self._rollups if row["total_interactions"] and not row["total_sessions"]]
        zero = sum(row["avg_queries_per_session"] is not None for row in quiet)
        yield Case("periods with turns and no session begun that tell turns a session", _of(zero, len(quiet)))
        cited = {(turn["user_id"], source) for turn in self._stored.turns for source in turn["citations_provided"]}
        told = [(row["user_id"], source) for row in self._whole() for source in row["favorite_sources"]]
        yield Case("favourite sources that no answer cited", _of(sum(one not in cited for one in told), len(told)))

    def _costs(self) -> Iterator[Case]:
        health = self._insights["platform_health"]
        share, of_cost = (health["flagged"][name] or 0 for name in ("share_of_interactions", "share_of_cost"))
        without = health["cost_per_interaction_without_flagged_usd"] or 0
        costs = f"{health['cost_per_interaction_usd'] or 0:.6f}, {without:.6f}"
        theirs = f"theirs are {share:.0%} of turns, {of_cost:.0%} of cost"
        yield Case("USD a turn, with and without flagged accounts", f"{costs}; {theirs}")

    def _busy(self) -> Iterator[Case]:
        busy = self._people.all("admin/busy-users", month=self._month, least=str(LEAST), limit="20")
        people = [one for one in busy if not one["red_flags"]]
        most = max((one["peak_queries"] for one in people), default=0)
        yield Case(
            f"accounts with days of {LEAST} turns that staff see though nothing was found",
            f"{len(people)}; up to {most} a day",
        )

    def _whole(self) -> Iterable[Json]:
        return (row for row in self._rollups if row["analytics_period"] == "all_time")


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"


def busiest_month(stored: Stored) -> str:
    """The month of UTC with most turns."""
    return Counter(f"{moment(turn['timestamp']):%Y-%m}" for turn in stored.turns).most_common(1)[0][0]


def show(cases: Iterable[Case]) -> None:
    print("\n| what | found |\n|---|---|")
    for case in cases:
        print(f"| {case.what} | {case.found} |", flush=True)
