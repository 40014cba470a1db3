"""The one Cosmos DB client of a process, and its containers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies

from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.identity.aio import DefaultAzureCredential

from models.core.document import Document

Item = dict[str, Any]
D = TypeVar("D", bound=Document)

EMULATOR_HOSTS = ("localhost", "127.0.0.1", "::1")


COMPACT: dict[str, Any] = {"enable_compact_utf8_item_writes": True}
"""Texts are sent as UTF-8. By default the SDK escapes them, so that Cyrillic takes three times its size, and an emoji
as much; and the service's limits are of what it is sent."""


def sent_bytes(body: Item) -> int:
    """The size of a document as it is sent."""
    return len(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


def names_proxies() -> bool:
    """Whether the environment names proxies to go through: what a transport is told as `use_env_settings`.

    Asked once: aiohttp would look for them, and for a `.netrc`, in two other threads at each request.
    """
    return bool(getproxies())


def connect(connection: str, transport: AsyncHttpTransport[Any, Any] | None = None) -> CosmosClient:
    """A client, to be entered once and shared by all of a process.

    Don't ask its writes for `no_response`: azure-cosmos 4.17.1 finds the container of a session token in the body of
    the answer, and without one mixes up the tokens of all containers, so that reads fail with 404/1002.

    Args:
        connection: `https://<account>.documents.azure.com:443/`, reached with the process's Azure identity; or the
            connection string of an emulator on this machine (`AccountEndpoint=…;AccountKey=…;`).
        transport: What sends the requests; by default the SDK's own. The client closes it.

    Raises:
        ValueError: the connection string is incomplete, or a key is given for anything but an emulator.
    """
    transport = transport or AioHttpTransport(use_env_settings=names_proxies())
    if "AccountEndpoint=" not in connection:
        return CosmosClient(connection, DefaultAzureCredential(), transport=transport, **COMPACT)
    endpoint, key = emulator_of(connection)
    return CosmosClient(endpoint, key, transport=transport, **COMPACT)


def emulator_of(connection: str) -> tuple[str, str]:
    """The endpoint and the key in the connection string of an emulator on this machine.

    Raises:
        ValueError: the connection string is incomplete, or of anything but an emulator.
    """
    parts = dict(part.split("=", 1) for part in connection.split(";") if "=" in part)
    if not (parts.get("AccountEndpoint") and parts.get("AccountKey")):
        raise ValueError(
            "has no AccountEndpoint or no AccountKey: it must be like AccountEndpoint=http://127.0.0.1:8081/;AccountKey=..."
        )
    if urlsplit(parts["AccountEndpoint"]).hostname not in EMULATOR_HOSTS:
        raise ValueError("keys are for emulators on this machine only: set COSMOS__accountEndpoint instead")
    return parts["AccountEndpoint"], parts["AccountKey"]


@dataclass(frozen=True)
class Stored(Generic[D]):
    """A document as it was read, with the ETag that guards an edit of it."""

    document: D
    etag: str


@dataclass(frozen=True)
class Database:
    """The containers that hold users' data, each partitioned by `/partition_key`."""

    users: ContainerProxy
    user_sessions: ContainerProxy
    user_interactions: ContainerProxy
    user_analytics: ContainerProxy
    user_bookmarks: ContainerProxy

    @classmethod
    def of(cls, client: CosmosClient, name: str) -> Database:
        database = client.get_database_client(name)
        return cls(**{container: database.get_container_client(container) for container in cls.__dataclass_fields__})
