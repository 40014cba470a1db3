"""Cosmos DB input and output bindings: documents read before a function runs, and written after it.

As in the real extension: an input is a point read (`id`, `partition_key`) or a query (`sql_query`, where `{name}`
becomes a parameter); an output is an upsert of each document. What `{name}` stands for is in `binding_data.py`.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import azure.functions as func
from azure.cosmos import PartitionKey, exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.partition_key import NonePartitionKeyValue

from local.functions.cosmos_connection import Connection, open_client, resolve_connection
from local.functions.errors import FunctionLoadError
from local.functions.indexing import Binding, IndexedFunction
from local.functions.json_dates import rewrite_dates
from local.functions.settings import Settings

Document = dict[str, Any]
_TOKEN = re.compile(r"\{([\w.\-]+)\}")


class CosmosBindings:
    """The bindings of an app's functions. Clients are opened when they are first needed."""

    def __init__(self, functions: Iterable[IndexedFunction], settings: Settings) -> None:
        """Raises `FunctionLoadError` for a binding whose connection or container is not given."""
        self._connections = {
            (function.name, binding.name): _connection(function, binding, settings)
            for function in functions
            for binding in function.bindings
            if binding.type == "cosmosDB"
        }
        self._clients: dict[Connection, CosmosClient] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def read(self, function: IndexedFunction, data: Mapping[str, str]) -> dict[str, Any]:
        """The values of a function's input bindings, by parameter; `data` is what the names in braces stand for.

        A document that does not exist is None, as in the worker. Raises `AzureError`, and `KeyError` for a name that
        the trigger does not give.
        """
        documents = [binding for binding in function.inputs if binding.type == "cosmosDB"]
        return {binding.name: await self._read(function, binding, data) for binding in documents}

    async def write(self, function: IndexedFunction, returned: Any, outputs: Mapping[str, Any]) -> None:
        """Upserts what a function returned or set.

        Raises `TypeError` or `ValueError` for what is not made of documents, after the other outputs have been written,
        as the real host does.
        """
        values = [(binding, outputs[binding.name]) for binding in function.outputs]
        if function.returns is not None:
            values.append((function.returns, returned))
        wrong: TypeError | ValueError | None = None
        for binding, value in values:
            if binding.type != "cosmosDB" or value is None:
                continue
            try:
                documents = _documents(value, is_text=binding.name in function.text_parameters)
            except (TypeError, ValueError) as error:
                wrong = wrong or error
            else:
                await self._write(function, binding, documents)
        if wrong is not None:
            raise wrong

    async def close(self) -> None:
        """Closes the clients."""
        await self._stack.aclose()
        self._clients.clear()

    async def _read(self, function: IndexedFunction, binding: Binding, data: Mapping[str, str]) -> Any:
        container = await self._container(function, binding)
        template = binding.properties.get("partitionKey")
        partition_key = _fill(template, data) if template else None
        is_text = binding.name in function.text_parameters
        if not binding.properties.get("id"):
            found = await _query(
                container, binding.properties.get("sqlQuery") or "SELECT * FROM c", partition_key, data
            )
            return _as_read(found, is_text)
        document = await _point_read(container, _fill(binding.properties["id"], data), partition_key)
        if document is None:
            return None
        return rewrite_dates(json.dumps(document)) if is_text else _as_read([document], is_text)

    async def _write(self, function: IndexedFunction, binding: Binding, documents: list[Document]) -> None:
        container = await self._container(function, binding)
        for document in documents:
            try:
                await container.upsert_item(document)
            except exceptions.CosmosResourceNotFoundError as error:
                if not binding.properties.get("createIfNotExists"):
                    raise RuntimeError(
                        f"The container '{binding.properties['containerName']}' (in database "
                        f"'{binding.properties['databaseName']}') does not exist. To automatically create the "
                        "container, set 'create_if_not_exists' to True."
                    ) from error
                await self._create(function, binding)
                await container.upsert_item(document)

    async def _create(self, function: IndexedFunction, binding: Binding) -> None:
        client = await self._client(function, binding)
        properties = binding.properties
        if not properties.get("partitionKey"):
            raise ValueError(f"binding {binding.name}: a container is made with a 'partition_key' only, as on Azure.")
        database = await client.create_database_if_not_exists(properties["databaseName"])
        await database.create_container_if_not_exists(
            properties["containerName"],
            PartitionKey(properties["partitionKey"]),
            offer_throughput=properties.get("containerThroughput"),
        )

    async def _container(self, function: IndexedFunction, binding: Binding) -> ContainerProxy:
        client = await self._client(function, binding)
        database = client.get_database_client(binding.properties["databaseName"])
        return database.get_container_client(binding.properties["containerName"])

    async def _client(self, function: IndexedFunction, binding: Binding) -> CosmosClient:
        connection = self._connections[function.name, binding.name]
        async with self._opening:
            if connection not in self._clients:
                self._clients[connection] = await open_client(connection, self._stack)
        return self._clients[connection]


