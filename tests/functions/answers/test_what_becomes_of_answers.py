"""Answers whose client goes away, whose process ends, whose account is closed: nothing is lost, or charged in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest
from azure.core.exceptions import ServiceRequestError

from cosmos.answers.answers import Answers
from cosmos.chat.turns import Turns
from cosmos.core.patching import patch, set_fields
from cosmos.usage.allowances import Allowances
from functions.answers import answers, events, recording, run
from functions.answers.openai_model import OpenAIModel
from functions.answers.recording import look_after_answers
from functions.answers.runs import Runs
from functions.composition import services
from functions.jobs.watching import Watch
from models.answers.answer import LEASE, Answer
from models.core.values import format_timestamp
from tests.functions.answers.conftest import TheModel
from tests.functions.answers.events import all_of, text_of
from tests.functions.answers.test_answers import QUESTION, STREAM, ask, turns, used
from tests.functions.calls import Headers, a_session

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAID = "word0 word1 word2 word3"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life without a pause."""
    for module in (run, events):
        monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.01)


async def under_way(
    api: httpx.AsyncClient, headers: Headers, model: TheModel, session_id: str, **body: Any
) -> tuple[asyncio.Task[httpx.Response], str]:
    """An answer that has said four words and says nothing any more, as it is asked for; and its place."""
    await model.does(words=10, silent_after=4)
    keyed = headers | {"Idempotency-Key": "one"}
    asking = asyncio.create_task(ask(api, keyed | STREAM, session_id, **body))
    await model.has_said(4)
    place = (await ask(api, keyed, session_id, **body)).headers["location"].removeprefix("/api")
    return asking, place


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    while not (found := await condition()):  # noqa: ASYNC110  # it is asked over HTTP
        await asyncio.sleep(0.01)
    return found


async def expire(place: str, headers: Headers, api: httpx.AsyncClient, **fields: Any) -> None:
    """Has the lease of an answer end now, as if its process had not been heard of."""
    user_id = (await api.get("/me", headers=headers)).json()["id"]
    changes = {"lease_until": format_timestamp(datetime.now(UTC))} | fields
    container = (await services().store()).database.user_sessions
    await patch(container, Answer.id_of(place.rpartition("/")[2]), user_id, set_fields(changes), "true")


async def ended_process() -> None:
    """Ends all answers of this process, as its end would."""
    await services()[Runs].close()


async def test_the_answer_is_finished_though_its_client_goes_away(
    api: httpx.AsyncClient, alice: Headers, model: TheModel
) -> None:
    await model.does(words=30, pause=0.01)
    session_id = await a_session(api, alice)
    leaving = [
        asyncio.create_task(ask(api, alice | accepted, session_id, question=f"Question {number}"))
        for number, accepted in enumerate((STREAM, {}))
    ]
    await until(lambda: _are_under_way(model, 2))
    for task in leaving:
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    found = await until(lambda: _if_there_are(api, alice, session_id, 2))
    assert {turn["answer_end"] for turn in found} == {"complete"}
    assert {len(turn["response_text"].split()) for turn in found} == {30}
    assert (await used(api, alice))[0] == ("queries", 2, 0)


async def _are_under_way(model: TheModel, count: int) -> bool:
    return len([call for call in await model.calls() if call["said"] > 2]) == count


async def _if_there_are(api: httpx.AsyncClient, headers: Headers, session_id: str, count: int) -> list[dict[str, Any]]:
    found = await turns(api, headers, session_id)
    return found if len(found) == count else []


