"""Reading documents in the order of (effective partition key, number): what queries and feeds are made of."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from local.cosmosdb.partitioning import MAX_EPK, MIN_EPK, PartitionKey

LeavesOut = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents of a container: an EPK interval with an exclusive end, or one logical partition of it."""

    container: int
    low: str = MIN_EPK
    high: str = MAX_EPK
    partition: str | None = None

    @classmethod
    def of_partition(cls, container: int, key: PartitionKey) -> "Scope":
        return cls(container, key.epk, key.epk + "0", key.text)

    def within(self, low: str, high: str) -> "Scope":
        """What of it lies in an interval."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a scan: at this document, or at the first one after it if it is gone."""

    epk: str
    key: int


class Scan:
    """An iterator over the documents of a scope, which knows where it is and how much it has loaded.

    `ids` narrows it to documents with one of these ids. `leaves_out` tells of which documents an index tells that they
    are not wanted: they are given all the same, but count as not loaded. `position` is that of the last document given.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        scope: Scope,
        now: float,
        *,
        start: Position | None = None,
        ids: Sequence[Any] | None = None,
        leaves_out: LeavesOut | None = None,
    ) -> None:
        self._rows = connection.execute(*_statement(scope, now, start, ids))
        self.position = start or Position(scope.low, 0)
        self._leaves_out = leaves_out
        self.count = 0
        self.size = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for body in self.bodies():
            document = orjson.loads(body)
            if self._leaves_out is not None and self._leaves_out(document):
                self.count -= 1
                self.size -= len(body)
            yield document

    def bodies(self) -> Iterator[str]:
        """The documents as JSON texts."""
        for epk, key, body in self._rows:
            self.position = Position(epk, key)
            self.count += 1
            self.size += len(body)
            yield body


def _statement(scope: Scope, now: float, start: Position | None, ids: Sequence[Any] | None) -> tuple[str, list[Any]]:
    index = "documents_by_id" if ids is not None and scope.partition is not None else "documents_by_epk"
    conditions = ["container = ?", "epk >= ?", "epk < ?", "(expires IS NULL OR expires > ?)"]
    low = start.epk if start else scope.low
    values: list[Any] = [scope.container, low, scope.high, now]
    if start is not None:
        conditions.append("(epk > ? OR key >= ?)")
        values += [start.epk, start.key]
    if scope.partition is not None:
        conditions.append("partition = ?")
        values.append(scope.partition)
    if ids is not None:
        names = [name for name in ids if isinstance(name, str)]
        conditions.append(f"id IN ({', '.join('?' * len(names))})")
        values += names
    where = " AND ".join(conditions)
    # Only fixed column names and placeholders are put together here.
    return f"SELECT epk, key, body FROM documents INDEXED BY {index} WHERE {where} ORDER BY epk, key", values  # noqa: S608
