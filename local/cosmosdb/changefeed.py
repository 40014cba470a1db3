"""The change feed in latest-version mode: each document at its last change, in the order of its range's LSN.

A continuation is an ETag that holds an LSN. Changes of one transaction share their LSN and are never torn apart, so
a page can be a little longer than asked for. A page that reaches the end continues at the range's current LSN, which
makes the next look a search for newer entries and nothing else.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from local.cosmosdb.documents import range_lsn
from local.cosmosdb.errors import bad_request
from local.cosmosdb.scan import Scope
from local.cosmosdb.storage import snapshot

MAX_PAGE_BYTES = 4 * 1024 * 1024
_CHANGES = """
SELECT lsn, body FROM documents INDEXED BY documents_by_lsn
WHERE container = :container AND range = :range AND lsn > :after AND epk >= :low AND epk < :high
    AND (:partition IS NULL OR partition = :partition) AND ts >= :since AND (expires IS NULL OR expires > :now)
ORDER BY lsn
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """One page: documents as JSON texts with `_lsn`, the LSN to continue after, and the range's newest LSN."""

    documents: list[str]
    continuation: int
    newest: int


def parse_etag(etag: str) -> int:
    """The LSN in a continuation."""
    text = etag.strip('"')
    if not text.isdigit():
        raise bad_request(f"The change feed continuation {etag} is invalid.")
    return int(text)


def read_changes(
    connection: sqlite3.Connection,
    scope: Scope,
    number: int,
    *,
    after: int,
    since: int | None,
    limit: int,
    now: float,
) -> Changes:
    """Up to about `limit` documents of a scope inside range `number`, changed after an LSN and not before a time.

    Raises CosmosError 410/1002 if the range has been split meanwhile.
    """
    newest = range_lsn(connection, scope.container, number)
    if after >= newest:
        return Changes([], newest, newest)
    values = {
        "container": scope.container,
        "range": number,
        "after": after,
        "low": scope.low,
        "high": scope.high,
        "now": now,
        "partition": scope.partition,
        "since": since or 0,
    }
    with snapshot(connection):  # or a split in between would hide changes
        newest = range_lsn(connection, scope.container, number)
        return _page(connection.execute(_CHANGES, values), newest, limit)


def _page(rows: Iterable[tuple[int, str]], newest: int, limit: int) -> Changes:
    documents: list[str] = []
    size = last = 0
    for lsn, transaction in groupby(rows, key=itemgetter(0)):
        if len(documents) >= limit or size >= MAX_PAGE_BYTES:
            return Changes(documents, last, newest)
        for _, body in transaction:
            documents.append(f'{body[:-1]},"_lsn":{lsn}}}')
            size += len(body)
        last = lsn
    return Changes(documents, max(newest, last), max(newest, last))
