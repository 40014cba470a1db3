"""The repositories over the local engine."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from cosmos.core.database import Database, connect
from functions.core.services import Store
from models.core.identity import Person
from tests.models.examples import PRICES, PSEUDONYMS, TENANT

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(settings: dict[str, str]) -> AsyncIterator[Database]:
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, settings["COSMOS_DATABASE"])


@pytest.fixture
def store(database: Database) -> Store:
    """With caches of its own: as a process that has just started."""
    return Store.of(database, PRICES, PSEUDONYMS)


@pytest.fixture
def person() -> Person:
    """Somebody nobody has seen before."""
    name = uuid.uuid4().hex[:12]
    return Person(
        tenant_id=TENANT,
        auth_id=str(uuid.uuid4()),
        email=f"{name}@contoso.example",
        name=name,
        timezone="Asia/Kolkata",
    )
