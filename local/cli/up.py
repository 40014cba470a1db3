"""`python -m local up`: the whole local stack, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from local.cli.api_root import api_paths, common_root
from local.cli.app_settings import render
from local.cli.provision import provision_app
from local.cli.query import count_rows
from local.cli.replay import SAMPLE, replay_sample
from local.cli.sample_organizations import found_sample
from local.cli.services import LogFollower, Service, raise_if_dead, stop, take_port, wait_until_healthy
from local.cli.terminal import COSMOS_PORT, ENTRA_PORT, FUNCTIONS_PORT, CommandError, command_line, port_number
from local.cli.token import fetch_token
from local.entra.identity import API_CLIENT_ID, TENANT_ID
from local.locking import FolderInUseError, FolderLock
from local.provision import DATABASE, PARTITIONS

EXAMPLE_USER = "alice@contoso.example"
DATA = Path(".data")
_WATCH_SECONDS = 0.2


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "up",
        help="start Cosmos DB, the token issuer and the function app",
        description="Start the local stack: three processes that end with this one. Prints a line beginning with "
        "'ready' once all of them answer, and serves until Ctrl-C.",
    )
    for name, port in (("cosmos", COSMOS_PORT), ("functions", FUNCTIONS_PORT), ("entra", ENTRA_PORT)):
        parser.add_argument(
            f"--{name}-port",
            type=port_number,
            default=port,
            metavar="PORT",
            help="default %(default)s; 0 takes a free one",
        )
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="default %(default)s")
    kept.add_argument("--memory", action="store_true", help="keep nothing")
    parser.add_argument("--app", type=Path, default=Path(), metavar="DIR", help="the function app (default: here)")
    parser.add_argument(
        "--fault-injection",
        action="store_true",
        help="let requests to Cosmos DB be made to fail, by its /_local/faults",
    )
    parser.add_argument(
        "--adjustable-clock", action="store_true", help="let the clock of Cosmos DB be moved, by its /_local/clock"
    )
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the app, before what local.settings.json says; can be repeated",
    )
    parser.add_argument(
        "--workers",
        action="store_true",
        help="run the app in several processes: HTTP functions, durable ones, each other function",
    )
    parser.add_argument("--sample", action="store_true", help="fill an empty database with sample data")
    parser.add_argument(
        "--tls",
        type=port_number,
        nargs="?",
        const=8443,
        metavar="PORT",
        help="the token issuer over HTTPS too, as MSAL wants it (default port %(const)s)",
    )
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class Stack:
    """The three servers, the URLs they are reached at, and the folder of their data."""

    cosmos: Service
    entra: Service
    functions: Service
    cosmos_url: str
    entra_url: str
    functions_url: str
    msal_authority: str | None
    data: Path


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 after Ctrl-C or SIGTERM. Raises CommandError when a server can't start or dies."""
    if not (arguments.app / "host.json").exists():
        raise CommandError(f"{arguments.app.resolve()} is not a function app: it has no host.json; see --app")
    with _signals_interrupt(), ExitStack() as on_exit:
        try:
            data = on_exit.enter_context(_data_folder(arguments))
            stack = _describe(arguments, data)
            on_exit.callback(stop, [stack.cosmos, stack.entra])
            on_exit.callback(stop, [stack.functions])
            _serve(arguments, stack, on_exit)
        except KeyboardInterrupt:
            print("stopping", flush=True)
    return 0


def _serve(arguments: argparse.Namespace, stack: Stack, on_exit: ExitStack) -> None:
    stack.cosmos.start()
    stack.entra.start()
    wait_until_healthy([stack.cosmos, stack.entra])
    if (arguments.app / "cosmos" / "containers.json").exists():
        provision_app(arguments.app, stack.cosmos_url)
    stack.functions.start()
    with LogFollower(stack.functions.log):
        wait_until_healthy([stack.functions])
    if arguments.sample:
        _load_sample(stack)
    _announce(stack)
    on_exit.enter_context(LogFollower(stack.functions.log, skip=True))
    while True:
        for service in (stack.cosmos, stack.entra, stack.functions):
            raise_if_dead(service)
        time.sleep(_WATCH_SECONDS)


def _load_sample(stack: Stack) -> None:
    """Into an empty database, or where loading was interrupted: a file tells."""
    unfinished = stack.data / "sample-unfinished"
    if not unfinished.exists() and count_rows(stack.cosmos_url, DATABASE, "users") > 0:
        return
    unfinished.touch()
    print("loading the sample data", flush=True)
    replay_sample(stack.functions_url, stack.entra_url)
    paths = api_paths(stack.functions_url)
    api_url = stack.functions_url + common_root(paths)
    if any(path.endswith("/organizations") for path in paths):
        print(found_sample(api_url, stack.entra_url, SAMPLE / "organizations.json"), flush=True)
    unfinished.unlink()


