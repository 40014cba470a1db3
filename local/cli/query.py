"""`python -m local query`: SQL against the local engine, over all partitions at once."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.cli.terminal import CommandError, add_url_options, post_json

CELL_CHARACTERS = 60
LEAST_COLUMN_CHARACTERS = 8
FILE_CHARACTERS = 160
"""The width of a table that is not printed on a terminal."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "query",
        help="run SQL against the local engine",
        description="Run a query over all partitions, and print its rows as a table with the request charge. It can "
        "also do what the Python SDK refuses across partitions, such as GROUP BY and several aggregates.",
    )
    parser.add_argument("sql", nargs="?", metavar="SELECT", help='such as "SELECT TOP 5 * FROM c"; see --file')
    parser.add_argument("--file", type=Path, help="read the query from a file (- for standard input)")
    parser.add_argument("--container", required=True, help="such as user_interactions")
    parser.add_argument("--database", default="vimarsh", help="default %(default)s")
    parser.add_argument("--partition-key", metavar="VALUE", help="read this logical partition only")
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="the value of @NAME: JSON, or else text; can be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print JSON lines, and the charge on standard error")
    add_url_options(parser, "cosmos")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    body: dict[str, Any] = {
        "database": arguments.database,
        "container": arguments.container,
        "query": _text_of(arguments),
        "parameters": arguments.parameter,
    }
    if arguments.partition_key is not None:
        body["partition_key"] = arguments.partition_key
    rows, charge = run_query(arguments.cosmos_url, body)
    if arguments.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        print(_summary(rows, charge), file=sys.stderr)
        return 0
    console = Console()
    if not console.is_terminal:
        console = Console(width=FILE_CHARACTERS)
    if rows:
        console.print(as_table(rows, console.width))
    console.print(_summary(rows, charge), highlight=False)
    return 0


def run_query(cosmos_url: str, body: dict[str, Any]) -> tuple[list[Any], float]:
    """(rows, request charge) from the engine's route for queries over everything. Raises CommandError."""
    answer = post_json(f"{cosmos_url}/_local/query", body)
    if answer.status_code == 404:
        raise CommandError(f"there is no container {body['container']} in database {body['database']}")
    if answer.status_code != 200:
        raise CommandError(error_message(answer.text) or f"the engine answered {answer.status_code}")
    return answer.json()["rows"], answer.json()["request_charge"]


def count_rows(cosmos_url: str, database: str, container: str) -> int:
    """How many documents a container holds. Raises CommandError."""
    body = {"database": database, "container": container, "query": "SELECT VALUE COUNT(1) FROM c", "parameters": []}
    rows, _ = run_query(cosmos_url, body)
    return int(rows[0])


def as_table(rows: Sequence[Any], width: int) -> Table:
    """Objects become columns in the order of the first row, then of what later rows add; other values one column.

    Where there are too many columns for the width, each row is shown as lines of name and value.
    """
    if not all(isinstance(row, dict) for row in rows):
        return _one_column(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if len(columns) * LEAST_COLUMN_CHARACTERS > width:
        return _records(rows)
    table = Table(header_style="bold")
    for column in columns:
        numeric = all(_is_number(row[column]) for row in rows if row.get(column) is not None)
        table.add_column(escape(column), overflow="fold", justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(cell(row[column]) if column in row else "" for column in columns))
    return table


def cell(value: Any) -> str:
    """A value as one line of at most `CELL_CHARACTERS`: text as it is, anything else as compact JSON."""
    if isinstance(value, float):
        return f"{value:.12g}"  # without the last digits, where sums of decimal fractions are off
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = " ".join(text.split())
    return escape(text if len(text) <= CELL_CHARACTERS else f"{text[: CELL_CHARACTERS - 1]}…")


def error_message(text: str) -> str:
    """The reasons in an error's body: `{"message": …}`, whose text holds a JSON list of errors as the service words it.

    The list is `{"Errors": ["…"]}`, or `{"errors": [{"code", "message", "location"}]}` of a query that can't be parsed.
    """
    body = _json_or_none(text)
    message = str(body.get("message", "")) if isinstance(body, dict) else text
    listed = None
    if "{" in message:
        with suppress(ValueError):
            listed, _ = json.JSONDecoder().raw_decode(message[message.index("{") :])
    errors = listed.get("errors") or listed.get("Errors") if isinstance(listed, dict) else None
    if not isinstance(errors, list):
        return message.strip()
    return "\n".join(_reason(error) for error in errors)


def _one_column(rows: Sequence[Any]) -> Table:
    table = Table(header_style="bold")
    table.add_column("value", overflow="fold")
    for row in rows:
        table.add_row(cell(row))
    return table


def _records(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(show_header=False)
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("value", overflow="fold")
    for row in rows:
        for name, value in row.items():
            table.add_row(escape(name), cell(value))
        table.add_section()
    return table


def _reason(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    location = error.get("location") or {}
    place = f" (characters {location['start']}-{location['end']})" if {"start", "end"} <= location.keys() else ""
    return f"{error.get('code', 'error')}: {error.get('message', '')}{place}"


def _summary(rows: Sequence[Any], charge: float) -> str:
    return f"{len(rows)} row{'' if len(rows) == 1 else 's'}, {charge:.2f} RU"


def _text_of(arguments: argparse.Namespace) -> str:
    if (arguments.sql is None) == (arguments.file is None):
        raise CommandError('give the query as an argument, such as "SELECT * FROM c", or by --file')
    if arguments.file is None:
        return str(arguments.sql)
    if str(arguments.file) == "-":
        return sys.stdin.read()
    try:
        return str(arguments.file.read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"{arguments.file} can't be read: {error.strerror}") from None


def _parameter(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip("@"):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    parsed = _json_or_none(value)
    return {"name": f"@{name.lstrip('@')}", "value": value if parsed is None and value != "null" else parsed}


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
