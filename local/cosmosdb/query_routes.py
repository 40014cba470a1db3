"""Requests that query documents, or ask how a client should."""

import time

import orjson

from local.cosmosdb import charges, queries
from local.cosmosdb.catalog import Container, Range
from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import bad_request
from local.cosmosdb.messages import Reply, Request, feed_body
from local.cosmosdb.queries import Page, QuerySpec
from local.cosmosdb.scan import Scope
from local.cosmosdb.scoping import check_session, container_of, newest_lsns, scope_of_request

_NARROWING = ("x-ms-documentdb-partitionkey", "x-ms-documentdb-partitionkeyrangeid", "x-ms-start-epk")


async def post_query(engine: Engine, request: Request) -> Reply:
    """One page of a query on a logical partition, a range, or as much of a container as the gateway serves."""
    container = container_of(engine, request)
    spec = queries.parse_query(request.body)
    queries.check_indexes(spec, container)
    scope, ranges = _scope(request, spec, container)
    newest = newest_lsns(engine, container, ranges)
    check_session(request, newest)
    limit = request.page_size(queries.DEFAULT_PAGE_ITEMS)
    continuation, now = request.headers.get("x-ms-continuation"), engine.clock.now()
    scopes = [scope.within(place.minimum, place.maximum) for place in ranges] if len(ranges) > 1 else [scope]
    started = time.perf_counter()
    page = await engine.run(
        lambda connection: engine.queries.page(
            connection,
            spec,
            scopes,
            limit=limit,
            continuation=continuation,
            now=now,
            indexing=container.indexing,
        )
    )
    reply = Reply(200, "query", feed_body(container.rid, "Documents", page.rows), page.charge)
    reply.headers["x-ms-item-count"] = str(len(page.rows))
    if page.continuation is not None:
        reply.headers["x-ms-continuation"] = page.continuation
    if request.flag("x-ms-documentdb-populatequerymetrics"):
        reply.headers["x-ms-documentdb-query-metrics"] = _metrics(page, time.perf_counter() - started)
    reply.cross_partition = scope.partition is None
    number = container.range_of(page.scope.low).number
    return reply.about(container, range_number=number, lsn=newest[number])


async def post_query_plan(engine: Engine, request: Request) -> Reply:
    container = container_of(engine, request)
    spec = queries.parse_query(request.body)
    queries.check_indexes(spec, container)
    plan = queries.query_plan(spec, container)
    queries.check_features(plan, request.headers.get("x-ms-cosmos-supported-query-features", ""))
    return Reply(200, "query_plan", orjson.dumps(plan), charges.METADATA).about(container)


def _scope(request: Request, spec: QuerySpec, container: Container) -> tuple[Scope, list[Range]]:
    """Where the query runs; raises CosmosError 400 where it would be across partitions and may not be."""
    if any(header in request.headers for header in _NARROWING):
        return scope_of_request(request, container)
    scopes = queries.pinned_scopes(spec, container)
    pinned = scopes[0] if scopes is not None and len(scopes) == 1 else None
    is_allowed = request.flag("x-ms-documentdb-query-enablecrosspartition")
    if pinned is not None and not (is_allowed and spec.query.needs_plan):
        return pinned, [
            place for place in container.ranges if place.minimum < pinned.high and pinned.low < place.maximum
        ]
    if not is_allowed:
        raise bad_request(
            "Cross partition query is required but disabled. Please set "
            "x-ms-documentdb-query-enablecrosspartition to true, specify x-ms-documentdb-partitionkey, "
            "or revise your query to avoid this exception."
        )
    if spec.query.needs_plan and len(container.ranges) > 1:
        raise queries.needs_fan_out(queries.query_plan(spec, container))
    return Scope(container.key), list(container.ranges[: None if spec.query.reads_documents else 1])


def _metrics(page: Page, seconds: float) -> str:
    """The metrics header, as far as there is something to tell."""
    values = {
        "totalExecutionTimeInMs": f"{seconds * 1000:.2f}",
        "retrievedDocumentCount": page.loaded,
        "retrievedDocumentSize": page.loaded_size,
        "outputDocumentCount": len(page.rows),
        "outputDocumentSize": page.size,
    }
    return ";".join(f"{name}={value}" for name, value in values.items())
