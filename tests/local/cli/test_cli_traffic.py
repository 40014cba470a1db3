from __future__ import annotations

import gzip
import json
import uuid
from pathlib import Path

import pytest

from local.cli.tally import Tally, percentile, report
from local.cli.terminal import CommandError
from local.cli.traffic import TrafficUser, batches, read_turns, read_users, share_out
from local.entra.identity import TENANT_ID, oid_of
from tests.local.cli.conftest import a_line, write_lines

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "traffic"


def test_a_turn_becomes_the_apis_item_with_its_user(tmp_path: Path) -> None:
    user = TrafficUser("ann", "ann@contoso.example", "Ann Lee", "Ann", "Lee", "Asia/Kolkata", "hi")
    (turn,) = read_turns(write_lines(tmp_path, [a_line()]), {"ann": user})
    item = turn.as_ingested()
    assert uuid.UUID(item.pop("id")).version == 5
    assert uuid.UUID(item.pop("session_id")).version == 5
    assert item == {
        "user": {
            "tenant_id": TENANT_ID,
            "auth_id": oid_of("ann@contoso.example"),
            "email": "ann@contoso.example",
            "name": "Ann Lee",
            "given_name": "Ann",
            "family_name": "Lee",
            "timezone": "Asia/Kolkata",
            "preferred_language": "hi",
        },
        "timestamp": "2026-11-01T08:00:00.000Z",
        "user_query": "What is rain?",
        "user_query_language": "en",
        "query_category": "science",
        "personality_used": "newton",
        "response_text": "Water that has changed its mind.",
        "response_quality": "high",
        "response_time_ms": 900,
        "model_used": "gpt-4o-mini",
        "input_tokens": 120,
        "output_tokens": 40,
        "citations_provided": ["Rain"],
        "user_rating": 4,
        "was_helpful": True,
        "was_shared": False,
        "was_bookmarked": True,
        "ip_address": "192.0.2.7",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    }


def test_ids_follow_from_the_content_and_tell_equal_turns_apart(tmp_path: Path) -> None:
    lines = [a_line(), a_line(), a_line(query="And snow?"), a_line(user="bea"), a_line(session="ann-1")]
    file = write_lines(tmp_path, lines)
    first, second = list(read_turns(file, {})), list(read_turns(file, {}))
    assert [turn.id for turn in first] == [turn.id for turn in second]
    assert len({turn.id for turn in first}) == len(lines)
    assert len({turn.session_id for turn in first}) == 3
    assert first[0].session_id == first[1].session_id == first[2].session_id


def test_a_limit_does_not_change_the_ids(tmp_path: Path) -> None:
    file = write_lines(tmp_path, [a_line(), a_line(), a_line()])
    assert [turn.id for turn in read_turns(file, {}, 2)] == [turn.id for turn in read_turns(file, {})][:2]


def test_a_compressed_file_is_the_same_traffic(tmp_path: Path) -> None:
    file = write_lines(tmp_path, [a_line(query="¿Qué es la lluvia?"), a_line(user="bea")])
    packed = tmp_path / "turns.jsonl.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert list(read_turns(packed, {})) == list(read_turns(file, {}))


def test_an_unknown_user_gets_an_email_of_their_key(tmp_path: Path) -> None:
    (turn,) = read_turns(write_lines(tmp_path, [a_line()]), {})
    assert turn.user.email == "ann@replay.example"


@pytest.mark.parametrize("workers", [1, 2, 3, 50])
def test_shares_keep_a_users_turns_together_and_in_the_files_order(tmp_path: Path, workers: int) -> None:
    users = [f"user-{number % 7}" for number in range(40)] + ["user-0"] * 20
    lines = [a_line(user=user, session=user, query=str(number)) for number, user in enumerate(users)]
    turns = list(read_turns(write_lines(tmp_path, lines), {}))
    shares = share_out(turns, workers)
    assert sorted(turn.id for share in shares for turn in share) == sorted(turn.id for turn in turns)
    assert len(shares) == min(workers, 7)
    owners = [{turn.user.key for turn in share} for share in shares]
    assert sum(map(len, owners)) == 7
    for share in shares:
        assert share == [turn for turn in turns if turn in share]


def test_shares_are_about_equally_long(tmp_path: Path) -> None:
    lines = [a_line(user=f"user-{number % 12}", session="s", query=str(number)) for number in range(120)]
    shares = share_out(read_turns(write_lines(tmp_path, lines), {}), 4)
    assert [len(share) for share in shares] == [30, 30, 30, 30]


def test_batches_hold_all_turns_in_order(tmp_path: Path) -> None:
    turns = list(read_turns(write_lines(tmp_path, [a_line(query=str(number)) for number in range(7)]), {}))
    cut = list(batches(turns, 3))
    assert [len(batch) for batch in cut] == [3, 3, 1]
    assert [turn for batch in cut for turn in batch] == turns


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b'{"user": "ann"}\n', "line 1"), (b"[1]\n", "line 1"), (b"\xff\n", "line 1"), (b"{\n", "line 1")],
)
def test_a_line_that_is_no_turn_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "turns.jsonl"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=reason):
        list(read_turns(file, {}))


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    for name in ("turns.jsonl", "turns.jsonl.gz"):
        with pytest.raises(CommandError, match=name):
            list(read_turns(tmp_path / name, {}))
    with pytest.raises(CommandError, match=r"users\.json"):
        read_users(tmp_path / "users.json")


def test_a_cut_off_archive_is_named(tmp_path: Path) -> None:
    file = tmp_path / "turns.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps(a_line()).encode())[:-9])
    with pytest.raises(CommandError, match=r"turns\.jsonl\.gz"):
        list(read_turns(file, {}))


@pytest.mark.parametrize("content", ["{}}", '{"user": "ann"}', '[{"email": "a@b.example"}]', "[5]"])
def test_a_file_that_is_no_list_of_users_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "users.json"
    file.write_text(content)
    with pytest.raises(CommandError, match="not a list of users"):
        read_users(file)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded traffic is not here")
def test_the_recorded_traffic_is_read_whole() -> None:
    users = read_users(RECORDED / "users.json")
    turns = list(read_turns(RECORDED / "turns.jsonl.gz", users))
    assert len(users) == 314
    assert len({turn.id for turn in turns}) == len(turns) == 18_255
    assert {turn.user.key for turn in turns} <= users.keys()
    assert len({turn.session_id for turn in turns}) == 3053


@pytest.mark.parametrize(("percent", "expected"), [(50, 5), (95, 10), (99, 10), (10, 1), (1, 1)])
def test_percentiles_are_by_nearest_rank(percent: float, expected: int) -> None:
    assert percentile([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], percent) == expected


def test_the_report_tells_what_was_lost_and_why() -> None:
    tally = Tally()
    for status in (201, 201, 200):
        tally.acknowledge(status)
    tally.lose(2, "400", "no such thing")
    tally.latencies += [0.010, 0.020]
    lines = list(report(tally, 1.5, "batch"))
    assert lines[0].endswith("2 turns/s")
    assert "2 new, 1 already there, 2 lost" in lines[1]
    assert "p50 10.0, p95 20.0, p99 20.0 ms per batch" in lines[2]
    assert lines[3:] == ["errors     2 x 400", "first      400: no such thing"]
