"""Does every field that tells a figure say what its definition says, times included, whatever happens meanwhile?

    python -m bench.figures [FILE.jsonl.gz] [--users users.json] [--limit N]

Replays the traffic (the sample data without a file) in three layouts in time: as it is, shifted over the ends of a
month and of summer time, and up to yesterday. After each replay, after edits of feedback, bookmarks and sessions
through the API, and after a rebuild with repair, it compares every field of every rollup, presence, document of the
platform, session, profile, dashboard and insight with `bench.definitions`. Prints what was compared; exits with 1 if
anything differs, or if a field is told that no definition covers.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.definitions import Definitions
from bench.insights import Platform
from bench.rebuild import end, play, start
from bench.stack import SAMPLE, Stack, local_stack

Json = dict[str, Any]

MONTH_AND_SUMMER_TIME_END = date(2025, 10, 20)
"""Two weeks from here have the end of summer time in Europe and in America, and of a month."""

QUANTILES = ("response_time_p50_ms", "response_time_p95_ms")
WITHIN = 0.01
"""What is promised of quantiles; they are rounded to a tenth of a millisecond besides."""

PLUMBING = frozenset({"id", "kind", "partition_key", "schema_version", "revision", "told_revision", "ttl", "sums"})
WRITTEN = frozenset({"last_updated"})
OF_RISK = frozenset({"usage_anomalies", "risk_indicators", "abuse_likelihood"})
"""These are counted anew by the rules on abuse, and compared by the rebuild."""

POINTS, HALF_LIFE, FLAGGED_FROM = 90, timedelta(days=14), 30
"""What a finding of full strength scores, until when it halves, and from which score on an account is flagged."""

KEYS = frozenset({"analytics_period", "period_key", "user_id"})


@dataclass
class Report:
    """Values compared by what they are of, and the first that differ."""

    compared: Counter[str] = field(default_factory=Counter)
    differing: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, what: str, which: str, wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> None:
        """Every field that is wanted; a field with fields of its own, by them."""
        if found is None:
            self._note(what, f"{which} is missing")
            return
        for name, value in wanted.items():
            if isinstance(value, dict) and isinstance(found.get(name), dict) and name != "sums":
                if list(value) != list(found[name]):
                    self._note(what, f"{which}.{name}: {list(value)} is defined, {list(found[name])} is told")
                self.add(what, f"{which}.{name}", value, found[name])
                continue
            self.compared[what] += 1
            if not _equal(name, value, found.get(name)):
                self._note(what, f"{which}.{name}: {value!r} is defined, {found.get(name)!r} is told")

    def add_all(
        self, what: str, wanted: Mapping[str, Json], found: Mapping[str, Json], covered: frozenset[str]
    ) -> None:
        """Documents by id. Fields that neither are defined nor `covered`, and documents too many, differ."""
        for which in wanted.keys() | found.keys():
            if which in wanted:
                self.add(what, which, wanted[which], found.get(which))
            else:
                self._note(what, f"{which} is told and not defined")
        known = {name for fields in wanted.values() for name in fields} | covered
        for name in {name for item in found.values() for name in item if name[0] != "_"} - known:
            self._note(what, f"no definition covers {name}")

    def _note(self, what: str, text: str) -> None:
        self.differing[what] += 1
        if self.differing[what] <= 5:
            self.examples.append(f"{what}: {text}")

    @property
    def is_exact(self) -> bool:
        return not self.differing


def _equal(name: str, wanted: Any, found: Any) -> bool:
    if name in QUANTILES and wanted is not None and found is not None:
        return bool(abs(found - wanted) <= WITHIN * wanted + 0.05)
    return bool(wanted == found)


def compare(platform: People, sign_in: dict[str, dict[str, str]], now: datetime) -> Report:
    """Everything that is stored and told, with what the stored turns, sessions and bookmarks say.

    Args:
        sign_in: Headers by the user id of those whose dashboards are looked at.
    """
    report = Report()
    turns = platform.rows("user_interactions", "SELECT * FROM c WHERE c.kind = 'interaction'")
    sessions = platform.rows("user_sessions", "SELECT * FROM c WHERE c.kind = 'session'")
    bookmarks = platform.rows("user_bookmarks", "SELECT * FROM c WHERE c.kind = 'bookmark'")
    figures = Definitions(turns, sessions, bookmarks, now)
    _compare_users(report, platform, figures, sessions)
    _compare_platform(report, platform, figures)
    for user, headers in sign_in.items():
        told = platform.get_as(headers, "me/dashboard")
        report.add("dashboards", user, figures.dashboard(user), told)
    return report


def _by_id(rows: list[Json], holding: str) -> dict[str, Json]:
    return {row["id"]: row for row in rows if holding not in row or row[holding]}


def _compare_users(report: Report, platform: People, figures: Definitions, sessions: list[Json]) -> None:
    rollups = platform.rows("user_analytics", "SELECT * FROM c WHERE c.kind = 'rollup'")
    hidden = PLUMBING | WRITTEN | OF_RISK
    report.add_all("rollups", figures.rollups(), _by_id(rollups, "sums"), hidden)
    presences = platform.rows("user_analytics", "SELECT * FROM c WHERE c.kind = 'presence'")
    report.add_all("presences", figures.presences(), _by_id(presences, "sums"), PLUMBING)
    by_id = {row["id"]: row for row in sessions}
    for session, fields in figures.session_totals().items():
        report.add("sessions", session, fields, by_id[session])
    profiles = platform.rows("users", "SELECT * FROM c WHERE c.kind = 'profile'")
    told = {row["id"]: row for row in profiles}
    for user, fields in figures.profile_totals().items():
        report.add("profiles", user, fields, told.get(user))


def _compare_platform(report: Report, platform: People, figures: Definitions) -> None:
    kinds = "c.kind IN ('platform_rollup', 'user_group')"
    rows = platform.rows("user_analytics", f"SELECT * FROM c WHERE c.partition_key = 'platform' AND {kinds}")
    defined = figures.platform()
    report.add_all("platform", defined, _by_id(rows, "sums"), PLUMBING | WRITTEN | KEYS)
    for name, fields in defined.items():
        if "utc_monthly" in name:
            _compare_month(report, platform, figures, name.rpartition(":")[2], fields)


def _compare_month(report: Report, platform: People, figures: Definitions, month: str, fields: Json) -> None:
    insights = platform.get("admin/insights", month=month)
    flagged = platform.flagged(month, figures.now)
    health = insights["platform_health"]
    wanted = {name: value for name, value in fields.items() if name in health}
    report.add("insights: health", month, wanted | figures.without_flagged(month, flagged), health)
    report.add("insights: growth", month, figures.growth(month), insights["growth_metrics"])
    asked = [tuple(question.values()) for question in insights["common_questions"]]
    for place, row in enumerate(figures.questions(month, flagged)[:20]):
        found = asked[place] if place < len(asked) else None
        report.add("insights: questions", f"{month} {place}", {"question": row}, {"question": found})
    stored = "SELECT * FROM c WHERE c.partition_key = 'platform' AND c.kind = 'question' AND c.shown_askers > 0"
    held = [row for row in platform.rows("user_analytics", stored) if row["period_key"].startswith(month)]
    told = {row["question"]: (row["askers"], row["frequency"], row["ratings"], row["avg_rating"]) for row in held}
    for text, *values in figures.questions(month):
        report.add("questions", f"{month} {text}", {"told": tuple(values)}, {"told": told.get(text)})


class People(Platform):
    """The platform, also as its users see it."""

    def __init__(self, stack: Stack, http: httpx.Client) -> None:
        super().__init__(stack, http)

    def get_as(self, headers: dict[str, str], path: str) -> Json:
        answer = self._http.get(f"{self._stack.functions_url}/api/{path}", headers=headers).raise_for_status()
        return dict(answer.json())

    def flagged(self, month: str, now: datetime) -> list[str]:
        """The accounts whose findings scored enough at the end of the month, or do now: each is halved every two weeks
        since its last evidence."""
        first = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
        now, found = min(now, (first + timedelta(days=31)).replace(day=1)), []
        for row in self.rows("users", "SELECT c.id, c.abuse_evidence FROM c WHERE c.kind = 'profile'"):
            score = 0.0
            for finding in row["abuse_evidence"]:
                if datetime.fromisoformat(finding["first_seen"]) > now:
                    continue
                age = max(timedelta(0), now - datetime.fromisoformat(finding["last_seen"])) / HALF_LIFE
                score += POINTS * finding["strength"] * 0.5**age
            if round(min(100.0, score), 2) >= FLAGGED_FROM:
                found.append(row["id"])
        return found

    def sign_in(self, email: str) -> dict[str, str]:
        answer = self._http.post(f"{self._stack.entra_url}/_local/token", json={"email": email}).raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def edit(self, method: str, path: str, headers: dict[str, str], body: Json | None = None) -> None:
        url = f"{self._stack.functions_url}/api/{path}"
        headers = headers | ({"If-Match": "*"} if method != "POST" else {})
        self._http.request(method, url, json=body, headers=headers).raise_for_status()

    def drain(self) -> None:
        """Waits until the feeds have nothing left."""
        quiet = 0
        while quiet < 3:
            feeds = self._http.get(f"{self._stack.functions_url}/_local/feeds").json()["feeds"]
            quiet = quiet + 1 if all(feed["lag"] == 0 for feed in feeds) else 0
            time.sleep(0.2)


def edit_everything(people: People, emails: Mapping[str, str]) -> None:
    """Feedback on turns, bookmarks made and deleted, sessions ended and moved to another zone: of some users."""
    for email in emails.values():
        headers = people.sign_in(email)
        turns = people.get_as(headers, "interactions?limit=12")["items"]
        for number, turn in enumerate(turns):
            path = f"interactions/{turn['id']}"
            people.edit("PATCH", path, headers, {"user_rating": number % 5 + 1, "was_shared": number % 2 == 0})
            if number % 3 == 0:
                people.edit("POST", "bookmarks", headers, {"interaction_id": turn["id"]})
        for bookmark in people.get_as(headers, "bookmarks?limit=2")["items"][:1]:
            people.edit("DELETE", f"bookmarks/{bookmark['id']}", headers)
        for number, session in enumerate(people.get_as(headers, "sessions?limit=3")["items"]):
            changes = {"is_active": False} if number else {"timezone": "Pacific/Auckland"}
            people.edit("PATCH", f"sessions/{session['id']}", headers, changes)
    people.drain()


def layouts(turns: Path) -> Iterator[tuple[str, timedelta]]:
    """The layouts in time, by how far each moves the traffic."""
    first, last = _span(turns)
    yield "as it is", timedelta()
    yield "over the ends of a month and of summer time", timedelta(days=(MONTH_AND_SUMMER_TIME_END - first).days)
    yield "up to yesterday", timedelta(days=(datetime.now(UTC).date() - timedelta(days=1) - last).days)


def _lines(turns: Path) -> Iterator[Json]:
    opened = gzip.open if turns.suffix == ".gz" else open
    with opened(turns, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _span(turns: Path) -> tuple[date, date]:
    times = [datetime.fromisoformat(line["at"]).date() for line in _lines(turns)]
    return min(times), max(times)


def shifted(turns: Path, by: timedelta, limit: int | None, folder: Path) -> Path:
    """The first turns of a file, moved in time."""
    written = folder / "turns.jsonl"
    with written.open("w", encoding="utf-8") as out:
        for number, line in enumerate(_lines(turns)):
            if limit is not None and number >= limit:
                break
            at = datetime.fromisoformat(line["at"]) + by
            out.write(json.dumps(line | {"at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}, ensure_ascii=False) + "\n")
    return written


def measure_layout(
    turns: Path, users: Path, by: timedelta, limit: int | None, people_edited: int = 12
) -> list[tuple[str, Report]]:
    """The comparisons of one layout, after each step."""
    with tempfile.TemporaryDirectory(prefix="vimarsh-") as folder, local_stack() as stack:
        with httpx.Client(timeout=120) as http:
            play(stack, shifted(turns, by, limit, Path(folder)), users)
            people = People(stack, http)
            profiles = people.rows("users", "SELECT c.id, c.email FROM c WHERE c.kind = 'profile'")
            emails = {row["id"]: row["email"] for row in sorted(profiles, key=lambda row: str(row["id"]))}
            some = dict(list(emails.items())[:people_edited])
            signed_in = {user: people.sign_in(email) for user, email in some.items()}
            found = [("after the replay", compare(people, signed_in, datetime.now(UTC)))]
            edit_everything(people, some)
            found.append(("after edits", compare(people, signed_in, datetime.now(UTC))))
            rebuilt = end(stack, start(stack, repair=True))
            people.drain()
            report = compare(people, signed_in, datetime.now(UTC))
            for drift in rebuilt["drift"]:
                report._note("rebuild", f"{drift['user_id']} {drift['bucket']} had drifted")
            found.append(("after a rebuild", report))
        return found


def table(title: str, report: Report) -> None:
    print(f"\n{title}\n\n| what | values compared | differing |\n|---|---:|---:|", flush=True)
    for what in sorted(report.compared.keys() | report.differing.keys()):
        print(f"| {what} | {report.compared[what]} | {report.differing[what]} |")
    print(f"| in all | {report.compared.total()} | {report.differing.total()} |")
    for example in report.examples:
        print(example)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.figures", description="Compare figures with definitions.")
    parser.add_argument("turns", type=Path, nargs="?", default=SAMPLE / "turns.jsonl")
    parser.add_argument("--users", type=Path, default=SAMPLE / "users.json")
    parser.add_argument("--limit", type=int, help="play the first turns only")
    arguments = parser.parse_args()
    exact = True
    for name, by in layouts(arguments.turns):
        for step, report in measure_layout(arguments.turns, arguments.users, by, arguments.limit):
            table(f"{name}, {step}", report)
            exact = exact and report.is_exact
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
