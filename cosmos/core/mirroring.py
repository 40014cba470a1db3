"""From the change feed to the mirrors: what one partition's documents show in others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Database, Item
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import ATTEMPTS, Outrun, delete, swap
from models.core.errors import Contention
from models.core.kinds import Kind, Names
from models.core.mirrors import Mirror


class Mirroring:
    """Writes the mirrors of documents that change.

    A change only says which document it is about: what it holds is read again, because texts that look like dates
    arrive rewritten, and because the document may be newer, or gone, by now. After the mirror is written the source is
    read once more: whoever erased it meanwhile could not see the mirror yet.
    """

    def __init__(self, database: Database, kinds: Mapping[str, Kind[Any]], names: Names) -> None:
        self._containers: dict[str, ContainerProxy] = {
            name: getattr(database, name) for name in Database.__dataclass_fields__
        }
        self._kinds = kinds
        self._names = names

    async def bring(self, container: str, items: Iterable[Item]) -> None:
        """Brings the mirrors of changed documents of a container to what these say now. May be repeated.

        Raises:
            Contention: others wrote the same documents every time; call again.
            azure.core.exceptions.AzureError: Cosmos DB is out of order; call again.
        """
        for item in {(item["partition_key"], item["id"]): item for item in items if self._has_mirrors(item)}.values():
            await self._bring(self._containers[container], item)

    def _has_mirrors(self, item: Item) -> bool:
        kind = self._kinds.get(str(item.get("kind")))
        return kind is not None and kind.mirrors is not None

    async def _bring(self, container: ContainerProxy, item: Item) -> None:
        held = await self._source(container, item)
        for _ in range(ATTEMPTS):
            for mirror in self._mirrors(held or item):
                await self._write(mirror, gone=held is None)
            now = await self._source(container, item)
            if (now and now["revision"]) == (held and held["revision"]):
                return
            held = now
        raise Contention(f"a document of {container.id} changed {ATTEMPTS} times while it was mirrored")

    def _mirrors(self, item: Item) -> list[Mirror]:
        kind = self._kinds[item["kind"]]
        return kind.mirrors(kind.model.parse(item), self._names) if kind.mirrors else []

    async def _source(self, container: ContainerProxy, item: Item) -> Item | None:
        """The document as it is stored; None if it is gone, or another stands in its place."""
        held = await read_or_none(container, item["id"], item["partition_key"])
        return held if held and held["kind"] == item["kind"] else None

    async def _write(self, mirror: Mirror, gone: bool) -> None:
        container, body = self._containers[mirror.container], mirror.body
        if body is None or gone:
            await _remove(container, mirror)
            return

        def newer(held: Item | None) -> Item | None:
            if held is None:
                return body
            if held["source_revision"] > mirror.source_revision:
                return None
            after = body | {name: held[name] for name in mirror.kept if name in held}
            after["revision"] = held["revision"] + 1
            same = {name: value for name, value in after.items() if name != "revision"}
            return None if same.items() <= held.items() else after

        await swap(container, mirror.id, mirror.partition, newer)


async def _remove(container: ContainerProxy, mirror: Mirror) -> None:
    with suppress(Outrun):
        await delete(container, mirror.id, mirror.partition)
