"""Writing documents: create, upsert, replace, patch and delete, with their conditions, unique keys and TTL.

All of it runs on the writer's thread inside a transaction, so that reading, deciding and writing are one step.
"""

import itertools
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from local.cosmosdb import charges, numbers
from local.cosmosdb.catalog import Container
from local.cosmosdb.definitions import TTL_RULE, is_ttl
from local.cosmosdb.errors import (
    CosmosError,
    bad_request,
    id_conflict,
    item_not_found,
    owner_not_found,
    partition_key_mismatch,
    precondition_failed,
    range_gone,
)
from local.cosmosdb.partitioning import PartitionKey, value_at
from local.cosmosdb.resource_ids import document_rid

MAX_ITEM_BYTES = 2 * 1024 * 1024
MAX_ID_BYTES = 1023
_FORBIDDEN_IN_ID = frozenset("/\\?#")
_NOT_STORED = ("_lsn", "_rid", "_self", "_etag", "_attachments", "_ts")
_ANY = "*"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the store; `body` is the document's JSON with its system properties."""

    key: int
    etag: str
    body: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one operation did: its status, the document as it is now (None: nothing to show), and its charge in RU."""

    status: int
    charge: float
    etag: str | None = None
    body: bytes | None = None


@dataclass(slots=True)
class Transaction:
    """One request's changes to one logical partition. They share one LSN, taken when the first of them needs it.

    `now` is in whole seconds since the epoch; `keys` gives each new document its number.
    """

    connection: sqlite3.Connection
    container: Container
    key: PartitionKey
    now: int
    keys: Iterator[int]
    _lsn: int | None = field(default=None, init=False)

    @property
    def range_number(self) -> int:
        return self.container.range_for(self.key).number

    def lsn(self) -> int:
        """This request's own LSN; raises CosmosError if the container is gone by now."""
        if self._lsn is None:
            row = self.connection.execute(
                "UPDATE ranges SET lsn = lsn + 1 WHERE container = ? AND id = ? RETURNING lsn",
                (self.container.key, self.range_number),
            ).fetchone()
            if row is None:
                raise owner_not_found()
            self._lsn = row[0]
        return self._lsn

    def current_lsn(self) -> int:
        """The range's LSN as it stands, for session tokens."""
        if self._lsn is not None:
            return self._lsn
        return range_lsn(self.connection, self.container.key, self.range_number)


def range_lsn(connection: sqlite3.Connection, container: int, number: int) -> int:
    """The LSN of a range's last write; raises CosmosError if the range or the container is gone."""
    lsns = dict(connection.execute("SELECT id, lsn FROM ranges WHERE container = ?", (container,)))
    if not lsns:
        raise owner_not_found()
    if number not in lsns:
        raise range_gone(str(number))
    return int(lsns[number])


def find(
    connection: sqlite3.Connection, container: Container, key: PartitionKey, name: str, now: float
) -> Stored | None:
    """The live document with this id in this logical partition."""
    row = connection.execute(
        "SELECT key, etag, body FROM documents WHERE container = ? AND partition = ? AND id = ?"
        " AND (expires IS NULL OR expires > ?)",
        (container.key, key.text, name, now),
    ).fetchone()
    return Stored(*row) if row else None


def new_keys(connection: sqlite3.Connection) -> Iterator[int]:
    """Numbers for new documents, none of which has been used before."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'documents'").fetchone()
    return itertools.count(row[0] + 1 if row else 1)


def parse_document(body: bytes) -> Document:
    """A request's body as a document with a valid id; raises CosmosError."""
    if len(body) > MAX_ITEM_BYTES:
        raise too_large()
    try:
        document = numbers.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request("The document body must be valid JSON.") from error
    return check_document(document)


def check_document(document: Any) -> Document:
    if not isinstance(document, dict):
        raise bad_request("The document body must be an object.")
    check_id(document.get("id"))
    return document


