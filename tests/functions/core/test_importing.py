"""Documents brought over from another system: once each, with their own times."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from local.entra.identity import TENANT_ID, oid_of
from tests.functions.calls import Drain, Headers, SignIn

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def mover(sign_in: SignIn) -> Headers:
    return sign_in(app=True, roles=["Vimarsh.Import"])


def a_favourite(email: str, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "kind": "favorite",
        "user": {"tenant_id": TENANT_ID, "auth_id": oid_of(email), "email": email, "name": "Alice"},
        "created_at": "2024-05-01T08:00:00Z",
        "content": {"item_type": "agent", "item_id": f"agent-{number}", "item_name": f"Agent {number}"},
    } | changes


def feedback(email: str, number: int) -> dict[str, Any]:
    content = {"item_type": "lesson", "item_id": "l-1", "feedback_type": "comment", "feedback_text": f"No. {number}"}
    return a_favourite(email, number, kind="feedback", content=content)


async def bring(api: httpx.AsyncClient, headers: Headers, *documents: Any, source: str = "old") -> list[dict[str, Any]]:
    body = {"source": source, "documents": list(documents)}
    answer = await api.post("/ingest/documents", json=body, headers=headers)
    assert answer.status_code == 207, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_eighty_documents_are_made_once(
    api: httpx.AsyncClient, sign_in: SignIn, mover: Headers, an_email: str, drained: Drain
) -> None:
    thing = f"agent-{uuid.uuid4()}"
    documents = [a_favourite(an_email, number) for number in range(39)]
    documents += [feedback(an_email, number) for number in range(40, 80)]
    rated = {"item_type": "agent", "item_id": thing, "rating": 4}
    documents.append(a_favourite(an_email, 80, kind="rating", content=rated, updated_at="2024-06-01T08:00:00Z"))
    assert [item["status"] for item in await bring(api, mover, *documents)] == [201] * 80
    assert [item["status"] for item in await bring(api, mover, *documents)] == [200] * 80

    alice = sign_in(an_email)
    favourites = (await api.get("/me/favorites", params={"limit": 100}, headers=alice)).json()["items"]
    assert (len(favourites), {one["created_at"] for one in favourites}) == (39, {"2024-05-01T08:00:00.000000Z"})
    assert len((await api.get("/me/feedback", params={"limit": 100}, headers=alice)).json()["items"]) == 40
    rating = (await api.get(f"/me/ratings/agent/{thing}", headers=alice)).json()
    assert (rating["rating"], rating["updated_at"]) == (4, "2024-06-01T08:00:00.000000Z")
    await drained()
    assert (await api.get(f"/items/agent/{thing}/stats", headers=alice)).json()["rating_count"] == 1


async def test_the_same_key_of_another_source_is_another_document(
    api: httpx.AsyncClient, mover: Headers, an_email: str
) -> None:
    one = await bring(api, mover, feedback(an_email, 1), source="old")
    other = await bring(api, mover, feedback(an_email, 1), source="older")
    assert one[0]["document_id"] != other[0]["document_id"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "profile"}, "/kind"),
        ({"kind": "audit"}, "/kind"),
        ({"kind": "nothing"}, "/kind"),
        ({"created_at": "2999-01-01T00:00:00Z"}, "/created_at"),
        ({"created_at": None}, "/created_at"),
        ({"content": {"item_type": "agent"}}, "/content/item_id"),
        ({"content": {"item_type": "agent", "item_id": "a", "helpful_count": 9}}, "/content/helpful_count"),
        ({"user": {}}, "/user/tenant_id"),
    ],
)
async def test_what_is_wrong_is_refused_alone(
    api: httpx.AsyncClient, mover: Headers, an_email: str, changes: dict[str, Any], pointer: str
) -> None:
    wrong, right = await bring(api, mover, a_favourite(an_email, 1, **changes), a_favourite(an_email, 2))
    assert (wrong["status"], right["status"]) == (422, 201)
    assert pointer in [error["pointer"] for error in wrong["error"]["errors"]]


async def test_only_who_moves_documents_may(
    api: httpx.AsyncClient, sign_in: SignIn, mover: Headers, chat_server: Headers, an_email: str
) -> None:
    body = {"source": "old", "documents": [a_favourite(an_email, 1)]}
    admin = sign_in(an_email, roles=["Vimarsh.Admin", "Vimarsh.Import"])
    for headers in (chat_server, admin):
        assert (await api.post("/ingest/documents", json=body, headers=headers)).status_code == 403
    elsewhere = a_favourite(an_email, 1)
    elsewhere["user"] = elsewhere["user"] | {"tenant_id": "99999999-9999-4999-8999-999999999999"}
    (refused,) = await bring(api, mover, elsewhere)
    assert refused["status"] == 403
