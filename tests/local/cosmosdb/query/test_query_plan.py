"""Plans, carried out the way a client does: rewritten queries in each partition, the parts put together."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cosmosdb.query import QueryError, compile_query

Run = Callable[..., list[Any]]

NOW = datetime(2026, 3, 4, tzinfo=UTC)
FILTER = "{documentdb-formattableorderbyquery-filter}"
# The order of types in the client; arrays and objects can't be ordered by across partitions.
CLIENT_RANKS = {type(None): 1, bool: 2, int: 4, float: 4, str: 5}


def fan_out(text: str, partitions: Iterable[list[Any]], parameters: dict[str, Any] | None = None) -> list[Any]:
    """What a client makes of the plan: order by merge, sums of aggregates, distinct, offset and limit, top."""
    values = parameters or {}
    plan = compile_query(text).plan(values)
    rewritten = compile_query((plan["rewrittenQuery"] or text).replace(FILTER, "true"))
    results = [list(rewritten.run(partition, values, NOW)) for partition in partitions]
    rows: Iterable[Any] = (row for result in results for row in result)
    if plan["orderBy"]:
        rows = merged(results, plan["orderBy"])
    if plan["groupByExpressions"] or plan["groupByAliases"]:
        rows = grouped(rows, plan)
    elif plan["aggregates"]:
        rows = aggregated([item for row in rows for item in row], plan["aggregates"][0])
    if plan["distinctType"] != "None":
        rows = {json.dumps(row, sort_keys=True): row for row in rows}.values()
    counted = list(rows)[plan["offset"] or 0 :]
    limit = plan["limit"] if plan["top"] is None else plan["top"]
    return counted[:limit]


def merged(results: list[list[Any]], directions: list[str]) -> Iterator[Any]:
    def compare(left: Any, right: Any) -> int:
        for one, other, direction in zip(left["orderByItems"], right["orderByItems"], directions, strict=True):
            order = (client_key(one) > client_key(other)) - (client_key(one) < client_key(other))
            if order:
                return order if direction == "Ascending" else -order
        return 0

    for result in results:
        assert result == sorted(result, key=cmp_to_key(compare)), "a partition's rows must come in order"
    for row in sorted((row for result in results for row in result), key=cmp_to_key(compare)):
        yield row["payload"]


def client_key(item: dict[str, Any]) -> tuple[Any, ...]:
    if "item" not in item:
        return (0,)
    value = item["item"]
    return (CLIENT_RANKS[type(value)], 0 if value is None else value)


def aggregated(parts: list[Any], kind: str) -> list[Any]:
    values = [part["item"] for part in parts if "item" in part]
    if kind in ("Count", "Sum", "CountIf"):
        return [sum(values)] if len(values) == len(parts) else []
    if kind == "Average":
        count = sum(value["count"] for value in values)
        mean = sum(value["sum"] for value in values) / count if count else 0
        return [int(mean) if mean == int(mean) else mean] if count else []
    found = [part["item"] for part in parts if part["item2"]["count"]]
    return [(min if kind == "Min" else max)(found)] if found else []


def grouped(rows: Iterable[Any], plan: dict[str, Any]) -> list[Any]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(json.dumps(row.get("groupByItems")), []).append(row["payload"])
    return [combined(payloads, plan) for payloads in groups.values()]


def combined(payloads: list[Any], plan: dict[str, Any]) -> Any:
    if plan["hasSelectValue"]:
        kinds = plan["aggregates"]
        return aggregated([payload[0] for payload in payloads], kinds[0])[0] if kinds else payloads[0]
    row = {}
    for alias, kind in plan["groupByAliasToAggregateType"].items():
        if kind is None:
            row.update({alias: payloads[0][alias]} if alias in payloads[0] else {})
        else:
            found = aggregated([payload[alias] for payload in payloads], kind)
            row.update({alias: found[0]} if found else {})
    return row


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "b", "B"]))
DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {}, optional={"a": SCALARS, "b": st.sampled_from(["x", "y"]), "n": st.integers(-5, 5), "l": st.just([1, 2])}
    ),
    max_size=12,
).map(lambda documents: [{**document, "_rid": str(at)} for at, document in enumerate(documents)])
PARTITIONS = st.lists(DOCUMENTS, min_size=1, max_size=4)

ORDERED = [
    "SELECT VALUE c.a FROM c ORDER BY c.a",
    "SELECT c.a, c.n FROM c WHERE c.n > 0 ORDER BY c.a DESC, c.n ASC, c._rid",
    "SELECT TOP 3 VALUE c.n FROM c ORDER BY c.n DESC",
    "SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n",
    "SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 2 LIMIT 3",
]
UNORDERED = [
    "SELECT * FROM c WHERE c.b = 'x'",
    "SELECT DISTINCT c.a, c.b FROM c",
    "SELECT DISTINCT VALUE x FROM c JOIN x IN c.l",
    "SELECT VALUE COUNT(1) FROM c",
    "SELECT VALUE COUNT(c.a) FROM c",
    "SELECT VALUE SUM(c.n) FROM c",
    "SELECT VALUE AVG(c.n) FROM c WHERE c.b = 'y'",
    "SELECT VALUE MIN(c.n) FROM c",
    "SELECT VALUE MAX(c.n) FROM c",
    "SELECT COUNT(1) AS n, AVG(c.n) AS a, MAX(c.n) FROM c",
    "SELECT c.a, c.b, COUNT(1) AS n, SUM(c.n) AS s, MIN(c.n) AS lo, AVG(c.n) AS m FROM c GROUP BY c.a, c.b",
    "SELECT VALUE COUNTIF(c.n > 0) FROM c GROUP BY c.b",
    "SELECT VALUE {'b': c.b} FROM c GROUP BY c.b",
]


def normal(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def one_partition(partitions: list[list[Any]], text: str) -> list[Any]:
    everything = [document for partition in partitions for document in partition]
    return list(compile_query(text).run(everything, {}, NOW))


@pytest.mark.parametrize("text", ORDERED)
@given(partitions=PARTITIONS)
def test_ordered_plans_give_what_one_partition_would(text: str, partitions: list[list[Any]]) -> None:
    assert fan_out(text, partitions) == one_partition(partitions, text)


@pytest.mark.parametrize("text", UNORDERED)
@given(partitions=PARTITIONS)
def test_other_plans_give_what_one_partition_would(text: str, partitions: list[list[Any]]) -> None:
    assert normal(fan_out(text, partitions)) == normal(one_partition(partitions, text))


def test_counts_of_parameters_are_in_the_plan() -> None:
    query = compile_query("SELECT * FROM c OFFSET @o LIMIT @l")
    plan = query.plan({"@o": 42, "@l": 1337})
    assert (plan["offset"], plan["limit"]) == (42, 1337)
    assert plan["rewrittenQuery"] == "SELECT * FROM c OFFSET 0 LIMIT 1379"


def test_within_one_partition_key_the_partition_counts_off_by_itself() -> None:
    query = compile_query("SELECT * FROM c WHERE c.pk = @pk OFFSET 1 LIMIT 2")
    plan = query.plan({"@pk": "p"}, ["/pk"])
    assert (plan["offset"], plan["limit"], plan["rewrittenQuery"]) == (None, None, "")
    assert query.plan({"@pk": "p"}, ["/pk", "/sub"])["offset"] == 1, "a prefix may span several partitions"


def test_compositions_of_aggregates_are_refused_across_partitions_only(run: Run) -> None:
    text = "SELECT VALUE FLOOR(AVG(c.n)) FROM c"
    assert run(text, [{"n": 1}, {"n": 2}]) == [1]
    with pytest.raises(QueryError) as refused:
        compile_query(text).plan({})
    assert str(refused.value) == ('{"Errors":["Compositions of aggregates and other expressions are not allowed."]}')


@pytest.mark.parametrize(
    ("text", "needs_plan", "features"),
    [
        ("SELECT * FROM c WHERE c.a = 1", False, set()),
        ("SELECT VALUE (SELECT VALUE COUNT(1) FROM x IN c.n) FROM c", False, set()),
        ("SELECT TOP 1 1", False, {"Top"}),
        ("SELECT TOP 1 * FROM c", True, {"Top"}),
        ("SELECT * FROM c OFFSET 0 LIMIT 1", True, {"OffsetAndLimit"}),
        ("SELECT DISTINCT c.a FROM c", True, {"Distinct"}),
        ("SELECT * FROM c ORDER BY c.a", True, {"OrderBy"}),
        ("SELECT * FROM c ORDER BY c.a, c.b", True, {"OrderBy", "MultipleOrderBy"}),
        ("SELECT VALUE COUNT(1) FROM c", True, {"Aggregate"}),
        ("SELECT VALUE COUNTIF(c.a) FROM c", True, {"Aggregate", "CountIf"}),
        ("SELECT COUNT(1) FROM c", True, {"Aggregate", "NonValueAggregate"}),
        ("SELECT MIN(c.a), MAX(c.a) FROM c", True, {"Aggregate", "NonValueAggregate", "MultipleAggregates"}),
        ("SELECT c.a FROM c GROUP BY c.a", True, {"GroupBy"}),
        ("SELECT TOP 1 * FROM c ORDER BY VectorDistance(c.v, [1])", True, {"Top", "OrderBy", "NonStreamingOrderBy"}),
        ("SELECT TOP 1 * FROM c ORDER BY RANK FullTextScore(c.t, 'a')", True, {"Top", "HybridSearch"}),
    ],
)
def test_tells_what_a_client_must_be_able_to_do(text: str, needs_plan: bool, features: set[str]) -> None:
    query = compile_query(text)
    assert query.needs_plan is needs_plan
    assert query.features == features


def test_tells_whether_documents_are_read() -> None:
    assert compile_query("SELECT * FROM c").reads_documents
    assert not compile_query("SELECT 1").reads_documents


@pytest.mark.parametrize(
    ("order_by", "paths"),
    [
        ("", None),
        ("ORDER BY c.a.b DESC, c['x y']", [("/a/b", False), ("/x y", True)]),
        ("ORDER BY VectorDistance(c.v, [1])", None),
    ],
)
def test_tells_the_paths_of_order_by(order_by: str, paths: list[tuple[str, bool]] | None) -> None:
    assert compile_query(f"SELECT * FROM c {order_by}").order_by_paths == paths


def test_tells_the_paths_of_the_filter() -> None:
    assert compile_query("SELECT * FROM c").filter_paths == set()
    query = compile_query("SELECT VALUE t FROM c JOIN t IN c.tags WHERE c.a.b > 1 AND CONTAINS(c['d'], t.x)")
    assert query.filter_paths == {"/a", "/a/b", "/d"}
