"""A restored database erases again whom its log of erasures names: looked at as the timer does, over the real engine.

A restore is told by putting back every document of every container as it was. The app starts anew then.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from azure.cosmos.aio import CosmosClient
from pydantic import SecretStr

from cosmos.core.database import Database, Item, connect
from functions.composition import AppServices, services
from functions.core.telemetry import Telemetry
from functions.jobs.driving import turn
from functions.jobs.kind import JobKind
from functions.jobs.watching import Watch
from functions.privacy import noting
from functions.privacy.erased_since import main, report
from functions.privacy.erasure_log import ErasureNotes, FolderLog
from functions.privacy.restoring import LogLostError, look_at_log
from local.provision import Account, provision, read_definitions
from models.core.identity import Person
from models.jobs.job import Job
from models.privacy.erasure import Erasure
from models.privacy.erasure_log import ANY_KEY, MARK_ID, PLATFORM, Entry, count_of, parsed
from tests.conftest import ROOT
from tests.cosmos.privacy.test_erasure import CONTAINERS, a_full_account, assert_gone, new_session, stored
from tests.models.examples import TENANT

pytestmark = pytest.mark.asyncio(loop_scope="session")

Copy = dict[str, list[Item]]
Kinds = Mapping[str, JobKind]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(settings: dict[str, str]) -> AsyncIterator[CosmosClient]:
    async with connect(settings["COSMOS"]) as client:
        yield client


class Told(Telemetry):
    """What was measured."""

    def __init__(self) -> None:
        self.unknown: list[int] = []

    def erasures_unknown(self, count: int) -> None:
        self.unknown.append(count)


class System:
    """A database of its own, its log of erasures, and the process of the app that runs over them."""

    def __init__(self, client: CosmosClient, name: str, folder: Path, kinds: Kinds) -> None:
        self.database = Database.of(client, name)
        self.folder = folder
        self.kinds = kinds
        self.name = name
        self.now = datetime.now(UTC) - timedelta(days=1)
        self.processes: list[AppServices] = []
        self.told = Told()
        self.app = self.started()

    def started(self, **settings: Any) -> AppServices:
        """The process, begun anew: what it had seen is forgotten."""
        changes = {
            "cosmos_database": self.name,
            "erasure_log": str(self.folder),
            "erasure_settle_seconds": 0,
        } | settings
        self.app = AppServices(services().settings.model_copy(update=changes))
        self.app.telemetry = self.told
        self.processes.append(self.app)
        return self.app

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)

    async def came(self, count: int) -> list[Person]:
        """So many new users: the first has something of every kind."""
        store = await self.app.store()
        names = [uuid.uuid4().hex[:12] for _ in range(count)]
        people = [
            Person(tenant_id=TENANT, auth_id=str(uuid.uuid4()), email=f"{name}@contoso.example", name=name)
            for name in names
        ]
        await a_full_account(store, self.database, people[0], turns=3)
        for person in people[1:]:
            await store.users.writer(person, self.now, self.now)
            await new_session(store, person)
        return people

    async def promised(self, person: Person) -> Job:
        """As `DELETE /api/me` promises it."""
        store, key = await self.app.store(), self.app.settings.key_for("receipts")
        receipt = Erasure.of(person.user_id, "user", None, self.now, key)
        due, patience = timedelta(hours=1), timedelta(0)
        job = Job.promised(
            "erasure", receipt.id, person.user_id, {}, self.now, due=due, patience=patience, asker="user"
        )
        assert await store.erasures.close(person.user_id, receipt, job)
        return job

    async def look(self) -> None:
        await look_at_log(Watch(self.app, client=None, now=self.now))

    async def work(self, looks: int = 3) -> int:
        """Has the timer run, and what is found there driven to its end; how many jobs ended."""
        store, ended = await self.app.store(), 0
        for _ in range(looks):
            await self.look()
            for job in await store.jobs.watched(datetime.now(UTC) + timedelta(days=1)):
                came_to: dict[str, Any] = {"wait": 0}
                while not came_to["wait"] and not came_to.get("is_over"):
                    came_to = await turn(self.kinds, self.app, job.partition_key, job.id, job.attempts)
                ended += came_to["is_over"]
        return ended

    async def erased(self, *people: Person) -> None:
        for person in people:
            await noting.noted(self.app, await self.promised(person))
            self.passes(seconds=1)
        await self.work()

    async def copied(self) -> Copy:
        found = {}
        for name in CONTAINERS:
            items = getattr(self.database, name).query_items("SELECT * FROM c")
            found[name] = [item async for item in items]
        return found

    async def restored(self, copy: Copy, **settings: Any) -> None:
        """The database as it was; the app begins anew, some time later."""
        for name, items in (await self.copied()).items():
            for item in items:
                await getattr(self.database, name).delete_item(item["id"], item["partition_key"])
        for name, items in copy.items():
            for item in items:
                body = {field: value for field, value in item.items() if not field.startswith("_")}
                await getattr(self.database, name).create_item(body)
        self.passes(hours=1)
        self.started(**settings)

    async def there(self, *people: Person) -> list[Person]:
        """Those of whom there is a profile."""
        store = await self.app.store()
        found = [await store.erasures.account(person.user_id) for person in people]
        return [person for person, account in zip(people, found, strict=True) if account and account.kind == "profile"]

    async def of_kind(self, kind: str) -> list[Item]:
        return [item for items in (await self.copied()).values() for item in items if item["kind"] == kind]

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


Make = Callable[[], Awaitable[System]]


@pytest_asyncio.fixture(loop_scope="session")
async def system(
    client: CosmosClient, cosmos_url: str, settings: dict[str, str], tmp_path: Path
) -> AsyncIterator[System]:
    from functions.capabilities import CAPABILITIES  # reads the settings, which must be there first

    name = f"restored-{uuid.uuid4().hex[:8]}"
    with Account(cosmos_url) as account:
        provision(account, read_definitions(ROOT / "cosmos" / "containers.json"), name)
    kinds = {kind.name: kind for capability in CAPABILITIES.values() for kind in capability.jobs}
    made = System(client, name, tmp_path / "erasures", kinds)
    yield made
    for process in made.processes:
        await process.close()


async def test_who_was_erased_since_the_copy_is_erased_again_however_often_it_is_restored(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """Beside those of after the copy: one of before it, one whose erasure was running then, one who came after it."""
    early, running, stays, *leave = await system.came(7)
    await system.erased(early)
    system.passes(minutes=10)
    await noting.noted(system.app, await system.promised(running))
    await system.look()
    copy = await system.copied()
    system.passes(minutes=10)
    (late,) = await system.came(1)
    await system.erased(*leave, late)
    gone = [early, running, *leave, late]
    for person in gone:
        await assert_gone(system.database, person)
    for number in range(2):
        await system.restored(copy)
        assert await system.there(*gone, stays) == [*leave, stays]
        keys, erasures = system.app[ErasureNotes].keys, system.app[ErasureNotes].log
        assert erasures is not None
        said = await report(system.database, erasures, keys, system.now)
        assert said[1] == "Of 5 later erasures that it does not know, 4 are of accounts that it has:"
        assert {line.split()[0] for line in said[2:6]} == {person.user_id for person in leave}
        caplog.clear()
        await system.work()
        assert "a restore was noticed" in caplog.text
        assert max(system.told.unknown) == 5
        for person in (early, running, *leave):
            await assert_gone(system.database, person)
        assert await system.there(*gone, stays) == [stays]
        (record,) = await system.of_kind("restore_record")
        assert (record["unknown"], record["profiles"], record["accounts"]) == (5, 5, 4), number
        receipts = await system.of_kind("erasure")
        assert sorted(receipt["requested_by"] for receipt in receipts) == ["restore"] * 4 + ["user"] * 2
        assert {receipt["status"] for receipt in receipts} == {"completed"}
        assert await system.work() == 0  # it is ahead by nothing now
        assert (await report(system.database, erasures, keys, system.now))[1].startswith("Of 0 later erasures")
        assert system.told.unknown[-1] == 0
    assert not any(str(word) in "".join(system.names) for one in gone for word in (one.user_id, one.name, one.email))
    assert not any(str(word) in caplog.text for one in gone for word in (one.user_id, one.name, one.email))


async def test_where_nobody_is_erased_a_look_writes_once_an_hour_and_promises_nothing(system: System) -> None:
    await system.came(1)
    await system.look()
    marks = []
    for _ in range(130):
        system.passes(minutes=1)
        await system.look()
        marks.append(await system.database.users.read_item(MARK_ID, PLATFORM))
    assert len({mark["_etag"] for mark in marks}) == 3
    assert {job["job"] for job in await system.of_kind("job")} == {
        "noting"
    }  # of what was erased before there was a log
    assert set(system.told.unknown) == {0}


class Unreachable(FolderLog):
    """A log that can't be reached, as long as that is so."""

    is_out: str = ""

    async def note(self, entry: Entry) -> None:
        if self.is_out == "hangs":
            await asyncio.Event().wait()
        if self.is_out:
            raise OSError("out of reach")
        await super().note(entry)