@pytest.mark.parametrize("finder", ["reader", "follower", "same key", "timer"])
async def test_what_a_process_left_is_recorded_as_broken_off_by_whoever_finds_it(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, quick: None, finder: str
) -> None:
    session_id, keyed = await a_session(api, alice), alice | {"Idempotency-Key": "one"}
    asking, place = await under_way(api, alice, model, session_id)
    await until(lambda: _has_stored(api, alice, place, SAID))
    await ended_process()
    assert (await all_of(await asking))[-1].name == "problem"
    assert (await api.get(place, headers=alice)).json()["status"] == "running"
    await expire(place, alice, api)
    if finder == "reader":
        assert (await api.get(place, headers=alice)).json()["status"] == "recorded"
    elif finder == "follower":
        followed = await all_of(await api.get(place, headers=alice | STREAM))
        assert text_of(followed) == SAID
        assert [event.name for event in followed][-3:] == ["usage", "recorded", "problem"]
    elif finder == "same key":
        answer = await ask(api, keyed, session_id)
        assert (answer.status_code, answer.json()["type"]) == (502, "urn:vimarsh:problem:answer-broken-off")
    else:
        await look_after_answers(Watch(services(), cast(Any, None), datetime.now(UTC)))
    (turn,) = await turns(api, alice, session_id)
    assert (turn["answer_end"], turn["tokens_estimated"], turn["response_text"]) == ("broken_off", True, SAID)
    assert (await used(api, alice))[:2] == [("queries", 1, 0), ("tokens", turn["total_tokens"], 0)]
    assert len(await model.calls()) == 1


async def _has_stored(api: httpx.AsyncClient, headers: Headers, place: str, text: str) -> bool:
    return bool((await api.get(place, headers=headers)).json()["text"] == text)


async def test_many_who_find_what_was_left_record_it_once(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, quick: None
) -> None:
    session_id = await a_session(api, alice)
    asking, place = await under_way(api, alice, model, session_id)
    await ended_process()
    await asking
    await expire(place, alice, api)
    watch = Watch(services(), cast(Any, None), datetime.now(UTC))
    reading = [api.get(place, headers=alice) for _ in range(8)]
    looking = [look_after_answers(watch) for _ in range(3)]
    read, _ = await asyncio.gather(asyncio.gather(*reading), asyncio.gather(*looking))
    assert {answer.status_code for answer in read} == {200}
    assert len(await turns(api, alice, session_id)) == 1
    assert (await used(api, alice))[0] == ("queries", 1, 0)


async def test_a_process_whose_answer_was_taken_over_records_nothing(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, quick: None
) -> None:
    session_id = await a_session(api, alice)
    asking, place = await under_way(api, alice, model, session_id)
    await expire(place, alice, api, holder="5b0c1b52-9c0e-4a6e-8f0e-3f4f0e0a7c11")
    last = (await all_of(await asking))[-1]
    assert (last.name, last.data["type"]) == ("problem", "urn:vimarsh:problem:unavailable")
    assert (await api.get(place, headers=alice)).json()["end"] == "broken_off"
    assert len(await turns(api, alice, session_id)) == 1


