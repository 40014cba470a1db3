"""Many writers at once: no update is lost, and they share commits."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy as AsyncContainerProxy
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosResourceExistsError

from local.cosmosdb.errors import CosmosError, id_conflict
from local.cosmosdb.storage import Storage
from local.cosmosdb.writer import Writer

WRITERS = 16


async def test_sixteen_increments_at_a_time_add_up(async_container: AsyncContainerProxy) -> None:
    await async_container.create_item({"id": "counter", "pk": "a", "n": 0})

    async def count() -> None:
        for _ in range(10):
            await async_container.patch_item("counter", "a", [{"op": "incr", "path": "/n", "value": 1}])

    await asyncio.gather(*[count() for _ in range(WRITERS)])
    assert (await async_container.read_item("counter", "a"))["n"] == WRITERS * 10


async def test_optimistic_updates_never_overwrite_each_other(async_container: AsyncContainerProxy) -> None:
    await async_container.create_item({"id": "counter", "pk": "a", "n": 0})
    refused = 0

    async def count() -> None:
        nonlocal refused
        done = 0
        while done < 5:
            item = await async_container.read_item("counter", "a")
            try:
                await async_container.replace_item(
                    "counter",
                    {**item, "n": item["n"] + 1},
                    etag=item["_etag"],
                    match_condition=MatchConditions.IfNotModified,
                )
                done += 1
            except CosmosAccessConditionFailedError:
                refused += 1

    await asyncio.gather(*[count() for _ in range(8)])
    assert (await async_container.read_item("counter", "a"))["n"] == 40
    assert refused > 0


async def test_one_of_many_that_create_the_same_item_wins(async_container: AsyncContainerProxy) -> None:
    async def create(number: int) -> bool:
        try:
            await async_container.create_item({"id": "one", "pk": "a", "by": number})
        except CosmosResourceExistsError:
            return False
        return True

    won = await asyncio.gather(*[create(number) for number in range(WRITERS)])
    assert sum(won) == 1
    assert (await async_container.read_item("one", "a"))["by"] == won.index(True)


async def test_the_feed_has_each_of_many_concurrent_writes_once(
    async_container: AsyncContainerProxy, url: str, signed: Any
) -> None:
    """A reader that follows the feed while it grows sees every item, however the writes were grouped."""
    seen: list[str] = []
    finished = threading.Event()

    async def write(worker: int) -> None:
        for number in range(20):
            await async_container.create_item({"id": f"{worker}-{number}", "pk": f"p{number}"})

    def follow(number: int) -> None:
        client, etag, is_last_look = signed(url), '"0"', False
        while not is_last_look:
            is_last_look = finished.is_set()
            page = client(
                "GET",
                "/dbs/store/colls/items/docs",
                a_im="Incremental Feed",
                x_ms_documentdb_partitionkeyrangeid=str(number),
                if_none_match=etag,
            )
            etag = page.headers["etag"]
            if page.status_code == 200:
                seen.extend(document["id"] for document in page.json()["Documents"])
        client.close()

    followers = [asyncio.create_task(asyncio.to_thread(follow, number)) for number in range(4)]
    await asyncio.gather(*[write(worker) for worker in range(WRITERS)])
    finished.set()
    await asyncio.gather(*followers)
    assert sorted(seen) == sorted(f"{worker}-{number}" for worker in range(WRITERS) for number in range(20))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path)
    yield storage
    storage.close()


async def test_jobs_that_wait_share_a_commit_and_fail_alone(storage: Storage) -> None:
    connection = storage.connect()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    writer = Writer(connection)

    def insert(name: str, *, fail: bool = False) -> Any:
        def job(connection: sqlite3.Connection) -> str:
            connection.execute("INSERT INTO databases (id, body) VALUES (?, '')", (name,))
            if fail:
                raise id_conflict()
            return name

        return writer.submit(job)

    jobs = [insert(str(number), fail=number == 7) for number in range(20)]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    await writer.stop()
    assert [result for result in results if isinstance(result, str)] == [str(n) for n in range(20) if n != 7]
    assert isinstance(results[7], CosmosError)
    assert statements.count("COMMIT") < 20
    names = {row[0] for row in storage.connect().execute("SELECT id FROM databases")}
    assert names == {str(number) for number in range(20)} - {"7"}


async def test_nothing_is_answered_before_it_is_committed(storage: Storage) -> None:
    writer = Writer(storage.connect())
    reader = storage.connect()

    def job(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO databases (id, body) VALUES ('one', '')")
        return int(reader.execute("SELECT count(*) FROM databases").fetchone()[0])

    assert await writer.submit(job) == 0
    assert reader.execute("SELECT count(*) FROM databases").fetchone() == (1,)
    await writer.stop()


async def test_a_failed_commit_fails_every_job_of_its_group(storage: Storage) -> None:
    connection = storage.connect()
    writer = Writer(connection)

    def job(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(sqlite3.Error):
        await writer.submit(job)
    assert await writer.submit(lambda connection: 1) == 1
    await writer.stop()
