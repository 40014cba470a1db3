"""A Cosmos DB engine for the host's triggers, and a database of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient

from local.cosmosdb.server import serve_in_thread
from tests.local.functions.host_helpers import KEY, Feed, connection_string


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    with serve_in_thread(fault_injection=True) as url:
        yield url


@pytest_asyncio.fixture
async def feed(engine_url: str) -> AsyncIterator[Feed]:
    """A new database with an empty container `items` (four ranges) and an empty lease container."""
    async with CosmosClient(engine_url, credential=KEY) as client:
        database = await client.create_database(f"host-{uuid.uuid4()}")
        items = await database.create_container("items", PartitionKey("/pk"))
        leases = await database.create_container("leases", PartitionKey("/id"))
        yield Feed(database, items, leases, {"COSMOS": connection_string(engine_url), "DATABASE": database.id})
        await client.delete_database(database.id)
