"""Databases and containers: what exists, kept in memory and written through to the store."""

import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import orjson

from local.cosmosdb import resource_ids
from local.cosmosdb.clock import Clock
from local.cosmosdb.definitions import (
    check_resource_id,
    complete_container,
    partition_key_definition,
    unique_key_paths,
)
from local.cosmosdb.errors import (
    CosmosError,
    bad_request,
    id_conflict,
    owner_not_found,
    range_gone,
    resource_not_found,
)
from local.cosmosdb.indexing import IndexingPolicy
from local.cosmosdb.partitioning import PartitionKey, PartitionKeyDefinition
from local.cosmosdb.writer import Writer

MAX_RANGES = 64


@dataclass(frozen=True, slots=True)
class Range:
    """A physical partition: its number, the EPKs it holds (exclusive end), and what it was split from, oldest first."""

    number: int
    minimum: str
    maximum: str
    parents: tuple[int, ...] = ()


@dataclass(frozen=True)
class Database:
    key: int
    body: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def rid(self) -> str:
        return str(self.body["_rid"])


@dataclass(frozen=True)
class Container:
    """A container as it is now; replaced as a whole when its properties change."""

    key: int
    database: Database
    body: dict[str, Any]
    ranges: tuple[Range, ...]

    @cached_property
    def id(self) -> str:
        return str(self.body["id"])

    @cached_property
    def rid(self) -> str:
        return str(self.body["_rid"])

    @cached_property
    def path(self) -> str:
        """The address by names, as `x-ms-alt-content-path` has it."""
        return f"dbs/{self.database.id}/colls/{self.id}"

    @cached_property
    def link(self) -> str:
        return str(self.body["_self"])

    @cached_property
    def partition_key(self) -> PartitionKeyDefinition:
        return partition_key_definition(self.body["partitionKey"])

    @cached_property
    def indexing(self) -> IndexingPolicy:
        return IndexingPolicy(self.body["indexingPolicy"])

    @cached_property
    def unique_keys(self) -> tuple[tuple[tuple[str, ...], ...], ...]:
        return unique_key_paths(self.body["uniqueKeyPolicy"]) if "uniqueKeyPolicy" in self.body else ()

    @cached_property
    def default_ttl(self) -> int | None:
        """Seconds; -1: only items with a `ttl` of their own expire; None: nothing does."""
        return self.body.get("defaultTtl")

    def range_of(self, epk: str) -> Range:
        """The range that holds an effective partition key."""
        return next(candidate for candidate in reversed(self.ranges) if candidate.minimum <= epk)

    def range_for(self, key: PartitionKey) -> Range:
        return self.range_of(key.epk)


