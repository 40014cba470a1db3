"""The language against what Azure's own parser, query planner and emulator do with the same queries."""

import json
import re
from collections.abc import Callable
from typing import Any

from local.cosmosdb.query import Query, QueryError, compile_query, parameter_values
from local.cosmosdb.query.parser import parse
from local.cosmosdb.query.printer import print_query

Run = Callable[..., list[Any]]
Baselines = Callable[[str], dict[str, Any]]

# Escapes that the client-side parser leaves as they are; here, as in the service, they are decoded.
ESCAPES = re.compile(r"\\[bfnrtu]")

# Counts beyond 32 bits of the client's own types: the service plans them, and the client refuses the plan.
REFUSED_BY_THE_CLIENT = {
    "TOP value beyond upper range (client)",
    "OFFSET value beyond upper range (client)",
    "LIMIT value beyond upper range (client)",
    "TOP value beyond upper range (client) - hybrid search",
    "OFFSET value beyond upper range (client) - hybrid search",
    "LIMIT value beyond upper range (client) - hybrid search",
}
# The direction depends on the container's vector policy, which is not part of the query; cosine is taken.
NEEDS_VECTOR_POLICY = {"Euclidean Distance with query parameter", "Euclidean Distance with inline vector"}
# The count of candidates overflows 32 bits there.
OVERFLOWING_CANDIDATES = {
    "OFFSET value at upper range (client) - hybrid search",
    "LIMIT value at upper range (client) - hybrid search",
}
# The code of this one is a number in the plan and a text like all others in the service's answer.
NUMERIC_CODE = {"Unsupported Order By"}
# Keys that can't be pinned here although Azure does: the query then goes to all partitions, with the same rows.
PINNED_BY_AZURE_ONLY = {
    "ABS",  # would need the inverse of the function
    "ST_DISTANCE Constant Foldable Geometry",  # filters that are constant after folding
    "ST_INTERSECTS Constant Foldable Geography",
    "ST_ISVALID Constant Foldable Geography",
    "ST_WITHIN Constant Foldable Geometry",
    "LIKE and partition filter",  # only its case with an escaped wildcard, which is an equality
    "IN Many Arrays",  # documents whose key is an array or an object live in the undefined partition
    "IN Many Objects",
    "IN Many Mixed Types",
    "Partition Key Equals Array",
    "Partition Key Equals Object",
    "Multi Key Is Defined",  # pinned to a prefix here, which is what a hierarchical key allows
    "Multipe Keys and one Equality with null",
}
# There the planner confuses the key of a subquery with that of the query around it, and finds no document.
CONFUSED_BY_AZURE = {"Subquery as Filter"}
PINNED_TO_A_PREFIX_HERE = {"Multi Key Is Defined", "Multipe Keys and one Equality with null"}
NO_RANGE = "[[],[]]"
POINT = re.compile(r"\[(\[.*\]),(\[.*\])\]")


def compact(text: str | None) -> str:
    """The text without the line breaks and indentation of Azure's printer."""
    return re.sub(r"\s*([()])\s*", r"\1", " ".join((text or "").split()))


def parameters_of(case: dict[str, Any]) -> dict[str, Any]:
    given = (case.get("input_extra") or {}).get("QueryParameters")
    return parameter_values(json.loads(re.sub(r"</?QueryParameters>", "", given))) if given else {}


def test_parses_what_azure_parses_and_nothing_else(baselines: Baselines) -> None:
    wrong = []
    for case in baselines("dotnet_sql_parse.json")["cases"]:
        try:
            parse(case["query"])
            parsed = True
        except QueryError as error:
            assert error.code == "SC1001"
            parsed = False
        if parsed != (case["exception"] is None):
            wrong.append(case["query"])
    assert wrong == []


def test_prints_with_azures_precedence(baselines: Baselines) -> None:
    cases = [case for case in baselines("dotnet_sql_parse.json")["cases"] if case["exception"] is None]
    wrong = []
    for case in cases:
        printed = print_query(parse(case["query"]))
        expected = " ".join(case["parsed"].split())
        # ASC is printed as it was written, and numbers to all the digits of a double.
        variants = {expected, expected.replace(" ASC", ""), expected.replace("1337.42", "1337.4200000000001")}
        if printed not in variants and not ESCAPES.search(case["query"]):
            wrong.append((printed, expected))
    assert wrong == []


def test_aggregates_over_mixed_types_are_the_emulators(run: Run, baselines: Baselines) -> None:
    given = baselines("dotnet_aggregate_mixed.json")

    def normal(rows: list[Any], unordered: bool) -> list[Any]:
        return [sorted(row, key=json.dumps) for row in rows] if unordered else rows

    wrong = [
        case["sql"]
        for case in given["cases"]
        if normal(run(case["sql"], given["documents"]), case["unordered_array"])
        != normal(case["expected"], case["unordered_array"])
    ]
    assert wrong == []


