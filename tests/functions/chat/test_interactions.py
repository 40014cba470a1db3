"""Recording turns and reading them back, over HTTP."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest

from functions.composition import services
from models.usage.write_limit import WriteLimit
from tests.functions.calls import PHONE, Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_turn_is_recorded_and_completed(api: httpx.AsyncClient, alice: Headers) -> None:
    session_id = await a_session(api, alice)
    turn = a_turn(cached_input_tokens=10, reasoning_tokens=5, citations_provided=["Apology"])
    answer = await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice | {"User-Agent": PHONE})
    interaction = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert interaction["interaction_sequence"] == 1
    assert interaction["timezone"] == "Asia/Kolkata"
    assert interaction["total_tokens"] == 1215
    assert interaction["cost_usd"] > 0
    assert interaction["user_query_language"] == "en"
    assert interaction["device_type"] == "mobile"
    assert {name: interaction[name] for name in turn} == turn


async def test_64_concurrent_turns_get_the_numbers_1_to_64(
    api: httpx.AsyncClient, alice: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services().settings, "write_limit", WriteLimit(turns=100))
    session_id = await a_session(api, alice)
    path = f"/sessions/{session_id}/interactions"
    answers = await asyncio.gather(*(api.post(path, json=a_turn(), headers=alice) for _ in range(64)))
    assert sorted(answer.json()["interaction_sequence"] for answer in answers) == list(range(1, 65))


@pytest.mark.parametrize("session_id", ["33333333-3333-4333-8333-333333333333", "not-a-uuid"])
async def test_a_session_that_does_not_exist_is_not_found(
    api: httpx.AsyncClient, alice: Headers, session_id: str
) -> None:
    answer = await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=alice)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:vimarsh:problem:not-found")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_somebody_elses_session_is_not_found(api: httpx.AsyncClient, alice: Headers, sign_in: SignIn) -> None:
    session_id = await a_session(api, alice)
    mallory = sign_in(f"{uuid.uuid4().hex}@contoso.example")
    answer = await api.post(f"/sessions/{session_id}/interactions", json=a_turn(), headers=mallory)
    assert answer.status_code == 404


async def test_what_can_not_be_counted_is_refused_by_name(api: httpx.AsyncClient, alice: Headers) -> None:
    session_id = await a_session(api, alice)
    turn = a_turn(colour="blue", input_tokens="many")
    answer = await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=alice)
    problem = answer.json()
    assert answer.status_code == 422
    assert {error["pointer"] for error in problem["errors"]} == {"/input_tokens"}
    assert "many" not in answer.text


@pytest.mark.parametrize(
    ("content", "status"), [(b"{", 400), (b"\xff\xfe", 400), (b"[]", 422), (b"null", 422), (b"", 422)]
)
async def test_what_is_not_a_turn_is_refused(
    api: httpx.AsyncClient, alice: Headers, content: bytes, status: int
) -> None:
    session_id = await a_session(api, alice)
    answer = await api.post(f"/sessions/{session_id}/interactions", content=content, headers=alice)
    assert answer.status_code == status, answer.text


async def record(api: httpx.AsyncClient, headers: Headers, session_id: str, *questions: str) -> None:
    for question in questions:
        turn = a_turn(user_query=question, response_text=f"Answer: {question}", output_tokens=10)
        answer = await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=headers)
        assert answer.status_code == 201, answer.text


async def test_a_session_is_read_in_order_page_by_page(api: httpx.AsyncClient, alice: Headers) -> None:
    session_id, other = await a_session(api, alice), await a_session(api, alice)
    questions = [f"Question {number}?" for number in range(12)]
    await record(api, alice, session_id, *questions)
    await record(api, alice, other, "Elsewhere?")
    path, listed = f"/sessions/{session_id}/interactions", []
    query: dict[str, str] | None = {"limit": "5"}
    while query:
        page = (await api.get(path, params=query, headers=alice)).json()
        listed += page["items"]
        query = {"limit": "5", "continuation": page["continuation"]} if page["continuation"] else None
    assert [turn["user_query"] for turn in listed] == questions
    assert [turn["interaction_sequence"] for turn in listed] == list(range(1, 13))


async def test_the_context_has_the_last_turns_that_fit_oldest_first(api: httpx.AsyncClient, alice: Headers) -> None:
    session_id = await a_session(api, alice)
    await record(api, alice, session_id, "What is art?", "What is law?", "What is time?")
    path = f"/sessions/{session_id}/context"
    whole = (await api.get(path, headers=alice)).json()
    assert (whole["turns"], whole["until"], whole["is_complete"]) == (3, 3, True)
    assert whole["tokens"] == 3 * (10 + 8) + 3 + 3 + 4  # the responses, four for each message, the questions
    part = (await api.get(path, params={"max_tokens": "45"}, headers=alice)).json()
    assert part["messages"] == [
        {"role": "user", "content": "What is law?"},
        {"role": "assistant", "content": "Answer: What is law?"},
        {"role": "user", "content": "What is time?"},
        {"role": "assistant", "content": "Answer: What is time?"},
    ]
    assert (part["until"], part["is_complete"]) == (3, False)


async def test_a_point_of_a_session_stays_what_it_is(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn, an_email: str
) -> None:
    session_id = await a_session(api, alice)
    await record(api, alice, session_id, "What is art?", "What is law?")
    path = f"/sessions/{session_id}/context"
    then = (await api.get(path, headers=alice)).json()
    await record(api, alice, session_id, "What is time?")
    elsewhere = sign_in(an_email) | {"User-Agent": PHONE}
    again = (await api.get(path, params={"until": str(then["until"])}, headers=elsewhere)).json()
    assert again == then
    assert (await api.get(path, headers=elsewhere)).json()["until"] == 3


async def test_an_empty_session_is_not_one_that_does_not_exist(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn
) -> None:
    path = f"/sessions/{await a_session(api, alice)}"
    mallory = sign_in(f"{uuid.uuid4().hex}@contoso.example")
    turns = await api.get(f"{path}/interactions", headers=alice)
    assert turns.json() == {"items": [], "continuation": None}
    context = (await api.get(f"{path}/context", headers=alice)).json()
    assert (context["messages"], context["until"], context["is_complete"]) == ([], None, True)
    for part in ("interactions", "context"):
        for somebody, session in ((mallory, path), (alice, f"/sessions/{uuid.uuid4()}"), (alice, "/sessions/x")):
            assert (await api.get(f"{session}/{part}", headers=somebody)).status_code == 404


@pytest.mark.parametrize(
    "query", [{"max_tokens": "0"}, {"max_tokens": "200001"}, {"until": "0"}, {"until": "last"}, {"tokens": "5"}]
)
async def test_a_context_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, alice: Headers, query: dict[str, str]
) -> None:
    path = f"/sessions/{await a_session(api, alice)}/context"
    assert (await api.get(path, params=query, headers=alice)).status_code == 422


@pytest.mark.parametrize(("method", "part"), [("GET", "interactions"), ("GET", "context"), ("POST", "interactions")])
async def test_turns_are_for_people_who_are_signed_in(
    api: httpx.AsyncClient, chat_server: Headers, method: str, part: str
) -> None:
    path = f"/sessions/{uuid.uuid4()}/{part}"
    nobody = await api.request(method, path, json=a_turn())
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    assert (await api.request(method, path, json=a_turn(), headers=chat_server)).status_code == 403