class Catalog:
    """All databases and containers. Reads are answered from memory; every change is durable before it is visible."""

    def __init__(self, writer: Writer, connection: sqlite3.Connection, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._databases: dict[str, Database] = {}
        self._containers: dict[tuple[int, str], Container] = {}
        for key, body in connection.execute("SELECT key, body FROM databases ORDER BY key"):
            database = Database(key, orjson.loads(body))
            self._databases[database.id] = database
        by_key = {database.key: database for database in self._databases.values()}
        rows = connection.execute("SELECT key, database, body FROM containers ORDER BY key").fetchall()
        for key, owner, body in rows:
            container = Container(key, by_key[owner], orjson.loads(body), _load_ranges(connection, key))
            self._containers[owner, container.id] = container

    def databases(self) -> list[Database]:
        return list(self._databases.values())

    def containers(self, database: Database) -> list[Container]:
        return [container for (owner, _), container in self._containers.items() if owner == database.key]

    def database(self, name: str) -> Database:
        """By name or by rid; raises CosmosError 404."""
        database = self._databases.get(name) or next((d for d in self._databases.values() if d.rid == name), None)
        if database is None:
            raise resource_not_found()
        return database

    def container(self, database_name: str, name: str) -> Container:
        """By names or by rids; raises CosmosError 404, sub-status 1003 where the database is missing too."""
        try:
            database = self.database(database_name)
        except CosmosError as error:
            raise owner_not_found() from error
        container = self._containers.get((database.key, name))
        if container is None:
            container = next((c for c in self.containers(database) if c.rid == name), None)
        if container is None:
            raise resource_not_found()
        return container

    async def create_database(self, body: Any, then: Callable[[sqlite3.Connection, Database], None]) -> Database:
        """`then` runs in the same transaction, with the new database."""
        name = check_resource_id(body)
        now = int(self._clock.now())

        def job(connection: sqlite3.Connection) -> Database:
            key = _insert(connection, "INSERT INTO databases (id, body) VALUES (?, '')", (name,))
            rid = resource_ids.database_rid(key)
            link = resource_ids.database_link(rid)
            stored = {"id": name, **_system(rid, link, now), "_colls": "colls/", "_users": "users/"}
            connection.execute("UPDATE databases SET body = ? WHERE key = ?", (_dump(stored), key))
            database = Database(key, stored)
            then(connection, database)
            return database

        database = await self._writer.submit(job)
        self._databases[name] = database
        return database

    async def delete_database(self, database: Database) -> None:
        doomed = self.containers(database)

        def job(connection: sqlite3.Connection) -> None:
            for container in doomed:
                _delete_container(connection, container)
            connection.execute("DELETE FROM offers WHERE resource = ?", (database.body["_self"],))
            connection.execute("DELETE FROM databases WHERE key = ?", (database.key,))

        await self._writer.submit(job)
        self._databases.pop(database.id, None)
        for container in doomed:
            self._containers.pop((database.key, container.id), None)

    async def create_container(
        self, database: Database, body: Any, partitions: int, then: Callable[[sqlite3.Connection, Container], None]
    ) -> Container:
        """With `partitions` ranges; `then` runs in the same transaction, with the new container."""
        name = check_resource_id(body)
        completed = complete_container(body)
        now = int(self._clock.now())
        intervals = partition_key_definition(completed["partitionKey"]).cut(partitions)

        def job(connection: sqlite3.Connection) -> Container:
            insert = "INSERT INTO containers (database, id, body) VALUES (?, ?, '')"
            key = _insert(connection, insert, (database.key, name))
            rid = resource_ids.container_rid(database.key, key)
            link = resource_ids.container_link(database.rid, rid)
            children = {f"_{kind}": f"{kind}/" for kind in ("docs", "sprocs", "triggers", "udfs", "conflicts")}
            stored = {**completed, **_system(rid, link, now), **children}
            connection.execute("UPDATE containers SET body = ? WHERE key = ?", (_dump(stored), key))
            ranges = tuple(Range(number, *interval) for number, interval in enumerate(intervals))
            connection.executemany(
                "INSERT INTO ranges (container, id, minimum, maximum, lsn) VALUES (?, ?, ?, ?, 1)",
                [(key, r.number, r.minimum, r.maximum) for r in ranges],
            )
            container = Container(key, database, stored, ranges)
            then(connection, container)
            return container

        container = await self._writer.submit(job)
        self._containers[database.key, name] = container
        return container

    async def replace_container(self, container: Container, body: Any) -> Container:
        """New properties; what is fixed at creation (id, partition key, unique keys) must be as it was."""
        if check_resource_id(body) != container.id:
            raise bad_request("The id of a container can't be changed.")
        completed = complete_container({"partitionKey": container.body["partitionKey"], **body})
        if completed["partitionKey"]["paths"] != container.body["partitionKey"]["paths"]:
            raise bad_request("Document collection partition key cannot be changed.")
        if completed.get("uniqueKeyPolicy") != container.body.get("uniqueKeyPolicy"):
            raise CosmosError(403, "The unique index cannot be modified. Remove the container and create it anew.")
        now = int(self._clock.now())
        system = {name: value for name, value in container.body.items() if name.startswith("_")}
        stored = {**completed, **system, **_system(container.rid, container.link, now)}
        replaced = Container(container.key, container.database, stored, container.ranges)

        def job(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE containers SET body = ? WHERE key = ?", (_dump(stored), container.key))
            if replaced.default_ttl != container.default_ttl:
                _restart_expiry(connection, replaced)

        await self._writer.submit(job)
        now_held = self._containers.get((container.database.key, container.id), replaced)
        replaced = replace(replaced, ranges=now_held.ranges)  # they may have been split meanwhile
        self._containers[container.database.key, container.id] = replaced
        return replaced

    def split(self, container: Container, number: int) -> Container:
        """Replace a range by two children of half its hashes each, whose LSNs go on from its own.

        All else stands still meanwhile. Raises CosmosError 410 if there is no such range, 400 if it can't be split.
        """
        place = next((place for place in container.ranges if place.number == number), None)
        if place is None:
            raise range_gone(str(number))
        middle = container.partition_key.middle(place.minimum, place.maximum)
        if middle is None or len(container.ranges) >= MAX_RANGES:
            raise bad_request(f"The partition key range '{number}' can't be split any further.")
        new, parents = max(place.number for place in container.ranges) + 1, (*place.parents, number)
        children = (Range(new, place.minimum, middle, parents), Range(new + 1, middle, place.maximum, parents))
        kept = [other for other in container.ranges if other is not place]
        ranges = tuple(sorted([*kept, *children], key=lambda place: place.minimum))
        self._writer.run_alone(lambda connection: _split(connection, container.key, number, children))
        divided = replace(container, ranges=ranges)
        self._containers[container.database.key, container.id] = divided
        return divided

    async def delete_container(self, container: Container) -> None:
        await self._writer.submit(lambda connection: _delete_container(connection, container))
        self._containers.pop((container.database.key, container.id), None)


def _system(rid: str, link: str, now: int) -> dict[str, Any]:
    return {"_rid": rid, "_self": link, "_etag": f'"{uuid.uuid4()}"', "_ts": now}


def _dump(body: dict[str, Any]) -> str:
    return orjson.dumps(body).decode()


def _insert(connection: sqlite3.Connection, statement: str, values: tuple[Any, ...]) -> int:
    try:
        return int(connection.execute(statement, values).lastrowid or 0)
    except sqlite3.IntegrityError as error:
        raise id_conflict() from error


def _load_ranges(connection: sqlite3.Connection, container: int) -> tuple[Range, ...]:
    parents: dict[int, tuple[int, ...]] = defaultdict(tuple)
    statement = "SELECT range, parent FROM parents WHERE container = ? ORDER BY parent"
    for number, parent in connection.execute(statement, (container,)):
        parents[number] += (parent,)
    statement = "SELECT id, minimum, maximum FROM ranges WHERE container = ? ORDER BY minimum"
    rows = connection.execute(statement, (container,))
    return tuple(Range(number, minimum, maximum, parents[number]) for number, minimum, maximum in rows)


def _split(connection: sqlite3.Connection, container: int, number: int, children: Sequence[Range]) -> None:
    """Divide a range and its documents; raises CosmosError if the container is gone by now."""
    removed = connection.execute(
        "DELETE FROM ranges WHERE container = ? AND id = ? RETURNING lsn", (container, number)
    ).fetchone()
    if removed is None:
        raise owner_not_found()
    for child in children:
        connection.execute(
            "INSERT INTO ranges (container, id, minimum, maximum, lsn) VALUES (?, ?, ?, ?, ?)",
            (container, child.number, child.minimum, child.maximum, removed[0]),
        )
        connection.executemany(
            "INSERT INTO parents VALUES (?, ?, ?)", [(container, child.number, parent) for parent in child.parents]
        )
        connection.execute(
            "UPDATE documents SET range = ? WHERE container = ? AND range = ? AND epk >= ? AND epk < ?",
            (child.number, container, number, child.minimum, child.maximum),
        )


def _delete_container(connection: sqlite3.Connection, container: Container) -> None:
    for statement in (
        "DELETE FROM unique_values WHERE container = ?",
        "DELETE FROM documents WHERE container = ?",
        "DELETE FROM ranges WHERE container = ?",
        "DELETE FROM parents WHERE container = ?",
        "DELETE FROM containers WHERE key = ?",
    ):
        connection.execute(statement, (container.key,))
    connection.execute("DELETE FROM offers WHERE resource = ?", (container.link,))


def _restart_expiry(connection: sqlite3.Connection, container: Container) -> None:
    """Work out anew when each document expires, after the container's default has changed."""
    if container.default_ttl is None:
        connection.execute("UPDATE documents SET expires = NULL WHERE container = ?", (container.key,))
        return
    connection.execute(
        "UPDATE documents SET expires = ts + nullif(coalesce(CASE json_type(body, '$.ttl') WHEN 'integer'"
        " THEN json_extract(body, '$.ttl') END, ?), -1) WHERE container = ?",
        (container.default_ttl, container.key),
    )
