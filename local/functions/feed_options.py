"""The properties of a Cosmos DB trigger, checked, with the real extension's defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.functions.cosmos_connection import Connection, resolve_connection
from local.functions.errors import FunctionLoadError
from local.functions.indexing import IndexedFunction
from local.functions.settings import Settings


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What to listen to and how; times in seconds. `start` is None for now, else the time to begin at."""

    connection: Connection
    database: str
    container: str
    lease_connection: Connection
    lease_database: str
    lease_container: str
    lease_prefix: str
    create_lease_container: bool
    poll_delay: float
    acquire_interval: float
    expiration_interval: float
    renew_interval: float
    max_items: int
    start: datetime | None

    @property
    def monitored(self) -> tuple[str, str, str]:
        """Identifies the monitored container."""
        return self.connection.endpoint, self.database, self.container

    @property
    def leases(self) -> tuple[str, str, str, str]:
        """Identifies the leases, within those of one monitored container."""
        return self.lease_connection.endpoint, self.lease_database, self.lease_container, self.lease_prefix


BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_ALL_VERSIONS = "AllVersionsAndDeletes"


def feed_options(function: IndexedFunction, settings: Settings) -> FeedOptions:
    """The options of a function's trigger; raises `FunctionLoadError` for one that is missing or wrong."""
    try:
        options = _parse(function.trigger.properties, settings)
    except ValueError as error:
        raise FunctionLoadError(function.name, f"binding {function.trigger.name}: {error}.") from error
    if options.leases[:3] == options.monitored:
        raise FunctionLoadError(
            function.name, "the monitored container cannot be the same as the container storing the leases."
        )
    return options


def _parse(properties: Mapping[str, Any], settings: Settings) -> FeedOptions:
    if properties.get("changeFeedMode") == _ALL_VERSIONS:
        raise ValueError(f"the change feed mode '{_ALL_VERSIONS}' is not supported by this host")
    connection = resolve_connection(_text(properties, "connection"), settings)
    lease_connection = properties.get("leaseConnection")
    database = _text(properties, "databaseName")
    return FeedOptions(
        connection=connection,
        database=database,
        container=_text(properties, "containerName"),
        lease_connection=resolve_connection(lease_connection, settings) if lease_connection else connection,
        lease_database=properties.get("leaseDatabaseName") or database,
        lease_container=properties.get("leaseContainerName") or "leases",
        lease_prefix=properties.get("leaseContainerPrefix") or "",
        create_lease_container=_flag(properties, "createLeaseContainerIfNotExists"),
        poll_delay=_number(properties, "feedPollDelay", 5000) / 1000,
        acquire_interval=_number(properties, "leaseAcquireInterval", 13000) / 1000,
        expiration_interval=_number(properties, "leaseExpirationInterval", 60000) / 1000,
        renew_interval=_number(properties, "leaseRenewInterval", 17000) / 1000,
        max_items=_number(properties, "maxItemsPerInvocation", 100),
        start=_start(properties),
    )


def _text(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name)
    if not value:
        raise ValueError(f"'{name}' is required")
    return str(value)


def _flag(properties: Mapping[str, Any], name: str) -> bool:
    value = properties.get(name, False)
    if isinstance(value, str):
        return value.strip().lower() == "true"
    return bool(value)


def _number(properties: Mapping[str, Any], name: str, default: int) -> int:
    """A positive number; 0, as on the real host, is the default."""
    value = properties.get(name)
    try:
        number = int(value) if value is not None else default
    except (TypeError, ValueError):
        raise ValueError(f"'{name}' is a whole number, not '{value}'") from None
    if number < 0:
        raise ValueError(f"'{name}' must be greater than 0")
    return number or default


def _start(properties: Mapping[str, Any]) -> datetime | None:
    from_beginning = _flag(properties, "startFromBeginning")
    text = properties.get("startFromTime")
    if not text:
        return BEGINNING if from_beginning else None
    if from_beginning:
        raise ValueError("only one of 'startFromBeginning' or 'startFromTime' can be used")
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"'startFromTime' is written in ISO 8601, 2021-02-16T14:19:29Z, not '{text}'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
