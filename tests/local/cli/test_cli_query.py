from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.cosmos import CosmosClient

from local.__main__ import main
from local.cli.query import CELL_CHARACTERS, as_table, cell, count_rows, error_message
from local.cosmosdb.server import serve_in_thread
from local.provision import WELL_KNOWN_KEY, Account, provision

DOCUMENTS = [
    {"id": "1", "partition_key": "ann", "topic": "rain", "tokens": 10, "tags": ["a", "b"]},
    {"id": "2", "partition_key": "ann", "topic": "snow", "tokens": 20, "tags": []},
    {"id": "3", "partition_key": "bea", "topic": "rain", "tokens": 40, "tags": []},
]


@pytest.fixture(scope="module")
def engine_url() -> Iterator[str]:
    """The engine with a container of three documents in two partitions."""
    container = {"id": "turns", "partitionKey": {"paths": ["/partition_key"], "kind": "Hash", "version": 2}}
    with serve_in_thread() as url:
        with Account(url) as account:
            provision(account, [container], "test")
        turns = CosmosClient(url, WELL_KNOWN_KEY).get_database_client("test").get_container_client("turns")
        for document in DOCUMENTS:
            turns.create_item(document)
        yield url.rstrip("/")


class Query:
    def __init__(self, url: str) -> None:
        self._options = ["--container", "turns", "--database", "test", "--cosmos-url", url]

    def __call__(self, *arguments: str) -> int:
        return main(["query", *arguments, *self._options])


@pytest.fixture
def query(engine_url: str) -> Query:
    return Query(engine_url)


def test_several_aggregates_by_group_come_as_a_table_with_the_charge(
    query: Query, capsys: pytest.CaptureFixture[str]
) -> None:
    assert query("SELECT c.topic, COUNT(1) AS n, SUM(c.tokens) AS tokens FROM c GROUP BY c.topic") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [word for word in lines[1].split() if word.isalpha()] == ["topic", "n", "tokens"]
    cells = sorted([word for word in line.split() if word.isalnum()] for line in lines[3:5])
    assert cells == [["rain", "2", "50"], ["snow", "1", "20"]]
    assert lines[-1].startswith("2 rows, ")
    assert float(lines[-1].split()[2]) > 0


def test_json_lines_go_to_standard_output_and_the_charge_does_not(
    query: Query, capsys: pytest.CaptureFixture[str]
) -> None:
    assert query("SELECT c.id, c.tags FROM c WHERE c.topic = 'rain' ORDER BY c.id", "--json") == 0
    captured = capsys.readouterr()
    assert [json.loads(line) for line in captured.out.splitlines()] == [
        {"id": "1", "tags": ["a", "b"]},
        {"id": "3", "tags": []},
    ]
    assert captured.err.startswith("2 rows, ")


def test_one_partition_can_be_named(query: Query, capsys: pytest.CaptureFixture[str]) -> None:
    assert query("SELECT VALUE c.id FROM c", "--partition-key", "bea", "--json") == 0
    assert capsys.readouterr().out == '"3"\n'


def test_parameters_are_json_or_else_text(query: Query, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT VALUE c.id FROM c WHERE c.tokens >= @least AND c.topic = @topic"
    assert query(sql, "--parameter", "least=20", "--parameter", "@topic=rain", "--json") == 0
    assert capsys.readouterr().out == '"3"\n'


def test_a_query_can_be_in_a_file(query: Query, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "count.sql"
    file.write_text("SELECT VALUE COUNT(1)\nFROM c")
    assert query("--file", str(file), "--json") == 0
    assert capsys.readouterr().out == "3\n"


def test_no_rows_are_said_to_be_none(query: Query, capsys: pytest.CaptureFixture[str]) -> None:
    assert query("SELECT * FROM c WHERE false") == 0
    assert capsys.readouterr().out.startswith("0 rows, ")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["SELEC *"], "Syntax error"),
        ([], "give the query"),
        (["SELECT 1", "--file", "also.sql"], "give the query"),
        (["--file", "nowhere.sql"], "nowhere.sql can't be read"),
    ],
)
def test_an_error_is_told_in_its_own_words(
    query: Query, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert query(*arguments) == 1
    captured = capsys.readouterr()
    assert reason in captured.err
    assert captured.err.startswith("error: ")
    assert captured.out == ""


def test_an_unknown_container_is_an_error(engine_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "SELECT * FROM c", "--container", "nothing", "--cosmos-url", engine_url]) == 1
    assert "no container nothing in database vimarsh" in capsys.readouterr().err


def test_documents_are_counted(engine_url: str) -> None:
    assert count_rows(engine_url, "test", "turns") == 3


@pytest.mark.parametrize("text", ["=5", "@=5", "name"])
def test_a_parameter_needs_a_name_and_a_value(query: Query, text: str) -> None:
    with pytest.raises(SystemExit) as exit_code:
        query("SELECT 1", "--parameter", text)
    assert exit_code.value.code == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two\nlines", "two lines"),
        ("x" * CELL_CHARACTERS, "x" * CELL_CHARACTERS),
        ("x" * (CELL_CHARACTERS + 1), "x" * (CELL_CHARACTERS - 1) + "…"),
        ({"a": [1, None, "é"]}, '{"a":[1,null,"é"]}'),
        (0.1 + 0.2, "0.3"),
        (2.0, "2"),
        (True, "true"),
        (None, "null"),
        ("[red]", r"\[red]"),
    ],
)
def test_a_cell_is_one_short_line(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_columns_follow_the_first_row_and_then_what_others_add() -> None:
    table = as_table([{"b": 1, "a": 2}, {"c": 3, "a": 4}], 80)
    assert [column.header for column in table.columns] == ["b", "a", "c"]
    assert table.row_count == 2


def test_rows_that_are_not_all_objects_share_one_column() -> None:
    table = as_table([1, {"a": 2}], 80)
    assert [column.header for column in table.columns] == ["value"]
    assert list(table.columns[0].cells) == ["1", '{"a":2}']


def test_rows_with_too_many_columns_are_shown_as_records() -> None:
    row = {f"name_{number}": number for number in range(20)}
    table = as_table([row, row], 80)
    assert list(table.columns[0].cells) == list(row) * 2
    assert list(table.columns[1].cells) == [str(number) for number in range(20)] * 2


SYNTAX_ERROR = {"severity": "Error", "location": {"start": 3, "end": 4}, "code": "SC1001", "message": "Bad."}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            '{"code":"BadRequest","message":"Message: {\\"Errors\\":[\\"One\\",\\"Two\\"]}\\r\\nActivityId: 1"}',
            "One\nTwo",
        ),
        (
            json.dumps({"message": json.dumps({"errors": [SYNTAX_ERROR]})}),
            "SC1001: Bad. (characters 3-4)",
        ),
        ('{"code":"NotFound","message":"No such thing."}', "No such thing."),
        ('{"message":"Odd { brace"}', "Odd { brace"),
        ("plain text", "plain text"),
        ("", ""),
    ],
)
def test_the_reason_is_found_in_the_services_errors(body: str, reason: str) -> None:
    assert error_message(body) == reason
