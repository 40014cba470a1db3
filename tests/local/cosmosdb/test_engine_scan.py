"""Reads touch no more of the store than they have to: every one of them is a search in an index."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.cosmosdb.changefeed import read_changes
from local.cosmosdb.partitioning import PartitionKeyDefinition
from local.cosmosdb.scan import Position, Scan, Scope
from local.cosmosdb.storage import Storage

KEY = PartitionKeyDefinition(("/pk",)).of(["a"])
PARTITION = Scope.of_partition(1, KEY)
RANGE = Scope(1, "0FFF", "1FFF")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    storage = Storage(tmp_path)
    connection = storage.connect()
    connection.execute("INSERT INTO ranges VALUES (1, 0, '', 'FF', 10)")
    yield connection
    storage.close()


def query_plan(connection: sqlite3.Connection, read: Callable[[], object]) -> list[str]:
    """How SQLite goes about the last query of a read."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    read()
    connection.set_trace_callback(None)
    queries = [statement for statement in statements if statement.lstrip().startswith("SELECT")]
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {queries[-1]}")]


@pytest.mark.parametrize("scope", [PARTITION, RANGE])
@pytest.mark.parametrize("start", [None, Position("10", 5)])
def test_a_scan_searches_its_interval_and_needs_no_sorting(
    connection: sqlite3.Connection, scope: Scope, start: Position | None
) -> None:
    plan = query_plan(connection, lambda: list(Scan(connection, scope, 0, start=start)))
    assert plan == ["SEARCH documents USING INDEX documents_by_epk (container=? AND epk>? AND epk<?)"]


def test_an_id_in_a_partition_is_found_directly(connection: sqlite3.Connection) -> None:
    plan = query_plan(connection, lambda: list(Scan(connection, PARTITION, 0, ids=["one", "two", 3])))
    assert plan[0] == "SEARCH documents USING INDEX documents_by_id (container=? AND partition=? AND id=?)"


@pytest.mark.parametrize("scope", [PARTITION, RANGE])
def test_the_feed_searches_what_is_newer_and_needs_no_sorting(connection: sqlite3.Connection, scope: Scope) -> None:
    plan = query_plan(connection, lambda: read_changes(connection, scope, 0, after=5, since=None, limit=10, now=0))
    assert plan == ["SEARCH documents USING INDEX documents_by_lsn (container=? AND range=? AND lsn>?)"]


def test_a_feed_without_news_does_not_look_at_documents(connection: sqlite3.Connection) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    changes = read_changes(connection, RANGE, 0, after=10, since=None, limit=10, now=0)
    assert (changes.documents, changes.continuation) == ([], 10)
    assert len(statements) == 1
    assert "documents" not in statements[0]
