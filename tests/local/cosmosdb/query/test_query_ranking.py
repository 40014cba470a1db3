"""ORDER BY RANK and vector distance: in one partition, and by the plan of a hybrid search."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.cosmosdb.query import QueryError, compile_query

Run = Callable[..., list[Any]]

TEXTS = ["the swim was great", "a cat", "swimming swims in the swimming pool", "nothing here at all", None]
DOCUMENTS = [{"id": str(at), "_rid": f"rid{at}", "text": text, "v": [float(at), 1.0]} for at, text in enumerate(TEXTS)]
PLACEHOLDER = "{{documentdb-formattablehybridsearchquery-{}}}"


def test_texts_with_more_and_rarer_hits_come_first(run: Run) -> None:
    ranked = run("SELECT VALUE c.id FROM c ORDER BY RANK FullTextScore(c.text, 'swim')", DOCUMENTS)
    assert ranked[:2] == ["2", "0"]
    assert ranked[-1] == "4", "what is no text comes last"
    ranked = run("SELECT TOP 1 VALUE c.id FROM c ORDER BY RANK FullTextScore(c.text, ['great', 'swim'])", DOCUMENTS)
    assert ranked == ["0"]


def test_the_most_similar_vectors_come_first(run: Run) -> None:
    assert run("SELECT TOP 2 VALUE c.id FROM c ORDER BY VectorDistance(c.v, [0, 1])", DOCUMENTS) == ["0", "1"]
    euclidean = "VectorDistance(c.v, @v, false, {distanceFunction: 'euclidean'})"
    assert run(f"SELECT TOP 2 VALUE c.id FROM c ORDER BY {euclidean}", DOCUMENTS, v=[3, 1]) == ["3", "2"]


def test_fusion_takes_both_scores_and_weights(run: Run) -> None:
    scores = "FullTextScore(c.text, 'swim'), VectorDistance(c.v, @v)"
    documents = DOCUMENTS[:4]
    assert run(f"SELECT TOP 1 VALUE c.id FROM c ORDER BY RANK RRF({scores})", documents, v=[0, 1]) == ["0"]
    weighted = f"SELECT TOP 1 VALUE c.id FROM c ORDER BY RANK RRF({scores}, @weights)"
    assert run(weighted, documents, v=[0, 1], weights=[1, 0.01]) == ["2"]
    assert run(weighted, documents, v=[0, 1], weights=[0.01, -1]) == ["3"]


def test_ranking_nothing_gives_nothing(run: Run) -> None:
    assert run("SELECT * FROM c ORDER BY RANK FullTextScore(c.text, 'swim')") == []


@pytest.mark.parametrize(
    ("rank", "code"),
    [
        ("FullTextScore(c.a, 'x'), FullTextScore(c.b, 'x')", "SC2207"),
        ("RRF(FullTextScore(c.a, 'x'))", "SC2208"),
        ("RRF(FullTextScore(c.a, 'x'), FullTextScore(c.b, 'x'), [1, 1], [1, 1])", "SC2208"),
        ("ABS(c.a)", "SC2209"),
        ("FullTextScore(c.a)", "SC2209"),
    ],
)
def test_refuses(rank: str, code: str) -> None:
    with pytest.raises(QueryError) as refused:
        compile_query(f"SELECT TOP 1 * FROM c ORDER BY RANK {rank}")
    assert refused.value.code == code


def test_beside_a_hybrid_plan_the_plain_one_is_empty() -> None:
    info = compile_query("SELECT TOP 7 * FROM c ORDER BY RANK FullTextScore(c.text, 'a')").execution_info({})
    assert info["queryInfo"] == compile_query("SELECT * FROM c").plan({})
    assert info["hybridSearchQueryInfo"]["take"] == 7
    assert "hybridSearchQueryInfo" not in compile_query("SELECT * FROM c").execution_info({})


def test_a_query_without_rank_has_no_hybrid_plan() -> None:
    assert compile_query("SELECT * FROM c ORDER BY c.a").hybrid_plan({}) is None


def test_component_queries_run_with_the_statistics_of_all_partitions(run: Run) -> None:
    rank = "RRF(FullTextScore(c.text, 'swim'), VectorDistance(c.v, @v))"
    text = f"SELECT TOP 3 c.id FROM c WHERE IS_STRING(c.text) ORDER BY RANK {rank}"
    plan = compile_query(text).hybrid_plan({"@v": [0, 1]})
    assert plan is not None
    assert (plan["take"], plan["skip"], plan["componentWeights"]) == (3, None, [])
    assert plan["requiresGlobalStatistics"]
    [statistics] = run(plan["globalStatisticsQuery"], DOCUMENTS)
    assert statistics == {
        "documentCount": 5,
        "fullTextStatistics": [{"totalWordCount": 16, "hitCounts": [2]}],
    }
    found = []
    for component in plan["componentQueryInfos"]:
        query = component["rewrittenQuery"].replace("{documentdb-formattableorderbyquery-filter}", "true")
        query = query.replace(PLACEHOLDER.format("totaldocumentcount"), "5")
        query = query.replace(PLACEHOLDER.format("totalwordcount-0"), "16")
        query = query.replace(PLACEHOLDER.format("hitcountsarray-0"), json.dumps([2]))
        found.append(run(query, DOCUMENTS, v=[0, 1]))
    text_rows, vector_rows = found
    assert [row["payload"]["payload"]["id"] for row in text_rows][:2] == ["2", "0"]
    assert [row["payload"]["payload"]["id"] for row in vector_rows][:2] == ["0", "1"]
    assert all(len(row["payload"]["componentScores"]) == 2 for row in text_rows)
    assert text_rows[0]["orderByItems"][0]["item"] == text_rows[0]["payload"]["componentScores"][0]


def test_weights_turn_the_direction_of_a_component(run: Run) -> None:
    text = (
        "SELECT * FROM c ORDER BY RANK RRF(FullTextScore(c.text, 'a'), VectorDistance(c.v, [1]), @w) OFFSET 2 LIMIT 100"
    )
    plan = compile_query(text).hybrid_plan({"@w": [2, -1]})
    assert plan is not None
    assert plan["componentWeights"] == [2, -1]
    assert [component["orderBy"] for component in plan["componentQueryInfos"]] == [["Descending"], ["Ascending"]]
    assert [component["limit"] for component in plan["componentQueryInfos"]] == [204, 204]
