"""The SQLite file: its schema, its connections, and the lock that keeps a second engine away from it."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.locking import FolderInUseError, FolderLock

_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS containers (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    database INTEGER NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (database, id)
);
CREATE TABLE IF NOT EXISTS ranges (
    container INTEGER NOT NULL,
    id INTEGER NOT NULL,
    minimum TEXT NOT NULL,
    maximum TEXT NOT NULL,
    lsn INTEGER NOT NULL,
    PRIMARY KEY (container, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parents (
    container INTEGER NOT NULL,
    range INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    PRIMARY KEY (container, range, parent)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    container INTEGER NOT NULL,
    range INTEGER NOT NULL,
    lsn INTEGER NOT NULL,
    epk TEXT NOT NULL,
    partition TEXT NOT NULL,
    id TEXT NOT NULL,
    etag TEXT NOT NULL,
    ts INTEGER NOT NULL,
    expires INTEGER,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS documents_by_id ON documents (container, partition, id);
CREATE INDEX IF NOT EXISTS documents_by_epk ON documents (container, epk);
CREATE INDEX IF NOT EXISTS documents_by_lsn ON documents (container, range, lsn, epk);
CREATE INDEX IF NOT EXISTS documents_by_expiry ON documents (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS unique_values (
    container INTEGER NOT NULL,
    partition TEXT NOT NULL,
    constraint_number INTEGER NOT NULL,
    value TEXT NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (container, partition, constraint_number, value)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS unique_values_by_document ON unique_values (document);
CREATE TABLE IF NOT EXISTS offers (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    resource TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);
"""
_WAL_PAGES = 4000  # 16 MB between checkpoints, so that few commits pay for one


class DataDirectoryInUse(Exception):
    """Another engine holds the data directory."""


class Storage:
    """An open data directory.

    With `directory` None the data lives in a temporary directory without any syncing to disk, which is removed on
    `close`. Raises DataDirectoryInUse if another process has the directory open; the lock is the operating system's
    and ends with its holder, however that ends.
    """

    def __init__(self, directory: Path | None) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="cosmosdb-")
            directory = Path(self._temporary.name)
        self._directory = directory
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = FolderLock(directory)
        except FolderInUseError as error:
            raise DataDirectoryInUse(
                f"The data directory {directory} is in use by another engine: stop it or choose another."
            ) from error
        self._connections: list[sqlite3.Connection] = []
        with self.connect() as connection:
            connection.executescript(_SCHEMA)

    def connect(self) -> sqlite3.Connection:
        """A new connection in autocommit mode, usable from any one thread at a time."""
        connection = sqlite3.connect(
            self._directory / "documents.sqlite3",
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            timeout=30,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'OFF' if self._temporary else 'FULL'}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        self._connections.append(connection)
        return connection

    def close(self) -> None:
        """Close every connection, then let go of the directory."""
        for connection in self._connections:
            connection.close()
        self._lock.release()
        if self._temporary:
            self._temporary.cleanup()


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Several reads of one state of the store."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
