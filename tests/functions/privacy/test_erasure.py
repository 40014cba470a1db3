"""Erasing accounts through the API: the routes and the orchestration, over the real engine and the real host."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ServiceResponseError

from cosmos.chat.turns import Turns
from cosmos.privacy import erasure as steps
from functions.composition import services
from functions.core import api as edge
from functions.jobs import driving
from functions.privacy import forgetting
from local.functions.host import FunctionHost
from models.core.values import format_timestamp
from models.privacy.erasure_log import Entry
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn
from tests.functions.chat.test_ingest import an_item, ingest
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOBODY = "33333333-3333-4333-8333-333333333333"
SECRET = "The words that only this user ever wrote"
WHY = {"X-Audit-Reason": "Left the school, ticket 4711"}
CONTAINERS = ("users", "user_sessions", "user_interactions", "user_analytics", "user_bookmarks")
DELETED = (410, "urn:vimarsh:problem:account-deleted")

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def settled_soon(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in(f"{uuid.uuid4().hex}@contoso.example", roles=["Vimarsh.Admin"])


@pytest.fixture
def engine(cosmos_url: str) -> Iterator[httpx.Client]:
    """Looks into the database past the app."""
    with httpx.Client(base_url=cosmos_url) as client:
        yield client


def everything(engine: httpx.Client) -> dict[str, list[Json]]:
    """All documents of all users, by container."""
    found = {}
    for container in CONTAINERS:
        query = {"database": "vimarsh", "container": container, "query": "SELECT * FROM c"}
        found[container] = engine.post("/_local/query", json=query).raise_for_status().json()["rows"]
    return found


def counts_of(engine: httpx.Client, user_id: str) -> dict[str, dict[str, int]]:
    """How many documents a user has, by container and kind."""
    counts: dict[str, dict[str, int]] = {}
    for container, items in everything(engine).items():
        kinds = [item["kind"] for item in items if user_id in (item["partition_key"], item.get("user_id"))]
        counts[container] = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    return counts


async def only_tombstones_are_left(engine: httpx.Client, user_id: str) -> None:
    """The bookkeeping goes after the receipt is completed."""

    def are() -> bool:
        return {kind for kinds in counts_of(engine, user_id).values() for kind in kinds} == {"tombstone"}

    await until(are)


async def a_history(api: httpx.AsyncClient, headers: Headers, drained: Drain) -> tuple[str, str]:
    """Somebody who has asked, saved and rated, all of it counted: their id and that of their session."""
    session_id = await a_session(api, headers)
    turns = []
    for number in range(3):
        turn = a_turn(user_query=f"{SECRET} {number}")
        answer = await api.post(f"/sessions/{session_id}/interactions", json=turn, headers=headers)
        assert answer.status_code == 201, answer.text
        turns.append(answer.json()["id"])
    body = {"interaction_id": turns[0], "bookmark_title": SECRET}
    assert (await api.post("/bookmarks", json=body, headers=headers)).status_code == 201
    await drained()
    return (await api.get("/me", headers=headers)).json()["id"], session_id


async def forget(host: FunctionHost) -> None:
    """Has the timer run that removes what ended work remembers."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://app") as client:
        assert (await client.post("/admin/functions/forget_ended_work", json={})).status_code == 202


def is_over(host: FunctionHost, instance_id: str) -> bool:
    """Whether an orchestration has ended, and is remembered."""
    assert host.durable is not None
    instance = host.durable.hub.store.read(instance_id)
    return instance is not None and not instance.is_active


async def completed(api: httpx.AsyncClient, headers: Headers, answer: httpx.Response) -> Json:
    """The receipt of an erasure that was asked for, when it is done."""
    assert answer.status_code == 202, answer.text
    receipt: Json = answer.json()
    assert answer.headers["location"] == f"/api/erasures/{receipt['id']}"

    async def is_done() -> bool:
        seen = await api.get(f"/erasures/{receipt['id']}", headers=headers)
        assert seen.status_code == 200, seen.text
        receipt.update(seen.json())
        return bool(receipt["status"] == "completed")

    await until(is_done)
    return receipt


