"""Clauses: FROM and JOIN, subqueries, WHERE, GROUP BY, ORDER BY, DISTINCT, TOP, OFFSET LIMIT; and what is refused."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.cosmosdb.query import QueryError, compile_query

Run = Callable[..., list[Any]]

FAMILIES: list[dict[str, Any]] = [
    {
        "id": "andersen",
        "city": "Seattle",
        "size": 3,
        "children": [{"name": "Henriette", "grade": 5, "pets": [{"name": "Fluffy"}]}],
        "address": {"zip": "98101", "state": "WA"},
    },
    {
        "id": "wakefield",
        "city": "Manhattan",
        "size": 4,
        "children": [
            {"name": "Jesse", "grade": 1, "pets": [{"name": "Goofy"}, {"name": "Shadow"}]},
            {"name": "Lisa", "grade": 8},
        ],
        "address": {"zip": 10001},
    },
    {"id": "smith", "city": "Seattle", "children": "none"},
]


# SELECT


def test_star_gives_the_documents_as_they_are(run: Run) -> None:
    assert run("SELECT * FROM c", FAMILIES) == FAMILIES


def test_a_select_list_names_its_items(run: Run) -> None:
    text = 'SELECT c.id, c.address.zip, c["city"], c.size + 1, c.size AS people, 1, c.children[0] FROM c'
    assert run(text, FAMILIES[:1]) == [
        {
            "id": "andersen",
            "zip": "98101",
            "city": "Seattle",
            "$1": 4,
            "people": 3,
            "$2": 1,
            "$3": FAMILIES[0]["children"][0],
        }
    ]


def test_undefined_items_are_left_out_but_their_row_stays(run: Run) -> None:
    assert run("SELECT c.size FROM c", FAMILIES) == [{"size": 3}, {"size": 4}, {}]


def test_value_gives_bare_values_and_drops_undefined_ones(run: Run) -> None:
    assert run("SELECT VALUE c.size FROM c", FAMILIES) == [3, 4]


def test_without_from_there_is_one_row(run: Run) -> None:
    assert run("SELECT 1 + 1 AS two", FAMILIES) == [{"two": 2}]
    assert run("SELECT VALUE 5 WHERE false", FAMILIES) == []


def test_aliases_of_select_items_need_no_as(run: Run) -> None:
    assert run("SELECT c.id name FROM c WHERE c.size = 3", FAMILIES) == [{"name": "andersen"}]


def test_distinct_takes_values_by_content(run: Run) -> None:
    documents = [{"x": 1}, {"x": 1.0}, {"x": True}, {"x": [1, {"a": 1, "b": 2}]}, {"x": [1, {"b": 2, "a": 1}]}, {}]
    assert run("SELECT DISTINCT VALUE c.x FROM c", documents) == [1, True, [1, {"a": 1, "b": 2}]]
    assert run("SELECT DISTINCT c.city FROM c", FAMILIES) == [{"city": "Seattle"}, {"city": "Manhattan"}]


def test_infinities_are_printed_wherever_they_come_from(run: Run) -> None:
    assert run("SELECT VALUE Infinity") == ["Infinity"]
    assert run("SELECT c.x, (SELECT VALUE -1 / c.x) AS y FROM c", [{"x": 0}]) == [{"x": 0, "y": "-Infinity"}]
    assert run("SELECT * FROM (SELECT [c.x / c.x] AS y FROM c)", [{"x": 0}]) == [{"y": ["NaN"]}]


# FROM and JOIN


def test_from_may_name_the_container_as_it_likes(run: Run) -> None:
    assert run("SELECT VALUE Families.id FROM Families", FAMILIES) == run("SELECT VALUE f.id FROM root AS f", FAMILIES)


def test_an_alias_hides_the_containers_name(run: Run) -> None:
    with pytest.raises(QueryError, match="Identifier 'Families' could not be resolved"):
        run("SELECT VALUE Families.id FROM Families f", FAMILIES)


def test_from_a_path_takes_what_is_there(run: Run) -> None:
    assert run("SELECT * FROM c.address", FAMILIES) == [{"zip": "98101", "state": "WA"}, {"zip": 10001}]
    assert run("SELECT VALUE zip FROM c.address.zip", FAMILIES) == ["98101", 10001]
    assert run("SELECT VALUE child.name FROM c.children[1] AS child", FAMILIES) == ["Lisa"]


def test_in_iterates_arrays_and_nothing_else(run: Run) -> None:
    assert run("SELECT VALUE child.name FROM child IN c.children", FAMILIES) == ["Henriette", "Jesse", "Lisa"]


def test_joins_are_cross_products_within_a_document(run: Run) -> None:
    text = """
        SELECT f.id AS family, child.name AS child, pet.name AS pet
        FROM Families f JOIN child IN f.children JOIN pet IN child.pets WHERE pet.name != 'Goofy'"""
    assert run(text, FAMILIES) == [
        {"family": "andersen", "child": "Henriette", "pet": "Fluffy"},
        {"family": "wakefield", "child": "Jesse", "pet": "Shadow"},
    ]


def test_a_path_may_be_joined_without_iterating(run: Run) -> None:
    assert run("SELECT VALUE a.state ?? 'none' FROM c JOIN c.address a", FAMILIES) == ["WA", "none"]


def test_an_alias_may_not_be_used_twice() -> None:
    with pytest.raises(QueryError, match="specified more than once"):
        compile_query("SELECT VALUE 1 FROM c JOIN x IN c.a JOIN x IN c.b")


def test_a_join_needs_a_known_alias() -> None:
    with pytest.raises(QueryError) as refused:
        compile_query("SELECT VALUE x FROM c JOIN x IN d.items")
    assert refused.value.code == "SC2001"
    assert refused.value.span == (32, 33)


# Subqueries


def test_scalar_subqueries_see_the_row_around_them(run: Run) -> None:
    text = "SELECT c.id, (SELECT VALUE COUNT(1) FROM child IN c.children) AS children FROM c"
    assert run(text, FAMILIES) == [
        {"id": "andersen", "children": 1},
        {"id": "wakefield", "children": 2},
        {"id": "smith", "children": 0},
    ]


def test_a_scalar_subquery_without_rows_is_undefined(run: Run) -> None:
    text = "SELECT c.id, (SELECT VALUE x FROM x IN c.children WHERE x.grade > 7).name AS senior FROM c"
    assert run(text, FAMILIES)[:2] == [{"id": "andersen"}, {"id": "wakefield", "senior": "Lisa"}]


def test_a_scalar_subquery_with_two_rows_is_an_error(run: Run) -> None:
    with pytest.raises(QueryError, match="cardinality of a scalar subquery"):
        run("SELECT VALUE (SELECT VALUE x.name FROM x IN c.children) FROM c", FAMILIES)


def test_exists_asks_for_any_defined_row(run: Run) -> None:
    text = "SELECT VALUE c.id FROM c WHERE EXISTS(SELECT VALUE p FROM x IN c.children JOIN p IN x.pets)"
    assert run(text, FAMILIES) == ["andersen", "wakefield"]
    assert run("SELECT VALUE EXISTS(SELECT VALUE undefined)") == [False]
    assert run("SELECT VALUE EXISTS(SELECT undefined)") == [True]


def test_array_collects_the_rows(run: Run) -> None:
    text = "SELECT VALUE ARRAY(SELECT VALUE x.grade * 10 FROM x IN c.children) FROM c"
    assert run(text, FAMILIES) == [[50], [10, 80], []]


def test_all_first_and_last(run: Run) -> None:
    documents = [{"n": [1, 2, 3]}, {"n": [5, 6]}, {"n": []}]
    assert run("SELECT VALUE ALL(SELECT VALUE x FROM x IN c.n WHERE x > 2) FROM c", documents) == [False, True, True]
    assert run("SELECT VALUE FIRST(SELECT VALUE x FROM x IN c.n) FROM c", documents) == [1, 5]
    assert run("SELECT VALUE LAST(SELECT VALUE x FROM x IN c.n) FROM c", documents) == [3, 6]


def test_a_subquery_may_be_a_source(run: Run) -> None:
    text = """
        SELECT c.id, stats.least, stats.most
        FROM c JOIN (SELECT MIN(x.grade) AS least, MAX(x.grade) AS most FROM x IN c.children) AS stats"""
    assert run(text, FAMILIES) == [
        {"id": "andersen", "least": 5, "most": 5},
        {"id": "wakefield", "least": 1, "most": 8},
        {"id": "smith"},
    ]
    assert run("SELECT * FROM (SELECT c.id FROM c WHERE c.size > 3)", FAMILIES) == [{"id": "wakefield"}]
    assert run("SELECT VALUE t FROM t IN (SELECT VALUE c.tags FROM c)", [{"tags": [1, 2]}, {"tags": [3]}]) == [1, 2, 3]


def test_an_inner_alias_hides_the_outer_one(run: Run) -> None:
    text = "SELECT VALUE (SELECT VALUE SUM(c) FROM c IN c.n) FROM c"
    assert run(text, [{"n": [1, 2]}, {"n": [5]}]) == [3, 5]


def test_a_subquery_may_group_and_be_distinct(run: Run) -> None:
    documents = [{"n": ["b", "a", "b"]}]
    assert run("SELECT VALUE ARRAY(SELECT DISTINCT VALUE x FROM x IN c.n) FROM c", documents) == [["b", "a"]]
    text = "SELECT VALUE ARRAY(SELECT x, COUNT(1) AS n FROM x IN c.n GROUP BY x) FROM c"
    assert run(text, documents) == [[{"x": "b", "n": 2}, {"x": "a", "n": 1}]]


# WHERE


def test_only_true_passes_a_filter(run: Run) -> None:
    values: list[Any] = [True, False, None, 1, "true", [], {}]
    documents = [*({"x": value} for value in values), {}]
    assert run("SELECT * FROM c WHERE c.x", documents) == [{"x": True}]
    assert run("SELECT * FROM c WHERE NOT c.x", documents) == [{"x": False}]


def test_parameters_are_values_not_text(run: Run) -> None:
    documents = [{"x": "a' OR true"}, {"x": "b"}]
    assert run("SELECT VALUE c.x FROM c WHERE c.x = @x", documents, x="a' OR true") == ["a' OR true"]
    assert run("SELECT VALUE c.x FROM c WHERE ARRAY_CONTAINS(@xs, c.x)", documents, xs=["b"]) == ["b"]
    assert run("SELECT VALUE c.x FROM c WHERE c.x IN (@one, @two)", documents, one="b", two=5) == ["b"]


def test_a_missing_parameter_is_refused_at_once() -> None:
    query = compile_query("SELECT * FROM c WHERE c.x = @x")
    with pytest.raises(QueryError, match="@x"):
        query.run([], {"@y": 1}, datetime.now(UTC))


def test_a_set_of_parameters_is_not_kept_from_run_to_run(run: Run) -> None:
    text = "SELECT VALUE c.x FROM c WHERE c.x IN (@a, @b)"
    documents = [{"x": 1}, {"x": 2}, {"x": 3}]
    assert run(text, documents, a=1, b=2) == [1, 2]
    assert run(text, documents, a=3, b=2) == [2, 3]


# Aggregates and GROUP BY


def test_aggregates_over_no_rows(run: Run) -> None:
    items = "COUNT(1) AS n, SUM(c.x) AS s, AVG(c.x) AS a, MIN(c.x) AS lo, MAX(c.x) AS hi, MAKELIST(c.x) AS l"
    assert run(f"SELECT {items} FROM c") == [{"n": 0, "s": 0, "l": []}]
    assert run("SELECT VALUE AVG(c.x) FROM c") == []
    assert run("SELECT VALUE COUNT(1) FROM c GROUP BY c.x") == []


def test_countif_counts_what_is_true(run: Run) -> None:
    assert run("SELECT VALUE COUNTIF(c.size > 3) FROM c", FAMILIES) == [1]


def test_sums_of_whole_floats_are_integers(run: Run) -> None:
    assert run("SELECT SUM(c.x) AS s, AVG(c.x) AS a FROM c", [{"x": 1.5}, {"x": 2.5}]) == [{"s": 4, "a": 2}]


def test_aggregates_compose_with_other_expressions_in_one_partition(run: Run) -> None:
    assert run("SELECT VALUE {'spread': MAX(c.size) - MIN(c.size)} FROM c", FAMILIES) == [{"spread": 1}]


def test_groups_by_expressions_and_undefined(run: Run) -> None:
    text = "SELECT UPPER(c.city) AS city, c.size, COUNT(1) AS n FROM c GROUP BY UPPER(c.city), c.size"
    assert run(text, [*FAMILIES, {"city": "seattle"}]) == [
        {"city": "SEATTLE", "size": 3, "n": 1},
        {"city": "MANHATTAN", "size": 4, "n": 1},
        {"city": "SEATTLE", "n": 2},
    ]


def test_what_is_below_a_group_key_may_be_read(run: Run) -> None:
    text = "SELECT c.address.state, COUNT(1) AS n FROM c GROUP BY c.address"
    assert run(text, FAMILIES) == [{"state": "WA", "n": 1}, {"n": 1}, {"n": 1}]


def test_groups_may_be_counted_off(run: Run) -> None:
    text = "SELECT c.city, COUNT(1) AS n FROM c GROUP BY c.city OFFSET 1 LIMIT 5"
    assert run(text, FAMILIES) == [{"city": "Manhattan", "n": 1}]


# ORDER BY, TOP, OFFSET LIMIT


def test_order_by_puts_types_in_their_order(run: Run) -> None:
    values: list[Any] = [{}, {"a": 1}, [2], [1, 5], "b", "a", "B", 2, -1.5, 10, True, False, None]
    documents = [{"x": value} for value in values] + [{}]
    expected = [None, False, True, -1.5, 2, 10, "B", "a", "b", [1, 5], [2], {}, {"a": 1}]
    assert [row.get("x", "-") for row in run("SELECT c.x FROM c ORDER BY c.x", documents)] == ["-", *expected]
    assert [row.get("x", "-") for row in run("SELECT c.x FROM c ORDER BY c.x DESC", documents)] == [
        *reversed(expected),
        "-",
    ]


def test_order_by_several_mixes_directions_and_keeps_ties(run: Run) -> None:
    documents = [{"a": a, "b": b, "n": n} for n, (a, b) in enumerate([(1, 1), (2, 1), (1, 2), (2, 2), (1, 1)])]
    assert run("SELECT VALUE c.n FROM c ORDER BY c.a DESC, c.b ASC", documents) == [1, 3, 0, 4, 2]


def test_order_by_may_read_what_is_not_selected(run: Run) -> None:
    assert run("SELECT c.id FROM c ORDER BY c.size DESC OFFSET 0 LIMIT 1", FAMILIES) == [{"id": "wakefield"}]


def test_top_offset_and_limit_may_be_parameters(run: Run) -> None:
    documents = [{"n": n} for n in range(10)]
    assert run("SELECT TOP @n VALUE c.n FROM c", documents, n=3) == [0, 1, 2]
    assert run("SELECT VALUE c.n FROM c OFFSET @o LIMIT @l", documents, o=8, l=5) == [8, 9]
    assert run("SELECT TOP 0 * FROM c", documents) == []


@pytest.mark.parametrize("count", ["3", 1.5, None, -1, True])
def test_a_count_that_is_none_is_refused(run: Run, count: object) -> None:
    with pytest.raises(QueryError, match="must be an integer"):
        run("SELECT TOP @n * FROM c", [{}], n=count)


def test_reads_no_more_documents_than_it_needs() -> None:
    read = 0

    def documents() -> Iterator[dict[str, int]]:
        nonlocal read
        for n in range(1000):
            read += 1
            yield {"n": n}

    query = compile_query("SELECT TOP 2 VALUE c.n FROM c WHERE c.n % 10 = 5")
    assert list(query.run(documents(), {}, datetime.now(UTC))) == [5, 15]
    assert read == 16


def test_runs_share_nothing() -> None:
    query = compile_query("SELECT VALUE c.n + @add FROM c")
    first = query.run([{"n": 1}, {"n": 2}], {"@add": 10}, datetime.now(UTC))
    second = query.run([{"n": 5}], {"@add": 100}, datetime.now(UTC))
    assert [next(first), next(second), next(first)] == [11, 105, 12]


def test_a_query_text_is_compiled_once() -> None:
    assert compile_query("SELECT * FROM c WHERE c.once") is compile_query("SELECT * FROM c WHERE c.once")


def test_a_thousand_alternatives_compile_and_run(run: Run) -> None:
    filters = " OR ".join(f"(c.id = '{n}' AND c.pk = {n})" for n in range(1000))
    assert run(f"SELECT VALUE c.id FROM c WHERE {filters}", [{"id": "999", "pk": 999}, {"id": "1", "pk": 2}]) == ["999"]


# What is refused


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("SELECT * FROM c WHERE", "SC1001", "unexpected end"),
        ("SELECT c.a, FROM c", "SC1001", "near 'FROM'"),
        ("SELECT c.a FROM c WHERE c.b == 1", "SC1001", "near '='"),
        ("SELECT '\\q'", "SC1001", "near '\\q'"),
        ("SELECT SUM(SELECT VALUE 1)", "SC1001", "near 'SELECT'"),
        ("SELECT VALUE {documentdb-formattableorderbyquery-filter}", "SC1001", "documentdb"),
        ("SELECT 'a' LIKE 'b' ESCAPE '!!'", "SC2070", "single character"),
        ("SELECT d.a FROM c", "SC2001", "'d' could not be resolved"),
        ("SELECT *", "SC2043", "FROM clause is omitted"),
        ("SELECT * FROM c JOIN d IN c.items", "SC2040", "single input set"),
        ("SELECT * FROM c GROUP BY c.a", "SC2041", "not allowed with GROUP BY"),
        ("SELECT c.a FROM c GROUP BY c.a ORDER BY c.a", "SC2042", "ORDER BY"),
        ("SELECT TOP 1 * FROM c OFFSET 0 LIMIT 1", "SC2063", "TOP"),
        ("SELECT TOP 4294967296 * FROM c", "SC2060", "TOP"),
        (f"SELECT TOP {'9' * 5000} * FROM c", "SC2060", "TOP"),
        ("SELECT * FROM c WHERE COUNT(1) > 1", "SC2103", "not allowed in WHERE"),
        ("SELECT COUNT(1) FROM c GROUP BY MAX(c.a)", "SC2103", "not allowed in GROUP BY"),
        ("SELECT MAX(MIN(c.a)) FROM c", "SC2101", "containing an aggregate"),
        ("SELECT MAX((SELECT VALUE 1)) FROM c", "SC2101", "or a subquery"),
        ("SELECT c.a, COUNT(1) FROM c", "SC2102", "'c.a' is invalid in the select list"),
        ("SELECT c.a + 1, MAX(c.b) FROM c GROUP BY c.b", "SC2102", "'c.a' is invalid"),
        ("SELECT c, COUNT(1) FROM c GROUP BY c.a", "SC2102", "'c' is invalid"),
        ("SELECT FullTextScore(c.a, 'x') FROM c", "SC2210", "only allowed in the ORDER BY RANK clause"),
        ("SELECT * FROM c ORDER BY LOWER(c.a)", "SC2206", "could not be mapped to a document path"),
        ("SELECT * FROM c ORDER BY c.a[0]", "SC2206", "could not be mapped"),
        ("SELECT VALUE x FROM c JOIN x IN c.items ORDER BY x.a", "SC2206", "could not be mapped"),
        ("SELECT ARRAY(SELECT VALUE x FROM x IN c.n ORDER BY x) FROM c", "SC2203", "ORDER BY"),
        ("SELECT ARRAY(SELECT TOP 1 VALUE x FROM x IN c.n) FROM c", "SC2204", "TOP"),
        ("SELECT ARRAY(SELECT VALUE x FROM x IN c.n OFFSET 0 LIMIT 1) FROM c", "SC2205", "OFFSET LIMIT"),
        ("SELECT VALUE " + "[" * 3000 + "]" * 3000, "SC3001", "too deeply"),
    ],
    ids=lambda value: value[:60],
)
def test_refuses(text: str, code: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        compile_query(text)
    assert refused.value.code == code
    assert message in refused.value.message


def test_a_refusal_is_azures_json() -> None:
    with pytest.raises(QueryError) as refused:
        compile_query("SELECT * FORM c")
    assert str(refused.value) == (
        '{"errors":[{"severity":"Error","location":{"start":9,"end":13},"code":"SC1001",'
        '"message":"Syntax error, incorrect syntax near \'FORM\'."}]}'
    )


def test_every_invalid_reference_is_told() -> None:
    with pytest.raises(QueryError) as refused:
        compile_query("SELECT c.a, c.b, COUNT(1) FROM c")
    assert [entry["location"]["start"] for entry in refused.value.body()["errors"]] == [7, 12]
