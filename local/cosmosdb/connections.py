"""HTTP connections that can be closed in the middle of a request, which ASGI itself has no way to ask for."""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

_EXTENSION = "local.cosmosdb.abort"


class AbortableProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type] # whichever parser is installed
    """uvicorn's HTTP, whose requests know how to close their connection."""

    app: ASGIApp

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app = _with_abort(self.app, transport)


def _with_abort(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[_EXTENSION] = transport.abort
        await app(scope, receive, send)

    return answer


async def drop_connection(scope: Scope, receive: Receive) -> None:
    """Close a request's connection at once, without an answer; returns when it is closed."""
    scope["extensions"][_EXTENSION]()
    while (await receive())["type"] != "http.disconnect":
        pass
