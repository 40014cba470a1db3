"""Partial document update: the six operations on JSON pointers, and the condition.

https://learn.microsoft.com/azure/cosmos-db/partial-document-update
"""

import copy
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from local.cosmosdb.documents import Document
from local.cosmosdb.errors import CosmosError, bad_request, precondition_failed
from local.cosmosdb.partitioning import PartitionKeyDefinition
from local.cosmosdb.query import QueryError, compile_query
from local.cosmosdb.query.values import number

MAX_OPERATIONS = 10
_SYSTEM = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts"})


class Patch:
    """A parsed patch request, to be applied to the document that it turns out to be for.

    Raises CosmosError 400 for what can be seen to be wrong without the document; `apply` raises 400 for what can't
    be done to it and 412 where the condition does not hold.
    """

    def __init__(self, body: Any, definition: PartitionKeyDefinition) -> None:
        operations = body.get("operations") if isinstance(body, dict) else body
        if not isinstance(operations, list) or not operations:
            raise bad_request("The patch request must contain at least one operation.")
        if len(operations) > MAX_OPERATIONS:
            raise bad_request(f"The number of patch operations can't exceed '{MAX_OPERATIONS}'.")
        self._steps = [_parse(operation, definition) for operation in operations]
        condition = body.get("condition") if isinstance(body, dict) else None
        self._condition = None
        if condition is not None:
            try:
                self._condition = compile_query(f"SELECT VALUE 1 {condition}")
            except QueryError as error:
                raise bad_request(str(error)) from error

    def apply(self, document: Document, now: datetime) -> Document:
        """A changed copy of the document."""
        if self._condition is not None and not any(True for _ in self._condition.run([document], {}, now)):
            raise precondition_failed()
        changed = copy.deepcopy(document)
        for step in self._steps:
            step(changed)
        return changed


def _parse(operation: Any, definition: PartitionKeyDefinition) -> Callable[[Document], None]:
    if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
        raise bad_request("A patch operation must be an object with 'op' and 'path'.")
    kind = str(operation.get("op")).lower()
    if kind not in _OPERATIONS:
        raise bad_request(f"The patch operation '{operation.get('op')}' is not supported.")
    path = _pointer(operation["path"], definition)
    if kind == "remove":
        return lambda document: _remove(document, path)
    if kind == "move":
        source = _pointer(str(operation.get("from", "")), definition)
        if path[: len(source)] == source and path != source:
            raise bad_request("A value can't be moved into itself.")
        return lambda document: _add(document, path, _remove(document, source))
    if "value" not in operation:
        raise bad_request(f"The patch operation '{kind}' must have a 'value'.")
    value = operation["value"]
    if kind == "incr" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise bad_request("The value of an 'incr' operation must be a number.")
    write = _OPERATIONS[kind]
    return lambda document: write(document, path, copy.deepcopy(value))


def _pointer(path: str, definition: PartitionKeyDefinition) -> list[str]:
    if not path.startswith("/") or path == "/":
        raise bad_request(f"The patch path '{path}' is invalid.")
    names = [name.replace("~1", "/").replace("~0", "~") for name in path[1:].split("/")]
    if names == ["id"] or names[0] in _SYSTEM:
        raise bad_request(f"The patch path '{path}' is a system property that can't be changed.")
    if any(tuple(names[: len(key)]) == key[: len(names)] for key in definition.names):
        raise bad_request(f"The patch path '{path}' is part of the partition key, which can't be changed.")
    return names


def _missing(path: list[str]) -> CosmosError:
    return bad_request(f"The patch operation can't be applied: '/{'/'.join(path)}' does not exist.")


def _parent(document: Any, path: list[str]) -> Any:
    """The object or array that holds the last name of a path."""
    for name in path[:-1]:
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        else:
            raise _missing(path)
    if not isinstance(document, dict | list):
        raise _missing(path)
    return document


def _index(array: list[Any], name: str, path: list[str], *, beyond: int = 0) -> int:
    if not name.isdigit() or int(name) >= len(array) + beyond:
        raise _missing(path)
    return int(name)


def _add(document: Document, path: list[str], value: Any) -> None:
    """Into an array: insert at the index, `-` appends; into an object: set."""
    parent, name = _parent(document, path), path[-1]
    if isinstance(parent, dict):
        parent[name] = value
    elif name == "-":
        parent.append(value)
    else:
        parent.insert(_index(parent, name, path, beyond=1), value)


def _set(document: Document, path: list[str], value: Any) -> None:
    """As `_add`, but what an array holds at the index is replaced."""
    parent, name = _parent(document, path), path[-1]
    if isinstance(parent, list) and name != "-" and name.isdigit() and int(name) < len(parent):
        parent[int(name)] = value
    else:
        _add(document, path, value)


def _replace(document: Document, path: list[str], value: Any) -> None:
    parent, name = _parent(document, path), path[-1]
    if isinstance(parent, list):
        parent[_index(parent, name, path)] = value
    elif name in parent:
        parent[name] = value
    else:
        raise _missing(path)


def _remove(document: Document, path: list[str]) -> Any:
    parent, name = _parent(document, path), path[-1]
    if isinstance(parent, list):
        return parent.pop(_index(parent, name, path))
    if name not in parent:
        raise _missing(path)
    return parent.pop(name)


def _increment(document: Document, path: list[str], value: float) -> None:
    """Add to a number; what is absent becomes the value."""
    parent, name = _parent(document, path), path[-1]
    if isinstance(parent, dict) and name not in parent:
        parent[name] = value
        return
    place: Any = _index(parent, name, path) if isinstance(parent, list) else name
    if isinstance(parent[place], bool) or not isinstance(parent[place], int | float):
        raise bad_request(f"The patch operation can't be applied: '/{'/'.join(path)}' is not a number.")
    parent[place] = number(parent[place] + value)


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "add": _add,
    "set": _set,
    "replace": _replace,
    "remove": _remove,
    "incr": _increment,
    "move": _add,
}
