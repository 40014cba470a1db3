from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.entra.server import serve_in_thread
from tests.local.cli.fake_api import FakeApi, serving


@pytest.fixture(scope="session")
def issuer_url() -> Iterator[str]:
    with serve_in_thread() as url:
        yield url


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def api_url(api: FakeApi) -> Iterator[str]:
    with serving(api) as url:
        yield url


def a_line(
    user: str = "ann", session: str = "ann-0", at: str = "2026-11-01T08:00:00.000Z", **more: Any
) -> dict[str, Any]:
    return {
        "at": at,
        "user": user,
        "session": session,
        "query": "What is rain?",
        "language": "en",
        "response": "Water that has changed its mind.",
        "category": "science",
        "citations": ["Rain"],
        "personality": "newton",
        "response_quality": "high",
        "model": "gpt-4o-mini",
        "input_tokens": 120,
        "output_tokens": 40,
        "response_time_ms": 900,
        "user_rating": 4,
        "was_helpful": True,
        "bookmark": True,
        "share": False,
        "ip": "192.0.2.7",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    } | more


def write_lines(folder: Path, lines: list[dict[str, Any]]) -> Path:
    file = folder / "turns.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return file
