"""What the API and the database say, beside a count of the traffic that knows nothing of the app."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bench.recount.insights import Comparison, compare, find_leaks
from bench.recount.leaks import leaks
from bench.recount.told import compare as compare_figures
from bench.recount.traffic import Recount, normalised
from bench.simulation.actors import People, edit_everything
from bench.simulation.replaying import end, play, start
from bench.simulation.stack import Stack, local_stack
from local.cli.traffic import Turn, read_turns, read_users

ZONES = {"asha": "Asia/Kolkata", "ben": "America/New_York", "chloe": "Pacific/Auckland", "dev": "UTC", "eve": "UTC"}
COMMON = [
    "What is the good life?",
    "what is  the good LIFE ?!",
    "Ｗhat is the good life? #2",
    "What is the good life? 7",
]
"""One question in four ways: of case, spacing, punctuation, width, and with a counter."""

SHARED_BY_TWO = "Is it true that only two of us ever ask this?"
A_USER_ID = "6f1d3c1e-0000-5000-8000-76696d617273"
BEGAN = datetime(2026, 9, 30, 18, 40, tzinfo=UTC)
"""A Wednesday. In India the month has ended; in New York it has not when the second turn is asked."""


def lines() -> Iterator[dict[str, Any]]:
    """Turns over the ends of days, of a month and of weeks, in five people's zones."""
    for number in range(60):
        user = list(ZONES)[number % 5 if number < 45 else number % 3]
        if (user == "eve" and number > 10) or (
            user == "dev" and number < 20
        ):  # one doesn't come back, and one begins a week later
            user = "ben"
        at = BEGAN + timedelta(hours=7 * number if number < 45 else 5 * number, minutes=number)
        question = COMMON[number % 4] if number % 5 < 3 else f"What does {user} want to know on day {number}?"
        yield {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "user": user,
            "session": f"{user}-{number // 20}-{number % 2 if user == 'asha' else 0}",
            "query": SHARED_BY_TWO if number in (3, 4) else question,
            "language": ("en", "hi", "de")[number % 3],
            "response": "It is examined.",
            "category": ("philosophy", "science")[number % 2],
            "citations": [],
            "personality": "socrates" if user == "ben" else ("buddha", "krishna", "rumi")[number % 3],
            "response_quality": ("high", "medium", "fallback")[number % 3 if number % 2 else 0],
            "model": ("gpt-4o-mini", "gpt-4o", "a-model-without-a-price")[number % 3],
            "input_tokens": 100 + number,
            "output_tokens": 10 * number,
            "response_time_ms": 0 if number == 7 else 90 + 37 * number * number,
            "user_rating": number % 5 + 1 if number % 4 == 0 else None,
            "was_helpful": None,
            "bookmark": user == "chloe",
            "share": False,
            "ip": "203.0.113.9",
            "user_agent": None,
        }


@dataclass(frozen=True)
class Played:
    """Traffic that was played into a running stack."""

    stack: Stack
    platform: People
    turns: list[Turn]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("traffic")
    turns, users = folder / "turns.jsonl", folder / "users.json"
    turns.write_text("".join(json.dumps(line) + "\n" for line in lines()), "utf-8")
    people = [
        {
            "user": user,
            "email": f"{user}@contoso.example",
            "name": f"{user.title()} Surname",
            "given_name": user.title(),
            "family_name": "Surname",
            "timezone": zone,
            "preferred_language": "en",
        }
        for user, zone in ZONES.items()
    ]
    users.write_text(json.dumps(people), "utf-8")
    with local_stack() as stack, httpx.Client(timeout=60) as http:
        play(stack, turns, users)
        platform = People(stack, http)
        platform.settle()
        yield Played(stack, platform, list(read_turns(turns, read_users(users))))


def differing(comparisons: list[Comparison]) -> dict[str, list[Any]]:
    return {row.what: row.differing for row in comparisons if row.differing}


def test_everything_that_is_told_is_what_the_traffic_says(played: Played) -> None:
    comparisons = compare(played.platform, Recount(played.turns))
    assert differing(comparisons) == {}
    assert [row.what for row in comparisons if row.compared == 0] == []


def emails(played: Played) -> dict[str, str]:
    rows = played.platform.rows("users", "SELECT c.id, c.email FROM c WHERE c.kind = 'profile'")
    return {row["id"]: row["email"] for row in rows}


def test_every_field_is_what_its_definition_says(played: Played) -> None:
    signed_in = {user: played.platform.sign_in(email) for user, email in emails(played).items()}
    report = compare_figures(played.platform, signed_in, datetime.now(UTC))
    assert report.examples == []
    assert {
        *("rollups", "presences", "platform", "questions", "sessions", "profiles"),
        *("dashboards", "recommendations", "my analytics", "insights", "use over time"),
    } <= report.compared.keys()


def test_a_turn_that_was_not_counted_would_be_noticed(played: Played) -> None:
    found = differing(compare(played.platform, Recount(played.turns[:55] + played.turns[56:])))
    assert {
        "turns, sessions, tokens, cost, unpriced by day of UTC",
        "turns, tokens, cost, unpriced by month and model",
        "each user's turns, tokens, cost, unpriced: session",
        "each user's turns by model: weekly",
        "turns and tokens on profiles",
    } <= found.keys()


def test_the_traffic_has_what_makes_counting_hard(played: Played) -> None:
    recount = Recount(played.turns)
    assert [(text, len(one.askers)) for text, one in recount.common_questions.items()] == [("what is the good life", 3)]
    assert len(recount.questions[normalised(SHARED_BY_TWO)].askers) == 2
    days = {(asked.utc_day, asked.day.isoformat()) for asked in recount.asked}
    assert {("2026-09-30", "2026-10-01"), ("2026-10-01", "2026-09-30")} <= days
    assert sum(use.unpriced for use in recount.utc_use(7).values()) == 20


def test_the_platform_keeps_nothing_that_leads_to_a_user(played: Played) -> None:
    looked_at, found = find_leaks(played.platform, Recount(played.turns))
    assert (looked_at > 100, found) == (True, [])


def test_what_leads_to_a_user_would_be_found(played: Played) -> None:
    recount, turn = Recount(played.turns), played.turns[3]
    for text in (
        turn.id,
        f"ledger:{turn.session_id}",
        f"of {turn.user.email}",
        turn.user.name,
        SHARED_BY_TWO,
        f"asked {normalised(SHARED_BY_TWO)}",
        f"platform:{A_USER_ID}",
    ):
        document = {"id": "platform:utc_daily:2026-10-01", "sums": [{"question": text}]}
        assert leaks([document], [A_USER_ID], recount), text
    assert leaks([{"question": "what is the good life", "language:en": 3}], [], recount) == []


def test_every_field_is_so_after_edits_and_after_a_rebuild_too(played: Played) -> None:
    """The last of all: it changes what was played."""
    people, users = played.platform, emails(played)
    edit_everything(people, users)
    signed_in = {user: people.sign_in(email) for user, email in users.items()}
    assert compare_figures(people, signed_in, datetime.now(UTC)).examples == []
    rebuilt = end(played.stack, start(played.stack, repair=True))
    people.settle()
    assert (rebuilt["status"], rebuilt["drift"]) == ("completed", [])
    assert compare_figures(people, signed_in, datetime.now(UTC)).examples == []
