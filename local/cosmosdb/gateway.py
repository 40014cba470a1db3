"""The ASGI application: from a request's address and method to the function that answers it."""

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from functools import partial

from starlette.types import Receive, Scope, Send

from local.cosmosdb import clock_routes, document_routes, fault_routes, feed_routes, local_routes, resource_routes
from local.cosmosdb.addressing import Address, parse_address
from local.cosmosdb.auth import Authenticator
from local.cosmosdb.clock import SystemClock
from local.cosmosdb.connections import drop_connection
from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import CosmosError, bad_request
from local.cosmosdb.faults import FaultRules
from local.cosmosdb.injection import ConnectionLostError, strike
from local.cosmosdb.messages import Reply, Request
from local.cosmosdb.query import QueryError

_logger = logging.getLogger("local.cosmosdb")
_MAX_BODY = 4 * 1024 * 1024
_LOCAL = "/_local/"
_BODYLESS = (204, 304)

Handler = Callable[[Engine, Request], Awaitable[Reply]]

_DATABASE, _CONTAINER = "dbs/*", "dbs/*/colls/*"
_HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", ""): resource_routes.get_account,
    ("GET", "dbs"): resource_routes.get_databases,
    ("POST", "dbs"): resource_routes.post_databases,
    ("GET", _DATABASE): resource_routes.get_database,
    ("DELETE", _DATABASE): resource_routes.delete_database,
    ("GET", f"{_DATABASE}/colls"): resource_routes.get_containers,
    ("POST", f"{_DATABASE}/colls"): resource_routes.post_containers,
    ("GET", _CONTAINER): resource_routes.get_container,
    ("PUT", _CONTAINER): resource_routes.put_container,
    ("DELETE", _CONTAINER): resource_routes.delete_container,
    ("GET", f"{_CONTAINER}/pkranges"): resource_routes.get_ranges,
    ("POST", f"{_CONTAINER}/operations/partitionkeydelete"): document_routes.post_partition_delete,
    ("GET", f"{_CONTAINER}/docs"): feed_routes.get_documents,
    ("POST", f"{_CONTAINER}/docs"): document_routes.post_documents,
    ("GET", f"{_CONTAINER}/docs/*"): document_routes.get_document,
    ("PUT", f"{_CONTAINER}/docs/*"): document_routes.put_document,
    ("PATCH", f"{_CONTAINER}/docs/*"): document_routes.patch_document,
    ("DELETE", f"{_CONTAINER}/docs/*"): document_routes.delete_document,
    ("GET", f"{_CONTAINER}/conflicts"): feed_routes.get_conflicts,
    ("POST", f"{_CONTAINER}/conflicts"): feed_routes.post_conflicts,
    ("GET", f"{_CONTAINER}/conflicts/*"): feed_routes.no_conflict,
    ("DELETE", f"{_CONTAINER}/conflicts/*"): feed_routes.no_conflict,
    ("GET", "offers"): resource_routes.get_offers,
    ("POST", "offers"): resource_routes.post_offers,
    ("GET", "offers/*"): resource_routes.get_offer,
    ("PUT", "offers/*"): resource_routes.put_offer,
}
_LOCAL_HANDLERS: Mapping[tuple[str, str], Handler] = {
    **local_routes.ROUTES,
    **clock_routes.ROUTES,
    **fault_routes.ROUTES,
}
_SHAPES = {shape for _, shape in (*_HANDLERS, *_LOCAL_HANDLERS)}


class Gateway:
    """Authorises and answers every request; whatever goes wrong becomes a Cosmos DB error here."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Signatures are dated by the real time, whatever time the documents live in.
        self._authenticator = Authenticator(engine.settings.key, SystemClock())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        activity_id = headers.get("x-ms-activity-id") or str(uuid.uuid4())
        try:
            body = await _read_body(receive)
            reply = await self._answer(scope, headers, body, activity_id)
        except ConnectionLostError:
            await drop_connection(scope, receive)
            return
        except CosmosError as error:
            reply = _error_reply(error, activity_id)
        except Exception:  # the outermost boundary: a client must get an answer, and the log the traceback
            _logger.exception("%s %s failed", scope["method"], scope["path"])
            failure = CosmosError(500, "Unknown server error occurred when processing this request.")
            reply = _error_reply(failure, activity_id)
        if self._engine.settings.verbose:
            _logger.info(
                "%s %s %d %.2f RU %.1f ms",
                *(scope["method"], scope["path"], reply.status, reply.charge),
                (time.perf_counter() - started) * 1000,
            )
        await _send(send, reply, activity_id)

    async def _answer(self, scope: Scope, headers: dict[str, str], body: bytes, activity_id: str) -> Reply:
        method: str = scope["method"]
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        is_local = path.startswith(_LOCAL)
        address = Address(path, (), "", "") if is_local else parse_address(path)
        request = Request(method, address, headers, body, activity_id, scope["scheme"])
        if is_local:
            local_routes.check_loopback((scope.get("client") or ("",))[0])
        else:
            self._authenticator.check(method, address, headers)
        handler = (_LOCAL_HANDLERS if is_local else _HANDLERS).get((method, address.shape))
        if handler is None:
            raise _unknown(method, address)
        if is_local or self._engine.faults is None:
            return await self._count(handler, request)
        return await self._count(partial(_perform_with_faults, self._engine.faults, handler), request)

    async def _count(self, handler: Handler, request: Request) -> Reply:
        """Answer a request and count it, refused or not."""
        try:
            reply = await handler(self._engine, request)
        except (CosmosError, QueryError) as error:
            refusal = error if isinstance(error, CosmosError) else bad_request(str(error))
            self._engine.counters.add_refusal(refusal.status, request.container_name)
            raise refusal from error
        except ConnectionLostError:
            self._engine.counters.add(Reply(0, "dropped", container=request.container_name))
            raise
        if reply.operation:
            self._engine.counters.add(reply)
        return reply


async def _perform_with_faults(rules: FaultRules, handler: Handler, engine: Engine, request: Request) -> Reply:
    """Answer a request, unless a fault keeps it from being carried out or its answer from being seen."""
    is_lost_afterwards = await strike(engine, rules, request)
    try:
        reply = await handler(engine, request)
    except (CosmosError, QueryError) as error:
        if is_lost_afterwards:
            raise ConnectionLostError from error
        raise
    if is_lost_afterwards:
        raise ConnectionLostError
    return reply


def _error_reply(error: CosmosError, activity_id: str) -> Reply:
    headers = {"x-ms-substatus": str(error.sub_status), **error.headers}
    return Reply(error.status, "", error.body(activity_id), 0.0, headers)


def _unknown(method: str, address: Address) -> CosmosError:
    if address.shape in _SHAPES:
        return CosmosError(405, f"The requested verb {method} is not supported here.")
    return bad_request(f"The local engine has no '{address.resource_type or address.shape}' resources.")


async def _read_body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    chunks = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > _MAX_BODY:
            raise CosmosError(413, "Request size is too large")
    return body if len(chunks) == 1 else b"".join(chunks)


async def _send(send: Send, reply: Reply, activity_id: str) -> None:
    headers = {
        "content-type": "application/json",
        "date": formatdate(usegmt=True),
        "x-ms-activity-id": activity_id,
        "x-ms-request-charge": f"{reply.charge:g}",
        "x-ms-gatewayversion": "version=2.14.0",
        "x-ms-serviceversion": "version=2.14.0.0",
        **reply.headers,
    }
    if reply.status not in _BODYLESS:
        headers["content-length"] = str(len(reply.body))
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if reply.status in _BODYLESS else reply.body})
