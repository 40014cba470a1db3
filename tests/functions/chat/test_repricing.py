"""Repricing through the API: turns get the price of their time, and every rollup follows by the difference."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import pytest_asyncio
from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Database, connect
from functions.chat.repricing import advanced
from models.chat.repricing import Repriced
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALWAYS = {"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in("root@contoso.example", roles=["Vimarsh.Admin"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def interactions(settings: dict[str, str]) -> Any:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"]).user_interactions


async def with_turns(api: httpx.AsyncClient, headers: Headers, count: int) -> tuple[str, list[str]]:
    """The ids of a user and of their turns."""
    session = await a_session(api, headers)
    turns = []
    for _ in range(count):
        answer = await api.post(f"/sessions/{session}/interactions", json=a_turn(), headers=headers)
        assert answer.status_code == 201, answer.text
        turns.append(answer.json()["id"])
    return str((await api.get("/me", headers=headers)).json()["id"]), turns


async def misprice(interactions: ContainerProxy, user_id: str, turn: str, nano_usd: int | None) -> None:
    """As a wrong price table would have had it."""
    item = await interactions.read_item(turn, user_id)
    usd = None if nano_usd is None else nano_usd / 1e9
    wrong = {"cost_nano_usd": nano_usd, "cost_usd": usd, "revision": item["revision"] + 1}
    await interactions.replace_item(turn, item | wrong)


async def done(api: httpx.AsyncClient, admin: Headers, **wanted: Any) -> dict[str, Any]:
    """A repricing when it has ended."""
    answer = await api.post("/admin/repricings", json=ALWAYS | wanted, headers=admin)
    assert answer.status_code == 202, answer.text
    assert {"from", "to"} <= answer.json().keys()
    url = answer.headers["location"].removeprefix("/api")
    found: dict[str, Any] = {}

    async def has_ended() -> bool:
        found.update((await api.get(url, headers=admin)).json())
        return bool(found["status"] != "running")

    await until(has_ended)
    assert found["status"] == "completed"
    return found


async def cost_of(api: httpx.AsyncClient, headers: Headers, drained: Drain) -> tuple[float, int]:
    await drained()
    total = (await api.get("/me/analytics?period=all_time", headers=headers)).json()["total"]
    return total["total_cost_usd"], total["unpriced_interactions"]


async def test_wrong_and_missing_prices_are_put_right_and_rollups_follow(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, drained: Drain, interactions: ContainerProxy
) -> None:
    user_id, turns = await with_turns(api, alice, 3)
    right = await cost_of(api, alice, drained)
    await misprice(interactions, user_id, turns[0], 5_000_000_000)
    await misprice(interactions, user_id, turns[1], None)
    wrong = await cost_of(api, alice, drained)
    assert wrong[0] > right[0] + 4
    assert wrong[1] == 1

    told = await done(api, admin, user_id=user_id, dry_run=True)
    assert (told["turns"], told["changed"], told["newly_priced"], told["users_done"]) == (3, 2, 1, 1)
    assert await cost_of(api, alice, drained) == wrong

    changed = await done(api, admin, user_id=user_id)
    assert (changed["turns"], changed["changed"], changed["newly_priced"]) == (3, 2, 1)
    assert changed["difference_usd"] == pytest.approx(right[0] - wrong[0])
    assert await cost_of(api, alice, drained) == right

    again = await done(api, admin, user_id=user_id)
    assert (again["turns"], again["changed"], again["difference_usd"]) == (3, 0, 0)


async def test_a_turn_is_kept_no_longer_for_being_priced(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, interactions: ContainerProxy
) -> None:
    user_id, turns = await with_turns(api, alice, 2)
    await misprice(interactions, user_id, turns[0], 1)
    item = await interactions.read_item(turns[1], user_id)
    short = await interactions.replace_item(turns[1], item | {"cost_nano_usd": 1, "ttl": 7200})
    await done(api, admin, user_id=user_id)
    usual, shortened = [await interactions.read_item(turn, user_id) for turn in turns]
    assert usual["cost_nano_usd"] == shortened["cost_nano_usd"] > 1
    assert usual["ttl"] <= 730 * 86_400
    assert shortened["_ts"] + shortened["ttl"] <= short["_ts"] + 7200 + 1  # of rounding


async def test_only_turns_of_the_time_are_priced(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, interactions: ContainerProxy
) -> None:
    user_id, turns = await with_turns(api, alice, 1)
    await misprice(interactions, user_id, turns[0], 1)
    long_ago = await done(api, admin, user_id=user_id, to="2021-01-01T00:00:00Z")
    assert (long_ago["turns"], long_ago["changed"]) == (0, 0)
    assert (await interactions.read_item(turns[0], user_id))["cost_nano_usd"] == 1


async def test_everybody_is_priced(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, interactions: ContainerProxy
) -> None:
    user_id, turns = await with_turns(api, alice, 1)
    await misprice(interactions, user_id, turns[0], 7)
    found = await done(api, admin)
    assert found["users_done"] >= 2
    assert found["users_failed"] == 0
    assert found["changed"] >= 1
    assert (await interactions.read_item(turns[0], user_id))["cost_nano_usd"] != 7


async def test_same_key_is_the_same_repricing_and_another_body_is_refused(
    api: httpx.AsyncClient, alice: Headers, admin: Headers
) -> None:
    user_id, _ = await with_turns(api, alice, 1)
    key = {"Idempotency-Key": f"prices-{user_id}"}
    wanted = ALWAYS | {"user_id": user_id, "dry_run": True}
    first, second = [await api.post("/admin/repricings", json=wanted, headers=admin | key) for _ in range(2)]
    assert first.json()["repricing_id"] == second.json()["repricing_id"]
    other = await api.post("/admin/repricings", json=wanted | {"dry_run": False}, headers=admin | key)
    assert other.status_code == 422
    assert other.json()["type"].endswith("key-reused")


@pytest.mark.parametrize("body", [{}, {"from": "2026-01-01T00:00:00Z"}, {"from": ALWAYS["to"], "to": ALWAYS["from"]}])
async def test_a_malformed_request_is_refused(api: httpx.AsyncClient, admin: Headers, body: dict[str, str]) -> None:
    assert (await api.post("/admin/repricings", json=body, headers=admin)).status_code == 422


async def test_repricing_is_for_admins(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    moderator = sign_in("mod@contoso.example", roles=["Vimarsh.Moderator"])
    assert (await api.post("/admin/repricings", json=ALWAYS, headers=moderator)).status_code == 403


async def test_a_user_counts_as_done_with_their_last_page() -> None:
    page = Repriced(turns=100), "more"
    progress = advanced({}, page)
    assert (progress["turns"], progress["users_done"]) == (100, 0)
    progress = advanced(progress, (page[0], None))
    assert (progress["turns"], progress["users_done"], progress["users_failed"]) == (200, 1, 0)
    assert advanced(progress, None)["users_failed"] == 1