def names_in(folder: str) -> list[str]:
    return [path.name for path in Path(folder).iterdir()]


async def test_an_erasure_is_noted_outside_of_the_database_before_it_is_answered(
    api: httpx.AsyncClient, alice: Headers, an_email: str, settings: dict[str, str]
) -> None:
    user_id = (await api.get("/me", headers=alice)).json()["id"]
    receipt = (await api.delete("/me", headers=alice)).json()
    names = names_in(settings["ERASURE_LOG"])
    (entry,) = [entry for entry in map(Entry.parse, names) if entry and entry.erasure_id == receipt["id"]]
    assert format_timestamp(entry.moment) == receipt["requested_at"]
    assert not any(word in name for word in (user_id, an_email, receipt["user_hash"]) for name in names)
    assert (await api.delete("/me", headers=alice)).json()["id"] == receipt["id"]


async def test_everything_is_gone_and_the_receipt_adds_up(
    api: httpx.AsyncClient,
    alice: Headers,
    sign_in: SignIn,
    an_email: str,
    drained: Drain,
    engine: httpx.Client,
) -> None:
    other = sign_in(f"other-{an_email}")
    user_id, _ = await a_history(api, alice, drained)
    other_id, _ = await a_history(api, other, drained)
    counts, others = counts_of(engine, user_id), counts_of(engine, other_id)
    receipt = await completed(api, alice, await api.delete("/me", headers=alice))
    assert receipt["deleted"] == counts
    assert receipt["deleted_total"] == sum(sum(kinds.values()) for kinds in counts.values())
    assert receipt["requested_by"] == "user"
    assert receipt["requested_at"] <= receipt["started_at"] <= receipt["completed_at"]
    assert user_id not in json.dumps(receipt)
    await only_tombstones_are_left(engine, user_id)
    assert counts_of(engine, other_id) == others
    left = everything(engine)
    mine = [item for items in left.values() for item in items if item["partition_key"] != other_id]
    assert not [item for item in mine if an_email in json.dumps(item) and f"other-{an_email}" not in json.dumps(item)]
    named = [item for items in left.values() for item in items if user_id in json.dumps(item)]
    assert {(item["kind"], item["account_status"]) for item in named} == {("tombstone", "deleted")}


async def test_the_platform_s_aggregates_stay_and_name_nobody(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, engine: httpx.Client
) -> None:
    def platform() -> list[Json]:
        return [item for item in everything(engine)["user_analytics"] if item["partition_key"].startswith("platform")]

    def turns_counted(items: list[Json]) -> Json:
        """By document; a timer may end sessions meanwhile, and that counts, too."""
        measures = ("interactions", "tokens", "asked")
        sums = {(item["partition_key"], item["id"]): item.get("sums", {}) for item in items}
        return {str(name): {measure: counted.get(measure) for measure in measures} for name, counted in sums.items()}

    user_id, session_id = await a_history(api, alice, drained)
    before = platform()
    assert before
    assert user_id not in json.dumps(before)
    assert session_id not in json.dumps(before)
    await completed(api, alice, await api.delete("/me", headers=alice))
    await drained()
    assert turns_counted(platform()) == turns_counted(before)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/me", None),
        ("PATCH", "/me", {"marketing_consent": True}),
        ("GET", "/me/dashboard", None),
        ("GET", "/me/export", None),
        ("GET", "/me/usage", None),
        ("POST", "/sessions", {}),
        ("GET", "/sessions", None),
        ("POST", "/sessions/{session}/interactions", a_turn()),
        ("GET", "/interactions", None),
        ("GET", "/bookmarks", None),
        ("POST", "/bookmarks", {"interaction_id": NOBODY}),
        ("POST", "/admissions", {"model": "gpt-4o-mini", "input_tokens": 1, "max_output_tokens": 1}),
    ],
)
async def test_a_deleted_account_is_gone_whatever_is_asked(
    api: httpx.AsyncClient, alice: Headers, method: str, path: str, body: Json | None
) -> None:
    session_id = await a_session(api, alice)
    answer = await api.delete("/me", headers=alice)
    assert answer.json()["status"] == "running"
    for _ in ("at once", "afterwards"):
        refused = await api.request(method, path.format(session=session_id), json=body, headers=alice)
        assert (refused.status_code, refused.json()["type"]) == DELETED
        await completed(api, alice, answer)


