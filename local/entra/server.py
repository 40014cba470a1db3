"""The issuer's server: the application, and how it is run."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from local.entra.endpoints import Endpoints, bad_tenant
from local.entra.identity import IdentityError
from local.entra.keys import SigningKey, signing_key
from local.entra.oauth import Redirects
from local.entra.tokens import TokenIssuer
from local.serving import hang_up

LOOPBACK_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"


def create_app(
    base_url: str,
    key: SigningKey,
    *,
    redirect_uris: tuple[str, ...] = (),
    now: Callable[[], float] = time.time,
) -> Starlette:
    """The issuer as an ASGI application. `base_url` begins every `iss`; `now` gives Unix seconds."""
    redirects = Redirects(redirect_uris)
    endpoints = Endpoints(TokenIssuer(base_url.rstrip("/"), key, now), redirects)
    cors = Middleware(
        CORSMiddleware,
        allow_origin_regex=LOOPBACK_ORIGIN,
        allow_origins=sorted(redirects.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
    )
    return Starlette(routes=endpoints.routes(), middleware=[cors], exception_handlers={IdentityError: bad_tenant})


def listen(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; 0 takes a free port. Raises OSError, or OverflowError for what is no port.

    It says that it is TCP, which `socket.create_server` leaves to the system: asyncio turns Nagle's algorithm off only
    then, and with it a response in two writes waits 40 ms for the client's delayed acknowledgement.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


@contextmanager
def serve_in_thread(
    port: int = 0,
    data: Path | None = None,
    *,
    base_url: str | None = None,
    tls: tuple[Path, Path] | None = None,
    app: Starlette | None = None,
) -> Iterator[str]:
    """Serve on 127.0.0.1 in a thread of its own, and yield the URL it is reached at.

    `tls` is (certificate, private key). Without `app`, one is made with the key kept in `data`.
    """
    with listen(port) as listener:
        url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        application = app or create_app(base_url or url, signing_key(data))
        server = uvicorn.Server(_configuration(application, tls))
        thread = threading.Thread(target=lambda: asyncio.run(_serve_and_hang_up(server, listener)), name=f"entra {url}")
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.005)
            if not server.started:
                raise RuntimeError(f"{url} could not be served")
            yield url
        finally:
            server.should_exit = True
            thread.join()


async def _serve_and_hang_up(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serves until told to stop. Connections that are open still are closed with the loop."""
    await server.serve(sockets=[listener])
    await hang_up(server)


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve on a listening socket until SIGINT or SIGTERM; both end the process with exit code 0."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises the signal again when it has stopped
    with suppress(KeyboardInterrupt):
        uvicorn.Server(_configuration(app, None)).run(sockets=[listener])


def _configuration(app: Starlette, tls: tuple[Path, Path] | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
