"""`python -m local token`: a bearer token for any made-up user or app."""

from __future__ import annotations

import argparse
import json
from typing import Any

import httpx

from local.cli.terminal import CommandError, add_url_options, post_json


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "token",
        help="print a bearer token",
        description="Print a bearer token, and nothing else, for a user or with --app for an app in its own name.",
    )
    parser.add_argument("--user", metavar="EMAIL", help="the user, such as alice@contoso.example")
    parser.add_argument("--name", help="the user's display name (default: made from the e-mail)")
    parser.add_argument(
        "--role",
        action="append",
        metavar="ROLE",
        help="an app role such as Vimarsh.Admin; can be repeated (an app has Vimarsh.Ingest by default)",
    )
    parser.add_argument("--app", action="store_true", help="an app-only token, without a user")
    parser.add_argument("--tenant", metavar="GUID", help="the tenant of the user or app (default: the local one)")
    parser.add_argument("--client-id", metavar="GUID", help="the app's client id (default: the local server's)")
    parser.add_argument(
        "--claim",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="a claim that is to be otherwise, such as email=null; can be repeated",
    )
    parser.add_argument("--lifetime", type=int, default=3600, metavar="SECONDS", help="default %(default)s")
    add_url_options(parser, "entra")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.app == bool(arguments.user):
        raise CommandError("name a --user, or --app for an app-only token, but not both")
    body: dict[str, Any] = {"lifetime_seconds": arguments.lifetime}
    if arguments.role is not None:
        body["roles"] = arguments.role
    body |= {"tenant": arguments.tenant, "client_id": arguments.client_id, "claims": _claims(arguments.claim)}
    body |= {"app": True} if arguments.app else {"email": arguments.user, "name": arguments.name}
    print(fetch_token(arguments.entra_url, body))
    return 0


def _claims(given: list[str]) -> dict[str, Any]:
    claims = {}
    for one in given:
        name, _, value = one.partition("=")
        try:
            claims[name] = json.loads(value)
        except ValueError:
            raise CommandError(f"--claim takes NAME=JSON, and {value!r} is not JSON") from None
    return claims


def fetch_token(entra_url: str, body: dict[str, Any]) -> str:
    """A token from the issuer's own endpoint. Raises CommandError with its reason."""
    answer = post_json(f"{entra_url}/_local/token", body)
    if answer.status_code != 200:
        raise CommandError(f"{entra_url} gave no token: {_reason(answer)}")
    return str(answer.json()["access_token"])


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error_description"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
