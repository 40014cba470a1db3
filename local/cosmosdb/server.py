"""Serving an engine over HTTP: as an application, in a thread of another program, or as a program of its own."""

import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from local.cosmosdb.clock import Clock, SystemClock
from local.cosmosdb.connections import AbortableProtocol
from local.cosmosdb.engine import Engine, Settings
from local.cosmosdb.gateway import Gateway
from local.cosmosdb.tls import Certificate
from local.serving import hang_up

_BACKLOG = 512
_SHUTDOWN_SECONDS = 5


def create_app(settings: Settings) -> Starlette:
    """The engine as an ASGI application, open for its lifespan. Raises DataDirectoryInUse at once if it can't be."""
    engine = Engine(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await engine.start()
        try:
            yield
        finally:
            await engine.stop()

    return Starlette(routes=[Mount("/", app=Gateway(engine))], lifespan=lifespan)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that port 0 has become a real one before anything is served; raises OSError if taken."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.listen(_BACKLOG)
    return sock


class Server(uvicorn.Server):
    """`ready` is set once requests are answered, or once it is clear that they won't be.

    On the main thread, SIGINT and SIGTERM end the server, and are no more than that: `run` returns.
    """

    def __init__(self, app: Starlette, certificate: Certificate | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                http=AbortableProtocol,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                ssl_certfile=certificate.certificate if certificate else None,
                ssl_keyfile=certificate.key if certificate else None,
                timeout_keep_alive=300,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
                lifespan="on",
            )
        )
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        await hang_up(self)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self.handle_exit)
        yield


@contextmanager
def serve_in_thread(
    data: Path | None = None,
    partitions: int = 4,
    *,
    port: int = 0,
    clock: Clock | None = None,
    fault_injection: bool = False,
) -> Iterator[str]:
    """An engine that runs in a thread for as long as the context; gives its URL. Without `data` it is in memory.

    With an `AdjustableClock` its clock can be moved by `PUT /_local/clock`, with `fault_injection` requests can be
    made to fail by `/_local/faults`.
    """
    clock = clock or SystemClock()
    settings = Settings(data=data, partitions=partitions, clock=clock, fault_injection=fault_injection)
    with listen("127.0.0.1", port) as sock:
        server = Server(create_app(settings))
        thread = threading.Thread(target=server.run, args=([sock],), name="cosmosdb", daemon=True)
        thread.start()
        server.ready.wait()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
