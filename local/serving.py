"""What every server of the stack does at its end."""

import asyncio

import uvicorn

_TURNS = 8
"""Of the event loop. asyncio takes four from accepting a connection to telling the server's protocol of it, and one
more to let go of the socket of one that is aborted."""


async def hang_up(server: uvicorn.Server) -> None:
    """Closes what is left of a server's connections before its event loop is gone: those that clients keep open, and
    those that were taken while it stopped, which nobody else would close."""
    for _ in range(_TURNS):
        for connection in list(server.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)
