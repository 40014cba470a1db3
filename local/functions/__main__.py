"""`python -m local.functions --app DIR --port P`: serves one function app until it is told to stop.

Exit codes: 0 after SIGTERM or SIGINT, 1 for an app that cannot be served or a port that is taken.
"""

import argparse
import asyncio
import contextlib
import gc
import io
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from local.functions.errors import AppLoadError
from local.functions.host import FunctionHost
from local.functions.kestrel import KEEP_ALIVE_SECONDS, KestrelProtocol
from local.functions.log import configure_logging
from local.functions.workers import Elsewhere, Group, Supervisor, group_functions


class _Server(uvicorn.Server):
    """Leaves the signals to `serve`: uvicorn would raise them again at the end, and the exit code would not be 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    folder = Path(options.app).resolve()
    if not folder.is_dir():
        print(f"{folder} is not a folder.", file=sys.stderr)
        return 1
    os.chdir(folder)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what an app prints is to be seen at once
    configure_logging({})
    try:
        host = _host(options, folder)
        listening = socket.create_server((options.host, options.port))
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    except AppLoadError as error:
        print(f"The function app cannot be served.\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Port {options.port} is not available: {error.strerror}. Choose one with --port.", file=sys.stderr)
        return 1
    configure_logging(host.host_json.log_levels)
    print(_listing(host, "http://{}:{}".format(*listening.getsockname()[:2])), flush=True)
    gc.collect()
    gc.freeze()
    if not options.workers:
        return _run(host, listening)
    groups = group_functions(host.functions, listening)

    def work(group: Group) -> int:
        elsewhere = Elsewhere(groups, group)
        return _run(_host(options, folder, elsewhere), group.listening)

    Supervisor(groups, work, host.grace).run()
    return 0


def _host(options: argparse.Namespace, folder: Path, elsewhere: Elsewhere | None = None) -> FunctionHost:
    return FunctionHost(
        folder,
        data=Path(options.data) if options.data and (elsewhere or not options.workers) else None,
        instance=_instance(options, folder),
        grace=options.grace,
        elsewhere=elsewhere,
    )


def _run(host: FunctionHost, listening: socket.socket) -> int:
    with asyncio.Runner(loop_factory=_config(host).get_loop_factory()) as runner:
        runner.run(serve(host, listening))
    if host.invoker.has_busy_threads:  # Python itself would wait for them, for ever if need be
        logging.shutdown()
        os._exit(0)
    return 0


async def serve(host: FunctionHost, listening: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is running; a second signal ends it at once."""
    server = _Server(_config(host))

    def end(number: int, frame: FrameType | None) -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    await server.serve(sockets=[listening])


def _config(host: FunctionHost) -> uvicorn.Config:
    return uvicorn.Config(
        host,
        http=KestrelProtocol,
        ws="none",
        proxy_headers=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(host.grace),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.functions", description="Serves a Python v2 function app.")
    parser.add_argument("--app", default=".", metavar="DIR", help="the folder of function_app.py (default: this one)")
    parser.add_argument("--port", type=int, default=7071, help="0 chooses a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--workers",
        action="store_true",
        help="a process for the HTTP functions, one for the durable ones, and one for each other function",
    )
    parser.add_argument("--data", metavar="DIR", help="keeps orchestrations, and when timers ran")
    parser.add_argument(
        "--instance",
        metavar="NAME",
        help="this host among those that share its change feed leases; one that is started again under its name "
        "takes its leases back at once (default: made of the machine, the folder and the port)",
    )
    parser.add_argument(
        "--grace", type=float, default=10.0, metavar="SECONDS", help="for running invocations at the end (%(default)s)"
    )
    return parser


def _instance(options: argparse.Namespace, folder: Path) -> str | None:
    if options.instance:
        return str(options.instance)
    return f"{socket.gethostname()}:{options.port}:{folder}" if options.port else None


def _listing(host: FunctionHost, url: str) -> str:
    """Where, and what: `name: [METHODS] url`, or the trigger."""
    routes = {route.function.name: route for route in host.http.router.routes}
    lines = [f"Listening on {url}", "", "Functions:", ""]
    for function in host.functions:
        route = routes.get(function.name)
        if route is None:
            lines.append(f"        {function.name}: {function.trigger.type}")
        else:
            methods = f"[{','.join(sorted(route.methods))}] " if route.methods else ""
            lines.append(f"        {function.name}: {methods}{url}/{route.template.text}")
        lines.append("")
    lines.extend(f"        {name}: disabled\n" for name in host.disabled)
    lines.extend(f"Warning: {surprise}" for surprise in host.http.router.surprises)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