@pytest.mark.parametrize("fault", ["hangs", "refuses"])
async def test_a_log_that_is_out_of_reach_stops_nothing_but_the_noting(
    system: System, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """The erasure ends; what was not noted is noted later, and survives a restore from then on."""
    monkeypatch.setattr(noting, "NOTE_SECONDS", 0.01)
    erasures = Unreachable(system.folder)
    system.app[ErasureNotes].log = erasures
    (person,) = await system.came(1)
    await system.work()
    copy = await system.copied()
    erasures.is_out = fault
    assert not await noting.noted(system.app, await system.promised(person))
    store = await system.app.store()
    (job,) = [job for job in await store.jobs.watched(datetime.now(UTC)) if job.job == "erasure"]
    while not (await turn(system.kinds, system.app, job.partition_key, job.id, job.attempts))["is_over"]:
        continue
    await assert_gone(system.database, person)
    assert not system.folder.exists()
    (promise,) = [job for job in await system.of_kind("job") if "entry" in job["request"]]
    assert person.user_id not in json.dumps(promise)
    erasures.is_out = ""
    await system.work()
    assert [Entry.parse(name) for name in system.names] == [Entry.parse(promise["request"]["entry"])]
    await system.restored(copy)
    await system.work()
    await assert_gone(system.database, person)


async def test_who_sees_a_restore_at_once_and_drives_at_once_does_no_harm(system: System) -> None:
    leave = await system.came(4)
    await system.look()
    copy = await system.copied()
    system.passes(minutes=10)
    await system.erased(*leave)
    await system.restored(copy)
    first, second = system.app, system.started()
    watches: list[Any] = [Watch(one, client=None, now=system.now) for one in (first, second)]
    await asyncio.gather(*map(look_at_log, watches))
    (job,) = [job for job in await (await first.store()).jobs.watched(datetime.now(UTC)) if job.job == "erase_again"]

    async def drive(process: AppServices) -> None:
        for _ in range(20):
            if (await turn(system.kinds, process, job.partition_key, job.id, job.attempts))["is_over"]:
                return

    await asyncio.gather(*map(drive, (first, second)))
    await system.work()
    for person in leave:
        await assert_gone(system.database, person)
    assert len(await system.of_kind("restore_record")) == 1


async def test_a_copy_from_before_there_was_a_log_is_compared_with_all_of_it(system: System) -> None:
    before, after, stays = await system.came(3)
    job = await system.promised(before)
    for _ in range(20):
        if (await turn(system.kinds, system.app, job.partition_key, job.id, job.attempts))["is_over"]:
            break
    await asyncio.to_thread(shutil.rmtree, system.folder)
    copy = await system.copied()
    system.passes(minutes=10)
    await system.erased(after)
    assert count_of(parsed(system.names)) == 2  # what the database knew when it first saw the log is noted, too
    await system.restored(copy)
    await system.work()
    assert await system.there(before, after, stays) == [stays]


async def test_who_was_not_in_the_copy_and_is_brought_in_again_is_erased_again(system: System) -> None:
    """As by turns that the chat product's server sends once more, which the runbook asks for."""
    await system.came(1)
    await system.work()
    copy = await system.copied()
    system.passes(minutes=10)
    late, comes = await system.came(2)
    await system.erased(late)
    await system.restored(copy)
    await system.work()
    assert await system.there(late, comes) == []
    system.passes(minutes=5)
    store = await system.app.store()
    for person in (late, comes):
        await store.users.writer(person, system.now, system.now)
    await system.work()
    assert await system.there(late, comes) == [comes]
    kinds = {item["kind"] for items in (await stored(system.database, late.user_id)).values() for item in items}
    assert kinds == {"tombstone"}


async def test_a_promise_that_was_not_noted_before_its_host_died_is_noted_by_its_job(system: System) -> None:
    (person,) = await system.came(1)
    await system.work()
    job = await system.promised(person)
    await system.work()
    assert [(entry.moment, entry.erasure_id) for entry in map(Entry.parse, system.names) if entry] == [
        (job.asked_at, job.id)
    ]


async def test_one_who_is_erased_again_by_themselves_before_it_is_noticed(system: System) -> None:
    """Their own erasure is the one that counts."""
    (person,) = await system.came(1)
    await system.look()
    copy = await system.copied()
    system.passes(minutes=10)
    await system.erased(person)
    await system.restored(copy)
    await system.erased(person)
    (receipt,) = await system.of_kind("erasure")
    assert (receipt["status"], receipt["requested_by"]) == ("completed", "user")
    await assert_gone(system.database, person)


async def test_what_was_noted_with_a_former_key_needs_that_key(system: System) -> None:
    former = system.app.settings.pseudonym_key
    leave = await system.came(2)
    await system.look()
    copy = await system.copied()
    system.passes(minutes=10)
    await system.erased(leave[0])
    new = SecretStr("another key for pseudonyms, of more than 32 characters")
    system.started(pseudonym_key=new)
    await system.erased(leave[1])
    await system.restored(copy, pseudonym_key=new)
    await system.work()
    assert await system.there(*leave) == leave[:1]
    (job,) = [job for job in await system.of_kind("job") if job["job"] == "erase_again"]
    assert "UnknownKeyError" in job["problem"]
    assert system.told.unknown[-1] == 2  # until the job ends
    system.started(pseudonym_key=new, former_pseudonym_keys=[former])
    keys, erasures = system.app[ErasureNotes].keys, system.app[ErasureNotes].log
    assert erasures is not None
    assert leave[0].user_id in "".join(await report(system.database, erasures, keys, system.now))
    await system.work()
    for person in leave:
        await assert_gone(system.database, person)


async def test_a_log_that_lacks_what_it_has_had_is_told_and_gets_what_the_database_knows(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await system.came(2)
    await system.look()
    copy = await system.copied()
    system.passes(minutes=10)
    await system.erased(first)
    await system.erased(second)
    system.passes(minutes=10)
    await system.look()
    for path in system.folder.iterdir():
        path.unlink()
    (system.folder / "20261201T1200").touch()  # what is cut off, or no entry at all, is not the log's
    (system.folder / "20261399T120000.000000Z_0b7b1a52-9f5e-4d0f-9c1d-76696d617273_00000000").touch()
    with pytest.raises(LogLostError):
        await system.look()
    assert "lacks what it has had" in caplog.text
    assert system.told.unknown[-1] == 0
    store = await system.app.store()
    for job in await store.jobs.watched(datetime.now(UTC) + timedelta(days=1)):
        await turn(system.kinds, system.app, job.partition_key, job.id, job.attempts)
    noted = [entry for entry in map(Entry.parse, system.names) if entry]
    assert [entry.key_id for entry in noted] == [ANY_KEY] * 2
    await system.look()
    await system.restored(copy)
    await system.work()
    for person in (first, second):
        await assert_gone(system.database, person)


async def test_the_command_says_what_it_is_not_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("COSMOS", "COSMOS__accountEndpoint", "ERASURE_LOG", "PSEUDONYM_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.argv", ["erased_since"])
    assert await asyncio.to_thread(main) == 2
    assert "Not given: cosmos, log, PSEUDONYM_KEY" in capsys.readouterr().err
