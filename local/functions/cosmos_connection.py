"""Connections of Cosmos DB bindings: the name of a setting that holds a connection string, or of a group of settings.

`X = AccountEndpoint=…;AccountKey=…;` is a key; `X__accountEndpoint` is an identity (with `X__clientId` for a
user-assigned one), for which `DefaultAzureCredential` asks.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from azure.cosmos.aio import CosmosClient
from azure.identity.aio import DefaultAzureCredential

from local.functions.settings import Settings


@dataclass(frozen=True, slots=True)
class Connection:
    """An account, with its key or else with the client id (empty: none in particular) of an identity."""

    endpoint: str
    key: str | None
    client_id: str = ""


def resolve_connection(name: str, settings: Settings) -> Connection:
    """The connection that a binding names; raises `ValueError` if the settings do not describe one."""
    text = settings.get(name)
    if text:
        parts = dict(part.strip().partition("=")[::2] for part in text.split(";") if part.strip())
        fields = {key.lower(): value for key, value in parts.items()}
        if "accountendpoint" not in fields or "accountkey" not in fields:
            raise ValueError(f"the setting '{name}' is not a connection string, AccountEndpoint=…;AccountKey=…;")
        return Connection(fields["accountendpoint"], fields["accountkey"])
    endpoint = settings.get(f"{name}__accountEndpoint")
    if endpoint:
        return Connection(endpoint, None, settings.get(f"{name}__clientId", ""))
    raise ValueError(
        f"the connection '{name}' is neither a setting with a connection string, nor is there '{name}__accountEndpoint'"
    )


async def open_client(connection: Connection, stack: AsyncExitStack) -> CosmosClient:
    """A client which lives as long as `stack`; raises `AzureError` if the account does not answer."""
    if connection.key is not None:
        client = CosmosClient(connection.endpoint, credential=connection.key)
    else:
        identity = {"managed_identity_client_id": connection.client_id} if connection.client_id else {}
        credential = await stack.enter_async_context(DefaultAzureCredential(**identity))
        client = CosmosClient(connection.endpoint, credential=credential)
    stack.push_async_callback(client.close)  # before it is opened: a failing start leaves connections, too
    return await client.__aenter__()
