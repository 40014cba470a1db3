"""What an index alone tells of a filter: of which documents it knows that they do not pass."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from local.cosmosdb.query import compile_query

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DOCUMENTS: list[dict[str, Any]] = [
    {"a": 1, "b": 1, "tags": ["x"]},
    {"a": 1, "b": 2, "tags": ["y"]},
    {"a": 2, "b": 1},
    {"a": "text", "b": 1, "flag": True},
    {"b": 1, "flag": False},
    {"a": None, "b": 1},
]
INDEXED = {"/a", "/flag", "/tags/[]"}


def loaded(where: str, *paths: str, **parameters: Any) -> list[int] | None:
    """The numbers of the documents that have to be loaded; None if an index is of no help."""
    query = compile_query(f"SELECT * FROM c WHERE {where}")
    values = {f"@{name}": value for name, value in parameters.items()}
    leaves_out = query.leaves_out(values, NOW, (set(paths) or INDEXED).__contains__)
    rows = list(query.run(DOCUMENTS, values, NOW))
    if leaves_out is None:
        return None
    assert all(not leaves_out(row) for row in rows), "what passes is never left out"
    return [number for number, document in enumerate(DOCUMENTS) if not leaves_out(document)]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("c.a = 1", [0, 1]),
        ("1 = c.a", [0, 1]),
        ("c.a = 1 AND c.b = 2", [0, 1]),
        ("c.a = 1 AND c.a > 1", []),
        ("c.a >= 1", [0, 1, 2]),
        ("c.a < 2", [0, 1]),
        ("c.a <= 'z'", [3]),
        ("c['a'] IN (2, 'text')", [2, 3]),
        ("c.a BETWEEN 2 AND 3", [2]),
        ("c.a = 2 OR c.flag", [2, 3]),
        ("(c.a = 2 OR c.a = 1) AND c.b = 2", [0, 1, 2]),
        ("IS_DEFINED(c.a)", [0, 1, 2, 3, 5]),
        ("is_null(c.a)", [5]),
        ("STARTSWITH(c.a, 'te')", [3]),
        ("ARRAY_CONTAINS(c.tags, 'x')", [0]),
        ("c.a = 1 AND NOT c.b = 2", [0, 1]),
    ],
)
def test_an_index_tells_what_need_not_be_loaded(where: str, found: list[int]) -> None:
    assert loaded(where) == found


@pytest.mark.parametrize(
    "where",
    [
        "c.b = 1",
        "c.a = c.b",
        "c.a = 1 OR c.b = 2",
        "c.a != 1",
        "NOT c.a = 1",
        "NOT c.flag",
        "c.a NOT IN (1)",
        "c.a NOT BETWEEN 1 AND 2",
        "NOT IS_DEFINED(c.a)",
        "CONTAINS(c.a, 'e')",
        "STARTSWITH(c.a, 'te', true)",
        "LOWER(c.a) = 'text'",
        "c.a + 0 = 1",
        "ARRAY_CONTAINS(c.a, 'x')",
        "c.tags[0] = 'x'",
        "true",
    ],
)
def test_what_no_index_tells_is_loaded(where: str) -> None:
    assert loaded(where) is None


def test_parameters_are_constants() -> None:
    assert loaded("c.a = @a", a=2) == [2]
    assert loaded("c.a = @a", a=None) == [5]
    assert loaded("c.a = @a AND c.b IN (@b, 3)", "/b", a=2, b=1) == [0, 2, 3, 4, 5]


def test_only_filters_on_documents_are_told() -> None:
    query = compile_query("SELECT VALUE t FROM c JOIN t IN c.tags WHERE t = 'x' AND c.a = 1")
    leaves_out = query.leaves_out({}, NOW, INDEXED.__contains__)
    assert leaves_out is not None
    assert [number for number, document in enumerate(DOCUMENTS) if not leaves_out(document)] == [0, 1]
    for text in ("SELECT VALUE t FROM t IN c.tags WHERE t = 'x'", "SELECT * FROM c", "SELECT 1"):
        assert compile_query(text).leaves_out({}, NOW, INDEXED.__contains__) is None
