"""Running a query page by page over the documents of a scope, and the query plan.

A query that only filters and projects is resumed in the middle of its scan. One that orders, groups, aggregates or
limits has to be run to its end for its first page; the rest is kept for the pages to come, and made again should it
have been dropped meanwhile.
"""

import base64
import binascii
import secrets
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from zlib import crc32

import orjson

from local.cosmosdb import charges, numbers
from local.cosmosdb.catalog import Container
from local.cosmosdb.clock import utc
from local.cosmosdb.errors import CosmosError, bad_request
from local.cosmosdb.indexing import IndexingPolicy
from local.cosmosdb.partitioning import MAX_EPK, MIN_EPK
from local.cosmosdb.query import Query, compile_query
from local.cosmosdb.scan import Position, Scan, Scope

DEFAULT_PAGE_ITEMS = 1000
MAX_PAGE_BYTES = 4 * 1024 * 1024
_KEPT_RESULTS = 64
_KEPT_ROWS = 200_000

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QuerySpec:
    """A request's query: compiled, with the values of its parameters by `@name`."""

    query: Query
    text: str
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as JSON texts of one scope, where to go on (None: nowhere), and what had to be loaded for it."""

    scope: Scope
    rows: list[bytes]
    continuation: str | None
    loaded: int
    loaded_size: int

    @property
    def size(self) -> int:
        return sum(map(len, self.rows))

    @property
    def charge(self) -> float:
        """In RU."""
        return charges.query(self.loaded, self.loaded_size, self.size)


def parse_query(body: bytes) -> QuerySpec:
    """The query in a request's body: `{"query": ..., "parameters": [{"name": ..., "value": ...}]}`."""
    try:
        request = numbers.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request("The query request must be valid JSON.") from error
    if not isinstance(request, dict) or not isinstance(request.get("query"), str):
        raise bad_request("The query request must have a 'query'.")
    return compile_spec(request["query"], request.get("parameters"))


def compile_spec(text: str, parameters: Any) -> QuerySpec:
    """Raises QueryError with the position of a syntax error."""
    if parameters is None:
        parameters = []
    if not isinstance(parameters, list) or not all(isinstance(p, dict) and "name" in p for p in parameters):
        raise bad_request("The parameters of a query must be a list of objects with 'name' and 'value'.")
    return QuerySpec(compile_query(text), text, {str(p["name"]): p.get("value") for p in parameters})


class KeptResults:
    """The rows of recent queries that did not fit into one page, the least recently used dropped first."""

    def __init__(self) -> None:
        self._results: OrderedDict[str, list[bytes]] = OrderedDict()
        self._rows = 0
        self._lock = Lock()

    def keep(self, rows: list[bytes]) -> str:
        token = secrets.token_hex(8)
        with self._lock:
            self._results[token] = rows
            self._rows += len(rows)
            while len(self._results) > 1 and (self._rows > _KEPT_ROWS or len(self._results) > _KEPT_RESULTS):
                self._rows -= len(self._results.popitem(last=False)[1])
        return token

    def find(self, token: str) -> list[bytes] | None:
        with self._lock:
            rows = self._results.get(token)
            if rows is not None:
                self._results.move_to_end(token)
            return rows


class QueryRunner:
    """Runs pages of queries; safe to use from several threads, each with its own connection."""

    def __init__(self) -> None:
        self._kept = KeptResults()

    def page(
        self,
        connection: sqlite3.Connection,
        spec: QuerySpec,
        scopes: Sequence[Scope],
        *,
        limit: int,
        continuation: str | None,
        now: float,
        indexing: IndexingPolicy,
    ) -> Page:
        """Up to `limit` rows of the first of these scopes that is not yet done.

        Like the gateway's, a page never spans two ranges, so it can be empty and have a continuation. A query that
        needs a plan must have a single scope. Raises QueryError for a query that fails, CosmosError for the
        continuation of another one.
        """
        state = _decode(continuation, spec) if continuation else {}
        if spec.query.needs_plan:
            return self._materialised_page(connection, spec, scopes[0], limit, state, now, indexing)
        start = Position(state["epk"], state["key"]) if state else None
        left = [scope for scope in scopes if start is None or start.epk < scope.high]
        if not left:
            raise bad_request("The continuation token is invalid.")
        scan = _scan(connection, spec, left[0], now, start, indexing)
        rows, following = _streamed_rows(spec, scan, limit, (start, state.get("skip", 0)), now)
        if following is None and len(left) > 1:
            following = _encode({"epk": left[1].low, "key": 0}, spec)
        return Page(left[0], rows, following, scan.count, scan.size)

    def _materialised_page(
        self,
        connection: sqlite3.Connection,
        spec: QuerySpec,
        scope: Scope,
        limit: int,
        state: dict[str, Any],
        now: float,
        indexing: IndexingPolicy,
    ) -> Page:
        token, offset = state.get("kept", ""), state.get("offset", 0)
        rows = self._kept.find(token) if token else None
        loaded = loaded_size = 0
        if rows is None:
            scan = _scan(connection, spec, scope, now, None, indexing)
            rows = [dump(row) for row in spec.query.run(scan, spec.parameters, utc(now))]
            token, loaded, loaded_size = "", scan.count, scan.size
        end = _page_end(rows, offset, limit)
        continuation = None
        if end < len(rows):
            continuation = _encode({"kept": token or self._kept.keep(rows), "offset": end}, spec)
        return Page(scope, rows[offset:end], continuation, loaded, loaded_size)


