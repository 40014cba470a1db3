"""Properties that hold for all values and all queries."""

import json
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.cosmosdb.query import UNDEFINED, compile_query, nodes
from local.cosmosdb.query.parser import parse
from local.cosmosdb.query.printer import print_query
from local.cosmosdb.query.values import compare, equals, freeze, sort_key

NOW = datetime(2026, 3, 4, tzinfo=UTC)

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, -2.5]), st.text("ab é", max_size=2)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)
DOCUMENTS = st.lists(st.fixed_dictionaries({}, optional={"x": VALUES, "y": st.sampled_from(["p", "q"])}), max_size=15)


def canonical(value: Any) -> str:
    """Equal texts for equal JSON values: whole floats are integers, keys are sorted."""

    def whole(item: Any) -> Any:
        if isinstance(item, list):
            return [whole(each) for each in item]
        if isinstance(item, dict):
            return {key: whole(each) for key, each in item.items()}
        return int(item) if isinstance(item, float) and item.is_integer() else item

    return json.dumps(whole(value), sort_keys=True)


@given(left=VALUES, right=VALUES)
def test_equality_is_that_of_json(left: Any, right: Any) -> None:
    same = canonical(left) == canonical(right)
    assert equals(left, right) is same
    assert (freeze(left) == freeze(right)) is same
    assert (sort_key(left) == sort_key(right)) is same
    if same:
        assert hash(freeze(left)) == hash(freeze(right))


@given(values=st.lists(st.one_of(VALUES, st.just(UNDEFINED)), max_size=8))
def test_the_order_of_values_is_total(values: list[Any]) -> None:
    ordered = sorted(values, key=sort_key)
    for position, earlier in enumerate(ordered):
        for later in ordered[position:]:
            assert sort_key(earlier) <= sort_key(later)


@given(left=SCALARS, right=SCALARS)
def test_comparison_agrees_with_the_order_where_it_is_defined(left: Any, right: Any) -> None:
    order = compare(left, right)
    if order is not None:
        assert (order < 0) is (sort_key(left) < sort_key(right))
        assert (order == 0) is equals(left, right)


@given(documents=DOCUMENTS)
def test_distinct_keeps_the_first_of_each_value(documents: list[Any]) -> None:
    found = list(compile_query("SELECT DISTINCT VALUE c.x FROM c").run(documents, {}, NOW))
    first: dict[str, Any] = {}
    for document in documents:
        if "x" in document:
            first.setdefault(canonical(document["x"]), document["x"])
    assert found == list(first.values())


@given(documents=DOCUMENTS)
def test_groups_are_those_of_a_sort(documents: list[Any]) -> None:
    text = "SELECT c.y, COUNT(1) AS rows, COUNT(c.x) AS xs, COUNTIF(IS_NUMBER(c.x)) AS numbers FROM c GROUP BY c.y"

    def key(document: Any) -> str:
        return str(document.get("y", ""))

    expected = []
    for y, group in groupby(sorted(documents, key=key), key):
        members = list(group)
        xs = [document["x"] for document in members if "x" in document]
        numbers = sum(isinstance(x, int | float) and not isinstance(x, bool) for x in xs)
        row = {"rows": len(members), "xs": len(xs), "numbers": numbers}
        expected.append({"y": y, **row} if y else row)
    found = list(compile_query(text).run(documents, {}, NOW))
    assert sorted(found, key=canonical) == sorted(expected, key=canonical)


@given(documents=DOCUMENTS)
def test_order_by_sorts_every_document(documents: list[Any]) -> None:
    found = list(compile_query("SELECT * FROM c ORDER BY c.x").run(documents, {}, NOW))
    keys = [sort_key(document.get("x", UNDEFINED)) for document in found]
    assert keys == sorted(keys)
    assert sorted(map(canonical, found)) == sorted(map(canonical, documents))


# Syntax trees

NAMES = st.sampled_from(["c", "x", "y_1", "rank", "left"])
LITERALS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2**60), st.floats(allow_nan=False, allow_infinity=False), st.text()
).map(lambda value: nodes.Literal(int(value) if isinstance(value, float) and value.is_integer() else value))
LEAVES = st.one_of(
    LITERALS,
    st.just(nodes.Literal(UNDEFINED)),
    NAMES.map(nodes.Name),
    NAMES.map(lambda name: nodes.Parameter(f"@{name}")),
)
BINARY = st.sampled_from(
    ["+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "&", "|", "^", "<<", ">>", ">>>", "||", "??"]
)


def compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    # The left side of AND may not be an AND itself: the parser makes those one.
    simple = inner.filter(lambda node: not isinstance(node, nodes.Logical))
    operands = st.lists(simple, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(nodes.Member, NAMES.map(nodes.Name), NAMES),
        st.builds(nodes.Index, NAMES.map(nodes.Name), inner),
        st.builds(nodes.Unary, st.sampled_from(["NOT", "-", "+", "~"]), inner),
        st.builds(nodes.Binary, BINARY, inner, inner),
        st.builds(nodes.Logical, st.sampled_from(["AND", "OR"]), operands),
        st.builds(nodes.Conditional, inner, inner, inner),
        st.builds(nodes.In, inner, several, st.booleans()),
        st.builds(nodes.Between, inner, inner, inner, st.booleans()),
        st.builds(nodes.Like, inner, inner, st.none() | st.characters(codec="utf-8"), st.booleans()),
        st.builds(nodes.Call, NAMES, several, st.booleans()),
        st.builds(nodes.ArrayLiteral, several),
        st.builds(nodes.ObjectLiteral, st.lists(st.tuples(st.text(), inner), max_size=2).map(tuple)),
        st.builds(nodes.Subquery, st.sampled_from(["", "ARRAY", "EXISTS", "ALL"]), selects(inner)),
    )


def selects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[nodes.Select]:
    source = st.builds(nodes.Source, NAMES.map(nodes.Name), NAMES, st.booleans())
    projection = st.one_of(
        st.just({"star": True}),
        inner.map(lambda value: {"value": value}),
        st.lists(st.builds(nodes.SelectItem, inner, st.none() | NAMES), min_size=1, max_size=2).map(
            lambda items: {"items": tuple(items)}
        ),
    )
    order_item = st.builds(nodes.OrderItem, inner, st.sampled_from(["", "ASC", "DESC"]))
    clauses = st.fixed_dictionaries(
        {},
        optional={
            "distinct": st.booleans(),
            "top": st.integers(0, 9).map(nodes.Literal),
            "sources": st.lists(source, max_size=2).map(tuple),
            "where": inner,
            "group_by": st.lists(inner, max_size=2).map(tuple),
            "order_by": st.lists(order_item, max_size=2).map(tuple),
        },
    )
    return st.builds(lambda chosen, rest: nodes.Select(**chosen, **rest), projection, clauses)


EXPRESSIONS = st.recursive(LEAVES, compound, max_leaves=8)


@given(query=selects(EXPRESSIONS))
def test_printing_and_parsing_gives_the_same_tree(query: nodes.Select) -> None:
    assert parse(print_query(query)) == query