def _describe(arguments: argparse.Namespace, data: Path) -> Stack:
    """Takes the ports and renders the app's settings. Raises CommandError."""
    cosmos_port = take_port(arguments.cosmos_port, "--cosmos-port")
    functions_port = take_port(arguments.functions_port, "--functions-port")
    entra_port = take_port(arguments.entra_port, "--entra-port")
    if len({cosmos_port, functions_port, entra_port}) < 3:
        raise CommandError("--cosmos-port, --functions-port and --entra-port must differ")
    cosmos_url, entra_url, functions_url = (
        f"http://127.0.0.1:{port}" for port in (cosmos_port, entra_port, functions_port)
    )
    values, defaults = _placeholders(cosmos_port, entra_port, data), _placeholders(COSMOS_PORT, ENTRA_PORT, DATA)
    settings = render(arguments.app, values, defaults)
    settings |= _given(arguments.setting)
    app = arguments.app.resolve()
    kept = ["--memory"] if arguments.memory else ["--data", str(data / "cosmosdb")]
    extras = ("--fault-injection", arguments.fault_injection), ("--adjustable-clock", arguments.adjustable_clock)
    allowed = [flag for flag, is_given in extras if is_given]
    tls_port = None if arguments.tls is None else take_port(arguments.tls, "--tls")
    tls = [] if tls_port is None else ["--tls", str(tls_port)]
    workers = ["--workers"] if arguments.workers else []
    return Stack(
        cosmos=Service(
            name="the Cosmos DB engine",
            module="local.cosmosdb",
            arguments=["--port", str(cosmos_port), "--partitions", str(PARTITIONS), *kept, *allowed],
            health_url=f"{cosmos_url}/_local/health",
            log=data / "logs" / "cosmosdb.log",
        ),
        entra=Service(
            name="the token issuer",
            module="local.entra",
            arguments=["--port", str(entra_port), "--data", str(data / "entra"), *tls],
            health_url=f"{entra_url}/_local/health",
            log=data / "logs" / "entra.log",
        ),
        functions=Service(
            name="the Functions host",
            module="local.functions",
            arguments=["--app", str(app), "--port", str(functions_port), "--data", str(data / "functions"), *workers],
            health_url=f"{functions_url}/admin/host/status",
            log=data / "logs" / "functions.log",
            environment=settings,
        ),
        cosmos_url=cosmos_url,
        entra_url=entra_url,
        functions_url=functions_url,
        msal_authority=f"https://127.0.0.1:{tls_port}/{TENANT_ID}" if tls_port else None,
        data=data,
    )


def _given(settings: list[str]) -> dict[str, str]:
    """Settings of the command line. Raises CommandError."""
    for one in settings:
        if not one.partition("=")[1]:
            raise CommandError(f"--setting takes NAME=VALUE, not {one!r}")
    return {name: value for name, _, value in (one.partition("=") for one in settings)}


def _placeholders(cosmos_port: int, entra_port: int, data: Path) -> dict[str, str]:
    """What may stand in a settings template."""
    return {
        "COSMOS_PORT": str(cosmos_port),
        "ENTRA_PORT": str(entra_port),
        "ENTRA_TENANT": TENANT_ID,
        "ENTRA_AUDIENCE": API_CLIENT_ID,
        "DATA": data.as_posix(),
    }


def _announce(stack: Stack) -> None:
    elsewhere = [] if stack.entra_url.endswith(f":{ENTRA_PORT}") else ["--entra-url", stack.entra_url]
    token = fetch_token(stack.entra_url, {"email": EXAMPLE_USER})
    paths = api_paths(stack.functions_url)
    api_url = stack.functions_url + common_root(paths)
    shown = sorted(paths, key=lambda path: path != f"{common_root(paths)}/me")[:1]
    lines = [
        f"ready  api {api_url}  sign-in {stack.entra_url}/  cosmos {stack.cosmos_url}/",
        "",
        f"Sign in as anybody in the browser: {stack.entra_url}/",
        "or in a shell:",
        f"  TOKEN=$({command_line('token', '--user', EXAMPLE_USER, *elsewhere)})",
        *(f'  curl -H "Authorization: Bearer $TOKEN" {stack.functions_url}{path}' for path in shown),
        f"or with this header, for an hour ({EXAMPLE_USER}):",
        f"  Authorization: Bearer {token}",
        "",
    ]
    if stack.msal_authority:
        certificate = stack.data / "entra" / "tls-certificate.pem"
        lines += [f"MSAL's authority: {stack.msal_authority} (instance_discovery=False, verify={certificate})", ""]
    lines.append("Ctrl-C stops everything.")
    print("\n".join(lines), flush=True)


@contextmanager
def _data_folder(arguments: argparse.Namespace) -> Iterator[Path]:
    """Where keys, data and logs go, for this process alone; with --memory a folder that is gone afterwards."""
    if not arguments.memory:
        data = arguments.data.resolve()
        data.mkdir(parents=True, exist_ok=True)
        try:
            lock = FolderLock(data)
        except FolderInUseError:
            raise CommandError(f"the folder {data} is in use by another stack: stop it, or see --data") from None
        try:
            yield data
        finally:
            lock.release()
        return
    with tempfile.TemporaryDirectory(prefix="local-") as folder:
        yield Path(folder)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """The first SIGINT or SIGTERM raises KeyboardInterrupt; later ones are ignored, so that stopping is completed."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for name in handled:
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt

    handled = [signal.SIGINT, signal.SIGTERM] + ([] if os.name == "nt" else [signal.SIGHUP])
    before = {name: signal.signal(name, interrupt) for name in handled}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
