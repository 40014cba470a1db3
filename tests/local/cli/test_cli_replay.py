from __future__ import annotations

import socket
from collections import deque
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.__main__ import main
from local.cli.playback import RENEW_SECONDS, Pauses, Player, Refusal, Tokens
from local.cli.traffic import TrafficUser, read_turns
from local.entra.identity import INGEST_ROLE, oid_of
from local.entra.server import serve_in_thread
from tests.local.cli.conftest import a_line, write_lines
from tests.local.cli.fake_api import FakeApi


def some_lines(count: int) -> list[dict[str, Any]]:
    users = [f"user-{number % 5}" for number in range(count)]
    return [
        a_line(user=user, session=f"{user}-{number % 2}", query=f"Question {number}")
        for number, user in enumerate(users)
    ]


class Replay:
    """Runs the command against the small API."""

    def __init__(self, file: Path, api_url: str, issuer_url: str) -> None:
        self.file = file
        self.command = ["replay", str(file), "--functions-url", api_url, "--entra-url", issuer_url]

    def __call__(self, *more: str) -> int:
        return main([*self.command, *more])


@pytest.fixture
def replay(tmp_path: Path, api_url: str, issuer_url: str) -> Replay:
    return Replay(write_lines(tmp_path, some_lines(250)), api_url, issuer_url)


@pytest.mark.parametrize("mode", ["ingest", "live"])
def test_every_turn_arrives_once_and_each_users_in_order(replay: Replay, api: FakeApi, mode: str) -> None:
    assert replay("--mode", mode, "--concurrency", "3") == 0
    for user in range(5):
        arrived = [
            turn["user_query"] for turn in api.turns.values() if turn["user"]["email"].startswith(f"user-{user}@")
        ]
        assert arrived == [f"Question {number}" for number in range(user, 250, 5)]