async def test_turns_that_a_server_sends_for_an_erased_user_are_refused_one_by_one(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, an_email: str, engine: httpx.Client
) -> None:
    session_id = await a_session(api, alice)
    mine, other = an_item(an_email, session_id), an_item(f"other-{an_email}", str(uuid.uuid4()))
    user_id = (await api.get("/me", headers=alice)).json()["id"]
    answer = await api.delete("/me", headers=alice)
    for _ in ("at once", "afterwards"):
        other |= {"id": str(uuid.uuid4())}
        first, second = await ingest(api, chat_server, mine, other)
        assert (first["status"], first["error"]["type"], second["status"]) == (*DELETED, 201)
        await completed(api, alice, answer)
    await only_tombstones_are_left(engine, user_id)


async def test_the_email_address_is_free_for_somebody_else(
    api: httpx.AsyncClient, alice: Headers, sign_in: SignIn, an_email: str
) -> None:
    heir = sign_in(an_email, claims={"oid": str(uuid.uuid4())})
    await api.get("/me", headers=alice)
    assert (await api.get("/me", headers=heir)).json()["email_status"] == "contested"
    await completed(api, alice, await api.delete("/me", headers=alice))
    assert (await api.get("/me", headers=heir)).json()["email_status"] == "claimed"
    assert (await api.get("/me", headers=alice)).status_code == 410


