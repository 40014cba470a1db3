"""Requests for single documents, and batches of them."""

import sqlite3
from collections.abc import Callable
from functools import partial

import orjson

from local.cosmosdb import batch, charges, documents
from local.cosmosdb.catalog import Container
from local.cosmosdb.clock import utc
from local.cosmosdb.documents import Outcome, Transaction
from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import bad_request, item_not_found, owner_not_found
from local.cosmosdb.messages import Reply, Request
from local.cosmosdb.patch import Patch
from local.cosmosdb.query_routes import post_query, post_query_plan
from local.cosmosdb.resource_ids import document_number
from local.cosmosdb.scoping import add_session, check_session, container_of, scope_of_request

_OK, _MULTI_STATUS = 200, 207
_POINT_READ = """
SELECT ranges.lsn, documents.etag, documents.body FROM ranges LEFT JOIN documents
ON documents.container = ranges.container AND documents.partition = ? AND documents.id = ?
    AND (documents.expires IS NULL OR documents.expires > ?)
WHERE ranges.container = ? AND ranges.id = ?
"""


async def post_documents(engine: Engine, request: Request) -> Reply:
    """What is posted to a container's documents: a query, its plan, a batch, or one document."""
    if request.flag("x-ms-cosmos-is-query-plan-request"):
        return await post_query_plan(engine, request)
    if request.flag("x-ms-documentdb-isquery"):
        return await post_query(engine, request)
    if request.flag("x-ms-cosmos-is-batch-request"):
        atomic = request.flag("x-ms-cosmos-batch-atomic")
        return await (_post_transaction if atomic else _post_bulk)(engine, request)
    container = container_of(engine, request)
    document = documents.parse_document(request.body)
    if request.flag("x-ms-documentdb-is-upsert"):
        upsert = partial(documents.upsert, document=document, if_match=request.headers.get("if-match"))
        return await _write(engine, request, container, "upsert", upsert)
    return await _write(engine, request, container, "create", partial(documents.create, document=document))


async def get_document(engine: Engine, request: Request) -> Reply:
    container = container_of(engine, request)
    key = request.complete_partition_key(container)
    number = container.range_for(key).number
    row = engine.reader.execute(
        _POINT_READ, (key.text, _document_id(engine, request), engine.clock.now(), container.key, number)
    ).fetchone()
    if row is None:
        raise owner_not_found()
    lsn, etag, body = row
    check_session(request, {number: lsn})
    if etag is None:
        raise item_not_found()
    if request.headers.get("if-none-match") == etag:
        reply = Reply(304, "read", b"", charges.read(0))
    else:
        content = body.encode()
        reply = Reply(200, "read", content, charges.read(len(content)))
    reply.headers["etag"] = etag
    return reply.about(container, range_number=number, lsn=lsn)


async def put_document(engine: Engine, request: Request) -> Reply:
    document = documents.parse_document(request.body)
    name, if_match = _document_id(engine, request), request.headers.get("if-match")
    replace = partial(documents.replace, name=name, document=document, if_match=if_match)
    return await _write(engine, request, container_of(engine, request), "replace", replace)


async def patch_document(engine: Engine, request: Request) -> Reply:
    container = container_of(engine, request)
    patch = Patch(request.json(), container.partition_key)
    name, if_match = _document_id(engine, request), request.headers.get("if-match")

    def run(tx: Transaction) -> Outcome:
        return documents.patch(tx, name, lambda document: patch.apply(document, utc(tx.now)), if_match)

    return await _write(engine, request, container, "patch", run)


async def delete_document(engine: Engine, request: Request) -> Reply:
    delete = partial(documents.delete, name=_document_id(engine, request), if_match=request.headers.get("if-match"))
    return await _write(engine, request, container_of(engine, request), "delete", delete)


async def post_partition_delete(engine: Engine, request: Request) -> Reply:
    """Delete by partition key: at once here, in the background in the service."""
    container = container_of(engine, request)
    return await _write(engine, request, container, "delete_partition", documents.delete_partition)


def _document_id(engine: Engine, request: Request) -> str:
    """The id in the address, or that of the document whose rid is in the address."""
    name = request.address.names[2]
    if not request.address.by_rid:
        return name
    number = document_number(name)
    row = engine.reader.execute("SELECT id FROM documents WHERE key = ?", (number,)).fetchone()
    if row is None:
        raise item_not_found()
    return str(row[0])


async def _write(
    engine: Engine, request: Request, container: Container, operation: str, run: Callable[[Transaction], Outcome]
) -> Reply:
    """Do one operation on the logical partition in the header, and answer once it is on disk."""
    key = request.complete_partition_key(container)

    def job(connection: sqlite3.Connection) -> tuple[Outcome, int]:
        tx = Transaction(connection, container, key, engine.now(), engine.keys)
        return run(tx), tx.current_lsn()

    outcome, lsn = await engine.writer.submit(job)
    body = b"" if outcome.body is None or request.wants_no_content else outcome.body
    reply = Reply(outcome.status, operation, body, outcome.charge)
    if outcome.etag is not None:
        reply.headers["etag"] = outcome.etag
    return reply.about(container, range_number=container.range_for(key).number, lsn=lsn)


async def _post_transaction(engine: Engine, request: Request) -> Reply:
    container = container_of(engine, request)
    key = request.complete_partition_key(container)
    operations = batch.parse(request.body, container.partition_key)
    number = container.range_for(key).number

    def job(connection: sqlite3.Connection) -> tuple[list[batch.Result], float, int]:
        tx = Transaction(connection, container, key, engine.now(), engine.keys)
        return (*batch.run_transaction(tx, operations), tx.current_lsn())

    try:
        results, charge, lsn = await engine.writer.submit(job)
    except batch.BatchFailed as failure:
        return _batch_reply(request, _MULTI_STATUS, failure.results, failure.charge).about(container)
    return _batch_reply(request, _OK, results, charge).about(container, range_number=number, lsn=lsn)


async def _post_bulk(engine: Engine, request: Request) -> Reply:
    container = container_of(engine, request)
    if not request.flag("x-ms-cosmos-batch-continue-on-error"):
        raise bad_request("A batch that is not atomic must continue on errors.")
    operations = batch.parse(request.body, container.partition_key)
    _, ranges = scope_of_request(request, container)

    def job(connection: sqlite3.Connection) -> tuple[list[batch.Result], float, dict[int, int]]:
        results, charge = batch.run_each(connection, container, engine.now(), engine.keys, operations)
        newest = {place.number: documents.range_lsn(connection, container.key, place.number) for place in ranges}
        return results, charge, newest

    results, charge, newest = await engine.writer.submit(job)
    failed = any(result["statusCode"] >= 400 for result in results)
    reply = _batch_reply(request, _MULTI_STATUS if failed else _OK, results, charge)
    return add_session(reply, container, newest)


def _batch_reply(request: Request, status: int, results: list[batch.Result], charge: float) -> Reply:
    if request.wants_no_content:
        results = [{name: value for name, value in result.items() if name != "resourceBody"} for result in results]
    return Reply(status, "batch", orjson.dumps(results), charge)
