"""`python -m local.cosmosdb`: serve an engine until interrupted."""

import argparse
import logging
import sys
from pathlib import Path

from local.cosmosdb.auth import EMULATOR_KEY
from local.cosmosdb.clock import AdjustableClock, SystemClock
from local.cosmosdb.engine import Settings
from local.cosmosdb.server import Server, create_app, listen
from local.cosmosdb.storage import DataDirectoryInUse
from local.cosmosdb.tls import loopback_certificate


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.cosmosdb",
        description="A local engine for Azure Cosmos DB for NoSQL. Unmodified SDKs connect to it over plain HTTP.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8081, help="port to listen on; 0 picks one (default: %(default)s)")
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--data", type=Path, default=Path(".data/cosmosdb"), help="data directory (default: %(default)s)"
    )
    place.add_argument("--memory", action="store_true", help="keep nothing after the end")
    parser.add_argument(
        "--partitions", type=int, default=4, help="physical ranges of a new container (default: %(default)s)"
    )
    parser.add_argument("--key", default=EMULATOR_KEY, help="the account's key (default: that of every emulator)")
    parser.add_argument(
        "--tls", type=Path, metavar="DIR", help="serve HTTPS with a self-signed certificate that is kept in DIR"
    )
    parser.add_argument(
        "--fault-injection", action="store_true", help="let requests be made to fail on purpose, by /_local/faults"
    )
    parser.add_argument(
        "--adjustable-clock", action="store_true", help="let the clock be moved forward, by /_local/clock"
    )
    parser.add_argument("--verbose", action="store_true", help="log every request with its charge and duration")
    return parser


def main() -> int:
    """Run until interrupted; the exit code is 1 if it could not start."""
    options = _parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("local.cosmosdb").setLevel(logging.INFO)
    try:
        settings = Settings(
            data=None if options.memory else options.data,
            partitions=options.partitions,
            key=options.key,
            clock=AdjustableClock() if options.adjustable_clock else SystemClock(),
            verbose=options.verbose,
            fault_injection=options.fault_injection,
        )
        sock = listen(options.host, options.port)
    except ValueError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"Can't listen on {options.host}:{options.port}: {error.strerror}. Choose another with --port.")
    with sock:
        try:
            app = create_app(settings)
        except DataDirectoryInUse as error:
            return _fail(str(error))
        certificate = loopback_certificate(options.tls) if options.tls else None
        scheme = "https" if certificate else "http"
        print(f"Cosmos DB engine at {scheme}://{options.host}:{sock.getsockname()[1]}/", flush=True)
        Server(app, certificate).run([sock])
        return 0


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
