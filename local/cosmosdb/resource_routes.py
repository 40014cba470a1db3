"""Requests for the account, databases, containers, their ranges and offers."""

import sqlite3
from typing import Any

import orjson

from local.cosmosdb import charges, offers
from local.cosmosdb.catalog import Container, Database
from local.cosmosdb.clock import utc
from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import bad_request, precondition_failed
from local.cosmosdb.messages import Reply, Request, feed_body, json_reply, resource_reply
from local.cosmosdb.queries import dump, parse_query
from local.cosmosdb.scoping import container_of

_CHARGE = charges.METADATA
_REGION = "Local"
_QUERY_ENGINE = {
    "maxSqlQueryInputLength": 524288,
    "maxJoinsPerSqlQuery": 10,
    "maxLogicalAndPerSqlQuery": 2000,
    "maxLogicalOrPerSqlQuery": 2000,
    "maxUdfRefPerSqlQuery": 0,
    "maxInExpressionItemsCount": 16000,
    "queryMaxInMemorySortDocumentCount": 500,
    "maxQueryRequestTimeoutFraction": 0.9,
    "sqlAllowNonFiniteNumbers": False,
    "sqlAllowAggregateFunctions": True,
    "sqlAllowSubQuery": True,
    "sqlAllowScalarSubQuery": True,
    "allowNewKeywords": True,
    "sqlAllowLike": True,
    "sqlAllowGroupByClause": True,
    "spatialMaxGeometryPointCount": 256,
    "sqlDisableOptimizationFlags": 0,
    "enableSpatialIndexing": True,
}


async def get_account(engine: Engine, request: Request) -> Reply:
    """The account as a client first asks for it: one region, at the address the client used."""
    endpoint = f"{request.scheme}://{request.headers.get('host', 'localhost')}/"
    location = {"name": _REGION, "databaseAccountEndpoint": endpoint}
    policy = {"asyncReplication": False, "minReplicaSetSize": 1, "maxReplicasetSize": 4}
    account = {
        "id": "local",
        "_self": "",
        "_rid": "local",
        "_dbs": "//dbs/",
        "media": "//media/",
        "addresses": "//addresses/",
        "writableLocations": [location],
        "readableLocations": [location],
        "enableMultipleWriteLocations": False,
        "userReplicationPolicy": policy,
        "systemReplicationPolicy": policy,
        "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
        "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
        "queryEngineConfiguration": orjson.dumps(_QUERY_ENGINE).decode(),
    }
    return json_reply(200, "read_account", account, 0.0)


async def post_databases(engine: Engine, request: Request) -> Reply:
    if request.flag("x-ms-documentdb-isquery"):
        return _query(engine, request, "Databases", "", [database.body for database in engine.catalog.databases()])
    content = offers.requested_content(request.headers)

    def offer(connection: sqlite3.Connection, database: Database) -> None:
        if content is not None:
            offers.create(connection, database.body, content)

    database = await engine.catalog.create_database(request.json(), offer)
    return resource_reply(201, "create_database", database.body, _CHARGE)


async def get_databases(engine: Engine, request: Request) -> Reply:
    bodies = [dump(database.body) for database in engine.catalog.databases()]
    return Reply(200, "list_databases", feed_body("", "Databases", bodies), _CHARGE)


async def get_database(engine: Engine, request: Request) -> Reply:
    return resource_reply(200, "read_database", _database(engine, request).body, _CHARGE)


async def delete_database(engine: Engine, request: Request) -> Reply:
    database = _database(engine, request)
    _check_match(request, database.body)
    await engine.catalog.delete_database(database)
    return Reply(204, "delete_database", b"", _CHARGE)


async def post_containers(engine: Engine, request: Request) -> Reply:
    database = _database(engine, request)
    if request.flag("x-ms-documentdb-isquery"):
        bodies = [container.body for container in engine.catalog.containers(database)]
        return _query(engine, request, "DocumentCollections", database.rid, bodies)
    content = offers.requested_content(request.headers)

    def offer(connection: sqlite3.Connection, container: Container) -> None:
        if content is not None:
            offers.create(connection, container.body, content)
        elif not offers.has_offer(connection, database.body):
            offers.create(connection, container.body, offers.default_content())

    partitions = offers.ranges_for(content, engine.settings.partitions)
    container = await engine.catalog.create_container(database, request.json(), partitions, offer)
    return resource_reply(201, "create_container", container.body, _CHARGE).about(container)


async def get_containers(engine: Engine, request: Request) -> Reply:
    database = _database(engine, request)
    bodies = [dump(container.body) for container in engine.catalog.containers(database)]
    return Reply(200, "list_containers", feed_body(database.rid, "DocumentCollections", bodies), _CHARGE)


