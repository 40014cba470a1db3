"""Jobs end whatever becomes of what drives them; staff see them, and what stands still is told."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import httpx
import pytest
import pytest_asyncio

from cosmos.core.database import Database, Item, connect
from functions.composition import Store, services
from functions.core.telemetry import Telemetry
from functions.jobs import driving, starting
from functions.jobs.driving import turn
from functions.jobs.kind import JobKind
from functions.jobs.watching import Watch, look_after_jobs, watch
from local.functions.host import FunctionHost
from models.core.values import format_timestamp
from models.jobs.job import PLATFORM_JOBS, Job
from tests.functions.calls import Headers, SignIn, a_session, a_turn
from tests.local.functions.host_helpers import until
from tests.models.examples import PRICES, PSEUDONYMS

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = ("erasure", "rebuild", "repricing", "withdrawal")
LONG_AGO = "2020-01-01T00:00:00.000000Z"

Kinds = Mapping[str, JobKind]


@pytest.fixture
def kinds(settings: dict[str, str]) -> Kinds:
    from functions.capabilities import CAPABILITIES  # reads the settings, which must be there first

    return {kind.name: kind for capability in CAPABILITIES.values() for kind in capability.jobs}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(settings: dict[str, str]) -> Any:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"])


@pytest.fixture
def admin(sign_in: SignIn) -> Headers:
    return sign_in("root@contoso.example", roles=["Vimarsh.Admin"])


@pytest.fixture(autouse=True)
def settled_at_once(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0)


async def held(database: Database, job_id: str) -> Item:
    query = "SELECT * FROM c WHERE c.id = @id AND c.kind = 'job'"
    parameters: list[dict[str, object]] = [{"name": "@id", "value": job_id}]
    (job,) = [item async for item in database.users.query_items(query, parameters=parameters)]
    return dict(job)


async def abandon(database: Database, job_id: str) -> None:
    """As if its driver had not been heard of for long."""
    past = {"driven_until": LONG_AGO, "watched_from": LONG_AGO}
    await database.users.replace_item(job_id, await held(database, job_id) | past)


async def is_nobodys(database: Database, *job_ids: str) -> None:
    """Waits until no driver has these jobs."""

    async def are() -> bool:
        now = format_timestamp(datetime.now(UTC))
        return all([(await held(database, job_id))["driven_until"] <= now for job_id in job_ids])

    await until(are)


async def keep_watch(host: FunctionHost) -> None:
    """Has the timer run."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://app") as client:
        assert (await client.post("/admin/functions/keep_watch", json={})).status_code == 202


async def lost(*_: Any) -> str:
    """As if an orchestration had been begun, and its storage lost."""
    return "begun, and forgotten"


