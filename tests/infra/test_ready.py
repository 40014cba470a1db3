"""The hook that asks a deployed app whether it is ready, against an app that answers one thing after the other."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.hooks import ready

NOT_READY = (503, {"type": "urn:vimarsh:problem:not-ready", "detail": "Some checks fail.", "checks": ["cosmos"]})
WRONG = (503, {"type": "urn:vimarsh:problem:misconfigured", "detail": "Wrong.", "settings": ["ENTRA_AUDIENCE"]})
READY = (200, {"status": "ok"})


@contextmanager
def an_app(*answers: tuple[int, Any]) -> Iterator[tuple[str, list[str]]]:
    """Its URL, and the paths that it is asked for. It keeps to its last answer."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode() if isinstance(body, str) else json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READY_PAUSE_SECONDS", "0")


def test_an_app_that_becomes_ready_is_deployed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with an_app((404, ""), NOT_READY, READY) as (url, asked):
        monkeypatch.setenv("API_URL", url)
        assert ready.main() == 0
    assert asked == ["/api/health/ready"] * 3
    assert "can do its work" in capsys.readouterr().out


def test_a_wrong_setting_fails_the_deployment_at_once_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with an_app(WRONG) as (url, asked):
        monkeypatch.setenv("API_URL", url)
        assert ready.main() == 1
    assert len(asked) == 1
    assert "ENTRA_AUDIENCE" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "said"), [(NOT_READY, "cosmos"), ((404, "gone"), "404: gone")])
def test_an_app_that_does_not_become_ready_fails_the_deployment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: tuple[int, Any], said: str
) -> None:
    monkeypatch.setenv("READY_WAIT_SECONDS", "0")
    with an_app(answer) as (url, _):
        monkeypatch.setenv("API_URL", url)
        assert ready.main() == 1
    assert said in capsys.readouterr().err


def test_without_an_address_or_an_answer_it_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("READY_WAIT_SECONDS", "0")
    monkeypatch.delenv("API_URL", raising=False)
    assert ready.main() == 1
    with an_app(READY) as (url, _):
        monkeypatch.setenv("API_URL", url)
    assert ready.main() == 1
    assert "answers 0" in capsys.readouterr().err
