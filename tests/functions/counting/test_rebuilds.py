"""Rebuilds through the API: the orchestration, its activities and routes, over the real engine and the real host."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest
import pytest_asyncio
from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Database, connect
from functions.counting.rebuild import DRIFT_SHOWN, Progress, advanced
from models.counting.drift import BucketDrift, UserDrift
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in("root@contoso.example", roles=["Vimarsh.Admin"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def analytics(settings: dict[str, str]) -> Any:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"]).user_analytics


async def user_with_turns(api: httpx.AsyncClient, headers: Headers, drained: Drain) -> str:
    """The id of a user with two sessions and three turns, all of them counted."""
    for turns in (1, 2):
        session = await a_session(api, headers)
        for _ in range(turns):
            answer = await api.post(f"/sessions/{session}/interactions", json=a_turn(), headers=headers)
            assert answer.status_code == 201, answer.text
    await drained()
    return str((await api.get("/me", headers=headers)).json()["id"])


async def rebuilt(api: httpx.AsyncClient, admin: Headers, **wanted: Any) -> dict[str, Any]:
    """A rebuild when it has ended."""
    answer = await api.post("/admin/rebuilds", json=wanted, headers=admin)
    assert answer.status_code == 202, answer.text
    url = answer.headers["location"].removeprefix("/api")
    found: dict[str, Any] = {}

    async def has_ended() -> bool:
        found.update((await api.get(url, headers=admin)).json())
        return bool(found["status"] != "running")

    await until(has_ended)
    return found


async def damage(analytics: ContainerProxy, user_id: str, bucket: str) -> None:
    item = await analytics.read_item(f"{user_id}:{bucket}", user_id)
    item["sums"]["interactions"] = item["sums"].get("interactions", 0) + 7
    item["total_interactions"] = item["sums"]["interactions"]
    await analytics.replace_item(item["id"], item)


async def test_rebuild_of_one_user_finds_nothing_then_what_was_damaged_and_repairs_it(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, drained: Drain, analytics: ContainerProxy
) -> None:
    user_id = await user_with_turns(api, alice, drained)
    clean = await rebuilt(api, admin, user_id=user_id)
    assert (clean["status"], clean["drift"], clean["sources_behind"], clean["sources_wrong"]) == ("completed", [], 0, 0)
    assert (clean["users_total"], clean["users_done"], clean["buckets"]) == (1, 1, 7)
    assert clean["sources"] == 3 + 2 + 4  # and the day, the month, all time, and the presence on a day of UTC
    before = await analytics.read_item(f"{user_id}:all_time", user_id)
    await damage(analytics, user_id, "all_time")
    reported = await rebuilt(api, admin, user_id=user_id)
    assert (reported["drifted_buckets"], reported["repaired_buckets"]) == (1, 0)
    assert reported["drift"] == [
        {
            "user_id": user_id,
            "bucket": "all_time",
            "is_missing": False,
            "measures": [{"measure": "interactions", "stored": 10, "expected": 3}],
            "fields": ["avg_queries_per_session"],
            "repaired": False,
        }
    ]
    repaired = await rebuilt(api, admin, user_id=user_id, repair=True)
    assert (repaired["drifted_buckets"], repaired["repaired_buckets"]) == (1, 1)
    after = await analytics.read_item(f"{user_id}:all_time", user_id)
    assert (after["sums"], after["total_interactions"]) == (before["sums"], 3)
    await drained()
    assert (await rebuilt(api, admin, user_id=user_id))["drifted_buckets"] == 0


async def test_user_who_cannot_be_rebuilt_does_not_stop_the_rebuild(
    api: httpx.AsyncClient,
    alice: Headers,
    admin: Headers,
    drained: Drain,
    analytics: ContainerProxy,
) -> None:
    user_id = await user_with_turns(api, alice, drained)
    query = "SELECT * FROM c WHERE c.kind = 'ledger' OFFSET 0 LIMIT 1"
    [entry] = [item async for item in analytics.query_items(query, partition_key=user_id)]
    await analytics.replace_item(entry["id"], {name: value for name, value in entry.items() if name != "applied"})
    found = await rebuilt(api, admin, user_id=user_id)
    assert (found["status"], found["users_done"], found["users_failed"]) == ("completed", 1, 1)
    everybody = await rebuilt(api, admin)
    assert (everybody["status"], everybody["users_failed"]) == ("completed", 1)
    assert everybody["users_done"] == everybody["users_total"]
    assert everybody["buckets"] > 0
    await analytics.replace_item(entry["id"], entry)


async def test_same_key_and_body_is_the_same_rebuild_and_another_body_is_refused(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, drained: Drain
) -> None:
    user_id = await user_with_turns(api, alice, drained)
    headers = admin | {"Idempotency-Key": str(uuid.uuid4())}
    body = {"user_id": user_id, "repair": False}
    first = await api.post("/admin/rebuilds", json=body, headers=headers)
    again = await api.post("/admin/rebuilds", json=body, headers=headers)
    other = await api.post("/admin/rebuilds", json=body | {"repair": True}, headers=headers)
    assert first.json()["rebuild_id"] == again.json()["rebuild_id"]
    assert first.headers["location"] == again.headers["location"]
    assert (again.status_code, other.status_code) == (202, 422)
    assert other.json()["type"] == "urn:vimarsh:problem:key-reused"


async def test_same_request_sent_many_times_at_once_is_one_rebuild(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, drained: Drain
) -> None:
    body = {"user_id": await user_with_turns(api, alice, drained)}
    headers = admin | {"Idempotency-Key": str(uuid.uuid4())}
    answers = await asyncio.gather(*(api.post("/admin/rebuilds", json=body, headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["rebuild_id"] for answer in answers}) == 1


@pytest.mark.parametrize("method", ["post", "get"])
async def test_rebuilds_are_for_admins(api: httpx.AsyncClient, alice: Headers, sign_in: SignIn, method: str) -> None:
    url = "/admin/rebuilds" if method == "post" else f"/admin/rebuilds/{uuid.uuid4()}"
    content: dict[str, Any] = {"json": {}} if method == "post" else {}
    moderator = sign_in("moderator@contoso.example", roles=["Vimarsh.Moderator"])
    anonymous = await api.request(method, url, **content)
    assert (anonymous.status_code, "www-authenticate" in anonymous.headers) == (401, True)
    for headers in (alice, moderator):
        assert (await api.request(method, url, headers=headers, **content)).status_code == 403


async def test_unknown_rebuild_or_user_is_not_found(api: httpx.AsyncClient, admin: Headers) -> None:
    for name in (str(uuid.uuid4()), "no-uuid"):
        assert (await api.get(f"/admin/rebuilds/{name}", headers=admin)).status_code == 404
    body = {"user_id": str(uuid.uuid4())}
    assert (await api.post("/admin/rebuilds", json=body, headers=admin)).status_code == 404


@pytest.mark.parametrize("body", [{"user_id": "me"}, {"repair": "yes"}, {"more": 1}])
async def test_malformed_request_is_refused(api: httpx.AsyncClient, admin: Headers, body: dict[str, Any]) -> None:
    assert (await api.post("/admin/rebuilds", json=body, headers=admin)).status_code == 422


async def test_progress_counts_reports_and_keeps_a_bounded_list_of_drift() -> None:
    drift = BucketDrift(user_id="u", bucket="all_time", is_missing=False, measures=[], repaired=True)
    report = UserDrift(
        user_id="u",
        buckets=300,
        drifted=[drift] * 150,
        unsettled=1,
        expired=2,
        sources=3,
        sources_behind=4,
        sources_wrong=5,
        sources_unreadable=6,
    ).model_dump(mode="json")
    progress = advanced(Progress(users_total=4).model_dump(mode="json"), ["a"], [report])
    progress = advanced(progress, ["b", "c", "platform-03", "d"], [report, report, report])
    assert len(progress.pop("drift")) == DRIFT_SHOWN
    assert progress == {
        "users_total": 4,
        "users_done": 4,
        "users_failed": 1,
        "buckets": 1200,
        "drifted_buckets": 600,
        "repaired_buckets": 600,
        "unsettled_buckets": 4,
        "expired_buckets": 8,
        "sources": 12,
        "sources_behind": 16,
        "sources_wrong": 20,
        "sources_unreadable": 24,
    }
