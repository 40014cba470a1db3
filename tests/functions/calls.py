"""What the tests of the API send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

Headers = dict[str, str]
SignIn = Callable[..., Headers]
Drain = Callable[[], Awaitable[None]]

PHONE = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Mobile Safari/537.36"
)


def a_turn(**changes: Any) -> dict[str, Any]:
    return {
        "user_query": "What is the meaning of life?",
        "response_text": "The unexamined life is not worth living.",
        "query_category": "philosophy",
        "personality_used": "socrates",
        "model_used": "gpt-4o-mini",
        "input_tokens": 1000,
        "output_tokens": 200,
        "response_time_ms": 900,
    } | changes


async def a_session(api: httpx.AsyncClient, headers: Headers) -> str:
    answer = await api.post("/sessions", json={"timezone": "Asia/Kolkata"}, headers=headers)
    assert answer.status_code == 201, answer.text
    session_id: str = answer.json()["session_id"]
    return session_id


OF_ITS_OWN = ("change_feed", "read_account", "read_container", "read_ranges")
"""What the SDK asks for of its own accord, now and then, and what the change feeds ask for all the time."""


async def asked(engine: httpx.AsyncClient, *containers: str) -> list[tuple[str, str, int]]:
    """What the app has asked the engine for since its counters were reset: container, operation and count, sorted."""
    rows = (await engine.get("/_local/requests")).json()["requests"]
    return sorted(
        (row["container"], row["operation"], row["count"])
        for row in rows
        if row["container"] in containers and row["operation"] not in OF_ITS_OWN
    )