def check_id(name: Any) -> None:
    if name is None:
        raise bad_request("The input content is invalid because the required properties - 'id; ' - are missing")
    if not isinstance(name, str) or not name:
        raise bad_request("The input name is invalid: 'id' must be a non-empty string.")
    if len(name.encode()) > MAX_ID_BYTES:
        raise bad_request(
            f"The input name is invalid. Ensure to provide a unique non-empty string less than '{MAX_ID_BYTES + 1}' "
            "characters."
        )
    if _FORBIDDEN_IN_ID & set(name):
        raise bad_request(f"The input name '{name}' is invalid: 'id' must not contain / \\ ? #.")


def too_large() -> CosmosError:
    return CosmosError(413, "Request size is too large")


def read(tx: Transaction, name: str, if_none_match: str | None = None) -> Outcome:
    """A read inside a transactional batch."""
    stored = _existing(tx, name)
    if if_none_match == stored.etag:
        return Outcome(304, charges.read(0), stored.etag)
    body = stored.body.encode()
    return Outcome(200, charges.read(len(body)), stored.etag, body)


def create(tx: Transaction, document: Document) -> Outcome:
    if _live(tx, document["id"]):
        raise id_conflict()
    return _insert(tx, document)


def upsert(tx: Transaction, document: Document, if_match: str | None = None) -> Outcome:
    """Create or replace; the condition counts only where there is something to replace."""
    stored = _live(tx, document["id"])
    if stored is None:
        return _insert(tx, document)
    _check_match(stored, if_match)
    return _update(tx, stored, document)


def replace(tx: Transaction, name: str, document: Document, if_match: str | None = None) -> Outcome:
    """Replace the document `name`; the new one may have another id."""
    stored = _existing(tx, name)
    _check_match(stored, if_match)
    if document["id"] != name and _live(tx, document["id"]):
        raise id_conflict()
    return _update(tx, stored, document)


def patch(tx: Transaction, name: str, change: Callable[[Document], Document], if_match: str | None = None) -> Outcome:
    """Replace the document `name` by `change` of itself, which raises CosmosError if it can't be applied."""
    stored = _existing(tx, name)
    _check_match(stored, if_match)
    changed = change(orjson.loads(stored.body))
    if changed.get("id") != name:
        raise bad_request("A patch must not change the id.")
    return _update(tx, stored, changed)


def delete(tx: Transaction, name: str, if_match: str | None = None) -> Outcome:
    stored = _existing(tx, name)
    _check_match(stored, if_match)
    tx.lsn()
    _erase(tx, stored.key)
    return Outcome(204, charges.delete(len(stored.body)))


def delete_partition(tx: Transaction) -> Outcome:
    """Delete everything with this partition key."""
    tx.lsn()
    for table in ("unique_values", "documents"):
        statement = f"DELETE FROM {table} WHERE container = ? AND partition = ?"  # noqa: S608 - names from above
        tx.connection.execute(statement, (tx.container.key, tx.key.text))
    return Outcome(200, charges.METADATA)


def purge(connection: sqlite3.Connection, now: float, limit: int) -> int:
    """Remove up to `limit` expired documents for good; how many there were."""
    rows = connection.execute("SELECT key FROM documents WHERE expires <= ? LIMIT ?", (now, limit)).fetchall()
    connection.executemany("DELETE FROM unique_values WHERE document = ?", rows)
    connection.executemany("DELETE FROM documents WHERE key = ?", rows)
    return len(rows)


def _existing(tx: Transaction, name: str) -> Stored:
    stored = find(tx.connection, tx.container, tx.key, name, tx.now)
    if stored is None:
        tx.current_lsn()
        raise item_not_found()
    return stored


def _live(tx: Transaction, name: str) -> Stored | None:
    """The document that holds this id; one whose time is up is removed and doesn't."""
    row = tx.connection.execute(
        "SELECT key, etag, body, expires FROM documents WHERE container = ? AND partition = ? AND id = ?",
        (tx.container.key, tx.key.text, name),
    ).fetchone()
    if row is None:
        return None
    if row[3] is not None and row[3] <= tx.now:
        _erase(tx, row[0])
        return None
    return Stored(*row[:3])


