"""What becomes of errors: whether trying again helps is told by the status, and nobody is told more than they sent."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from functions.core import problems
from models.core.errors import Contention
from tests.functions.calls import Headers, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")


def answered(status: int, sub_status: int | None = None) -> Exception:
    """The error that an answer of Cosmos DB is."""
    error = CosmosHttpResponseError(status)  # type: ignore[no-untyped-call]
    error.sub_status = sub_status
    return error


def of_a_batch(status: int) -> Exception:
    return CosmosBatchOperationError(1, {}, status, "", [])  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        *((answered(status), 503) for status in (403, 408, 410, 412, 429, 449, 500, 502, 503, 504)),
        *((answered(status), 500) for status in (400, 404, 405, 409)),
        (answered(413), 413),
        (of_a_batch(413), 413),
        (of_a_batch(400), 500),
        (of_a_batch(429), 503),
        (ServiceRequestError("no connection"), 503),
        (ServiceResponseError("cut off"), 503),
        (answered(404, 1002), 503),
        (Contention("lost"), 503),
        (KeyError("x"), 500),
    ],
)
async def test_only_what_retrying_helps_is_to_be_tried_again(error: Exception, status: int) -> None:
    problem = problems.of(error)
    assert (problem.status, "Retry-After" in problem.headers) == (status, status == 503)


MANY_FIELDS = {f"unknown_field_{number}": number for number in range(30_000)}


@pytest.mark.parametrize("unknown", [MANY_FIELDS, {"x" * 800_000: 1}], ids=["many fields", "a long name"])
async def test_the_list_of_errors_is_bounded(api: httpx.AsyncClient, alice: Headers, unknown: dict[str, Any]) -> None:
    body = {"interaction_id": "x"} | unknown
    answer = await api.post("/bookmarks", json=body, headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vimarsh:problem:invalid")
    assert 0 < len(answer.json()["errors"]) <= problems.MAX_ERRORS
    assert len(answer.content) < 10_000


@pytest.mark.parametrize(
    "odd",
    [MANY_FIELDS, {"x" * 800_000: 1}, {"content_tags": [""] * 9_000, "moderation_flags": [7] * 9_000}],
    ids=["many fields", "a long name", "many values"],
)
async def test_a_turn_of_many_odd_fields_is_recorded_with_a_short_answer(
    api: httpx.AsyncClient, alice: Headers, odd: dict[str, Any]
) -> None:
    session_id = await a_session(api, alice)
    answer = await api.post(f"/sessions/{session_id}/interactions", json=a_turn() | odd, headers=alice)
    assert answer.status_code == 201
    assert 0 < len(answer.json()["adjusted"]) < 40
    assert len(answer.content) < 10_000


async def test_the_answer_to_a_batch_is_bounded(api: httpx.AsyncClient, chat_server: Headers) -> None:
    turns = [{"id": "x" * 10_000} | {f"unknown_{n}": n for n in range(500)} for _ in range(100)]
    answer = await api.post("/ingest/turns", json={"turns": turns}, headers=chat_server)
    assert (answer.status_code, {item["status"] for item in answer.json()["items"]}) == (207, {422})
    assert len(answer.content) < 400_000
