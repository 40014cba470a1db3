"""The repositories over the local engine."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from cosmos.core.database import Database, connect
from functions.composition import Store
from local.provision import Account, provision, read_definitions
from models.core.identity import Person
from tests.conftest import ROOT
from tests.models.examples import PRICES, PSEUDONYMS, TENANT

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DATABASE = "repositories"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(cosmos_url: str, settings: dict[str, str]) -> AsyncIterator[Database]:
    """One of its own: a host that runs in the same process counts what is in the app's, and looks after its jobs."""
    with Account(cosmos_url) as account:
        provision(account, read_definitions(ROOT / "cosmos" / "containers.json"), DATABASE)
    async with connect(settings["COSMOS"]) as client:
        yield Database.of(client, DATABASE)


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
