"""Answers over HTTP: asked, streamed, recorded, charged."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from functions.answers.model import Delta, Finished
from functions.answers.openai_model import OpenAIModel
from functions.composition import services
from models.accounts.limits import LimitTable
from tests.functions.answers.conftest import TheModel
from tests.functions.answers.events import Event, all_of, text_of
from tests.functions.calls import Headers, a_session

pytestmark = pytest.mark.asyncio(loop_scope="session")

STREAM = {"Accept": "text/event-stream"}
QUESTION = "What is the meaning of life?"


async def ask(api: httpx.AsyncClient, headers: Headers, session_id: str, **body: Any) -> httpx.Response:
    sent = {"question": QUESTION} | body
    return await api.post(f"/sessions/{session_id}/answers", json=sent, headers=headers)


async def used(api: httpx.AsyncClient, headers: Headers) -> list[tuple[str, int | float, int | float]]:
    """Of the day: what is used and reserved."""
    lines = (await api.get("/me/usage", headers=headers)).json()["limits"]
    return [(line["measure"], line["used"], line["reserved"]) for line in lines if line["window"] == "day"]


async def turns(api: httpx.AsyncClient, headers: Headers, session_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.get(f"/sessions/{session_id}/interactions", headers=headers)).json()[
        "items"
    ]
    return items


async def test_without_a_model_a_sample_says_what_it_is(api: httpx.AsyncClient, alice: Headers) -> None:
    (offer,) = (await api.get("/models", headers=alice)).json()["items"]
    assert (offer["name"], offer["is_sample"], offer["price_usd_per_million"]) == (
        "sample",
        True,
        {"input": 0, "output": 0},
    )
    answer = await ask(api, alice, await a_session(api, alice))
    assert answer.status_code == 201, answer.text
    turn = answer.json()["interaction"]
    assert answer.json()["text"].startswith("This is a sample answer.")
    assert (turn["recorded_by"], turn["cost_usd"], turn["tokens_estimated"]) == ("server", 0, True)


async def test_an_answer_is_streamed_and_recorded_with_what_the_provider_says(
    api: httpx.AsyncClient, alice: Headers, model: TheModel
) -> None:
    session_id = await a_session(api, alice)
    answer = await ask(api, alice | STREAM, session_id)
    events = await all_of(answer)
    assert events[0].name == "admitted"
    assert [event.name for event in events][-2:] == ["usage", "recorded"]
    assert text_of(events) == QUESTION
    assert [event.id for event in events if event.name == "delta"][-1] == str(len(QUESTION))
    assert events[-2].data == {"input_tokens": 6, "output_tokens": 6, "cost_usd": 0.0000045, "is_estimated": False}
    (turn,) = await turns(api, alice, session_id)
    assert turn == events[-1].data["interaction"]
    assert (turn["id"], turn["recorded_by"], turn["answer_end"]) == (events[0].data["id"], "server", "complete")
    assert (turn["user_query"], turn["response_text"], turn["model_used"]) == (QUESTION, QUESTION, "gpt-4o-mini")
    assert await used(api, alice) == [("queries", 1, 0), ("tokens", 12, 0), ("cost_usd", 0.0000045, 0)]
    place = answer.headers["location"].removeprefix("/api")
    state = (await api.get(place, headers=alice)).json()
    assert (state["status"], state["text"], state["interaction"]) == ("recorded", QUESTION, turn)
    assert await all_of(await api.get(place, headers=alice | STREAM)) == [
        events[0],
        Event("delta", {"text": QUESTION}, str(len(QUESTION))),
        *events[-2:],
    ]


async def test_the_model_gets_what_went_before_as_far_as_it_has_room(
    api: httpx.AsyncClient, alice: Headers, model: TheModel
) -> None:
    session_id = await a_session(api, alice)
    await ask(api, alice, session_id, question="First")
    await ask(api, alice, session_id, question="Second", instructions="Be brief")
    await ask(api, alice, session_id, question="Third", context_tokens=0)
    asked = [[(m["role"], m["content"]) for m in call["messages"]] for call in await model.calls()]
    assert asked == [
        [("user", "First")],
        [("system", "Be brief"), ("user", "First"), ("assistant", "First"), ("user", "Second")],
        [("user", "Third")],
    ]


async def test_the_same_key_at_once_is_one_call_and_one_turn(
    api: httpx.AsyncClient, alice: Headers, model: TheModel
) -> None:
    await model.does(words=40, pause=0.01)
    session_id = await a_session(api, alice)
    keyed = alice | {"Idempotency-Key": "one"}
    streams = [ask(api, keyed | STREAM, session_id) for _ in range(10)]
    plain = [ask(api, keyed, session_id) for _ in range(10)]
    answers = await asyncio.gather(*streams, *plain)
    recorded = [(await all_of(answer))[-1] for answer in answers[:10]]
    assert {event.name for event in recorded} == {"recorded"}
    assert len({event.data["id"] for event in recorded}) == 1
    whole = " ".join(f"word{n}" for n in range(40))
    assert {event.data["text"] for event in recorded} == {whole}
    statuses = {answer.status_code for answer in answers[10:]}
    assert statuses <= {201, 409}
    for answer in answers[10:]:
        if answer.status_code == 409:
            assert answer.json()["type"].endswith(":answer-running")
            assert answer.headers["location"].endswith(recorded[0].data["id"])
    after = await ask(api, keyed, session_id)
    assert (after.status_code, after.json()) == (201, recorded[0].data)
    assert len(await model.calls()) == 1
    assert len(await turns(api, alice, session_id)) == 1
    other = await ask(api, keyed, session_id, question="Another")
    assert (other.status_code, other.json()["type"]) == (422, "urn:vimarsh:problem:key-reused")


async def test_a_budget_holds_however_many_ask_at_once(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services().settings, "limits", LimitTable.model_validate({"day": {"queries": 7}}))
    session_id = await a_session(api, alice)
    answers = await asyncio.gather(*(ask(api, alice, session_id) for _ in range(30)))
    assert sorted(answer.status_code for answer in answers) == [201] * 7 + [429] * 23
    assert len(await model.calls()) == len(await turns(api, alice, session_id)) == 7
    assert (await used(api, alice))[0] == ("queries", 7, 0)


@pytest.mark.parametrize(
    ("script", "status", "slug"),
    [
        ({"status": 429, "retry_after": 7}, 503, "model-busy"),
        ({"status": 503}, 503, "model-busy"),
        ({"status": 500}, 502, "model-failed"),
        ({"status": 401}, 502, "model-failed"),
        ({"status": 400, "code": "context_length_exceeded"}, 422, "too-long-for-model"),
        ({"status": 400, "code": "content_filter"}, 422, "answer-refused"),
        ({"words": 0, "finish": "content_filter", "usage": False}, 422, "answer-refused"),
        ({"words": 3, "broken_after": 0}, 502, "model-failed"),
        ({"words": 3, "silent_after": 0}, 504, "model-slow"),
    ],
)
async def test_a_model_that_gives_nothing_is_a_problem_and_costs_nothing(
    api: httpx.AsyncClient,
    alice: Headers,
    model: TheModel,
    monkeypatch: pytest.MonkeyPatch,
    script: dict[str, Any],
    status: int,
    slug: str,
) -> None:
    if "silent_after" in script:
        monkeypatch.setattr(services().settings, "model_patience_seconds", 0.2)
    await model.does(**script)
    session_id, keyed = await a_session(api, alice), alice | {"Idempotency-Key": "one"}
    answer = await ask(api, keyed, session_id)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:vimarsh:problem:{slug}")
    assert answer.headers.get("retry-after") == {429: "7", 503: "10"}.get(script.get("status", 200))
    assert await turns(api, alice, session_id) == []
    assert {reserved for _, _, reserved in await used(api, alice)} == {0}
    again = await ask(api, keyed, session_id)
    assert (again.status_code, again.json()["type"]) == (status, f"urn:vimarsh:problem:{slug}")
    (first, last) = await all_of(await ask(api, keyed | STREAM, session_id))
    assert (first.name, last.name, last.data["status"]) == ("admitted", "problem", status)
    assert len(await model.calls()) == 1


@pytest.mark.parametrize(
    ("script", "cause"),
    [({"words": 5, "broken_after": 3}, "model-failed"), ({"words": 5, "silent_after": 3}, "model-slow")],
)
async def test_what_was_said_before_it_broke_off_is_recorded(
    api: httpx.AsyncClient,
    alice: Headers,
    model: TheModel,
    monkeypatch: pytest.MonkeyPatch,
    script: dict[str, Any],
    cause: str,
) -> None:
    if "silent_after" in script:
        monkeypatch.setattr(services().settings, "model_patience_seconds", 1.0)
    await model.does(**script)
    session_id = await a_session(api, alice)
    events = await all_of(await ask(api, alice | STREAM, session_id))
    assert [event.name for event in events][-3:] == ["usage", "recorded", "problem"]
    assert events[-1].data["type"] == "urn:vimarsh:problem:answer-broken-off"
    assert events[-1].data["cause"] == f"urn:vimarsh:problem:{cause}"
    assert (events[-2].data["problem"], events[-2].data["cause"]) == ("answer-broken-off", cause)
    place = f"/sessions/{session_id}/answers/{events[0].data['id']}"
    assert (await api.get(place, headers=alice)).json() == events[-2].data
    (turn,) = await turns(api, alice, session_id)
    assert turn["response_text"] == text_of(events) == "word0 word1 word2"
    assert (turn["answer_end"], turn["tokens_estimated"]) == ("broken_off", True)
    assert [(used_, reserved) for _, used_, reserved in await used(api, alice)][:2] == [
        (1, 0),
        (turn["total_tokens"], 0),
    ]


async def test_whoever_asked_may_stop_it(api: httpx.AsyncClient, alice: Headers, model: TheModel) -> None:
    await model.does(words=10, silent_after=4)
    session_id, keyed = await a_session(api, alice), alice | {"Idempotency-Key": "one"}
    asking = asyncio.create_task(ask(api, keyed | STREAM, session_id))
    await model.has_said(4)
    place = (await ask(api, keyed, session_id)).headers["location"].removeprefix("/api")
    state = (await api.get(place, headers=alice)).json()
    assert (state["status"], state["interaction"]) == ("running", None)
    assert (await api.delete(place, headers=alice)).status_code == 204
    events = await all_of(await asking)
    assert [event.name for event in events][-2:] == ["usage", "recorded"]
    (turn,) = await turns(api, alice, session_id)
    assert (turn["answer_end"], turn["response_text"]) == ("stopped", "word0 word1 word2 word3")
    assert (await api.delete(place, headers=alice)).status_code == 204
    assert (await api.get(place, headers=alice)).json()["status"] == "recorded"


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"model": "another"}, 404, "unknown-model"),
        ({"model": "small", "question": "Why? " * 500}, 422, "too-long-for-model"),
        ({"question": ""}, 422, "invalid"),
        ({"max_output_tokens": 1}, 422, "invalid"),
        ({"tools": []}, 422, "invalid"),
    ],
)
async def test_what_can_not_be_asked_is_refused_before_anything_is_reserved(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, body: dict[str, Any], status: int, slug: str
) -> None:
    answer = await ask(api, alice | STREAM, await a_session(api, alice), **body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:vimarsh:problem:{slug}")
    assert await model.calls() == []
    assert {(used_, reserved) for _, used_, reserved in await used(api, alice)} == {(0, 0)}


async def test_nobody_elses_session_is_answered_in(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, sign_in: Any
) -> None:
    session_id = await a_session(api, sign_in("bob@contoso.example"))
    assert (await ask(api, alice, session_id)).status_code == 404
    answer_id = "5b0c1b52-9c0e-4a6e-8f0e-3f4f0e0a7c11"
    for send in (api.get, api.delete):
        assert (await send(f"/sessions/{session_id}/answers/{answer_id}", headers=alice)).status_code == 404
    assert await model.calls() == []


async def test_texts_that_are_not_to_be_stored_are_nowhere(
    api: httpx.AsyncClient, alice: Headers, model: TheModel
) -> None:
    session_id = await a_session(api, alice)
    events = await all_of(await ask(api, alice | STREAM, session_id, store_texts=False))
    assert text_of(events) == QUESTION
    (turn,) = await turns(api, alice, session_id)
    assert (turn["user_query"], turn["response_text"], turn["texts_stored"]) == (None, None, False)
    assert (turn["user_query_length"], turn["response_length"]) == (len(QUESTION), len(QUESTION))
    exported = (await api.get("/me/export", headers=alice)).text
    assert "meaning of life" not in exported


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("application/json, Text/Event-Stream;q=0.5", True),
        ("text/event-stream; q=0", False),
        ("text/event-stream;q=0.0, application/json", False),
        ("*/*", False),
        ("application/json", False),
    ],
)
async def test_events_are_for_those_who_accept_them(
    api: httpx.AsyncClient, alice: Headers, accept: str, is_stream: bool
) -> None:
    answer = await ask(api, alice | {"Accept": accept}, await a_session(api, alice))
    assert answer.headers["content-type"].startswith("text/event-stream" if is_stream else "application/json")


async def test_characters_that_a_model_cuts_apart_come_whole(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def halves(*_: Any) -> Any:
        for text in ("a\ud83d", "\ude00b\ud83d"):
            yield Delta(text)
        yield Finished("stop")

    monkeypatch.setattr(OpenAIModel, "stream", halves)
    session_id = await a_session(api, alice)
    events = await all_of(await ask(api, alice | STREAM, session_id))
    (turn,) = await turns(api, alice, session_id)
    assert text_of(events) == turn["response_text"] == "a😀b\ufffd"
