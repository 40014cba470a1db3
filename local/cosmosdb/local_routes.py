"""Routes of the engine's own, which the service does not have. None is signed, so they answer on loopback only."""

import sqlite3
from typing import Any

import orjson

from local.cosmosdb import charges
from local.cosmosdb.clock import utc
from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import CosmosError, bad_request
from local.cosmosdb.messages import Reply, Request, json_reply
from local.cosmosdb.queries import compile_spec
from local.cosmosdb.scan import Scan, Scope


async def get_health(engine: Engine, request: Request) -> Reply:
    return json_reply(200, "", {"status": "ok"}, 0.0)


async def get_requests(engine: Engine, request: Request) -> Reply:
    return json_reply(200, "", {"requests": engine.counters.report()}, 0.0)


async def delete_requests(engine: Engine, request: Request) -> Reply:
    engine.counters.reset()
    return Reply(204, "")


async def post_purge(engine: Engine, request: Request) -> Reply:
    """Remove expired documents now instead of in a few seconds."""
    return json_reply(200, "", {"purged": await engine.purge()}, 0.0)


async def post_query(engine: Engine, request: Request) -> Reply:
    """A whole query over all ranges at once, whatever an SDK could fan out.

    Takes `{"database", "container", "query", "parameters"?, "partition_key"?}` and answers
    `{"rows": [...], "request_charge": RU}`.
    """
    body = request.json()
    if not isinstance(body, dict) or not all(isinstance(body.get(n), str) for n in ("database", "container", "query")):
        raise bad_request("A query needs 'database', 'container' and 'query'.")
    container = engine.catalog.container(body["database"], body["container"])
    spec = compile_spec(body["query"], body.get("parameters"))
    scope = Scope(container.key)
    if body.get("partition_key") is not None:
        value = body["partition_key"]
        definition = container.partition_key
        key = definition.of(value if isinstance(value, list) else [value])
        scope = (
            Scope.of_partition(container.key, key)
            if definition.is_complete(key)
            else Scope(container.key, *definition.interval(key))
        )
    now = engine.clock.now()

    def run(connection: sqlite3.Connection) -> dict[str, Any]:
        ids = spec.query.equalities(spec.parameters).get("/id")
        leaves_out = spec.query.leaves_out(spec.parameters, utc(now), container.indexing.indexes)
        scan = Scan(connection, scope, now, ids=ids, leaves_out=leaves_out)
        rows = list(spec.query.run(scan, spec.parameters, utc(now)))
        returned = sum(len(orjson.dumps(row)) for row in rows)
        return {"rows": rows, "request_charge": charges.query(scan.count, scan.size, returned)}

    answer = await engine.run(run)
    reply = json_reply(200, "local_query", answer, answer["request_charge"])
    reply.container, reply.cross_partition = container.id, scope.partition is None
    return reply


ROUTES = {
    ("GET", "/_local/health"): get_health,
    ("GET", "/_local/requests"): get_requests,
    ("DELETE", "/_local/requests"): delete_requests,
    ("POST", "/_local/query"): post_query,
    ("POST", "/_local/purge"): post_purge,
}


def check_loopback(client: str) -> None:
    """Raise CosmosError 403 for a client that is not on this machine."""
    if not (client.startswith("127.") or client in ("::1", "")):
        raise CosmosError(403, "The routes under /_local answer on the loopback interface only.")
