"""The query plan: what the client has to do with the rows of several partitions, and what to send to each of them.

Source: the plans that azure-cosmos-dotnet-v3 keeps as baselines, and how azure-cosmos for Python carries them out.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from . import nodes
from .aggregates import PLAN_NAMES
from .errors import QueryError
from .nodes import Expression, Select
from .ordering import is_ascending, is_non_streaming
from .paths import default_name, item_names, selected, walk
from .printer import print_expression, print_query
from .validation import is_aggregate

ORDER_BY_FILTER: Final = nodes.Placeholder("{documentdb-formattableorderbyquery-filter}", enclosed=True)
"""The client puts a filter there: "true" to begin with, or where to resume."""


def query_info(query: Select, top: int | None, offset: int | None, limit: int | None) -> dict[str, Any]:
    """The `queryInfo` of a query; the counts are the values of its TOP, OFFSET and LIMIT.

    Raises QueryError where Azure refuses the query across partitions only.
    """
    info = empty_info(query)
    if not query.sources or query.rank:
        return info
    info.update(top=top, offset=offset, limit=limit)
    if query.group_by or has_aggregates(query):
        info.update(_grouped(query))
        return info
    rewritten = query
    if query.distinct:
        info["distinctType"] = "Ordered" if _is_ordered_distinct(query) else "Unordered"
        if top is not None or limit is not None:
            rewritten = replace(query, top=None, offset=None, limit=None)
    elif offset is not None and limit is not None:
        rewritten = replace(query, offset=nodes.Literal(0), limit=nodes.Literal(offset + limit))
    if query.order_by:
        info.update(_order_info(query))
        rewritten = _with_order_by_items(rewritten)
    info["rewrittenQuery"] = "" if rewritten is query else print_query(rewritten)
    return info


def empty_info(query: Select) -> dict[str, Any]:
    """The `queryInfo` of a query that every partition runs as it is."""
    return {
        "distinctType": "None",
        "top": None,
        "offset": None,
        "limit": None,
        "orderBy": [],
        "orderByExpressions": [],
        "groupByExpressions": [],
        "groupByAliases": [],
        "aggregates": [],
        "groupByAliasToAggregateType": {},
        "rewrittenQuery": "",
        "hasSelectValue": query.value is not None,
        "hasNonStreamingOrderBy": False,
    }


def has_aggregates(query: Select) -> bool:
    """Whether the select list calls an aggregate function."""
    return any(map(is_aggregate, _projected(query)))


def aggregate_calls(query: Select) -> list[nodes.Call]:
    """The aggregate calls of the select list."""
    return [node for node in _projected(query) if is_aggregate(node)]


def _projected(query: Select) -> Iterator[Any]:
    for expression in selected(query):
        yield from walk(expression)


def _order_info(query: Select) -> dict[str, Any]:
    return {
        "orderBy": ["Ascending" if is_ascending(item) else "Descending" for item in query.order_by],
        "orderByExpressions": [print_expression(item.value) for item in query.order_by],
        "hasNonStreamingOrderBy": is_non_streaming(query),
    }


def _with_order_by_items(query: Select) -> Select:
    """SELECT _rid, the values ordered by, and as payload what was selected; rows can be skipped by a filter."""
    alias = root_alias(query)
    items = nodes.ArrayLiteral(tuple(nodes.ObjectLiteral((("item", item.value),)) for item in query.order_by))
    filter_ = with_filter(query)
    if query.value is not None:
        filter_ = nodes.logical("AND", filter_, nodes.Call("IS_DEFINED", (query.value,)))
    return replace(
        query,
        star=False,
        value=None,
        distinct=False,
        items=(
            nodes.SelectItem(nodes.Member(nodes.Name(alias), "_rid")),
            nodes.SelectItem(items, "orderByItems"),
            nodes.SelectItem(payload(query), "payload"),
        ),
        where=filter_,
    )


def with_filter(query: Select) -> Expression:
    """The query's own filter and the one that the client adds."""
    return ORDER_BY_FILTER if query.where is None else nodes.logical("AND", query.where, ORDER_BY_FILTER)


def root_alias(query: Select) -> str:
    """The name that the documents are bound to; "c" where FROM leaves them without one."""
    source = query.sources[0]
    return source.alias or default_name(source.collection) or "c"


def payload(query: Select) -> Expression:
    """What the query selects, as one expression."""
    if query.star:
        return nodes.Name(root_alias(query))
    if query.value is not None:
        return query.value
    values = (item.value for item in query.items)
    return nodes.ObjectLiteral(tuple(zip(item_names(query.items), values, strict=True)))


def _is_ordered_distinct(query: Select) -> bool:
    """Whether equal rows come one after the other, because what is selected is what is ordered by."""
    return bool(query.order_by) and selected(query) == [item.value for item in query.order_by]


def _grouped(query: Select) -> dict[str, Any]:
    """The plan of a query with aggregates or GROUP BY: partitions send parts, the client puts them together."""
    keys = tuple(nodes.ObjectLiteral((("item", key),)) for key in query.group_by)
    group_items = (nodes.SelectItem(nodes.ArrayLiteral(keys), "groupByItems"),) if keys else ()
    info: dict[str, Any] = {"groupByExpressions": [print_expression(key) for key in query.group_by]}
    rewritten = replace(query, value=None, distinct=False, top=None, offset=None, limit=None)
    if query.value is not None:
        info["aggregates"] = [PLAN_NAMES[call.name.upper()] for call in aggregate_calls(query)]
        part = _part(query.value)
        if is_aggregate(query.value):
            part = nodes.ArrayLiteral((part,))
        if not keys:
            return info | {"rewrittenQuery": print_query(replace(rewritten, value=part))}
    else:
        names = item_names(query.items)
        info["groupByAliases"] = names
        info["groupByAliasToAggregateType"] = {
            name: _aggregate_type(item.value) for name, item in zip(names, query.items, strict=True)
        }
        parts = (_part(item.value) for item in query.items)
        part = nodes.ObjectLiteral(tuple(zip(names, parts, strict=True)))
    items = (*group_items, nodes.SelectItem(part, "payload"))
    return info | {"rewrittenQuery": print_query(replace(rewritten, items=items))}


def _aggregate_type(expression: Expression) -> str | None:
    if isinstance(expression, nodes.Call) and is_aggregate(expression):
        return PLAN_NAMES[expression.name.upper()]
    return None


def _part(expression: Expression) -> Expression:
    """What a partition sends for an item: {"item": part} for an aggregate, the value for anything else."""
    if not isinstance(expression, nodes.Call) or not is_aggregate(expression):
        if any(map(is_aggregate, walk(expression))):
            raise QueryError("", "Compositions of aggregates and other expressions are not allowed.")
        return expression
    name = expression.name.upper()
    count = nodes.Call("COUNT", expression.arguments)
    if name == "AVG":
        total = nodes.Call("SUM", expression.arguments)
        return nodes.ObjectLiteral((("item", nodes.ObjectLiteral((("sum", total), ("count", count)))),))
    properties: list[tuple[str, Expression]] = [("item", expression)]
    if name in ("MIN", "MAX"):
        properties.append(("item2", nodes.ObjectLiteral(((name.lower(), expression), ("count", count)))))
    return nodes.ObjectLiteral(tuple(properties))