@pytest.mark.parametrize("mode", ["ingest", "live"])
def test_a_second_replay_changes_nothing(
    replay: Replay, api: FakeApi, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = {
        "ingest": ("250 new, 0 already there, 0 lost", "0 new, 250 already there, 0 lost"),
        "live": ("0 lost",) * 2,
    }
    for said in reports[mode]:
        assert replay("--mode", mode) == 0
        assert f" {said}" in capsys.readouterr().out
    assert len(api.turns) == 250
    assert len(api.sessions) == (10 if mode == "live" else 0)


def test_ingest_sends_batches_of_a_hundred_with_an_app_only_token(replay: Replay, api: FakeApi) -> None:
    assert replay("--concurrency", "1") == 0
    assert api.batches == [100, 100, 50]
    for claims in api.claims:
        assert claims["roles"] == [INGEST_ROLE]
        assert claims["idtyp"] == "app"


def test_live_signs_each_user_in_once_and_opens_each_session_once(replay: Replay, api: FakeApi) -> None:
    assert replay("--mode", "live", "--limit", "40", "--concurrency", "2") == 0
    assert api.requests.count("GET /api/me") == 5
    assert api.requests.count("POST /api/sessions") == 10
    assert len(api.requests) == 5 + 10 + 40
    assert {claims["oid"] for claims in api.claims} == {oid_of(f"user-{number}@replay.example") for number in range(5)}
    assert all(claims["scp"] == "Vimarsh.Access" for claims in api.claims)


def test_live_sends_the_clients_address_and_agent_as_headers_only(replay: Replay, api: FakeApi) -> None:
    assert replay("--mode", "live", "--limit", "1") == 0
    (turn,) = api.turns.values()
    assert api.headers[-1]["x-forwarded-for"] == "192.0.2.7"
    assert api.headers[-1]["user-agent"] == "Mozilla/5.0 (X11; Linux x86_64)"
    assert {"ip_address", "user_agent", "timestamp", "id", "was_bookmarked"}.isdisjoint(turn)


def test_the_users_beside_the_file_are_taken(replay: Replay, api: FakeApi) -> None:
    users = '[{"user": "user-0", "email": "zoe@contoso.example", "name": "Zoe Quill", "timezone": "Asia/Tokyo"}]'
    replay.file.with_name("users.json").write_text(users)
    assert replay("--limit", "1") == 0
    (turn,) = api.turns.values()
    assert turn["user"]["name"] == "Zoe Quill"
    assert turn["user"]["auth_id"] == oid_of("zoe@contoso.example")


@pytest.mark.parametrize("mode", ["ingest", "live"])
def test_what_fails_for_a_while_is_tried_again(
    replay: Replay, api: FakeApi, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api.failures.extend([(503, {}), (429, {"Retry-After": "0.01"}), (500, {})])
    assert replay("--mode", mode, "--limit", "20", "--concurrency", "1") == 0
    out = capsys.readouterr().out
    assert len(api.turns) == 20
    assert "errors     none" in out
    assert {"1 x 503", "1 x 429", "1 x 500"} <= set(out.split("retried    ")[1].splitlines()[0].split(", "))


def test_only_the_turns_that_failed_are_sent_again(replay: Replay, api: FakeApi) -> None:
    ids = [turn.id for turn in read_turns(replay.file, {}, 10)]
    api.item_failures = {ids[3]: deque([503]), ids[7]: deque([503, 429])}
    assert replay("--limit", "10", "--concurrency", "1") == 0
    assert api.batches == [10, 2, 1]
    assert len(api.turns) == 10


def test_a_refused_turn_is_lost_alone_and_fails_the_replay(
    replay: Replay, api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [turn.id for turn in read_turns(replay.file, {}, 10)]
    api.item_failures = {ids[3]: deque([400])}
    assert replay("--limit", "10") == 1
    out = capsys.readouterr().out
    assert "9 new, 0 already there, 1 lost" in out
    assert "errors     1 x 400" in out
    assert "made to fail" in out


def test_a_session_that_is_refused_loses_its_turns_and_no_others(replay: Replay, api: FakeApi) -> None:
    api.refused_sessions = 1
    assert replay("--mode", "live", "--limit", "10", "--concurrency", "1") == 1
    assert len(api.turns) == 9


@pytest.mark.parametrize(("mode", "lost"), [("ingest", 10), ("live", 1)])
def test_a_refused_request_loses_what_it_carried(
    replay: Replay, api: FakeApi, mode: str, lost: int, capsys: pytest.CaptureFixture[str]
) -> None:
    api.failures.append((403, {}))
    assert replay("--mode", mode, "--limit", "10", "--concurrency", "1") == 1
    out = capsys.readouterr().out
    assert len(api.turns) == 10 - lost
    assert f" {lost} lost" in out
    assert f"errors     {lost} x 403" in out


def test_patience_ends(replay: Replay, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.failures.extend([(503, {"Retry-After": "3600"})] * 9)
    assert replay("--limit", "5", "--concurrency", "1", "--patience", "0.5") == 1
    assert "errors     5 x 503" in capsys.readouterr().out
    assert not api.turns


def test_when_patience_has_ended_the_rest_is_tried_once_each(replay: Replay, api: FakeApi) -> None:
    api.failures.extend([(503, {})] * 1000)
    assert replay("--mode", "live", "--limit", "40", "--concurrency", "1", "--patience", "0.5") == 1
    assert 40 < len(api.requests) < 60, "several for the first turn, one for each other"


async def test_patience_comes_back_with_the_first_turn_that_is_stored(
    replay: Replay, api: FakeApi, api_url: str, issuer_url: str
) -> None:
    lost, stored, stored_late = read_turns(replay.file, {}, 3)
    async with httpx.AsyncClient() as http:
        player = Player(http, api_url, Tokens(http, issuer_url), patience=30, given_up=True)
        api.failures.append((503, {}))
        await player.ingest([lost])
        await player.ingest([stored])
        api.failures.append((503, {}))
        await player.ingest([stored_late])
    assert list(api.turns) == [stored.id, stored_late.id]
    assert player.tally.lost == 1


def test_a_server_that_is_not_there_loses_all_turns(
    tmp_path: Path, issuer_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    replay = Replay(write_lines(tmp_path, some_lines(3)), nobody, issuer_url)
    assert replay("--patience", "0.2") == 1
    out = capsys.readouterr().out
    assert "errors     3 x ConnectError" in out
    assert "does not answer" in out


def test_it_waits_until_the_feed_has_drained(replay: Replay, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.lags.extend([7, 0, 3, 0])
    assert replay("--limit", "5") == 0
    assert not api.lags
    assert "1 feeds, lag 0" in capsys.readouterr().out


async def test_tokens_are_kept_and_renewed_before_they_expire() -> None:
    with serve_in_thread() as url:
        async with httpx.AsyncClient() as http:
            clock = [0.0]
            tokens = Tokens(http, url, now=lambda: clock[0])
            user = TrafficUser("ann", "ann@contoso.example")
            first = await tokens.for_user(user)
            assert await tokens.for_user(user) == first
            assert await tokens.for_user(TrafficUser("bea", "bea@contoso.example")) != first
            clock[0] = 3600 - RENEW_SECONDS
            assert await tokens.for_user(user) != first


async def test_pauses_end_when_patience_does() -> None:
    pauses = Pauses(patience=0.05)
    with pytest.raises(Refusal) as refusal:
        await pauses.next("503", asked=10.0, detail="busy")
    assert (refusal.value.reason, refusal.value.detail) == ("503", "busy")


def test_a_server_that_is_too_busy_for_a_batch_is_sent_less_at_once(replay: Replay, api: FakeApi) -> None:
    api.failures.extend([(503, {}), (503, {})])
    assert replay("--limit", "40", "--concurrency", "1") == 0
    assert len(api.turns) == 40
    assert len(api.requests) == 2 + 4, "40, 20, and then ten at a time"


async def test_patience_begins_with_the_first_failure_and_not_while_an_answer_is_awaited() -> None:
    clock = [0.0]
    pauses = Pauses(patience=60, now=lambda: clock[0])
    clock[0] = 300.0
    await pauses.next("503", asked=0.001)
    clock[0] = 361.0
    with pytest.raises(Refusal):
        await pauses.next("503", asked=0.001)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["replay", "nowhere.jsonl"], 1), (["replay", "x", "--limit", "0"], 2), (["replay", "x", "--mode", "fast"], 2)],
)
def test_wrong_usage_is_told_without_a_traceback(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        exit_code = main(arguments)
    except SystemExit as error:
        exit_code = int(error.code or 0)
    assert exit_code == code
    assert "error" in capsys.readouterr().err


def test_a_file_without_turns_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert main(["replay", str(tmp_path / "empty.jsonl")]) == 1
    assert "there are no turns in" in capsys.readouterr().err
