"""What an export says of its documents."""

from __future__ import annotations

from models.privacy.export import Progress, exported, written_versions
from models.risk.judgement import judged
from models.risk.thresholds import RiskSettings
from models.usage.allowance import Allowance
from tests.models.risk_turns import a_window, at_human_pace, conversation


def test_what_only_the_database_reads_is_left_out() -> None:
    stored = {"id": "1", "kind": "note", "_rid": "x", "_self": "x", "_etag": "x", "_attachments": "x", "_ts": 1}
    assert exported("users", stored).document == {"id": "1", "kind": "note"}


def test_findings_say_what_was_seen_and_not_what_it_was_judged_by() -> None:
    found = judged(a_window(conversation(at_human_pace(24), ["What is wisdom?"] * 24)), RiskSettings())
    profile = {"id": "1", "kind": "profile", "abuse_evidence": [one.model_dump() for one in found.findings.values()]}
    told = [
        *exported("users", profile).document["abuse_evidence"],
        exported("user_analytics", found.body()).document["findings"]["repetitive_queries"],
    ]
    for one in told:
        assert set(one) == {"rule", "pattern", "observed", "turns", "first_seen", "last_seen"}
        assert (one["rule"], one["observed"]) == ("repetitive_queries", 24)


def test_what_is_sent_is_counted_by_container_and_kind() -> None:
    progress = Progress(container="users")
    sent = [("users", "profile", 2), ("user_sessions", "session", 1), ("users", "profile", 1), ("users", "profile", 2)]
    for container, kind, version in sent:
        progress.count(container, {"kind": kind, "schema_version": version})
    progress.count("user_sessions", {"id": "1"})
    end = progress.end()
    assert end.counts == {"users": {"profile": 3}, "user_sessions": {"session": 1, "unknown": 1}}
    assert end.schema_versions == {"profile": [1, 2], "session": [1]}


def test_progress_survives_its_way_through_a_continuation() -> None:
    progress = Progress(container="users", continuation="of the database")
    progress.count("users", {"kind": "profile", "schema_version": 1})
    assert Progress.model_validate_json(progress.model_dump_json()) == progress


def test_the_versions_that_are_written_are_those_of_the_models() -> None:
    current = Allowance.model_fields["schema_version"].default
    assert written_versions({"allowance", "a kind to come"}) == {"allowance": current}