def _check_match(stored: Stored, if_match: str | None) -> None:
    if if_match is not None and if_match not in (_ANY, stored.etag):
        raise precondition_failed()


def _erase(tx: Transaction, key: int) -> None:
    tx.connection.execute("DELETE FROM unique_values WHERE document = ?", (key,))
    tx.connection.execute("DELETE FROM documents WHERE key = ?", (key,))


def _insert(tx: Transaction, document: Document) -> Outcome:
    lsn, etag, expires, key = tx.lsn(), _new_etag(), _expiry(tx, document), next(tx.keys)
    body = _render(tx, document, key, etag)
    tx.connection.execute(
        "INSERT INTO documents (key, container, range, lsn, epk, partition, id, etag, ts, expires, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(key, tx.container.key, tx.range_number, lsn, tx.key.epk, tx.key.text),
            *(document["id"], etag, tx.now, expires, body.decode()),
        ),
    )
    _claim_unique_values(tx, document, key)
    return Outcome(201, charges.write(len(body), tx.container.indexing, document), etag, body)


def _update(tx: Transaction, stored: Stored, document: Document) -> Outcome:
    lsn, etag, expires = tx.lsn(), _new_etag(), _expiry(tx, document)
    body = _render(tx, document, stored.key, etag)
    tx.connection.execute(
        "UPDATE documents SET lsn = ?, id = ?, etag = ?, ts = ?, expires = ?, body = ? WHERE key = ?",
        (lsn, document["id"], etag, tx.now, expires, body.decode(), stored.key),
    )
    if tx.container.unique_keys:
        tx.connection.execute("DELETE FROM unique_values WHERE document = ?", (stored.key,))
        _claim_unique_values(tx, document, stored.key)
    return Outcome(200, charges.write(len(body), tx.container.indexing, document, replaces=True), etag, body)


def _new_etag() -> str:
    return f'"{uuid.uuid4()}"'


def _render(tx: Transaction, document: Document, key: int, etag: str) -> bytes:
    """The document with its system properties, checked: it must belong to the partition and not be too large."""
    if tx.container.partition_key.extract(document).text != tx.key.text:
        raise partition_key_mismatch()
    rid = document_rid(tx.container.database.key, tx.container.key, key)
    own = {name: value for name, value in document.items() if name not in _NOT_STORED}
    own["_rid"] = rid
    own["_self"] = f"{tx.container.link}docs/{rid}/"
    own["_etag"] = etag
    own["_attachments"] = "attachments/"
    own["_ts"] = tx.now
    body = orjson.dumps(own)
    if len(body) > MAX_ITEM_BYTES:
        raise too_large()
    return body


def _expiry(tx: Transaction, document: Document) -> int | None:
    """When the document expires, in seconds since the epoch; None: never."""
    default = tx.container.default_ttl
    if default is None:
        return None
    ttl = document.get("ttl", default)
    if not is_ttl(ttl):
        raise bad_request(f"The input ttl '{ttl}' is invalid. {TTL_RULE}")
    return None if ttl == -1 else tx.now + int(ttl)


def _claim_unique_values(tx: Transaction, document: Document, key: int) -> None:
    for number, paths in enumerate(tx.container.unique_keys):
        value = orjson.dumps([value_at(document, path, None) for path in paths]).decode()
        claim = (tx.container.key, tx.key.text, number, value)
        tx.connection.execute(
            "DELETE FROM unique_values WHERE container = ? AND partition = ? AND constraint_number = ? AND value = ?"
            " AND document IN (SELECT key FROM documents WHERE expires <= ?)",
            (*claim, tx.now),
        )
        try:
            tx.connection.execute("INSERT INTO unique_values VALUES (?, ?, ?, ?, ?)", (*claim, key))
        except sqlite3.IntegrityError as error:
            raise CosmosError(409, "Unique index constraint violation.") from error
