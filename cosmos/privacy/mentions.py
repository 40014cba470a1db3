"""All containers: documents in others' partitions that name a user, for their export and their erasure.

Each names them in its indexed array `mentions`; what it tells them, and what becomes of it when they are erased, is
said by its kind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from azure.cosmos.aio import ContainerProxy

from cosmos.core.database import Database, Item
from cosmos.core.paging import page_of
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, delete, deleted, swap, transact
from models.core.kinds import Kind, Mentioned

PER_REQUEST = 100

_NAMING = "ARRAY_CONTAINS(c.mentions, @user_id) AND c.partition_key != @user_id"


Parting = Callable[[str, str], Awaitable[None]]
"""What ends, before a user is taken out of what is in a partition: by their id, and the partition. May be repeated."""

NO_PARTINGS: Mapping[str, Parting] = {}


@dataclass(frozen=True)
class Mention:
    """A document in somebody else's partition that names the user."""

    container: str
    partition: str
    id: str
    kind: str

    @property
    def key(self) -> str:
        return f"{self.container}/{self.partition}/{self.id}"


class Mentions:
    """Finds what names a user elsewhere, and takes the user out of it."""

    def __init__(
        self, database: Database, kinds: Mapping[str, Kind[Any]], partings: Mapping[str, Parting] = NO_PARTINGS
    ) -> None:
        self._partings = partings
        self._kinds = {name: kind for name, kind in kinds.items() if kind.mentioned}
        names = dict.fromkeys(str(kind.container) for kind in self._kinds.values())
        self._containers: dict[str, ContainerProxy] = {name: getattr(database, name) for name in names}

    async def some(self, user_id: str) -> list[Mention]:
        """Up to `PER_REQUEST` of them in each container, by an index over all partitions."""
        query = f"SELECT c.id, c.partition_key, c.kind FROM c WHERE {_NAMING}"  # noqa: S608  # no values
        found: list[Mention] = []
        for name, container in self._containers.items():
            continuation: str | None = None
            while True:  # a page may be empty, and not be the last
                rows, continuation = await page_of(
                    container, query, {"user_id": user_id}, PER_REQUEST, continuation, None
                )
                found += [Mention(name, row["partition_key"], row["id"], row["kind"]) for row in rows]
                if rows or continuation is None:
                    break
        return found

    async def told(self, user_id: str) -> list[tuple[str, Item]]:
        """What they tell the user: of each its container, its kind and id, and the fields that are for those it names.

        Never whose it is, nor who else is named.
        """
        query = f"SELECT * FROM c WHERE {_NAMING}"  # noqa: S608  # no values
        found: list[tuple[str, Item]] = []
        for name, container in self._containers.items():
            continuation: str | None = None
            while True:
                rows, continuation = await page_of(
                    container, query, {"user_id": user_id}, PER_REQUEST, continuation, None
                )
                found += [(name, self._redacted(row)) for row in rows]
                if continuation is None:
                    break
        return found

    async def remove(self, user_id: str, mention: Mention) -> None:
        """Deletes the document, or takes the user out of it, as its kind says. May be repeated."""
        container, kind = self._containers[mention.container], self._kinds.get(mention.kind)
        if parting := self._partings.get(mention.kind):
            await parting(user_id, mention.partition)
        if kind is None or await self._goes_with(user_id, mention, kind):
            await _delete(container, mention, kind)
            return

        def without(held: Item | None) -> Item | None:
            if held is None or user_id not in held.get("mentions", ()):
                return None
            own = {name: value for name, value in held.items() if not name.startswith("_")}
            emptied = {name: _without(held[name], user_id) for name in kind.redacted if name in held}
            rest = _without(held["mentions"], user_id)
            return own | emptied | {"mentions": rest, "revision": held["revision"] + 1}

        await swap(container, mention.id, mention.partition, without)

    async def _goes_with(self, user_id: str, mention: Mention, kind: Kind[Any]) -> bool:
        """Whether a document is deleted with the user, and not only redacted."""
        if kind.deleted_with is None:
            return kind.mentioned is Mentioned.DELETED
        held = await read_or_none(self._containers[mention.container], mention.id, mention.partition, [kind.name])
        return held is not None and held.get(kind.deleted_with) == user_id

    def _redacted(self, item: Item) -> Item:
        kind = self._kinds.get(str(item.get("kind")))
        names = ("id", "kind", "schema_version", *(kind.told if kind else ()))
        return {name: item[name] for name in names if name in item}


def _without(value: Any, user_id: str) -> Any:
    """A field's value without somebody: emptied, if it is they."""
    if isinstance(value, list):
        return [other for other in value if other != user_id]
    return None if value == user_id else value


async def _delete(container: ContainerProxy, mention: Mention, kind: Kind[Any] | None) -> None:
    """Deletes a document, with what else changes in its partition then, unless it is gone or written meanwhile."""
    held = await read_or_none(container, mention.id, mention.partition) if kind and kind.freed else None
    operations: list[Any] = kind.freed(held) if held and kind and kind.freed else []
    with suppress(Outrun):
        if held is None or not operations:
            await delete(container, mention.id, mention.partition)
        else:
            await transact(container, [deleted(mention.id, held["_etag"]), *operations], mention.partition)
