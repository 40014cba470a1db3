"""The log of erasures as blobs of a container that keeps them immutable: see `infra/modules/immutable.bicep`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from importlib import import_module
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import DefaultAzureCredential

from cosmos.core.database import names_proxies
from models.privacy.erasure_log import Entry, beginnings, is_among, parsed

SECONDS = 5
"""What connecting, and waiting for an answer, may take each."""

RETRIES = 2


class BlobLog:
    """One empty blob for each entry.

    Args:
        url: Of the container.
        credential: By default the process's Azure identity.
        transport: What sends the requests; by default the SDK's own. The client closes it.
    """

    def __init__(self, url: str, credential: Any = None, transport: Any = None) -> None:
        self._url = url
        self._credential = credential
        self._transport = transport
        self._opening = asyncio.Lock()
        self._container: Any = None

    async def note(self, entry: Entry) -> None:
        try:
            await (await self._opened()).upload_blob(entry.name, b"", overwrite=False)
        except ResourceExistsError:
            return

    async def entries(self, after: datetime, until: datetime) -> list[Entry]:
        found = [await self._beginning_with(beginning) for beginning in beginnings(after, until)]
        return [entry for entries in found for entry in entries if after < entry.moment <= until]

    async def has(self, entry: Entry) -> bool:
        return is_among(entry, await self._beginning_with(entry.name.rpartition("_")[0]))

    async def close(self) -> None:
        """Lets go of connections; the next use opens them again."""
        container, self._container = self._container, None
        if container is not None:
            await container.close()
            await self._credential.close()

    async def _beginning_with(self, beginning: str) -> list[Entry]:
        container = await self._opened()
        return parsed([name async for name in container.list_blob_names(name_starts_with=beginning)])

    async def _opened(self) -> Any:
        async with self._opening:
            if self._container is None:
                library = await asyncio.to_thread(import_module, "azure.storage.blob.aio")  # slow: not at the start
                self._credential = self._credential or DefaultAzureCredential()
                self._container = library.ContainerClient.from_container_url(
                    self._url,
                    credential=self._credential,
                    transport=self._transport or AioHttpTransport(use_env_settings=names_proxies()),
                    connection_timeout=SECONDS,
                    read_timeout=SECONDS,
                    retry_total=RETRIES,
                )
        return self._container
