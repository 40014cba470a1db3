"""What consents do through the API: to what is recorded, and to what was recorded before."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from azure.core.exceptions import ServiceResponseError

from cosmos.accounts import users
from cosmos.core import patching
from cosmos.core.database import Database, Item, connect
from cosmos.privacy import consents as pages
from functions.composition import services
from functions.jobs import driving
from functions.privacy import consents
from local.functions.host import FunctionHost
from models.core.write_policy import DAY
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(settings: dict[str, str]) -> Any:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"])


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Withdrawals that do not wait for other processes."""
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.1)


async def changed(api: httpx.AsyncClient, headers: Headers, **changes: Any) -> httpx.Response:
    """The answer to an edit of the profile as it is now."""
    etag = (await api.get("/me", headers=headers)).headers["etag"]
    answer = await api.patch("/me", json=changes, headers=headers | {"If-Match": etag})
    assert answer.status_code == 200, answer.text
    return answer


async def recorded(api: httpx.AsyncClient, headers: Headers, session: str, **turn: Any) -> dict[str, Any]:
    answer = await api.post(f"/sessions/{session}/interactions", json=a_turn(**turn), headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def ended(api: httpx.AsyncClient, headers: Headers, url: str) -> dict[str, Any]:
    """A withdrawal when it has come to its end."""
    found: dict[str, Any] = {}

    async def has_ended() -> bool:
        found.update((await api.get(url.removeprefix("/api"), headers=headers)).json())
        return bool(found["status"] != "running")

    await until(has_ended)
    return found


async def stored(container: Any, user_id: str, kind: str) -> list[Item]:
    query = "SELECT * FROM c WHERE c.kind = @kind"
    parameters = [{"name": "@kind", "value": kind}]
    return [item async for item in container.query_items(query, parameters=parameters, partition_key=user_id)]


async def rollups(database: Database, user_id: str) -> dict[str, Item]:
    items = await stored(database.user_analytics, user_id, "rollup")
    return {item["id"].removeprefix(f"{user_id}:"): item for item in items}


async def test_what_is_recorded_without_consent_to_analytics_counts_nowhere(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, database: Database
) -> None:
    session = await a_session(api, alice)
    await recorded(api, alice, session)
    await changed(api, alice, analytics_consent=False)
    later = await recorded(api, alice, session, user_query="What is not counted?")
    other = await a_session(api, alice)
    await recorded(api, alice, other)
    await api.post("/bookmarks", json={"interaction_id": later["id"]}, headers=alice)
    await drained()
    profile = (await api.get("/me", headers=alice)).json()
    all_time = (await rollups(database, profile["id"]))["all_time"]
    assert (all_time["total_interactions"], all_time["total_sessions"]) == (1, 1)
    assert "bookmarks" not in all_time["sums"]
    assert (profile["total_queries"], profile["total_sessions"]) == (1, 1)
    assert later["analytics_consent"] is False
    assert (await api.get(f"/sessions/{other}", headers=alice)).json()["analytics_consent"] is False
    window = (await stored(database.user_analytics, profile["id"], "risk_window"))[0]
    assert len(window["turns"]) == 3


async def test_a_user_who_never_consented_has_an_empty_dashboard(
    api: httpx.AsyncClient, alice: Headers, drained: Drain
) -> None:
    await changed(api, alice, analytics_consent=False)
    await recorded(api, alice, await a_session(api, alice))
    await drained()
    answer = await api.get("/me/dashboard", headers=alice)
    assert (answer.status_code, answer.json()["total_interactions"]) == (200, 0)
    assert (await api.get("/me/analytics", headers=alice)).json()["items"] == []


@pytest.mark.usefixtures("prompt")
async def test_past_turns_are_taken_out_of_every_rollup(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, database: Database, sign_in: SignIn
) -> None:
    session = await a_session(api, alice)
    turns = [await recorded(api, alice, session, user_rating=4) for _ in range(3)]
    await api.post("/bookmarks", json={"interaction_id": turns[0]["id"]}, headers=alice)
    await drained()
    user_id = turns[0]["user_id"]
    assert (await rollups(database, user_id))["all_time"]["total_interactions"] == 3
    answer = await api.delete("/me/analytics", headers=alice)
    assert (answer.status_code, answer.json()["consent"]) == (202, "analytics_consent")
    again = await api.delete("/me/analytics", headers=alice)
    assert again.json()["withdrawal_id"] == answer.json()["withdrawal_id"]
    found = await ended(api, alice, answer.headers["location"])
    assert (found["status"], found["turns"], found["sessions"], found["bookmarks"]) == ("completed", 3, 1, 1)
    await drained()
    after = await rollups(database, user_id)
    assert {name.partition(":")[0] for name in after} == {"session", "daily", "weekly", "monthly", "all_time"}
    assert {name: item["sums"] for name, item in after.items() if item["sums"]} == {}
    profile = (await api.get("/me", headers=alice)).json()
    assert (profile["analytics_consent"], profile["total_queries"], profile["total_cost_usd"]) == (False, 0, 0)
    assert profile["first_session_date"] is None
    dashboard = (await api.get("/me/dashboard", headers=alice)).json()
    assert (dashboard["total_interactions"], dashboard["total_cost_usd"]) == (0, 0)
    assert dashboard["learning_growth_metrics"]["knowledge_progression"] is None
    assert (await api.get("/me/recommendations", headers=alice)).json()["items"] == []
    for period in ("daily", "all_time"):
        analytics = await api.get("/me/analytics", params={"period": period}, headers=alice)
        assert (analytics.json()["items"], analytics.json()["total"]["total_interactions"]) == ([], 0)
    listed = (await api.get("/interactions", headers=alice)).json()["items"]
    assert {turn["id"] for turn in listed} == {turn["id"] for turn in turns}
    assert len((await api.get("/bookmarks", headers=alice)).json()["items"]) == 1
    admin = sign_in("root@contoso.example", roles=["Vimarsh.Admin"])
    rebuild = await api.post("/admin/rebuilds", json={"user_id": user_id}, headers=admin)
    drift = await ended(api, admin, rebuild.headers["location"])
    assert (drift["drift"], drift["sources_behind"], drift["sources_wrong"]) == ([], 0, 0)


@pytest.mark.usefixtures("prompt")
async def test_a_consent_given_again_counts_what_comes_later_alone(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, database: Database
) -> None:
    session = await a_session(api, alice)
    turn = await recorded(api, alice, session)
    await drained()
    await ended(api, alice, (await api.delete("/me/analytics", headers=alice)).headers["location"])
    await changed(api, alice, analytics_consent=True)
    await api.patch(
        f"/interactions/{turn['id']}",
        json={"user_rating": 5},
        headers=alice | {"If-Match": '"2"'},
    )
    await recorded(api, alice, session, input_tokens=7, output_tokens=0)
    await drained()
    all_time = (await rollups(database, turn["user_id"]))["all_time"]
    assert (all_time["total_interactions"], all_time["total_tokens"], all_time["total_sessions"]) == (1, 7, 0)
    second = await api.delete("/me/analytics", headers=alice)
    assert (await ended(api, alice, second.headers["location"]))["turns"] == 1


@pytest.mark.usefixtures("prompt")
async def test_a_withdrawal_goes_through_many_pages_in_many_runs(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "TURNS_PER_HISTORY", 1)
    monkeypatch.setattr(driving, "TURN_SECONDS", 0)
    monkeypatch.setattr(pages, "DOCUMENTS_PER_PAGE", 2)
    session = await a_session(api, alice)
    turns = [await recorded(api, alice, session) for _ in range(5)]
    await drained()
    found = await ended(api, alice, (await api.delete("/me/analytics", headers=alice)).headers["location"])
    assert (found["status"], found["turns"], found["sessions"], found["bookmarks"]) == ("completed", 5, 1, 0)
    await drained()
    after = await rollups(database, turns[0]["user_id"])
    assert {name: item["sums"] for name, item in after.items() if item["sums"]} == {}


async def test_a_withdrawal_goes_no_further_once_the_consent_is_given_again(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 1)
    session = await a_session(api, alice)
    await recorded(api, alice, session)
    await drained()
    answer = await api.delete("/me/analytics", headers=alice)
    await changed(api, alice, analytics_consent=True)
    later = await recorded(api, alice, session, input_tokens=7, output_tokens=0)
    found = await ended(api, alice, answer.headers["location"])
    assert (found["status"], found["uncounted"]) == ("completed", 0)
    await drained()
    kept = (await api.get(f"/interactions/{later['id']}", headers=alice)).json()
    assert (kept["analytics_consent"], kept["revision"]) == (True, 1)
    assert (await rollups(database, later["user_id"]))["all_time"]["sums"]["tokens"] % 1200 == 7


async def test_a_bookmark_copies_no_texts_of_an_older_turn_once_the_user_does_not_consent(
    api: httpx.AsyncClient, alice: Headers
) -> None:
    session = await a_session(api, alice)
    turns = [await recorded(api, alice, session, user_query="What ails me?") for _ in range(2)]
    before = (await api.post("/bookmarks", json={"interaction_id": turns[0]["id"]}, headers=alice)).json()
    await changed(api, alice, text_storage_consent=False)
    wanted = {"interaction_id": turns[1]["id"], "bookmark_notes": "Mine"}
    after = (await api.post("/bookmarks", json=wanted, headers=alice)).json()
    assert (before["bookmark_title"], before["original_query"]) == ("What ails me?", "What ails me?")
    assert (after["original_query"], after["bookmarked_response"], after["bookmark_notes"]) == (None, None, "Mine")
    assert "ails" not in after["bookmark_title"]


def followed(answer: httpx.Response) -> str:
    """Where an edit says that its effect on what is kept is to be seen; nowhere if it has none."""
    link = answer.headers.get("link", "")
    return str(link.partition(">")[0].removeprefix("<"))


async def jobs_of(database: Database, user_id: str) -> list[Item]:
    return await stored(database.users, user_id, "job")


@pytest.mark.usefixtures("prompt")
async def test_an_edit_that_is_overtaken_promises_nothing_and_may_be_sent_again(
    api: httpx.AsyncClient, alice: Headers, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = await recorded(api, alice, await a_session(api, alice))
    etag = (await api.get("/me", headers=alice)).headers["etag"]
    wanted, as_it_is = {"data_retention_consent": False}, alice | {"If-Match": etag}

    async def overtaken(container: Any, before: Any, after: Any, **given: Any) -> Any:
        return await patching.edit(container, before.model_copy(update={"revision": 99}), after, **given)

    with monkeypatch.context() as patched:
        patched.setattr(users, "edit", overtaken)
        assert (await api.patch("/me", json=wanted, headers=as_it_is)).status_code == 412
    assert await jobs_of(database, turn["user_id"]) == []
    again = await api.patch("/me", json=wanted, headers=as_it_is)
    assert again.status_code == 200
    assert (await ended(api, alice, followed(again)))["turns"] == 1


async def test_what_withdraws_nothing_promises_nothing(
    api: httpx.AsyncClient, alice: Headers, database: Database
) -> None:
    user_id = (await api.get("/me", headers=alice)).json()["id"]
    stale = alice | {"If-Match": '"99"'}
    assert (await api.patch("/me", json={"data_retention_consent": False}, headers=stale)).status_code == 412
    assert await jobs_of(database, user_id) == []
    first = await changed(api, alice, data_retention_consent=False)
    (job,) = await jobs_of(database, user_id)
    assert followed(first) == consents.location(job["id"])
    again = await changed(api, alice, data_retention_consent=False, timezone="Asia/Tokyo")
    assert (followed(again), len(await jobs_of(database, user_id))) == ("", 1)
    await changed(api, alice, data_retention_consent=True)
    await changed(api, alice, data_retention_consent=False)
    assert len(await jobs_of(database, user_id)) == 2


@pytest.mark.usefixtures("prompt")
async def test_without_consent_to_retention_turns_and_sessions_are_kept_shorter(
    api: httpx.AsyncClient, alice: Headers, database: Database, chat_server: Headers
) -> None:
    session = await a_session(api, alice)
    turn = await recorded(api, alice, session)
    answer = await changed(api, alice, data_retention_consent=False)
    url = answer.headers["link"].partition(">")[0].removeprefix("<")
    found = await ended(api, alice, url)
    assert (found["consent"], found["turns"], found["sessions"]) == ("data_retention_consent", 1, 1)
    before = await stored(database.user_interactions, turn["user_id"], "interaction")
    assert 30 * DAY - 3600 < before[0]["ttl"] <= 30 * DAY
    assert before[0]["revision"] == 1
    new = await recorded(api, alice, await a_session(api, alice))
    kept = {
        item["id"]: item["ttl"] for item in await stored(database.user_interactions, turn["user_id"], "interaction")
    }
    assert kept[new["id"]] == 30 * DAY
    sessions = await stored(database.user_sessions, turn["user_id"], "session")
    assert [item["ttl"] <= 30 * DAY for item in sessions] == [True, True]


@pytest.mark.usefixtures("prompt")
async def test_a_session_that_goes_on_is_kept_as_usual_once_retention_is_consented_to_again(
    api: httpx.AsyncClient, alice: Headers, database: Database
) -> None:
    session = await a_session(api, alice)
    turn = await recorded(api, alice, session)
    await changed(api, alice, data_retention_consent=False)
    await recorded(api, alice, session)
    await changed(api, alice, data_retention_consent=True)
    latest = await recorded(api, alice, session)
    assert latest.get("ttl") is None
    (kept,) = await stored(database.user_sessions, turn["user_id"], "session")
    assert kept["ttl"] == 730 * DAY


async def test_texts_are_not_stored_if_the_request_says_so(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, database: Database
) -> None:
    session = await a_session(api, alice)
    secret, answer = "My secret illness is called hexagonitis", "Hexagonitis is not contagious"
    headers = alice | {"Idempotency-Key": str(uuid.uuid4())}
    body = a_turn(
        user_query=secret, response_text=answer, user_feedback="About my hexagonitis", user_rating=4, store_texts=False
    )
    url = f"/sessions/{session}/interactions"
    first = (await api.post(url, json=body, headers=headers)).json()
    assert (await api.post(url, json=body, headers=headers)).json() == first
    other = await api.post(url, json=body | {"user_query": "Another?"}, headers=headers)
    assert other.json()["type"] == "urn:vimarsh:problem:key-reused"
    assert (first["texts_stored"], first["user_query"], first["response_text"], first["user_feedback"]) == (
        (False, None, None, None)
    )
    assert (first["user_query_length"], first["response_length"]) == (len(secret), len(answer))
    assert (first["user_query_language"], first["user_rating"]) == ("en", 4)
    edited = await api.patch(
        f"/interactions/{first['id']}",
        json={"user_feedback": "Still hexagonitis", "user_rating": 2},
        headers=alice | {"If-Match": '"1"'},
    )
    assert (edited.json()["user_feedback"], edited.json()["user_rating"]) == (None, 2)
    saved = await api.post("/bookmarks", json={"interaction_id": first["id"]}, headers=alice)
    assert (saved.json()["original_query"], saved.json()["bookmarked_response"]) == (None, None)
    assert saved.json()["bookmark_title"].startswith("socrates on philosophy, 20")
    await drained()
    user_id = first["user_id"]
    everything = [
        str(item)
        for container in (database.user_interactions, database.user_analytics, database.user_bookmarks)
        async for item in container.query_items("SELECT * FROM c", partition_key=user_id)
    ]
    assert everything
    assert not [item for item in everything if "hexagonitis" in item.lower()]
    questions = database.user_analytics.query_items("SELECT * FROM c WHERE c.kind = 'question'")
    assert not [item async for item in questions if "hexagonitis" in str(item).lower()]
    assert (await rollups(database, user_id))["all_time"]["total_interactions"] == 1


async def test_turns_without_texts_are_listed_and_told_of_in_the_context(
    api: httpx.AsyncClient, alice: Headers
) -> None:
    session = await a_session(api, alice)
    await recorded(api, alice, session, user_query="What is a comet?", response_text="Ice.", output_tokens=1)
    await recorded(api, alice, session, user_query="And what is a comet to me?", store_texts=False)
    await recorded(api, alice, session, user_query="What is a star?", response_text="Gas.", output_tokens=1)
    context = (await api.get(f"/sessions/{session}/context", headers=alice)).json()
    assert [message["content"] for message in context["messages"]] == [
        "What is a comet?",
        "Ice.",
        "What is a star?",
        "Gas.",
    ]
    assert (context["turns"], context["turns_without_texts"], context["is_complete"]) == (2, 1, False)
    assert context["until"] == 3
    listed = (await api.get("/interactions", headers=alice)).json()["items"]
    assert [turn["texts_stored"] for turn in listed] == [True, False, True]
    for text in ("comet", "C++ comet", "彗星"):
        found = (await api.get("/interactions", params={"text": text}, headers=alice)).json()["items"]
        assert [turn["user_query"] for turn in found] == ["What is a comet?"] * (text == "comet")


async def test_texts_are_not_stored_for_a_user_who_does_not_consent(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers
) -> None:
    session = await a_session(api, alice)
    before = await recorded(api, alice, session)
    profile = (await changed(api, alice, text_storage_consent=False)).json()
    assert profile["consent_history"][-1]["consent"] == "text_storage_consent"
    assert (await recorded(api, alice, session, store_texts=True))["user_query"] is None
    rated = await api.patch(
        f"/interactions/{before['id']}", json={"user_feedback": "Good"}, headers=alice | {"If-Match": '"1"'}
    )
    assert (rated.status_code, rated.json()["user_feedback"]) == (200, None)
    item = a_turn() | {
        "id": str(uuid.uuid4()),
        "user": {
            "tenant_id": profile["tenant_id"],
            "auth_id": profile["auth_id"],
            "email": profile["email"],
            "name": "Alice",
        },
        "session_id": str(uuid.uuid4()),
        "timestamp": datetime.now(UTC).isoformat(),
    }
    for status in (201, 200):
        answer = await api.post("/ingest/turns", json={"turns": [item]}, headers=chat_server)
        assert [one["status"] for one in answer.json()["items"]] == [status]
    ingested = (await api.get(f"/interactions/{item['id']}", headers=alice)).json()
    assert (ingested["texts_stored"], ingested["user_query"]) == (False, None)


@pytest.mark.usefixtures("prompt")
async def test_a_withdrawal_of_somebody_who_is_erased_meanwhile_comes_to_its_end(
    api: httpx.AsyncClient, alice: Headers, host: FunctionHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    await recorded(api, alice, await a_session(api, alice))
    withdrawal_id = (await api.delete("/me/analytics", headers=alice)).json()["withdrawal_id"]
    assert (await api.delete("/me", headers=alice)).status_code == 202
    assert host.durable is not None
    store, instance_id = host.durable.hub.store, f"withdrawal-{withdrawal_id}-1"
    await until(lambda: (found := store.read(instance_id)) is not None and not found.is_active)
    over = store.read(instance_id)
    assert over is not None
    assert over.status == "Completed"


@pytest.mark.usefixtures("prompt")
@pytest.mark.parametrize("step", ["is_withdrawn", "apply", "uncount", "empty"])
async def test_a_withdrawal_that_is_held_up_goes_on_by_itself_and_counts_on(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(driving, "FIRST_PAUSE_SECONDS", 0.01)
    session = await a_session(api, alice)
    for _ in range(3):
        await recorded(api, alice, session)
    await drained()
    real, left = getattr(pages.Consents, step), 5

    async def failing(*arguments: Any) -> Any:
        nonlocal left
        if left and (step != "apply" or arguments[3] == "user_sessions"):  # after the turns are done
            left -= 1
            raise ServiceResponseError("the database is out of order")
        return await real(*arguments)

    monkeypatch.setattr(pages.Consents, step, failing)
    found = await ended(api, alice, (await api.delete("/me/analytics", headers=alice)).headers["location"])
    assert (found["status"], found["turns"], found["sessions"]) == ("completed", 3, 1)
    assert left == 0


async def test_withdrawals_are_their_users_own(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn, chat_server: Headers
) -> None:
    answers = await asyncio.gather(*(api.delete("/me/analytics", headers=alice) for _ in range(4)))
    (url,) = {answer.headers["location"].removeprefix("/api") for answer in answers}
    assert (await api.get(url, headers=alice)).status_code == 200
    assert (await api.get(url, headers=sign_in("mallory@contoso.example"))).status_code == 404
    assert (await api.get(f"/me/withdrawals/{uuid.uuid4()}", headers=alice)).status_code == 404
    assert (await api.delete("/me/analytics")).status_code == 401
    assert (await api.delete("/me/analytics", headers=chat_server)).status_code == 403