async def test_it_is_followed_and_stopped_from_another_process(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await a_session(api, alice)
    asking, place = await under_way(api, alice, model, session_id)
    monkeypatch.setattr(Runs, "find", lambda self, answer_id: None)
    following = asyncio.create_task(api.get(place, headers=alice | STREAM | {"Last-Event-ID": "6"}))
    await until(lambda: _has_stored(api, alice, place, SAID))
    assert (await api.delete(place, headers=alice)).status_code == 204
    own, followed = await all_of(await asking), await all_of(await following)
    assert [event.name for event in followed] == ["admitted", "delta", "usage", "recorded"]
    assert text_of(followed) == SAID[6:]
    assert followed[-1] == own[-1]
    assert own[-1].data["end"] == "stopped"


async def test_erasing_an_account_stops_its_answers(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, quick: None
) -> None:
    session_id = await a_session(api, alice)
    asking, _ = await under_way(api, alice, model, session_id)
    user_id = (await api.get("/me", headers=alice)).json()["id"]
    assert (await api.delete("/me", headers=alice)).status_code == 202
    told = await all_of(await asking)
    assert (told[-1].name, told[-1].data["type"]) == ("problem", "urn:vimarsh:problem:account-deleted")
    container = (await services().store()).database.user_interactions
    query = "SELECT VALUE COUNT(1) FROM c WHERE c.kind = 'interaction'"
    counts: list[Any] = [row async for row in container.query_items(query, partition_key=user_id)]
    assert counts == [0]


async def test_without_consent_to_texts_none_is_stored_while_it_is_made(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, quick: None
) -> None:
    session_id = await a_session(api, alice)
    asking, place = await under_way(api, alice, model, session_id, store_texts=False, question="My secret question")
    exported = [(await api.get("/me/export", headers=alice)).text for _ in range(3)]
    assert not any("secret" in text or "word1" in text for text in exported)
    await api.delete(place, headers=alice)
    assert text_of(await all_of(await asking)) == SAID
    (turn,) = await turns(api, alice, session_id)
    assert (turn["texts_stored"], turn["user_query_length"], turn["response_length"]) == (False, 18, len(SAID))


async def test_what_takes_long_is_found_at_its_place(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "WAITED_SECONDS", 0.3)
    await model.does(words=10, silent_after=4)
    session_id = await a_session(api, alice)
    answer = await ask(api, alice, session_id)
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    await model.has_said(4)
    place = answer.headers["location"].removeprefix("/api")
    await api.delete(place, headers=alice)
    state = await until(lambda: _if_recorded(api, alice, place))
    assert (state["end"], state["interaction"]["response_text"]) == ("stopped", SAID)


async def _if_recorded(api: httpx.AsyncClient, headers: Headers, place: str) -> dict[str, Any] | None:
    state: dict[str, Any] = (await api.get(place, headers=headers)).json()
    return state if state["status"] == "recorded" else None


async def test_silence_is_broken_by_comments(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(services().settings, "model_patience_seconds", 1.0)
    await model.does(words=5, silent_after=2)
    answer = await ask(api, alice | STREAM, await a_session(api, alice))
    assert answer.content.count(b"\n: \n\n") > 3
    assert [event.name for event in await all_of(answer)][-3:] == ["usage", "recorded", "problem"]


async def test_an_answer_that_takes_too_long_is_broken_off(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services().settings, "answer_seconds", 1.0)
    await model.does(words=1000, pause=0.01)
    session_id = await a_session(api, alice)
    assert (await ask(api, alice, session_id)).json()["type"] == "urn:vimarsh:problem:answer-broken-off"
    (turn,) = await turns(api, alice, session_id)
    assert turn["answer_end"] == "broken_off"
    assert turn["response_text"].startswith("word0 word1")


@pytest.mark.parametrize(
    ("script", "end"), [({"finish": "length"}, "length"), ({"finish": "content_filter"}, "filtered")]
)
async def test_how_a_model_ended_is_told(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, script: dict[str, Any], end: str
) -> None:
    await model.does(words=3, **script)
    answer = (await ask(api, alice, await a_session(api, alice))).json()
    assert (answer["end"], answer["text"], answer["problem"]) == (end, "word0 word1 word2", None)


async def test_tokens_that_the_provider_does_not_say_are_estimated_and_marked(
    api: httpx.AsyncClient, alice: Headers, model: TheModel
) -> None:
    await model.does(words=3, usage=False)
    turn = (await ask(api, alice, await a_session(api, alice))).json()["interaction"]
    assert turn["tokens_estimated"] is True
    assert turn["input_tokens"] > 0
    assert turn["output_tokens"] > 0
    assert turn["cost_usd"] > 0


def failing(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, times: int, error: Exception) -> None:
    """Has a method fail for some times."""
    real, left = getattr(owner, name), [error] * times

    async def method(*arguments: Any, **named: Any) -> Any:
        if left:
            raise left.pop()
        return await real(*arguments, **named)

    monkeypatch.setattr(owner, name, method)


UNREACHED = ServiceRequestError("no connection")


@pytest.mark.parametrize(("times", "last"), [(3, "recorded"), (4, "problem")])
async def test_a_database_that_fails_is_asked_again_and_what_was_said_is_kept(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch, times: int, last: str
) -> None:
    monkeypatch.setattr(recording, "PAUSES", (0.0, 0.0, 0.0))
    failing(monkeypatch, Turns, "record", times, UNREACHED)
    session_id = await a_session(api, alice)
    events_ = await all_of(await ask(api, alice | STREAM, session_id))
    assert events_[-1].name == last
    place = f"/sessions/{session_id}/answers/{events_[0].data['id']}"
    if last == "problem":
        assert events_[-1].data["type"] == "urn:vimarsh:problem:unavailable"
        assert (await api.get(place, headers=alice)).json()["status"] == "running"
        await expire(place, alice, api)
    state = (await api.get(place, headers=alice)).json()
    assert (state["end"], state["interaction"]["tokens_estimated"]) == ("complete", False)
    assert (await used(api, alice))[:2] == [("queries", 1, 0), ("tokens", 12, 0)]


@pytest.mark.parametrize(("lease", "last"), [(timedelta(seconds=30), "recorded"), (timedelta(0), "problem")])
async def test_a_process_that_can_not_renew_its_lease_gives_the_answer_up_in_time(
    api: httpx.AsyncClient,
    alice: Headers,
    model: TheModel,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
    lease: timedelta,
    last: str,
) -> None:
    monkeypatch.setattr(run, "LEASE", lease)
    failing(monkeypatch, Answers, "checkpoint", 3, UNREACHED)
    await model.does(words=30, pause=0.02)
    session_id = await a_session(api, alice)
    events_ = await all_of(await ask(api, alice | STREAM, session_id))
    assert events_[-1].name == last
    assert len(await turns(api, alice, session_id)) == (last == "recorded")


async def test_what_the_model_does_unexpectedly_is_a_model_that_failed(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def odd(*_: Any) -> Any:
        raise ValueError("no JSON")
        yield

    monkeypatch.setattr(OpenAIModel, "stream", odd)
    answer = await ask(api, alice, await a_session(api, alice))
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:vimarsh:problem:model-failed")


async def test_one_answer_that_can_not_be_settled_holds_up_no_others(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = []
    for _ in range(2):
        session_id = await a_session(api, alice)
        asking, place = await under_way(api, alice, model, session_id)
        await ended_process()
        await asking
        await expire(place, alice, api)
        places.append(place)
    failing(monkeypatch, Answers, "take_over", 1, ValueError("odd"))
    await look_after_answers(Watch(services(), cast(Any, None), datetime.now(UTC)))
    states = [await _status(api, alice, place) for place in places]
    assert sorted(states) == ["recorded", "running"]
    await look_after_answers(Watch(services(), cast(Any, None), datetime.now(UTC)))
    assert [await _status(api, alice, place) for place in places] == ["recorded", "recorded"]


async def _status(api: httpx.AsyncClient, headers: Headers, place: str) -> str:
    """Of the answer's document, which nobody settles by this."""
    user_id = (await api.get("/me", headers=headers)).json()["id"]
    found = await (await services().store()).answers.find(user_id, place.rpartition("/")[2])
    assert found is not None
    return found.status


async def test_whoever_follows_is_told_of_silence_and_of_failures(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "QUIET_SECONDS", 0.0)
    session_id = await a_session(api, alice)
    asking, place = await under_way(api, alice, model, session_id)
    await until(lambda: _has_stored(api, alice, place, SAID))
    monkeypatch.setattr(Runs, "find", lambda self, answer_id: None)
    real, looks = Answers.read, iter(range(5))

    async def read(*arguments: str) -> Answer:
        if next(looks, None) is None:
            raise UNREACHED
        return await real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Answers, "read", read)
    followed = await api.get(place, headers=alice | STREAM)
    monkeypatch.setattr(Answers, "read", real)
    assert followed.content.count(b"\n: \n\n") > 1
    last = (await all_of(followed))[-1]
    assert (last.name, last.data["type"]) == ("problem", "urn:vimarsh:problem:unavailable")
    await api.delete(place, headers=alice)
    await asking


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_claim_of_which_it_is_not_known_whether_it_was_written_is_looked_for(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    real = Allowances.reserve

    async def reserve(*arguments: Any) -> Any:
        if is_written:
            await real(*arguments)
        raise UNREACHED

    monkeypatch.setattr(Allowances, "reserve", reserve)
    session_id = await a_session(api, alice)
    answer = await ask(api, alice, session_id)
    assert answer.status_code == (201 if is_written else 503)
    assert len(await turns(api, alice, session_id)) == len(await model.calls()) == is_written


async def test_a_claim_that_was_sent_twice_is_ones_own(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Allowances.reserve

    async def reserve(*arguments: Any) -> Any:
        await real(*arguments)
        return await real(*arguments)

    monkeypatch.setattr(Allowances, "reserve", reserve)
    session_id = await a_session(api, alice)
    assert (await ask(api, alice, session_id)).status_code == 201
    assert (await used(api, alice))[0] == ("queries", 1, 0)


async def test_a_request_that_is_given_up_while_it_claims_is_answered_all_the_same(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, claimed, go_on = Answers.begin, asyncio.Event(), asyncio.Event()

    async def begin(*arguments: Any) -> Any:
        begun = await real(*arguments)
        claimed.set()
        await go_on.wait()
        return begun

    monkeypatch.setattr(Answers, "begin", begin)
    session_id, keyed = await a_session(api, alice), alice | {"Idempotency-Key": "one"}
    asking = asyncio.create_task(ask(api, keyed, session_id))
    await claimed.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    go_on.set()
    (turn,) = await until(lambda: _if_there_are(api, alice, session_id, 1))
    assert (turn["answer_end"], turn["response_text"]) == ("complete", QUESTION)


async def test_a_request_that_is_given_up_before_it_claims_is_not_answered(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, waiting, go_on = Answers.begin, asyncio.Event(), asyncio.Event()

    async def begin(*arguments: Any) -> Any:
        waiting.set()
        await go_on.wait()
        return await real(*arguments)

    monkeypatch.setattr(Answers, "begin", begin)
    session_id = await a_session(api, alice)
    asking = asyncio.create_task(ask(api, alice, session_id))
    await waiting.wait()
    (starting,) = services()[Runs]._starting
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    go_on.set()
    await asyncio.gather(starting, return_exceptions=True)
    assert await model.calls() == await turns(api, alice, session_id) == []
    assert {(used_, reserved) for _, used_, reserved in await used(api, alice)} == {(0, 0)}


async def test_the_lease_begins_when_the_claim_is_written(
    api: httpx.AsyncClient, alice: Headers, model: TheModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, claimed = Answers.begin, list[datetime]()

    async def begin(self: Answers, answer: Answer, *arguments: Any) -> Any:
        begun = await real(self, answer, *arguments)
        stored = await self.find(answer.partition_key, answer.answer_id)
        assert stored is not None
        claimed.extend(filter(None, [stored.lease_until]))
        return begun

    monkeypatch.setattr(Answers, "begin", begin)
    real_stored, attempts = Allowances._written, [False, False]

    async def written(*arguments: Any) -> bool:
        return attempts.pop() if attempts else await real_stored(*arguments)

    monkeypatch.setattr(Allowances, "_written", written)
    answer = await ask(api, alice, await a_session(api, alice))
    assert answer.status_code == 201, answer.text
    (until_,) = claimed
    assert until_ > datetime.fromisoformat(answer.json()["asked_at"]) + LEASE
