"""What the commands share: their defaults, errors that a person can act on, and HTTP to the local servers."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

MAXIMUM_PORT = 65_535
COSMOS_PORT = 8081
FUNCTIONS_PORT = 7071
ENTRA_PORT = 8400
COSMOS_URL = f"http://127.0.0.1:{COSMOS_PORT}"
FUNCTIONS_URL = f"http://127.0.0.1:{FUNCTIONS_PORT}"
ENTRA_URL = f"http://127.0.0.1:{ENTRA_PORT}"


class CommandError(Exception):
    """Something the person at the terminal can put right. Its message is all they see; the exit code is 1."""


def add_url_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Options such as `--cosmos-url` for each of the named servers (cosmos, functions, entra)."""
    defaults = {"cosmos": COSMOS_URL, "functions": FUNCTIONS_URL, "entra": ENTRA_URL}
    for name in names:
        parser.add_argument(
            f"--{name}-url",
            type=_base_url,
            default=defaults[name],
            metavar="URL",
            help="where it is served (default %(default)s)",
        )


def port_number(text: str) -> int:
    """A TCP port, or 0, for argparse."""
    if not (text.isdecimal() and int(text) <= MAXIMUM_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def post_json(url: str, body: Mapping[str, Any]) -> httpx.Response:
    """Raises CommandError where nothing answers; any answer, of whatever status, is returned."""
    try:
        return httpx.post(url, json=body, timeout=60)
    except httpx.TransportError as error:
        raise CommandError(f"{url} does not answer ({error}): is `python -m local up` running?") from None


def command_line(*arguments: str) -> str:
    """How this Python runs `python -m local` with these arguments, for a person to copy."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    elif any(python == Path(folder) / python.name for folder in os.get_exec_path()):
        python = Path(python.name)
    return shlex.join([str(python), "-m", "local", *arguments])


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL such as {FUNCTIONS_URL}")
    return text.rstrip("/")