async def test_a_request_that_would_outlast_the_pause_before_deleting_is_given_up(
    api: httpx.AsyncClient, alice: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, key = await a_session(api, alice), {"Idempotency-Key": "mine"}
    reached = asyncio.Event()

    async def never(*_: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as slow:
        slow.setattr(edge, "LONGEST_SECONDS", 0.2)
        slow.setattr(Turns, "_create", never)
        answer = await api.post(f"/sessions/{session}/interactions", json=a_turn(), headers=alice | key)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:vimarsh:problem:unavailable")
    assert (answer.headers["retry-after"], reached.is_set()) == ("1", True)
    again = await api.post(f"/sessions/{session}/interactions", json=a_turn(), headers=alice | key)
    assert again.status_code == 201


async def test_asked_for_again_and_by_many_at_once_it_is_the_same_erasure(
    api: httpx.AsyncClient, alice: Headers, drained: Drain
) -> None:
    await a_history(api, alice, drained)
    answers = await asyncio.gather(*(api.delete("/me", headers=alice) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    receipt = await completed(api, alice, answers[0])
    assert (await api.delete("/me", headers=alice)).json() == receipt


async def test_a_receipt_is_for_whom_it_is_about_and_for_admins(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, sign_in: SignIn, an_email: str
) -> None:
    await api.get("/me", headers=alice)
    receipt = await completed(api, alice, await api.delete("/me", headers=alice))
    path = f"/erasures/{receipt['id']}"
    assert (await api.get(path, headers=admin)).json() == receipt
    assert (await api.get(path)).status_code == 401
    moderator = sign_in(f"moderator-{an_email}", roles=["Vimarsh.Moderator"])
    for headers in (sign_in(f"other-{an_email}"), moderator):
        assert (await api.get(path, headers=headers)).status_code == 404
    for name in (NOBODY, "no-uuid"):
        assert (await api.get(f"/erasures/{name}", headers=admin)).status_code == 404


async def test_a_user_who_was_never_there_is_not_found(api: httpx.AsyncClient, alice: Headers, admin: Headers) -> None:
    assert (await api.delete("/me", headers=alice)).status_code == 404
    assert (await api.delete(f"/admin/users/{NOBODY}", headers=admin | WHY)).status_code == 404


async def test_a_suspended_user_may_leave(api: httpx.AsyncClient, alice: Headers, admin: Headers) -> None:
    user_id = (await api.get("/me", headers=alice)).json()["id"]
    etag = {"If-Match": (await api.get(f"/admin/users/{user_id}", headers=admin)).headers["etag"]}
    body = {"action": "suspend", "reason": "Spam"}
    assert (await api.patch(f"/admin/users/{user_id}", json=body, headers=admin | etag)).status_code == 200
    receipt = await completed(api, alice, await api.delete("/me", headers=alice))
    assert receipt["deleted"]["users"] == {"audit": 1, "email_claim": 1, "profile": 1}


async def test_admins_erase_for_a_reason_that_goes_with_the_account(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, drained: Drain, engine: httpx.Client
) -> None:
    user_id, _ = await a_history(api, alice, drained)
    path = f"/admin/users/{user_id}"
    receipt = await completed(api, admin, await api.delete(path, headers=admin | WHY))
    assert (receipt["requested_by"], receipt["deleted"]["users"]["audit"]) == ("admin", 1)
    assert "actor_id" not in receipt
    (kept,) = [
        item for item in everything(engine)["users"] if item["kind"] == "erasure" and item["id"] == receipt["id"]
    ]
    assert kept["actor_id"] == (await api.get("/me", headers=admin)).json()["id"]
    assert WHY["X-Audit-Reason"] not in json.dumps(everything(engine))
    again = await api.delete(path, headers=admin | WHY)
    assert (again.status_code, again.json()) == (202, receipt)
    await only_tombstones_are_left(engine, user_id)
    for answer in (await api.get(path, headers=admin), await api.get("/me", headers=alice)):
        assert (answer.status_code, answer.json()["type"]) == DELETED


async def test_erasing_others_is_for_admins_with_a_reason_and_not_for_oneself(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, sign_in: SignIn, an_email: str
) -> None:
    path = f"/admin/users/{(await api.get('/me', headers=alice)).json()['id']}"
    moderator = sign_in(f"moderator-{an_email}", roles=["Vimarsh.Moderator"])
    assert (await api.delete(path, headers=WHY)).status_code == 401
    for headers in (alice, moderator):
        assert (await api.delete(path, headers=headers | WHY)).status_code == 403
    silent = await api.delete(path, headers=admin)
    assert (silent.status_code, silent.json()["type"]) == (400, "urn:vimarsh:problem:audit-reason-required")
    own = f"/admin/users/{(await api.get('/me', headers=admin)).json()['id']}"
    assert (await api.delete(own, headers=admin | WHY)).status_code == 403
    assert (await api.get("/me", headers=alice)).status_code == 200


async def test_what_the_orchestration_remembers_names_nobody_and_is_removed(
    api: httpx.AsyncClient, host: FunctionHost, alice: Headers, an_email: str, drained: Drain
) -> None:
    await a_history(api, alice, drained)
    receipt = await completed(api, alice, await api.delete("/me", headers=alice))
    assert host.durable is not None
    store, instance_id = host.durable.hub.store, f"erasure-{receipt['id']}-1"
    await until(lambda: is_over(host, instance_id))
    remembered = [*store.history(instance_id), json.dumps(str(store.read(instance_id)))]
    assert remembered
    assert not [text for text in remembered if an_email in text or SECRET in text or "Liddell" in text]
    await forget(host)
    await until(lambda: store.read(instance_id) is None)
    assert (await api.delete("/me", headers=alice)).json() == receipt
    assert store.read(instance_id) is None


async def test_what_other_work_remembers_of_users_is_removed_after_days(
    api: httpx.AsyncClient, host: FunctionHost, alice: Headers, admin: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = (await api.get("/me", headers=alice)).json()["id"]
    rebuild = (await api.post("/admin/rebuilds", headers=admin, json={"user_id": user_id})).json()
    url = f"/admin/rebuilds/{rebuild['rebuild_id']}"

    async def has_ended() -> bool:
        return bool((await api.get(url, headers=admin)).json()["status"] == "completed")

    await until(has_ended)
    assert host.durable is not None
    store = host.durable.hub.store
    receipt = await completed(api, alice, await api.delete("/me", headers=alice))
    of_erasure, of_rebuild = f"erasure-{receipt['id']}-1", f"rebuild-{rebuild['rebuild_id']}-1"
    await until(lambda: is_over(host, of_erasure) and is_over(host, of_rebuild))
    await forget(host)
    await until(lambda: store.read(of_erasure) is None)
    assert store.read(of_rebuild) is not None
    monkeypatch.setattr(forgetting, "KEPT", timedelta(0))
    await forget(host)
    await until(lambda: store.read(of_rebuild) is None)
    assert not [instance for instance in store.read_all() if user_id in str(instance)]


async def test_an_erasure_of_many_pages_begins_anew_and_counts_on(
    api: httpx.AsyncClient, alice: Headers, drained: Drain, engine: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "DOCUMENTS_PER_TRANSACTION", 2)
    monkeypatch.setattr(steps, "TRANSACTIONS_PER_SWEEP", 2)
    monkeypatch.setattr(driving, "TURNS_PER_HISTORY", 1)
    monkeypatch.setattr(driving, "TURN_SECONDS", 0)
    user_id, _ = await a_history(api, alice, drained)
    counts = counts_of(engine, user_id)
    receipt = await completed(api, alice, await api.delete("/me", headers=alice))
    assert receipt["deleted"] == counts


@pytest.mark.parametrize("step", ["bar", "sweep", "finish"])
async def test_an_erasure_that_is_held_up_goes_on_by_itself(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(driving, "FIRST_PAUSE_SECONDS", 0.01)
    await api.get("/me", headers=alice)
    erasures = (await services().store()).erasures
    real, left = getattr(erasures, step), 5

    async def failing(*arguments: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise ServiceResponseError("the database is out of order")
        return await real(*arguments)

    monkeypatch.setattr(type(erasures), step, staticmethod(failing))
    answer = await api.delete("/me", headers=alice)
    assert answer.status_code == (503 if step == "bar" else 202)

    async def is_erased() -> bool:
        return bool((await api.delete("/me", headers=alice)).json().get("status") == "completed")

    await until(is_erased)
    assert left == 0


async def test_ids_of_our_own_are_nobodys_documents(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, chat_server: Headers, an_email: str
) -> None:
    """Not to be made, not to be read as something else, and an erasure comes to its end."""
    me = (await api.get("/me", headers=alice)).json()
    session_id = await a_session(api, alice)
    named = {"tenant_id": me["tenant_id"], "auth_id": me["auth_id"], "email": an_email, "name": "Alice Liddell"}
    common = a_turn() | {"user": named, "session_id": session_id, "timestamp": "2026-11-20T10:00:00Z"}
    ids = ("erasure-progress", "allowance", "risk_window", me["id"], "tombstone", "all_time")
    answer = await api.post(
        "/ingest/turns", json={"turns": [common | {"id": name} for name in ids]}, headers=chat_server
    )
    assert [item["status"] for item in answer.json()["items"]] == [201] * len(ids)
    refused = await api.post(
        "/ingest/turns", json={"turns": [common | {"id": "~erasure-progress"}]}, headers=chat_server
    )
    assert refused.json()["items"][0]["status"] == 422
    for name in ids:
        saved = await api.post("/bookmarks", json={"interaction_id": name}, headers=alice)
        assert saved.status_code == 201
    receipt = await completed(api, alice, await api.delete("/me", headers=alice))
    assert receipt["deleted"]["user_interactions"] == {"interaction": len(ids)}
    for path in (f"/admin/users/{receipt['id']}", f"/admin/users/{receipt['id']}/risk"):
        assert (await api.get(path, headers=admin)).status_code == 404
    reason = {"X-Audit-Reason": "To see that a receipt is nobody's account"}
    assert (await api.delete(f"/admin/users/{receipt['id']}", headers=admin | reason)).status_code == 404
