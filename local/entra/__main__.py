"""`python -m local.entra`: run the token issuer."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from local.entra.identity import API_CLIENT_ID, TENANT_ID
from local.entra.keys import signing_key, tls_files
from local.entra.server import create_app, listen, serve, serve_in_thread


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.entra",
        description="An OpenID Connect issuer whose tokens look like Microsoft Entra ID's, on 127.0.0.1.",
    )
    parser.add_argument("--port", type=int, default=8400, help="to listen on (default %(default)s; 0 takes a free one)")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--data", type=Path, default=Path(".data/entra"), help="folder of the keys (default %(default)s)")
    kept.add_argument("--memory", action="store_true", help="make new keys and keep nothing")
    parser.add_argument(
        "--tls",
        type=int,
        nargs="?",
        const=8443,
        metavar="PORT",
        help="serve HTTPS too, with a self-signed certificate kept in the data folder: MSAL refuses an http "
        "authority (default port %(const)s). The tokens are the same and name the same issuer.",
    )
    parser.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="where a browser may be sent back to, besides loopback on any port; can be repeated",
    )
    return parser


def main() -> int:
    arguments = parser().parse_args()
    if arguments.tls is not None and arguments.memory:
        print("--tls needs a folder for its certificate: leave out --memory", file=sys.stderr)
        return 2
    with ExitStack() as stack:
        try:
            listener = stack.enter_context(listen(arguments.port))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            key = signing_key(None if arguments.memory else arguments.data)
            app = create_app(url, key, redirect_uris=tuple(arguments.redirect_uri))
            if arguments.tls is not None:
                certificate, private_key = tls_files(arguments.data)
                secure_url = stack.enter_context(
                    serve_in_thread(arguments.tls, app=app, tls=(certificate, private_key))
                )
                print(f"entra: {secure_url}/{TENANT_ID} for MSAL; its certificate: {certificate.resolve()}", flush=True)
        except (OSError, OverflowError) as error:  # the latter for a port out of range
            print(f"entra can't start: {error}", file=sys.stderr)
            return 1
        print(f"entra: {url}/ (issuer {url}/{TENANT_ID}/v2.0, audience {API_CLIENT_ID})", flush=True)
        serve(app, listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
