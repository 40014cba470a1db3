"""What WHERE pins: partition keys, prefixes of hierarchical ones, and other paths."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cosmosdb.query import compile_query

NOW = datetime(2026, 3, 4, tzinfo=UTC)
ONE = ["/pk"]
TWO = ["/tenant", "/user"]


def keys(where: str, paths: list[str], **parameters: Any) -> list[list[Any]] | None:
    values = {f"@{name}": value for name, value in parameters.items()}
    return compile_query(f"SELECT * FROM c WHERE {where}").partition_keys(values, paths)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("c.pk = 'a'", [["a"]]),
        ("'a' = c.pk", [["a"]]),
        ("c['pk'] = 'a' AND c.x > 5", [["a"]]),
        ("c.pk = 1 + 1", [[2]]),
        ("c.pk IN ('a', 'b', 'a')", [["a"], ["b"]]),
        ("c.pk = 'a' OR c.pk = 'b'", [["a"], ["b"]]),
        ("c.pk = 'a' OR c.x = 1", None),
        ("(c.pk = 'a' OR c.pk = 'b') AND c.pk IN ('b', 'c')", [["b"]]),
        ("c.pk = 'a' AND c.pk = 'b'", []),
        ("c.pk = 1 AND c.pk = true", []),
        ("c.pk = null", [[None]]),
        ("IS_NULL(c.pk)", [[None]]),
        ("c.pk", [[True]]),
        ("NOT c.pk", [[False]]),
        ("IS_BOOL(c.pk)", [[False], [True]]),
        ("ARRAY_CONTAINS(['a', 'b'], c.pk)", [["a"], ["b"]]),
        ("c.pk != 'a'", None),
        ("c.pk NOT IN ('a')", None),
        ("c.pk > 'a'", None),
        ("c.pk = c.other", None),
        ("c.pk = UPPER('a')", None),
        ("c.pk = []", None),
        ("c.pk = undefined", None),
        ("c.pk.deep = 'a'", None),
        ("STARTSWITH(c.pk, 'a')", None),
        ("true", None),
        ("false", []),
        ("false OR c.pk = 'a'", [["a"]]),
    ],
)
def test_one_path(where: str, expected: list[list[Any]] | None) -> None:
    assert keys(where, ONE) == expected


def test_parameters() -> None:
    assert keys("c.pk = @pk", ONE, pk="a") == [["a"]]
    assert keys("ARRAY_CONTAINS(@pks, c.pk)", ONE, pks=["a", 5]) == [["a"], [5]]
    assert keys("c.pk = @pk", ONE, pk={"an": "object"}) is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("c.tenant = 't' AND c.user = 'u'", [["t", "u"]]),
        ("c.tenant = 't'", [["t"]]),
        ("c.user = 'u'", None),
        ("c.tenant = 't' AND c.user IN ('u', 'v')", [["t", "u"], ["t", "v"]]),
        ("(c.tenant = 't' AND c.user = 'u') OR c.tenant = 's'", [["t", "u"], ["s"]]),
    ],
)
def test_hierarchical_keys(where: str, expected: list[list[Any]] | None) -> None:
    assert keys(where, TWO) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM c",
        "SELECT 1",
        "SELECT * FROM x IN c.items WHERE x.pk = 'a'",
        "SELECT * FROM c.items WHERE items.pk = 'a'",
        "SELECT * FROM (SELECT * FROM c) AS s WHERE s.pk = 'a'",
        "SELECT VALUE d FROM c JOIN d IN c.items WHERE d.pk = 'a'",
    ],
)
def test_what_pins_nothing(text: str) -> None:
    assert compile_query(text).partition_keys({}, ONE) is None


def test_a_filter_pins_through_joins() -> None:
    query = compile_query("SELECT VALUE d FROM c JOIN d IN c.items WHERE c.pk = 'a' AND d.x = 1")
    assert query.partition_keys({}, ONE) == [["a"]]


def test_equalities() -> None:
    query = compile_query("SELECT * FROM c WHERE c.kind = @kind AND c.a.b IN (1, 2) AND c.x > 5")
    assert query.equalities({"@kind": "rollup"}) == {"/kind": ["rollup"], "/a/b": [1, 2]}
    either = compile_query("SELECT * FROM c WHERE (c.a = 1 AND c.b = 2) OR (c.a = 3 AND c.d = 4)")
    assert either.equalities({}) == {"/a": [1, 3]}
    assert compile_query("SELECT * FROM c WHERE c.a > 1").equalities({}) == {}
    assert compile_query("SELECT * FROM c WHERE c.a = 1 AND c.a = 2").equalities({}) == {}


def test_too_many_combinations_pin_less_rather_than_nothing() -> None:
    many = ", ".join(map(str, range(200)))
    query = compile_query(f"SELECT * FROM c WHERE c.tenant IN ({many}) AND c.user IN ({many}, 200)")
    found = query.partition_keys({}, TWO)
    assert found == [[tenant] for tenant in range(200)]


ATOMS = st.sampled_from(
    ["c.pk = 1", "c.pk = 2", "c.pk IN (1, 3)", "c.pk > 1", "c.x = 1", "NOT c.pk", "c.pk", "false", "c.pk != 2"]
)
FILTERS = st.recursive(
    ATOMS, lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda f: f"({' '.join(f)})")
)
DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {"pk": st.sampled_from([1, 2, 3, True, False, None, "1"])}, optional={"x": st.sampled_from([1, 2])}
    )
)


@given(where=FILTERS, documents=DOCUMENTS)
def test_never_leaves_out_a_document_that_matches(where: str, documents: list[Any]) -> None:
    text = f"SELECT VALUE c.pk FROM c WHERE {where}"
    pinned = keys(where, ONE)
    matches = list(compile_query(text).run(documents, {}, NOW))
    if pinned is not None:
        allowed = [(type(key), key) for [key] in pinned]
        assert all((type(match), match) in allowed for match in matches)
