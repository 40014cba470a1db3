"""What users say of their own use is theirs: the platform's figures and names are those of servers."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from models.core.values import format_timestamp
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn
from tests.functions.chat.test_ingest import an_item, ingest

pytestmark = pytest.mark.asyncio(loop_scope="session")

Json = dict[str, Any]


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in("root@contoso.example", roles=["Vimarsh.Admin"])


async def report(api: httpx.AsyncClient, headers: Headers, **turn: Any) -> Json:
    answer = await api.post(
        f"/sessions/{await a_session(api, headers)}/interactions", json=a_turn(**turn), headers=headers
    )
    assert answer.status_code == 201, answer.text
    stored: Json = answer.json()
    return stored


async def today(api: httpx.AsyncClient, admin: Headers, by: str) -> tuple[Json, dict[str, Json]]:
    """Today's use, and its groups by value."""
    answer = await api.get("/admin/analytics", params={"by": by}, headers=admin)
    total = answer.raise_for_status().json()["total"]
    return total, {group["value"]: group for group in total["groups"]}


async def test_a_turn_says_who_recorded_it(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, an_email: str
) -> None:
    assert (await report(api, alice))["recorded_by"] == "user"
    item = an_item(an_email, str(uuid.uuid4()))
    await ingest(api, chat_server, item)
    seen = await api.get(f"/interactions/{item['id']}", headers=alice)
    assert (seen.json()["recorded_by"], seen.json()["unvouched"]) == ("server", [])


async def test_nobody_says_of_themselves_who_they_are(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, an_email: str
) -> None:
    claimed = {"recorded_by": "server", "unvouched": [], "query_category": "made-up"}
    turn = await report(api, alice, **claimed)
    assert (turn["recorded_by"], turn["unvouched"]) == ("user", ["category"])
    item = an_item(an_email, str(uuid.uuid4())) | claimed | {"recorded_by": "user"}
    await ingest(api, chat_server, item)
    assert (await api.get(f"/interactions/{item['id']}", headers=alice)).json()["recorded_by"] == "server"


async def test_what_a_user_reports_is_beside_the_platforms_figures_and_in_their_own(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, drained: Drain
) -> None:
    await drained()
    before, _ = await today(api, admin, "model")
    turn = await report(api, alice, model_used="o1-pro", input_tokens=1_000_000, output_tokens=1_000_000)
    await drained()
    after, models = await today(api, admin, "model")
    served = ("interactions", "tokens", "cost_usd", "unpriced_interactions")
    assert {name: after[name] for name in served} == {name: before[name] for name in served}
    told, earlier = after["reported"], before["reported"]
    assert (told["interactions"] - earlier["interactions"], told["tokens"] - earlier["tokens"]) == (1, 2_000_000)
    assert told["cost_usd"] - earlier["cost_usd"] == pytest.approx(turn["cost_usd"])
    assert models["o1-pro"]["reported"]["interactions"] >= 1
    assert (await api.get("/me/dashboard", headers=alice)).json()["total_cost_usd"] == pytest.approx(turn["cost_usd"])


async def test_made_up_names_take_nobodys_place(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, chat_server: Headers, drained: Drain
) -> None:
    """More of them than the platform counts by name; then a server's, which users may go by from then on."""
    word = uuid.uuid4().hex[:12]
    session_id = await a_session(api, alice)
    for number in range(25):
        made_up = dict.fromkeys(("model_used", "query_category", "personality_used"), f"junk-{word}-{number}")
        turn = a_turn(**made_up, user_query_language=f"xx-{number:04}")
        answer = await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice)
        assert answer.json()["unvouched"] == ["model", "personality", "category", "language"]
    new = {"model_used": f"new-{word}", "query_category": f"new-{word}", "personality_used": f"new-{word}"}
    await ingest(
        api,
        chat_server,
        an_item(f"{word}@contoso.example", str(uuid.uuid4()), timestamp=format_timestamp(datetime.now(UTC)), **new),
    )
    await drained()
    for dimension in ("model", "category", "personality", "language"):
        _, groups = await today(api, admin, dimension)
        assert not [value for value in groups if value.startswith(("junk-", "xx-"))]
        assert groups["other"]["reported"]["interactions"] >= 25
        if dimension != "language":
            assert groups[f"new-{word}"]["interactions"] == 1
    dashboard = (await api.get("/me/dashboard", headers=alice)).json()
    assert any(word in name for name in str(dashboard).split("'"))  # of their own they are told by name


@pytest.mark.parametrize("name", ["socrates", "krishna"])
async def test_names_that_the_settings_know_are_told_by_name(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, drained: Drain, name: str
) -> None:
    assert (await report(api, alice, personality_used=name))["unvouched"] == []
    await drained()
    _, groups = await today(api, admin, "personality")
    assert groups[name]["reported"]["interactions"] >= 1
