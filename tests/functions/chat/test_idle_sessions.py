"""The timer that ends sessions in which nothing happens any more."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from local.functions.host import FunctionHost
from models.core.values import format_timestamp
from tests.functions.calls import Drain, Headers, SignIn, a_session
from tests.functions.chat.test_ingest import an_item, ingest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_session_ends_when_nothing_happens_in_it_for_long(
    api: httpx.AsyncClient,
    host: FunctionHost,
    chat_server: Headers,
    sign_in: SignIn,
    an_email: str,
    drained: Drain,
) -> None:
    idle, alice = str(uuid.uuid4()), sign_in(an_email)
    start = datetime.now(UTC) - timedelta(hours=2)
    times = [start + timedelta(minutes=minutes) for minutes in (0, 5, 20)]
    items = [an_item(an_email, idle, timestamp=format_timestamp(time), user_rating=4) for time in times]
    for batch in ([items[1]], [items[2]], [items[0]]):  # in no order
        await ingest(api, chat_server, *batch)
    fresh = await a_session(api, alice)
    await drained()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://app") as client:
        assert (await client.post("/admin/functions/end_idle_sessions", json={})).status_code == 202
    session = (await api.get(f"/sessions/{idle}", headers=alice)).json()
    for _ in range(600):
        if not session["is_active"]:
            break
        await asyncio.sleep(0.05)
        session = (await api.get(f"/sessions/{idle}", headers=alice)).json()
    assert session["start_time"] == format_timestamp(times[0])
    assert session["end_time"] == format_timestamp(times[-1])
    assert (session["duration_seconds"], session["session_quality"]) == (1200, "good")
    assert (await api.get(f"/sessions/{fresh}", headers=alice)).json()["is_active"] is True
    await drained()
    board = (await api.get("/me/dashboard", headers=alice)).json()
    assert board["usage_insights"]["avg_session_duration"] == "20 minutes"
