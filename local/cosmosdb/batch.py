"""Batches: up to 100 operations in one request.

A transactional batch is of one logical partition and all or nothing. What JavaScript calls bulk is of one physical
range, and each operation stands alone.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from local.cosmosdb import documents, numbers
from local.cosmosdb.catalog import Container
from local.cosmosdb.clock import utc
from local.cosmosdb.documents import Outcome, Transaction
from local.cosmosdb.errors import CosmosError, bad_request
from local.cosmosdb.partitioning import PartitionKey, PartitionKeyDefinition
from local.cosmosdb.patch import Patch

MAX_OPERATIONS = 100
MAX_BYTES = 2 * 1024 * 1024
_FAILED_DEPENDENCY = 424

Result = dict[str, Any]


class BatchFailed(Exception):
    """An operation of a transactional batch failed; raised to undo the others. `results` is what to answer."""

    def __init__(self, results: list[Result], charge: float) -> None:
        super().__init__()
        self.results = results
        self.charge = charge


@dataclass(frozen=True, slots=True)
class Operation:
    """One parsed operation; `run` does it."""

    run: Callable[[Transaction], Outcome]
    partition_key: PartitionKey | None


def parse(body: bytes, definition: PartitionKeyDefinition) -> list[Operation]:
    """The operations of a request; raises CosmosError if the request as a whole is not acceptable."""
    if len(body) > MAX_BYTES:
        raise documents.too_large()
    try:
        operations = numbers.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request("The batch request must be valid JSON.") from error
    if not isinstance(operations, list) or not operations:
        raise bad_request("Batch request has no operations.")
    if len(operations) > MAX_OPERATIONS:
        raise bad_request("Batch request has more operations than what is supported.")
    return [_parse_operation(operation, definition) for operation in operations]


def run_transaction(tx: Transaction, operations: Sequence[Operation]) -> tuple[list[Result], float]:
    """All operations or, by raising BatchFailed, none."""
    results: list[Result] = []
    charge = 0.0
    for operation in operations:
        try:
            outcome = operation.run(tx)
        except CosmosError as error:
            failed = [_dependency() for _ in results]
            rest = [_dependency() for _ in operations[len(results) + 1 :]]
            raise BatchFailed([*failed, _failure(error), *rest], charge) from error
        charge += outcome.charge
        results.append(_success(outcome))
    return results, round(charge, 2)


def run_each(
    connection: sqlite3.Connection, container: Container, now: int, keys: Iterator[int], operations: Sequence[Operation]
) -> tuple[list[Result], float]:
    """Every operation by itself."""
    results: list[Result] = []
    charge = 0.0
    for operation in operations:
        connection.execute("SAVEPOINT operation")
        try:
            if operation.partition_key is None:
                raise bad_request("PartitionKey value must be supplied for this operation.")
            outcome = operation.run(Transaction(connection, container, operation.partition_key, now, keys))
            charge += outcome.charge
            results.append(_success(outcome))
        except CosmosError as error:
            connection.execute("ROLLBACK TO operation")
            results.append(_failure(error))
        connection.execute("RELEASE operation")
    return results, round(charge, 2)


def _parse_operation(operation: Any, definition: PartitionKeyDefinition) -> Operation:
    if not isinstance(operation, dict):
        raise bad_request("A batch operation must be an object.")
    kind = str(operation.get("operationType", "")).lower()
    parser = _PARSERS.get(kind)
    if parser is None:
        raise bad_request(f"The batch operation '{operation.get('operationType')}' is not supported.")
    header = operation.get("partitionKey")
    if header is not None and not isinstance(header, str):
        header = orjson.dumps(header).decode()
    key = definition.from_header(header) if header is not None else None
    return Operation(parser(operation, definition), key)


def _body(operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("resourceBody")
    if not isinstance(body, dict):
        raise bad_request("A batch operation of this kind must have an object as its resourceBody.")
    return body


def _name(operation: dict[str, Any]) -> str:
    name = operation.get("id")
    documents.check_id(name)
    return str(name)


def _create(operation: dict[str, Any], _: PartitionKeyDefinition) -> Callable[[Transaction], Outcome]:
    document = documents.check_document(_body(operation))
    return lambda tx: documents.create(tx, document)


def _upsert(operation: dict[str, Any], _: PartitionKeyDefinition) -> Callable[[Transaction], Outcome]:
    document, if_match = documents.check_document(_body(operation)), operation.get("ifMatch")
    return lambda tx: documents.upsert(tx, document, if_match)


def _replace(operation: dict[str, Any], _: PartitionKeyDefinition) -> Callable[[Transaction], Outcome]:
    name, if_match = _name(operation), operation.get("ifMatch")
    document = documents.check_document(_body(operation))
    return lambda tx: documents.replace(tx, name, document, if_match)


def _patch(operation: dict[str, Any], definition: PartitionKeyDefinition) -> Callable[[Transaction], Outcome]:
    name, patch, if_match = _name(operation), Patch(_body(operation), definition), operation.get("ifMatch")

    def run(tx: Transaction) -> Outcome:
        now: datetime = utc(tx.now)
        return documents.patch(tx, name, lambda document: patch.apply(document, now), if_match)

    return run


def _delete(operation: dict[str, Any], _: PartitionKeyDefinition) -> Callable[[Transaction], Outcome]:
    name, if_match = _name(operation), operation.get("ifMatch")
    return lambda tx: documents.delete(tx, name, if_match)


def _read(operation: dict[str, Any], _: PartitionKeyDefinition) -> Callable[[Transaction], Outcome]:
    name, if_none_match = _name(operation), operation.get("ifNoneMatch")
    return lambda tx: documents.read(tx, name, if_none_match)


_PARSERS = {
    "create": _create,
    "upsert": _upsert,
    "replace": _replace,
    "patch": _patch,
    "delete": _delete,
    "read": _read,
}


def _success(outcome: Outcome) -> Result:
    result: Result = {"statusCode": outcome.status, "requestCharge": outcome.charge}
    if outcome.etag is not None:
        result["eTag"] = outcome.etag
    if outcome.body is not None:
        result["resourceBody"] = orjson.Fragment(outcome.body)
    return result


def _failure(error: CosmosError) -> Result:
    result: Result = {"statusCode": error.status, "requestCharge": 0.0, "message": error.message}
    if error.sub_status:
        result["subStatusCode"] = error.sub_status
    return result


def _dependency() -> Result:
    return {"statusCode": _FAILED_DEPENDENCY, "requestCharge": 0.0}
