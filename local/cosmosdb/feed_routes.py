"""Requests for feeds of documents: all of them, or the changes."""

import sqlite3
from functools import partial

import orjson

from local.cosmosdb import changefeed, charges
from local.cosmosdb.catalog import Container
from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import bad_request, resource_not_found
from local.cosmosdb.messages import Reply, Request, feed_body
from local.cosmosdb.scan import Position, Scan
from local.cosmosdb.scoping import check_session, container_of, newest_lsns, scope_of_request

_PAGE_ITEMS = 1000
_LATEST_VERSION = "incremental feed"


async def get_documents(engine: Engine, request: Request) -> Reply:
    """The feed of changes if `A-IM` asks for it, else of all documents; like a query's, a page is of one range."""
    container = container_of(engine, request)
    if "a-im" in request.headers:
        return await _get_changes(engine, request, container)
    scope, ranges = scope_of_request(request, container)
    newest = newest_lsns(engine, container, ranges)
    check_session(request, newest)
    limit, now = request.page_size(_PAGE_ITEMS), engine.clock.now()
    continuation = request.headers.get("x-ms-continuation")
    start = _parse_position(continuation) if continuation else None
    left = [place for place in ranges if start is None or start.epk < place.maximum]
    if not left:
        raise bad_request("The continuation token is invalid.")
    part = scope.within(left[0].minimum, left[0].maximum)

    def read(connection: sqlite3.Connection) -> tuple[list[bytes], int, Position | None]:
        scan = Scan(connection, part, now, start=start)
        bodies: list[bytes] = []
        for body in scan.bodies():
            if len(bodies) >= limit or scan.size > changefeed.MAX_PAGE_BYTES:
                return bodies, scan.size, scan.position
            bodies.append(body.encode())
        return bodies, scan.size, Position(left[1].minimum, 0) if len(left) > 1 else None

    bodies, size, position = await engine.run(read)
    reply = Reply(200, "read_feed", feed_body(container.rid, "Documents", bodies), charges.feed(size))
    reply.headers["x-ms-item-count"] = str(len(bodies))
    if position is not None:
        reply.headers["x-ms-continuation"] = orjson.dumps([position.epk, position.key]).decode()
    reply.cross_partition = len(ranges) > 1
    number = left[0].number
    return reply.about(container, range_number=number, lsn=newest[number])


async def _get_changes(engine: Engine, request: Request, container: Container) -> Reply:
    if request.headers["a-im"].lower() != _LATEST_VERSION:
        raise bad_request("Only the change feed's latest version mode (A-IM: Incremental Feed) is available.")
    scope, ranges = scope_of_request(request, container)
    if len(ranges) != 1:
        raise bad_request("A change feed request must name a partition key range or a partition key.")
    number = ranges[0].number
    newest = newest_lsns(engine, container, ranges)
    etag = request.headers.get("if-none-match")
    after = newest[number] if etag == "*" else changefeed.parse_etag(etag) if etag else 0
    read = partial(
        changefeed.read_changes,
        scope=scope,
        number=number,
        after=after,
        since=request.modified_since(),
        limit=request.page_size(_PAGE_ITEMS),
        now=engine.clock.now(),
    )
    changes = read(engine.reader) if after >= newest[number] else await engine.run(read)
    bodies = [body.encode() for body in changes.documents]
    charge = charges.feed(sum(map(len, bodies)))
    reply = Reply(304, "change_feed", b"", charge)
    if bodies:
        reply = Reply(200, "change_feed", feed_body(container.rid, "Documents", bodies), charge)
    reply.headers["etag"] = f'"{changes.continuation}"'
    reply.headers["x-ms-item-count"] = str(len(bodies))
    return reply.about(container, range_number=number, lsn=changes.newest)


async def get_conflicts(engine: Engine, request: Request) -> Reply:
    """An account with one write region has no conflicts."""
    container = container_of(engine, request)
    return Reply(200, "read_conflicts", feed_body(container.rid, "Conflicts", []), charges.feed(0)).about(container)


async def post_conflicts(engine: Engine, request: Request) -> Reply:
    """A query over the conflicts that there are not."""
    if not request.flag("x-ms-documentdb-query-enablecrosspartition"):
        request.complete_partition_key(container_of(engine, request))
    return await get_conflicts(engine, request)


async def no_conflict(engine: Engine, request: Request) -> Reply:
    container_of(engine, request)
    raise resource_not_found()


def _parse_position(continuation: str) -> Position:
    try:
        epk, key = orjson.loads(continuation)
        return Position(str(epk), int(key))
    except (orjson.JSONDecodeError, TypeError, ValueError) as error:
        raise bad_request("The continuation token is invalid.") from error
