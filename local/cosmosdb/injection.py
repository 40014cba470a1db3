"""Doing to a request what the fault rules say."""

import asyncio
from contextlib import suppress

from local.cosmosdb.engine import Engine
from local.cosmosdb.errors import CosmosError
from local.cosmosdb.faults import DROP_AFTER, DROP_BEFORE, LATENCY, SPLIT, FaultRules, answer
from local.cosmosdb.messages import Request
from local.cosmosdb.operations import operation_of
from local.cosmosdb.scoping import container_of, scope_of_request


class ConnectionLostError(Exception):
    """The connection is to be closed without an answer."""


async def strike(engine: Engine, rules: FaultRules, request: Request) -> bool:
    """Whether the connection is to be lost once the request has been carried out.

    Raises CosmosError for a request that is to fail, ConnectionLostError for one that is not to be carried out.
    """
    for rule in rules.struck(operation_of(request), request.container_name):
        if rule.fault == LATENCY:
            await asyncio.sleep(rule.latency_seconds)
        elif rule.fault == SPLIT:
            _split(engine, request)
        elif rule.fault == DROP_BEFORE:
            raise ConnectionLostError
        elif rule.fault == DROP_AFTER:
            return True
        else:
            raise answer(rule)
    return False


def _split(engine: Engine, request: Request) -> None:
    """Split the range that a request goes to. One that goes to none, or to one too small, is let pass."""
    with suppress(CosmosError):
        container = container_of(engine, request)
        _, ranges = scope_of_request(request, container)
        engine.catalog.split(container, ranges[0].number)