def test_groups_are_the_emulators(run: Run, baselines: Baselines) -> None:
    given = baselines("dotnet_groupby.json")

    def normal(rows: list[Any]) -> list[str]:
        return sorted(json.dumps(row, sort_keys=True) for row in rows)

    wrong = [
        case["sql"]
        for case in given["cases"]
        if normal(run(case["sql"], given["documents"])) != normal(case["expected"])
    ]
    assert wrong == []


def test_refuses_what_azures_planner_refuses_in_its_words(baselines: Baselines) -> None:
    wrong = []
    for case in baselines("dotnet_query_plans.json")["cases"]:
        if "error" not in case or case["description"] in REFUSED_BY_THE_CLIENT:
            continue
        expected = re.search(r'(\{"[Ee]rrors".*?\})\n', case["error"], re.DOTALL)
        assert expected is not None
        try:
            compile_query(case["query"]).plan(parameters_of(case), case["partition_keys"])
            wrong.append(case["query"])
        except QueryError as error:
            said = str(error).replace('"SC2206"', "2206") if case["description"] in NUMERIC_CODE else str(error)
            if said != expected[1]:
                wrong.append(f"{said} instead of {expected[1]}")
    assert wrong == []


def test_query_plans_are_azures(baselines: Baselines) -> None:
    wrong = []
    cases = [case for case in baselines("dotnet_query_plans.json")["cases"] if case.get("queryInfo")]
    for case in cases:
        plan = compile_query(case["query"]).plan(parameters_of(case), case["partition_keys"])
        expected = dict(case["queryInfo"], rewrittenQuery=compact(case["rewrittenQuery"]))
        expected["groupByAliasToAggregateType"] = {
            alias: None if kind == "null" else kind for alias, kind in expected["groupByAliasToAggregateType"].items()
        }
        if case["description"] in NEEDS_VECTOR_POLICY:
            expected["orderBy"] = plan["orderBy"]
        plan["rewrittenQuery"] = compact(plan["rewrittenQuery"])
        if any(plan[key] != value for key, value in expected.items()):
            wrong.append((case["query"], plan, expected))
    assert len(cases) > 300
    assert wrong == []


def test_rewritten_queries_compile_once_the_client_has_filled_in_its_filter(baselines: Baselines) -> None:
    for case in baselines("dotnet_query_plans.json")["cases"]:
        if case.get("rewrittenQuery"):
            compile_query(case["rewrittenQuery"].replace("{documentdb-formattableorderbyquery-filter}", "true"))


def test_hybrid_search_plans_are_azures(baselines: Baselines) -> None:
    def tag(name: str, text: str) -> str:
        match = re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        return compact(match[1]) if match else ""

    cases = [case for case in baselines("dotnet_query_plans.json")["cases"] if "other" in case]
    assert len(cases) > 4
    for case in cases:
        plan = compile_query(case["query"]).hybrid_plan({})
        assert plan is not None
        component = plan["componentQueryInfos"][0]
        assert compact(plan["globalStatisticsQuery"]) == tag("GlobalStatisticsQuery", case["other"])
        assert [compact(text) for text in component["orderByExpressions"]] == [tag("OrderByExpression", case["other"])]
        assert str(plan["take"]) == tag("Take", case["other"])
        if case["description"] not in OVERFLOWING_CANDIDATES:
            assert compact(component["rewrittenQuery"]) == tag("RewrittenQuery", case["other"])


def pinned(query: Query, case: dict[str, Any]) -> set[str] | None:
    keys = query.partition_keys(parameters_of(case), case["partition_keys"])
    return None if keys is None else {json.dumps(key) for key in keys}


def test_pins_the_partition_keys_that_azure_pins(baselines: Baselines) -> None:
    wrong = []
    compared = 0
    for case in baselines("dotnet_query_plans.json")["cases"]:
        skipped = "error" in case or "other" in case or not case["partition_keys"] or case["description"] == "UDF"
        if skipped or case["partition_key_type"] == "Range" or case["description"] in CONFUSED_BY_AZURE:
            continue
        query = compile_query(case["query"])
        if not query.reads_documents:
            continue
        points = [POINT.fullmatch(text) for text in case["queryRanges"] if text != NO_RANGE]
        found = pinned(query, case)
        if all(points):
            expected = {json.dumps([number(item) for item in json.loads(point[1])]) for point in points if point}
        else:
            expected = None
        if case["description"] in PINNED_BY_AZURE_ONLY:
            assert found is None or case["description"] in PINNED_TO_A_PREFIX_HERE | {"LIKE and partition filter"}
            continue
        compared += 1
        if found != expected:
            wrong.append((case["query"], found, expected))
    assert compared > 100
    assert wrong == []


def number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