def _scan(
    connection: sqlite3.Connection,
    spec: QuerySpec,
    scope: Scope,
    now: float,
    start: Position | None,
    indexing: IndexingPolicy,
) -> Scan:
    """The documents that a query has to look at."""
    ids = spec.query.equalities(spec.parameters).get("/id")
    leaves_out = spec.query.leaves_out(spec.parameters, utc(now), indexing.indexes)
    return Scan(connection, scope, now, start=start, ids=ids, leaves_out=leaves_out)


def _streamed_rows(
    spec: QuerySpec, scan: Scan, limit: int, seen: tuple[Position | None, int], now: float
) -> tuple[list[bytes], str | None]:
    """A page of rows and where in this scan to go on.

    `seen` is the document at which the page before this ended, and how many of its rows that page had.
    """
    page: list[bytes] = []
    size = 0
    for position, number, row in _numbered(spec.query.run(scan, spec.parameters, utc(now)), scan):
        if position == seen[0] and number < seen[1]:
            continue
        if len(page) >= limit or size >= MAX_PAGE_BYTES:
            return page, _encode({"epk": position.epk, "key": position.key, "skip": number}, spec)
        page.append(dump(row))
        size += len(page[-1])
    return page, None


def _numbered(rows: Iterator[Any], scan: Scan) -> Iterator[tuple[Position, int, Any]]:
    """Each row with the document that it comes from and its number among that document's rows."""
    position, number = scan.position, -1
    for row in rows:
        number = number + 1 if scan.position == position else 0
        position = scan.position
        yield position, number, row


def _page_end(rows: Sequence[bytes], start: int, limit: int) -> int:
    end, size = start, 0
    while end < len(rows) and end - start < limit and size < MAX_PAGE_BYTES:
        size += len(rows[end])
        end += 1
    return end


def dump(row: Any) -> bytes:
    return orjson.dumps(row)


def _encode(state: dict[str, Any], spec: QuerySpec) -> str:
    return base64.urlsafe_b64encode(orjson.dumps({**state, "query": crc32(spec.text.encode())})).decode()


def _decode(continuation: str, spec: QuerySpec) -> dict[str, Any]:
    try:
        state = orjson.loads(base64.urlsafe_b64decode(continuation.encode()))
    except (binascii.Error, orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise bad_request("The continuation token is invalid.") from error
    if not isinstance(state, dict) or state.get("query") != crc32(spec.text.encode()):
        raise bad_request("The continuation token does not belong to this query.")
    return state


def check_indexes(spec: QuerySpec, container: Container) -> None:
    """Raise CosmosError 400 if no index can serve the ORDER BY."""
    if spec.query.order_by_paths:
        container.indexing.check_order_by(spec.query.order_by_paths)


def pinned_scopes(spec: QuerySpec, container: Container) -> list[Scope] | None:
    """The parts of the key space that WHERE restricts the query to; None: all of it."""
    definition = container.partition_key
    values = spec.query.partition_keys(spec.parameters, definition.paths)
    if values is None:
        return None
    scopes = []
    for components in values:
        key = definition.of(components)
        if definition.is_complete(key):
            scopes.append(Scope.of_partition(container.key, key))
        else:
            scopes.append(Scope(container.key, *definition.interval(key)))
    return sorted(set(scopes), key=lambda scope: scope.low)


def query_plan(spec: QuerySpec, container: Container) -> dict[str, Any]:
    """What the gateway answers to a query plan request, and sends along with 400/1004."""
    scopes = pinned_scopes(spec, container)
    if scopes is None:
        ranges = [_plan_range(MIN_EPK, MAX_EPK, point=False)]
    else:
        ranges = [_plan_range(s.low, s.low if s.partition else s.high, point=bool(s.partition)) for s in scopes]
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        **spec.query.execution_info(spec.parameters, container.partition_key.paths),
        "queryRanges": ranges,
    }


def _plan_range(low: str, high: str, *, point: bool) -> dict[str, Any]:
    return {"min": low, "max": high, "isMinInclusive": True, "isMaxInclusive": point}


def check_features(plan: dict[str, Any], supported: str) -> None:
    """Raise CosmosError 400 if the plan needs what the client did not list in its supported query features."""
    info = plan["queryInfo"]
    needed = {
        "Aggregate": bool(info.get("aggregates")),
        "Distinct": info.get("distinctType", "None") != "None",
        "GroupBy": bool(info.get("groupByExpressions")),
        "OffsetAndLimit": info.get("offset") is not None or info.get("limit") is not None,
        "OrderBy": bool(info.get("orderBy")),
        "MultipleOrderBy": len(info.get("orderBy") or []) > 1,
        "Top": info.get("top") is not None,
        "NonValueAggregate": bool(info.get("groupByAliasToAggregateType")) and not info.get("hasSelectValue"),
        "MultipleAggregates": len(info.get("groupByAliasToAggregateType") or {}) > 1,
        "NonStreamingOrderBy": bool(info.get("hasNonStreamingOrderBy")),
    }
    offered = {feature.strip() for feature in supported.split(",")}
    missing = [feature for feature, is_needed in needed.items() if is_needed and feature not in offered]
    if missing:
        raise bad_request(
            f"Query contained {', '.join(missing)}, which the calling client does not support. "
            "Query contains 1 or more unsupported features. Upgrade your SDK to a version that does support the "
            "requested features."
        )


def needs_fan_out(plan: dict[str, Any]) -> CosmosError:
    """400/1004: the client has to run this query range by range, by the plan that goes with it."""
    return CosmosError(
        400,
        "The provided cross partition query can not be directly served by the gateway. This is a first chance "
        "(internal) exception that all newer clients will know how to handle gracefully.",
        sub_status=1004,
        extra={"additionalErrorInfo": orjson.dumps(plan).decode()},
    )
