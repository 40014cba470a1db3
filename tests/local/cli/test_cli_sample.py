from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

from local.cli.replay import SAMPLE
from local.cli.traffic import read_turns, read_users
from local.sample.generate import render


def test_the_files_are_what_the_generator_makes() -> None:
    for name, content in render().items():
        assert (SAMPLE / name).read_text("utf-8") == content, f"run python -m local.sample.generate for {name}"


def test_the_sample_is_varied_and_of_the_fortnight_before_its_end() -> None:
    users = read_users(SAMPLE / "users.json")
    turns = list(read_turns(SAMPLE / "turns.jsonl", users))
    times = [datetime.fromisoformat(turn.at) for turn in turns]
    assert times == sorted(times)
    assert datetime(2026, 11, 6, tzinfo=UTC) <= times[0] <= times[-1] < datetime(2026, 11, 20, tzinfo=UTC)
    assert {turn.user.key for turn in turns} == users.keys()
    assert len(users) == 12
    assert 240 <= len(turns) <= 280
    assert len({turn.id for turn in turns}) == len(turns)
    assert len({turn.body["user_query_language"] for turn in turns}) >= 6
    assert len({turn.body["personality_used"] for turn in turns}) >= 10
    assert {turn.body["model_used"] for turn in turns} == {
        "gpt-4o-mini",
        "gpt-4o",
        "gemini-2.0-flash",
        "gemini-1.5-pro",
    }


def test_one_account_repeats_itself_at_the_pace_of_a_machine() -> None:
    lines = [json.loads(line) for line in (SAMPLE / "turns.jsonl").read_text("utf-8").splitlines()]
    times = [datetime.fromisoformat(line["at"]) for line in lines if line["user"] == "mallory"]
    assert len(Counter(line["query"] for line in lines if line["user"] == "mallory")) == 1
    gaps = {(later - earlier).total_seconds() for earlier, later in pairwise(times)}
    assert gaps == {3.0}


def test_the_organizations_name_people_and_each_other() -> None:
    sample = json.loads((SAMPLE / "organizations.json").read_text("utf-8"))
    people = {person["user"] for person in sample["people"]}
    known = {"root"} | people
    made: set[str] = set()
    for organization in sample["organizations"]:
        assert organization["by"] in known
        assert organization.get("parent") in {None, *made}
        assert {member["user"] for member in organization["members"]} <= people
        made.add(organization["key"])
    assert [one["body"]["organization_type"] for one in sample["organizations"]].count("class") == 2
    for family in sample["guardians"]:
        assert {family["child"], family["parent"]} <= people
    assert {turn["organization"] for turn in sample["turns"]} <= made
    assert not people & read_users(SAMPLE / "users.json").keys()
