"""The plan of ORDER BY RANK: `hybridSearchQueryInfo`.

The client first adds up statistics over all partitions, puts them into the component queries in place of
`{documentdb-formattablehybridsearchquery-...}`, runs each of those everywhere, and fuses the ranks.
"""

from dataclasses import replace
from typing import Any, Final

from . import nodes
from .nodes import Expression, Select
from .ordering import is_ascending
from .plan import empty_info, payload, root_alias, with_filter
from .printer import print_expression, print_query
from .ranking import Component, components

_LEAST_CANDIDATES: Final = 120
_PREFIX: Final = "documentdb-formattablehybridsearchquery"


def hybrid_search_info(
    query: Select, top: int | None, offset: int | None, limit: int | None, weights: list[float]
) -> dict[str, Any]:
    """The `hybridSearchQueryInfo`; the counts are the values of TOP, OFFSET and LIMIT, `weights` those of RRF."""
    found = components(query)
    take = top if top is not None else limit
    # The client wants more of each component than it returns, as the best in sum may be the best in none.
    candidates = None if take is None else max(2 * ((offset or 0) + take), _LEAST_CANDIDATES)
    directions = [_direction(component, weight) for component, weight in zip(found, weights, strict=True)]
    scores = [_score(component, position) for position, component in enumerate(found)]
    return {
        "globalStatisticsQuery": _statistics_query(query, found),
        "componentQueryInfos": [
            _component_info(query, score, direction, scores, candidates)
            for score, direction in zip(scores, directions, strict=True)
        ],
        "componentWithoutPayloadQueryInfos": [],
        "componentWeights": weights if any(weight != 1 for weight in weights) else [],
        "skip": offset,
        "take": take,
        "requiresGlobalStatistics": any(component.is_text for component in found),
    }


def _direction(component: Component, weight: float) -> str:
    largest_first = component.is_text or not is_ascending(nodes.OrderItem(component.call))
    return "DESC" if largest_first == (weight >= 0) else "ASC"


def _score(component: Component, position: int) -> Expression:
    """The score as each partition computes it, with the statistics of all of them still to be filled in."""
    if not component.is_text:
        return component.call
    placeholders = ("totaldocumentcount", f"totalwordcount-{position}", f"hitcountsarray-{position}")
    statistics = (nodes.Placeholder(f"{{{_PREFIX}-{name}}}") for name in placeholders)
    text = component.call.arguments[0]
    return nodes.Call("_FullTextScore", (text, nodes.ArrayLiteral(component.phrases), *statistics))


def _statistics_query(query: Select, found: tuple[Component, ...]) -> str:
    statistics = nodes.ArrayLiteral(tuple(_statistics(component) for component in found if component.is_text))
    count = nodes.Call("COUNT", (nodes.Literal(1),))
    items = (nodes.SelectItem(count, "documentCount"), nodes.SelectItem(statistics, "fullTextStatistics"))
    return print_query(Select(items=items, sources=query.sources))


def _statistics(component: Component) -> Expression:
    text = component.call.arguments[0]
    total = nodes.Call("SUM", (nodes.Call("_FullTextWordCount", (text,)),))
    hits = (nodes.Call("COUNTIF", (nodes.Call("FullTextContains", (text, phrase)),)) for phrase in component.phrases)
    return nodes.ObjectLiteral((("totalWordCount", total), ("hitCounts", nodes.ArrayLiteral(tuple(hits)))))


def _component_info(
    query: Select, score: Expression, direction: str, scores: list[Expression], candidates: int | None
) -> dict[str, Any]:
    counted = None if candidates is None else nodes.Literal(candidates)
    rewritten = replace(
        _projected(query, score, scores),
        order_by=(nodes.OrderItem(score, direction),),
        rank=False,
        top=counted if query.top is not None else None,
        offset=nodes.Literal(0) if query.limit is not None else None,
        limit=counted if query.limit is not None else None,
    )
    return empty_info(query) | {
        "top": candidates if query.top is not None else None,
        "offset": 0 if query.limit is not None else None,
        "limit": candidates if query.limit is not None else None,
        "orderBy": ["Descending" if direction == "DESC" else "Ascending"],
        "orderByExpressions": [print_expression(score)],
        "rewrittenQuery": print_query(rewritten),
        "hasSelectValue": False,
        "hasNonStreamingOrderBy": True,
    }


def _projected(query: Select, score: Expression, scores: list[Expression]) -> Select:
    """The query with the score it is ordered by, its own payload and all scores as the select list."""
    worst = nodes.Literal(-1)
    all_scores = nodes.ArrayLiteral(tuple(nodes.Binary("??", each, worst) for each in scores))
    items = nodes.ArrayLiteral((nodes.ObjectLiteral((("item", score),)),))
    both = nodes.ObjectLiteral((("payload", payload(query)), ("componentScores", all_scores)))
    return replace(
        query,
        star=False,
        value=None,
        items=(
            nodes.SelectItem(nodes.Member(nodes.Name(root_alias(query)), "_rid")),
            nodes.SelectItem(items, "orderByItems"),
            nodes.SelectItem(both, "payload"),
        ),
        where=with_filter(query),
    )
