"""`python -m local provision`: makes the app's database and containers."""

from __future__ import annotations

import argparse
from pathlib import Path

import httpx

from local.cli.terminal import CommandError, add_url_options
from local.provision import DATABASE, WELL_KNOWN_KEY, Account, ProvisioningError, provision, read_definitions


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "provision",
        help="create the database and its containers",
        description="Create the database and the containers of cosmos/containers.json. It can be repeated: a policy "
        "that has changed is replaced, as a deployment would.",
    )
    parser.add_argument("--app", type=Path, default=Path(), metavar="DIR", help="the function app's folder")
    parser.add_argument("--database", default=DATABASE, help="default %(default)s")
    parser.add_argument("--key", default=WELL_KNOWN_KEY, help="the account's key (default: the emulators' own)")
    add_url_options(parser, "cosmos")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    outcomes = provision_app(arguments.app, arguments.cosmos_url, arguments.database, arguments.key)
    for container, outcome in outcomes.items():
        print(f"{outcome:<10} {container}")
    return 0


def provision_app(app: Path, cosmos_url: str, database: str = DATABASE, key: str = WELL_KNOWN_KEY) -> dict[str, str]:
    """Container id -> what was done. Raises CommandError."""
    try:
        with Account(cosmos_url, key) as account:
            return provision(account, read_definitions(app / "cosmos" / "containers.json"), database)
    except ProvisioningError as error:
        raise CommandError(str(error)) from None
    except httpx.TransportError as error:
        raise CommandError(f"{cosmos_url} does not answer ({error})") from None