async def asked(api: httpx.AsyncClient, kind: str, alice: Headers, admin: Headers) -> tuple[str, str, Headers]:
    """Asks for a job of a kind: its id, where to see how far it is, and who may."""
    session = await a_session(api, alice)
    turned = await api.post(f"/sessions/{session}/interactions", json=a_turn(), headers=alice)
    one = {"user_id": turned.json()["user_id"]}
    always = {"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    who = alice if kind in ("erasure", "withdrawal") else admin
    wanted: dict[str, dict[str, Any]] = {
        "erasure": {"method": "DELETE", "url": "/me"},
        "withdrawal": {"method": "DELETE", "url": "/me/analytics"},
        "rebuild": {"method": "POST", "url": "/admin/rebuilds", "json": one},
        "repricing": {"method": "POST", "url": "/admin/repricings", "json": one | always},
    }
    answer = await api.request(headers=who, **wanted[kind])
    assert answer.status_code == 202, answer.text
    path = answer.headers["location"].removeprefix("/api")
    return path.rpartition("/")[2], path, who


async def forgotten(
    api: httpx.AsyncClient, kind: str, alice: Headers, admin: Headers, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str, Headers]:
    """A job that was asked for, and that nothing drives."""
    called = asyncio.Event()

    async def start_new(*_: Any) -> str:
        called.set()
        return await lost()

    with monkeypatch.context() as broken:
        broken.setattr(df.DurableOrchestrationClient, "start_new", start_new)
        found = await asked(api, kind, alice, admin)
        await called.wait()
    return found


async def ends(api: httpx.AsyncClient, path: str, who: Headers) -> None:
    async def has_ended() -> bool:
        return bool((await api.get(path, headers=who)).json()["status"] == "completed")

    await until(has_ended)


def a_job(now: datetime, kind: str = "rebuild") -> Job:
    due, patience = timedelta(hours=1), timedelta(minutes=2)
    request = {"user_id": None, "repair": False}
    return Job.promised(kind, str(uuid.uuid4()), PLATFORM_JOBS, request, now, due=due, patience=patience, asker="staff")


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("fault", ["hangs", "refuses", "lost"])
async def test_a_job_ends_though_what_drives_it_is_out_of_reach_or_lost(
    api: httpx.AsyncClient,
    host: FunctionHost,
    alice: Headers,
    admin: Headers,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    fault: str,
) -> None:
    """202 needs Cosmos DB alone, and waits for nothing else."""
    called = asyncio.Event()

    async def start_new(*_: Any) -> str:
        called.set()
        if fault == "hangs":
            await asyncio.Event().wait()
        if fault == "refuses":
            raise OSError("the storage account is not there")
        return await lost()

    with monkeypatch.context() as broken:
        broken.setattr(df.DurableOrchestrationClient, "start_new", start_new)
        broken.setattr(starting, "START_SECONDS", 0.01)
        job_id, path, who = await asked(api, kind, alice, admin)
        await called.wait()
        assert (await api.get(path, headers=who)).json()["status"] == "running"
        assert (await held(database, job_id))["steps"] == 0
        await abandon(database, job_id)
    await keep_watch(host)
    await ends(api, path, who)


@pytest.mark.parametrize("fault", ["hangs", "refuses"])
async def test_a_job_whose_driver_could_not_be_started_is_given_to_another_at_once(
    api: httpx.AsyncClient, alice: Headers, database: Database, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Nobody has to wait until the one that never was has had its time."""

    async def start_new(*_: Any) -> str:
        if fault == "refuses":
            raise OSError("the storage account is not there")
        return await asyncio.Event().wait() and ""

    await api.get("/me", headers=alice)
    with monkeypatch.context() as broken:
        broken.setattr(df.DurableOrchestrationClient, "start_new", start_new)
        broken.setattr(starting, "START_SECONDS", 0.01)
        receipt = (await api.delete("/me", headers=alice)).json()
        await is_nobodys(database, receipt["id"])
    assert (await api.delete("/me", headers=alice)).status_code == 202
    await ends(api, f"/erasures/{receipt['id']}", alice)


async def test_a_driver_whose_turns_all_fail_goes_on_after_a_while() -> None:
    """Cosmos DB is out of reach, and not even that could be noted."""
    work, now = {"partition": "p", "id": "i", "attempt": 3}, datetime(2026, 11, 20, tzinfo=UTC)

    class Context:
        is_replaying, current_utc_datetime, waited, goes_on = False, now, now, None

        def get_input(self) -> Any:
            return work

        def call_activity_with_retry(self, name: str, options: Any, given: Any) -> Any:
            return name, given

        def create_timer(self, until: datetime) -> str:
            self.waited = until
            return "timer"

        def continue_as_new(self, given: Any) -> None:
            self.goes_on = given

    context: Any = Context()
    driver = driving.turns(context)
    assert next(driver) == ("job_turn", work)
    assert driver.throw(RuntimeError("failed at every attempt")) == "timer"
    assert list(driver) == []
    assert (context.waited, context.goes_on) == (now + timedelta(seconds=driving.PAUSE_SECONDS), work)


async def test_orchestrations_out_of_reach_for_five_minutes_hold_up_every_job_and_lose_none(
    api: httpx.AsyncClient,
    host: FunctionHost,
    sign_in: SignIn,
    admin: Headers,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The timer's minutes are given. Its pauses grow: it starts at the first, the third and the seventh."""
    start_new, left = df.DurableOrchestrationClient.start_new, dict[str, tuple[str, Headers]]()
    tried: list[tuple[int, str]] = []
    minute = 0

    async def refuses(client: Any, name: str, instance_id: str, work: Any) -> str:
        tried.append((minute, work["id"]))
        raise OSError("the storage account is not there")

    assert host.durable is not None
    client = df.DurableOrchestrationClient(host.durable._payload)
    with monkeypatch.context() as broken:
        broken.setattr(df.DurableOrchestrationClient, "start_new", refuses)
        for kind in NAMES:
            headers = sign_in(f"{uuid.uuid4().hex}@contoso.example")
            _, path, who = await asked(api, kind, headers, admin)
            left[kind] = (path, who)
        ids = [path.rpartition("/")[2] for path, _ in left.values()]
        await is_nobodys(database, *ids)
        began = datetime.now(UTC)
        for minute in range(1, 6):
            await watch(Watch(services(), client, began + timedelta(minutes=minute)), [look_after_jobs(set(NAMES))])
    assert Counter(minute for minute, job_id in tried if job_id in ids) == {0: 4, 1: 4, 3: 4}
    for path, who in left.values():
        assert (await api.get(path, headers=who)).json()["status"] == "running"
    started = Counter[str]()

    async def counts(self: Any, name: str, instance_id: str, work: Any) -> str:
        started[work["id"]] += 1
        return str(await start_new(self, name, instance_id, work))

    monkeypatch.setattr(df.DurableOrchestrationClient, "start_new", counts)
    for minute in (6, 7):
        await watch(Watch(services(), client, began + timedelta(minutes=minute)), [look_after_jobs(set(NAMES))])
    for path, who in left.values():
        await ends(api, path, who)
    assert [started[job_id] for job_id in ids] == [1] * len(NAMES)


async def test_a_request_that_is_sent_again_starts_what_nobody_drives(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, path, _ = await forgotten(api, "erasure", alice, admin, monkeypatch)
    await abandon(database, job_id)
    assert (await api.delete("/me", headers=alice)).status_code == 202
    await ends(api, path, alice)


@pytest.mark.parametrize("kind", NAMES)
async def test_two_that_drive_the_same_job_do_no_harm(
    api: httpx.AsyncClient,
    alice: Headers,
    admin: Headers,
    database: Database,
    kinds: Kinds,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    job_id, path, who = await forgotten(api, kind, alice, admin, monkeypatch)
    partition = (await held(database, job_id))["partition_key"]

    async def drive() -> None:
        for _ in range(100):
            if (await turn(kinds, services(), partition, job_id, 1))["is_over"]:
                return

    await asyncio.gather(drive(), drive())
    found = (await api.get(path, headers=who)).json()
    assert (found["status"], found.get("users_done", 1)) == ("completed", 1)


async def test_a_driver_gives_way_to_a_later_one_and_to_an_end(database: Database, kinds: Kinds) -> None:
    jobs, now = Store.of(database, PRICES, PSEUDONYMS).jobs, datetime.now(UTC)
    job = await jobs.create(a_job(now))
    claimed = await jobs.claim(job, now, anew=True)
    assert claimed is not None
    assert (await turn(kinds, services(), job.partition_key, job.id, job.attempts))["is_over"]
    assert await jobs.claim(job, now) is None  # somebody has it
    await jobs.completed(claimed, {}, now, timedelta(days=7))
    assert (await turn(kinds, services(), job.partition_key, job.id, claimed.attempts))["is_over"]
    assert await jobs.claim(job, now, anew=True) is None
    assert (await turn(kinds, services(), PLATFORM_JOBS, str(uuid.uuid4()), 1))["is_over"]


class Told(Telemetry):
    def __init__(self) -> None:
        self.overdue: Counter[str] = Counter()

    def jobs_overdue(self, kind: str, count: int) -> None:
        self.overdue[kind] += count


async def test_what_is_overdue_is_told_whoever_drives_it(
    database: Database, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, now = Told(), datetime.now(UTC)
    monkeypatch.setattr(services(), "telemetry", told)
    jobs = (await services().store()).jobs
    late = await jobs.create(a_job(now - timedelta(hours=2), "unheard-of"))
    assert await jobs.claim(late, now) is not None
    client: Any = None
    await watch(Watch(services(), client, now), [look_after_jobs({"rebuild"})])
    assert (told.overdue["unheard-of"], "rebuild" in told.overdue) == (1, True)
    assert (await turn(kinds, services(), late.partition_key, late.id, 9))["is_over"]
    await database.users.delete_item(late.id, late.partition_key)


async def test_a_part_of_the_watch_that_fails_does_not_hold_up_the_others(settings: dict[str, str]) -> None:
    seen: list[datetime] = []

    async def fails(run: Watch) -> None:
        raise OSError("out of reach")

    async def looks(run: Watch) -> None:
        seen.append(run.now)

    client: Any = None
    with pytest.raises(ExceptionGroup):
        await watch(Watch(services(), client, datetime.now(UTC)), [fails, looks])
    assert len(seen) == 1


async def test_staff_see_jobs_and_start_one_again(
    api: httpx.AsyncClient, alice: Headers, admin: Headers, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.get("/me", headers=admin)
    job_id, path, _ = await forgotten(api, "withdrawal", alice, admin, monkeypatch)
    overdue = {"due_at": LONG_AGO, "watched_from": LONG_AGO}  # and driven, so that the timer leaves it
    await database.users.replace_item(job_id, await held(database, job_id) | overdue)
    user_id = (await api.get("/me", headers=alice)).json()["id"]
    query = {"kind": "withdrawal", "stuck": "true", "limit": "100"}
    page = await api.get("/admin/jobs", params=query, headers=admin)
    (shown,) = [one for one in page.json()["items"] if one["job_id"] == job_id]
    assert (shown["state"], shown["is_driven"], shown["is_overdue"], shown["attempts"]) == ("asked", True, True, 1)
    assert user_id not in json.dumps(page.json())
    again = await api.post(f"/admin/jobs/{job_id}/attempts", headers=admin)
    assert (again.status_code, again.json()["attempts"]) == (202, 2)
    await ends(api, path, alice)
    assert (await api.get(f"/admin/jobs/{job_id}", headers=admin)).json()["state"] == "completed"
    newest = (await api.get("/admin/jobs", params={"state": "completed", "limit": "1"}, headers=admin)).json()
    more = {"state": "completed", "limit": "1", "continuation": newest["continuation"] or ""}
    older = (await api.get("/admin/jobs", params=more, headers=admin)).json()["items"]
    assert [one["asked_at"] for one in older] <= [one["asked_at"] for one in newest["items"]]
    assert (await api.get(f"/admin/jobs/{uuid.uuid4()}", headers=admin)).status_code == 404
    for method, url in (("GET", "/admin/jobs"), ("POST", f"/admin/jobs/{job_id}/attempts")):
        assert (await api.request(method, url, headers=alice)).status_code == 403