async def get_container(engine: Engine, request: Request) -> Reply:
    container = _container(engine, request)
    reply = resource_reply(200, "read_container", container.body, _CHARGE).about(container)
    if request.flag("x-ms-documentdb-populatequotainfo"):
        statement = "SELECT count(*), coalesce(sum(length(body)), 0) FROM documents WHERE container = ?"
        count, size = engine.reader.execute(statement, (container.key,)).fetchone()
        usage = f"documentsCount={count};documentSize={size // 1024};collectionSize={size // 1024};"
        reply.headers["x-ms-resource-usage"] = usage
        reply.headers["x-ms-resource-quota"] = "collectionSize=52428800;"
        reply.headers["x-ms-documentdb-collection-index-transformation-progress"] = "100"
    if request.flag("x-ms-documentdb-populatepartitionstatistics"):
        reply.body = dump({**container.body, "statistics": _statistics(engine, container)})
    return reply


async def put_container(engine: Engine, request: Request) -> Reply:
    container = _container(engine, request)
    _check_match(request, container.body)
    replaced = await engine.catalog.replace_container(container, request.json())
    return resource_reply(200, "replace_container", replaced.body, _CHARGE).about(replaced)


async def delete_container(engine: Engine, request: Request) -> Reply:
    container = _container(engine, request)
    _check_match(request, container.body)
    await engine.catalog.delete_container(container)
    return Reply(204, "delete_container", b"", _CHARGE).about(container)


async def get_ranges(engine: Engine, request: Request) -> Reply:
    """The physical ranges; with the ETag of an earlier answer those that have been made since, by splits."""
    container = container_of(engine, request)
    etag = f'"{container.key}.{max(place.number for place in container.ranges)}"'
    known = request.headers.get("if-none-match")
    if known == etag:
        reply = Reply(304, "read_ranges", b"", 0.0, {"etag": etag})
        return reply.about(container)
    fraction = round(1 / len(container.ranges), 6)
    bodies = [
        dump(
            {
                "_rid": f"{container.rid}{place.number}",
                "id": str(place.number),
                "_etag": etag,
                "minInclusive": place.minimum,
                "maxExclusive": place.maximum,
                "ridPrefix": place.number,
                "_self": f"{container.link}pkranges/{place.number}/",
                "throughputFraction": fraction,
                "status": "online",
                "parents": [str(parent) for parent in place.parents],
                "_ts": container.body["_ts"],
            }
        )
        for place in container.ranges
        if place.number > _last_known(known, container)
    ]
    body = feed_body(container.rid, "PartitionKeyRanges", bodies)
    reply = Reply(200, "read_ranges", body, 0.0, {"etag": etag, "x-ms-item-count": str(len(bodies))})
    return reply.about(container)


def _last_known(etag: str | None, container: Container) -> int:
    """The number of the newest range that a client knows by the ETag of an earlier answer; -1: it knows none."""
    key, _, number = (etag or "").strip('"').partition(".")
    return int(number) if key == str(container.key) and number.isdigit() else -1


async def post_offers(engine: Engine, request: Request) -> Reply:
    if not request.flag("x-ms-documentdb-isquery"):
        raise bad_request("Offers are made with their database or container.")
    return _query(engine, request, "Offers", "", offers.every(engine.reader))


async def get_offers(engine: Engine, request: Request) -> Reply:
    bodies = [dump(offer) for offer in offers.every(engine.reader)]
    return Reply(200, "list_offers", feed_body("", "Offers", bodies), _CHARGE)


async def get_offer(engine: Engine, request: Request) -> Reply:
    return resource_reply(200, "read_offer", offers.find(engine.reader, request.address.names[0]), _CHARGE)


async def put_offer(engine: Engine, request: Request) -> Reply:
    name, body = request.address.names[0], request.json()
    offer = await engine.writer.submit(lambda connection: offers.replace(connection, name, body))
    return resource_reply(200, "replace_offer", offer, _CHARGE)


def _database(engine: Engine, request: Request) -> Database:
    return engine.catalog.database(request.address.names[0])


def _container(engine: Engine, request: Request) -> Container:
    return engine.catalog.container(*request.address.names[:2])


def _check_match(request: Request, body: dict[str, Any]) -> None:
    if request.headers.get("if-match", body["_etag"]) not in (body["_etag"], "*"):
        raise precondition_failed()


def _query(engine: Engine, request: Request, name: str, owner_rid: str, bodies: list[dict[str, Any]]) -> Reply:
    """A query over resources other than documents, all on one page."""
    spec = parse_query(request.body)
    rows = [dump(row) for row in spec.query.run(bodies, spec.parameters, utc(engine.clock.now()))]
    return Reply(200, f"query_{name.lower()}", feed_body(owner_rid, name, rows), charges.query(len(bodies), 0, 0))


def _statistics(engine: Engine, container: Container) -> list[dict[str, Any]]:
    statement = "SELECT range, count(*), sum(length(body)) FROM documents WHERE container = ? GROUP BY range"
    found = {number: (count, size) for number, count, size in engine.reader.execute(statement, (container.key,))}
    return [
        {"id": str(place.number), "documentCount": count, "sizeInKB": size // 1024, "partitionKeys": []}
        for place in container.ranges
        for count, size in [found.get(place.number, (0, 0))]
    ]
