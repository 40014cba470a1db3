"""Where the log of erasures is: a container of immutable blobs on Azure, a folder on a laptop.

In both an entry is a name: of a blob, or of a file, that is empty. Whoever comes first makes it, and nobody changes it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from azure.core.exceptions import AzureError

from functions.privacy.blob_log import BlobLog
from models.privacy.erasure_log import Entry, Keys, is_among, parsed

OUT_OF_REACH = (OSError, AzureError)
"""What is raised where the log can't be reached; among the former is `TimeoutError`."""


class ErasureLog(Protocol):
    """Takes entries, and lists them."""

    async def note(self, entry: Entry) -> None:
        """Keeps an entry; the same one again changes nothing."""

    async def entries(self, after: datetime, until: datetime) -> list[Entry]:
        """Those of later moments than `after`, the oldest first."""

    async def has(self, entry: Entry) -> bool:
        """Whether it is there, with whichever key."""

    async def close(self) -> None:
        """Lets go of connections."""


@dataclass
class ErasureNotes:
    """What a process notes erasures with.

    Attributes:
        log: Where; None without a log.
        keys: Those that accounts are named with.
    """

    log: ErasureLog | None
    keys: Keys


def opened(place: str) -> ErasureLog:
    """The log at a place: the URL of a container of blobs, or the path of a folder."""
    if not place.startswith("https://"):
        return FolderLog(Path(place))
    return BlobLog(place)


class FolderLog:
    """One empty file for each entry. It is as durable as the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def note(self, entry: Entry) -> None:
        await asyncio.to_thread(self._note, entry.name)

    async def entries(self, after: datetime, until: datetime) -> list[Entry]:
        return [entry for entry in await self._all() if after < entry.moment <= until]

    async def has(self, entry: Entry) -> bool:
        return is_among(entry, await self._all())

    async def close(self) -> None:
        return

    async def _all(self) -> list[Entry]:
        return parsed(await asyncio.to_thread(self._names))

    def _note(self, name: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).touch()

    def _names(self) -> list[str]:
        return [path.name for path in self._folder.iterdir()] if self._folder.exists() else []
