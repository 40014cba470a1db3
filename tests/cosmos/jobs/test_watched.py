"""What looking for jobs that nobody drives costs: an index has them, however many have ended."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from azure.cosmos.aio import CosmosClient

from cosmos.core.database import Database
from cosmos.jobs.jobs import Jobs
from local.cosmosdb.server import serve_in_thread
from local.provision import DATABASE, WELL_KNOWN_KEY, Account, provision, read_definitions
from models.jobs.job import PLATFORM_JOBS, Job
from tests.conftest import ROOT
from tests.cosmos.conftest import NOW

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATIENCE = timedelta(minutes=2)


@pytest_asyncio.fixture(loop_scope="session")
async def engine() -> AsyncIterator[tuple[Database, httpx.AsyncClient]]:
    """One of one's own, with nothing else in it."""
    with serve_in_thread(partitions=1) as url:
        with Account(url) as account:
            provision(account, read_definitions(ROOT / "cosmos" / "containers.json"))
        async with CosmosClient(url, WELL_KNOWN_KEY) as client, httpx.AsyncClient(base_url=url) as http:
            yield Database.of(client, DATABASE), http


def a_job() -> Job:
    due = timedelta(hours=1)
    return Job.promised("rebuild", str(uuid.uuid4()), PLATFORM_JOBS, {}, NOW, due=due, patience=PATIENCE, asker="staff")


async def test_it_costs_the_same_however_many_have_ended(engine: tuple[Database, httpx.AsyncClient]) -> None:
    database, http = engine
    jobs = Jobs(database, PATIENCE)

    async def cost() -> list[tuple[str, int, Any]]:
        """Of a look at a moment when nobody has to be started; what there is only that a driver has."""
        await http.delete("/_local/requests")
        assert await jobs.watched(NOW) == []
        rows = (await http.get("/_local/requests")).json()["requests"]
        return [(row["operation"], row["count"], row["request_charge"]) for row in rows]

    async def end(count: int) -> None:
        ended = [a_job().completed({}, NOW, timedelta(days=700)) for _ in range(count)]
        await asyncio.gather(*(database.users.create_item(job.body()) for job in ended))

    await database.users.create_item(a_job().body())
    await end(10)
    await jobs.watched(NOW)
    few = await cost()
    await end(200)
    assert await cost() == few == [("query", 1, 2.25)]
    assert len(await jobs.watched(NOW + PATIENCE)) == 1