def _connection(function: IndexedFunction, binding: Binding, settings: Settings) -> Connection:
    missing = [name for name in ("connection", "databaseName", "containerName") if not binding.properties.get(name)]
    if missing:
        raise FunctionLoadError(function.name, f"binding {binding.name}: '{missing[0]}' is required.")
    try:
        return resolve_connection(str(binding.properties["connection"]), settings)
    except ValueError as error:
        raise FunctionLoadError(function.name, f"binding {binding.name}: {error}.") from error


async def _point_read(container: ContainerProxy, item_id: str, partition_key: str | None) -> Document | None:
    try:
        return await container.read_item(item_id, NonePartitionKeyValue if partition_key is None else partition_key)
    except exceptions.CosmosResourceNotFoundError:
        return None


async def _query(
    container: ContainerProxy, text: str, partition_key: str | None, data: Mapping[str, str]
) -> list[Document]:
    names = list(dict.fromkeys(_TOKEN.findall(text)))
    if re.search("[{}]", _TOKEN.sub("", text)) or any(name.lower().startswith("query.") for name in names):
        raise ValueError(
            f"the host takes a brace in SQL for a binding expression, and knows no {{Query.…}} there: {text}"
        )
    parameters: list[dict[str, object]] = [{"name": _parameter(name), "value": _value(name, data)} for name in names]
    query = _TOKEN.sub(lambda match: _parameter(match[1]), text)
    if partition_key is None:
        items = container.query_items(query, parameters=parameters)
    else:
        items = container.query_items(query, parameters=parameters, partition_key=partition_key)
    return [item async for item in items]


def _as_read(documents: list[Any], is_text: bool) -> Any:
    """What the real host reads: strings that look like dates are rewritten."""
    text = rewrite_dates(json.dumps(documents))
    return text if is_text else _document_list(json.loads(text))


def _document_list(documents: list[Document]) -> func.DocumentList:
    return func.DocumentList([func.Document.from_dict(document) for document in documents])


def _fill(template: str, data: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda match: _value(match[1], data), template)


def _value(name: str, data: Mapping[str, str]) -> str:
    if name.lower() not in data:
        raise KeyError(f"No value for the binding parameter '{name}'")
    return data[name.lower()]


def _parameter(name: str) -> str:
    return "@" + re.sub(r"\W", "_", name)


def _documents(value: Any, *, is_text: bool) -> list[Document]:
    if isinstance(value, str):
        parsed = json.loads(rewrite_dates(json.dumps(json.loads(value))))
        value = [func.Document.from_dict(entry) for entry in (parsed if isinstance(parsed, list) else [parsed])]
    elif is_text:
        raise TypeError(f"an output of text holds no {type(value).__name__}")
    if isinstance(value, func.Document):
        value = [value]
    if not isinstance(value, Iterable) or not all(isinstance(document, func.Document) for document in value):
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "cosmosDB" for Python type "{type(value).__name__}"'
        )
    return [dict(document) for document in value]
