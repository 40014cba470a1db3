"""Documents in others' partitions that name a user: exported to them, and gone when they are erased."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from functions.composition import services
from tests.functions.calls import Drain, Headers, SignIn
from tests.functions.library.test_ratings import rate, reviews, somebody, stats
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTAINERS = ("users", "user_sessions", "user_interactions", "user_analytics", "user_bookmarks")


async def exported(api: httpx.AsyncClient, headers: Headers) -> list[dict[str, Any]]:
    lines = (await api.get("/me/export", headers=headers)).text.splitlines()
    return [line["document"] for line in map(json.loads, lines) if line["record"] == "document"]


async def erased(api: httpx.AsyncClient, headers: Headers) -> dict[str, Any]:
    erasure: dict[str, Any] = (await api.delete("/me", headers=headers)).json()

    async def completed() -> bool:
        nonlocal erasure
        erasure = (await api.get(f"/erasures/{erasure['id']}", headers=headers)).json()
        return bool(erasure["status"] == "completed")

    await until(completed)
    return erasure


async def test_an_author_takes_reviews_and_votes_for_them_along(
    api: httpx.AsyncClient,
    sign_in: SignIn,
    drained: Drain,
    cosmos_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    thing, author, voter = f"agent/{uuid.uuid4()}", somebody(sign_in), somebody(sign_in)
    await rate(api, author, thing, 4, review="Patient.", is_public=True)
    await rate(api, voter, thing, 2)
    await drained()
    (review,) = await reviews(api, voter, thing)
    await api.put(f"/reviews/{thing}/{review['id']}/helpful", headers=voter)
    await drained()
    author_id = (await api.get("/me", headers=author)).json()["id"]

    documents = await exported(api, author)
    foreign = {document["kind"]: document for document in documents if "partition_key" not in document}
    assert foreign["review"]["review"] == "Patient."
    assert set(foreign["helpful_vote"]) <= {
        "id", "kind", "schema_version", "item_type", "item_id", "target_id", "created_at"
    }  # fmt: skip
    own_vote = next(one for one in await exported(api, voter) if one["kind"] == "helpful_vote")
    assert author_id not in json.dumps(own_vote)

    receipt = await erased(api, author)
    assert receipt["deleted"]["users"]["review"] == receipt["deleted"]["users"]["helpful_vote"] == 1
    await drained()
    async with httpx.AsyncClient(base_url=cosmos_url) as engine:
        for container in CONTAINERS:
            asked = f"SELECT VALUE COUNT(1) FROM c WHERE ARRAY_CONTAINS(c.mentions, '{author_id}')"
            query = {"database": "vimarsh", "container": container, "query": asked}
            answer = await engine.post("/_local/query", json=query)
            assert answer.raise_for_status().json()["rows"] == [0]
    assert await reviews(api, voter, thing) == []
    found = await stats(api, voter, thing, drained)
    assert (found["avg_rating"], found["rating_count"]) == (3.0, 2)
