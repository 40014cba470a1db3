"""Reads and writes the documents of one declared kind: the same way for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic

from cosmos.core.database import Database, Item
from cosmos.core.paging import full_page_of
from cosmos.core.patching import require_revision
from cosmos.core.reading import read_or_none
from cosmos.core.swapping import Outrun, swap, write_over
from models.core.errors import KeyReused, NotFound
from models.core.kinds import Kind, R
from models.core.revisions import Revisions


class Repository(Generic[R]):
    """The documents of a kind, each in the partition of its owner.

    Everything that writes is a point read and a conditional write, repeated where somebody else was faster. A deleted
    document is not there, but for `restore` and for whoever makes the same thing anew.
    """

    def __init__(self, database: Database, kind: Kind[R]) -> None:
        self.kind = kind
        self._container = getattr(database, kind.model.container)

    async def read(self, partition: str, item_id: str) -> R:
        """One document, by one point read.

        Raises:
            NotFound: there is none of this kind, or it is deleted.
        """
        item = await read_or_none(self._container, item_id, partition)
        document = self._parsed(item)
        if document is None or document.is_deleted:
            raise self._missing
        return document

    async def page(
        self, partition: str, filters: Mapping[str, Any], limit: int, continuation: str | None
    ) -> tuple[list[R], str | None]:
        """One page of those whose fields have the given values, in the kind's order; the continuation of the next.

        Args:
            filters: By the names of `Plain.filters`; None asks for any.
        """
        query, parameters = self._query({name: value for name, value in filters.items() if value is not None})
        rows, following = await full_page_of(self._container, query, parameters, limit, continuation, partition)
        return [self.kind.model.parse(row) for row in rows], following

    async def create(self, document: R) -> R:
        """Makes a document; the one that is there, if the same request made it before.

        Raises:
            KeyReused: another request made it.
            NotFound: this request made it, and it was deleted since.
        """

        def made(held: Item | None) -> Item | None:
            known = self._parsed(held)
            if known is None:
                return document.body()
            if known.request_hash != document.request_hash:
                raise KeyReused
            if known.is_deleted:
                raise self._missing
            return None

        try:
            return self.kind.model.parse(await write_over(self._container, document.body(), None))
        except Outrun:
            return await self._swapped(document.id, document.partition_key, made)

    async def bring(self, document: R) -> tuple[R, bool]:
        """Makes a document that is brought over; the one that is there, deleted or not, stays; whether it is new."""
        try:
            return self.kind.model.parse(await write_over(self._container, document.body(), None)), True
        except Outrun:
            held = self._parsed(await read_or_none(self._container, document.id, document.partition_key))
            if held is None:
                raise
            return held, False

    async def put(self, document: R) -> R:
        """Makes a document, or replaces the one that is there, or was. Put again, it is as it was."""

        def replaced(held: Item | None) -> Item | None:
            known = self._parsed(held)
            if known is None:
                return document.body()
            after = document.over(known)
            same = {"revision": known.revision, "updated_at": known.updated_at, "request_hash": known.request_hash}
            kept = {name: getattr(known, name) for name in self.kind.kept}
            if not known.is_deleted and known == after.model_copy(update=same | kept):
                return None
            return after.model_copy(update=kept if not known.is_deleted else {}).body()

        return await self._swapped(document.id, document.partition_key, replaced)

    async def edit(
        self, partition: str, item_id: str, expected: Revisions, changes: Mapping[str, Any], now: datetime
    ) -> R:
        """Changes fields of a document that still is at a revision that its editor goes by.

        Raises:
            NotFound: there is none, or it is deleted.
            Stale: it has been changed since.
            pydantic.ValidationError: it can't have these values together.
        """

        def edited(held: Item | None) -> Item | None:
            known = self._there(held)
            require_revision(known, expected)
            if all(getattr(known, name) == value for name, value in changes.items()):
                return None
            return known.changed(now, **changes).body()

        return await self._swapped(item_id, partition, edited)

    async def delete(self, partition: str, item_id: str, expected: Revisions, now: datetime) -> R:
        """Deletes a document that still is at a revision that its editor goes by; it can be restored for a while.

        Raises:
            NotFound: there is none, or it is deleted.
            Stale: it has been changed since.
        """

        def deleted(held: Item | None) -> Item | None:
            known = self._there(held)
            require_revision(known, expected)
            return known.deleted(now).body()

        return await self._swapped(item_id, partition, deleted)

    async def restore(self, partition: str, item_id: str, now: datetime) -> R:
        """Brings a deleted document back; one that is there stays as it is.

        Raises:
            NotFound: there is none, or its time to be restored is over.
        """

        def restored(held: Item | None) -> Item | None:
            known = self._parsed(held)
            if known is None or (known.is_deleted and not known.restorable(now)):
                raise self._missing
            return known.restored(now, self.kind.retention).body() if known.is_deleted else None

        return await self._swapped(item_id, partition, restored)

    @property
    def _missing(self) -> NotFound:
        return NotFound(self.kind.called)

    def _parsed(self, item: Item | None) -> R | None:
        if item is None or item.get("kind") != self.kind.name:
            return None
        return self.kind.model.parse(item)

    def _there(self, item: Item | None) -> R:
        known = self._parsed(item)
        if known is None or known.is_deleted:
            raise self._missing
        return known

    async def _swapped(self, item_id: str, partition: str, change: Any) -> R:
        item = await swap(self._container, item_id, partition, change)
        if item is None:
            raise self._missing
        return self.kind.model.parse(item)

    def _query(self, filters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        plain = self.kind.routes
        conditions = [f'c.kind = "{self.kind.name}"', "IS_NULL(c.deleted_at)"]
        conditions += [f"c.{name} = @{name}" for name in plain.filters if name in filters]
        order = f"c.{plain.order.field} {'DESC' if plain.order.descending else 'ASC'}"
        query = f"SELECT * FROM c WHERE {' AND '.join(conditions)} ORDER BY {order}"  # noqa: S608  # names of fields
        return query, dict(filters)
