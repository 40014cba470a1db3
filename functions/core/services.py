"""What the functions of one process share. `functions/composition.py` says what that is, and `services` has it."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

from azure.cosmos.aio import CosmosClient, DatabaseProxy

from cosmos.core.containers import differing
from cosmos.core.database import Database, connect
from functions.core.logs import quieten_libraries
from functions.core.parts import Parts
from functions.core.readiness import Readiness
from functions.core.settings import Settings, SettingsError
from functions.core.telemetry import Telemetry
from functions.core.tokens import Tokens
from models.core.kinds import Kind

log = logging.getLogger(__name__)

P = TypeVar("P")


class Services(ABC):
    """One per process. Connects to Cosmos DB when it is first needed: at import there is no event loop yet.

    Attributes:
        kinds: All kinds of documents, by name.
        parts: What capabilities share besides the store, by class: `services[PriceTable]`.
    """

    def __init__(self, settings: Settings, kinds: Mapping[str, Kind[Any]], parts: Mapping[type, object]) -> None:
        self.settings = settings
        self.kinds = kinds
        self.parts = dict(parts)
        self.tokens = Tokens(settings)
        self.telemetry = telemetry_of(settings)
        self._client: CosmosClient | None = None
        self._store: Parts | None = None
        self._connecting = asyncio.Lock()
        self.readiness = Readiness(
            {
                "cosmos": self._reaches_cosmos,
                "containers": self._has_containers_as_declared,
                "issuer_keys": self.tokens.ready,
            }
        )

    @abstractmethod
    def opened(self, database: Database) -> Parts:
        """What reads and writes a database."""

    def __getitem__(self, part: type[P]) -> P:
        found = self.get(part)
        if found is None:
            raise LookupError(f"there is no {part.__name__} among the services of this process")
        return found

    def get(self, part: type[P]) -> P | None:
        """A part that there may be."""
        found = self.parts.get(part)
        return found if isinstance(found, part) else None

    async def store(self) -> Parts:
        async with self._connecting:
            if self._store is None:
                self._client = await _entered(connect(self.settings.cosmos_connection, self.telemetry.transport()))
                self._store = self.opened(Database.of(self._client, self.settings.cosmos_database))
            return self._store

    async def close(self) -> None:
        """Closes what is open; the next `store` connects again."""
        if self._client is not None:
            await self._client.close()
        self._client = self._store = None

    async def _reaches_cosmos(self) -> bool:
        return bool(await (await self._database()).read())

    async def _has_containers_as_declared(self) -> bool:
        wrong = await differing(await self._database())
        if wrong:
            log.error("not as declared: %s", ", ".join(wrong))
        return not wrong

    async def _database(self) -> DatabaseProxy:
        await self.store()
        if self._client is None:
            raise RuntimeError("the client was closed while it was needed")
        return self._client.get_database_client(self.settings.cosmos_database)


def telemetry_of(settings: Settings) -> Telemetry:
    """The telemetry that the settings ask for."""
    if not (settings.insights_connection_string or settings.otlp_endpoint):
        return Telemetry()
    exporters = import_module("functions.core.otel.exporters")  # only here: it loads three libraries, slow and large
    opened: Telemetry = exporters.opened(settings)
    return opened


async def _entered(client: CosmosClient) -> CosmosClient:
    """The client, connected; closed if that fails, or is given up."""
    try:
        return await client.__aenter__()
    except BaseException:
        await client.close()
        raise


class _Process:
    """How this process makes its services."""

    compose: Callable[[], Services] | None = None


def composed_by(compose: Callable[[], Services]) -> None:
    """Says how the services of this process are made: once, where all capabilities are known."""
    _Process.compose = compose


@cache
def services() -> Services:
    """The services of this process.

    Raises:
        SettingsError: a setting is missing or wrong.
        LookupError: a model of documents is of no declared kind.
    """
    if _Process.compose is None:
        raise RuntimeError("functions.composition has not been imported: it says what the services are")
    quieten_libraries()
    return _Process.compose()


@cache
def wrong_settings() -> list[str]:
    """The names of the settings that are missing or wrong, by which this process can't work. Told to the log, once."""
    try:
        services()
    except SettingsError as error:
        log.error("The app answers 503 to everything, and runs nothing by itself. %s", error)
        return error.names
    return []
