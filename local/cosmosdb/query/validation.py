"""What the grammar allows and Azure Cosmos DB refuses."""

from collections.abc import Container, Iterator
from typing import Any

from . import nodes
from .aggregates import AGGREGATES
from .errors import QueryError
from .nodes import Expression
from .paths import children, root_of, selected
from .printer import print_expression


def check_select(query: nodes.Select, *, subquery: bool) -> None:
    """Raises QueryError for clauses that don't go together."""
    if query.star:
        _check_star(query)
    if query.top is not None and query.limit is not None:
        raise QueryError("SC2063", "The TOP clause cannot be used together with OFFSET LIMIT.")
    if query.order_by and query.group_by:
        raise QueryError("SC2042", "'ORDER BY' is not allowed with GROUP BY.")
    if subquery:
        _check_subquery(query)


def _check_star(query: nodes.Select) -> None:
    if query.group_by:
        raise QueryError("SC2041", "'SELECT *' is not allowed with GROUP BY.", query.star_span)
    if not query.sources:
        raise QueryError("SC2043", "'SELECT *' is not valid if FROM clause is omitted.", query.star_span)
    if len(query.sources) > 1:
        raise QueryError("SC2040", "'SELECT *' is only valid with a single input set.", query.star_span)


def _check_subquery(query: nodes.Select) -> None:
    if query.order_by:
        raise QueryError("SC2203", "'ORDER BY' is not supported in subqueries.")
    if query.top is not None:
        raise QueryError("SC2204", "'TOP' is not supported in subqueries.")
    if query.limit is not None:
        raise QueryError("SC2205", "'OFFSET LIMIT' is not supported in subqueries.")


def check_grouping(query: nodes.Select, aliases: Container[str]) -> None:
    """Raises QueryError SC2102 where the select list of a grouped query reads what is not grouped by."""
    keys = query.group_by
    errors = [_invalid_reference(path) for item in selected(query) for path in _ungrouped(item, keys, aliases)]
    if errors:
        raise QueryError(errors[0].code, errors[0].message, errors[0].span, errors[1:])


def _invalid_reference(path: nodes.Name | nodes.Member | nodes.Index) -> QueryError:
    message = (
        f"Property reference '{print_expression(path)}' is invalid in the select list because it is not contained in "
        "either an aggregate function or the GROUP BY clause."
    )
    return QueryError("SC2102", message, path.span)


def _ungrouped(node: Any, keys: tuple[Expression, ...], aliases: Container[str]) -> Iterator[Any]:
    if node in keys or isinstance(node, nodes.Subquery) or is_aggregate(node):
        return
    if isinstance(node, nodes.Name | nodes.Member | nodes.Index):
        root = root_of(node)
        if root is not None and root.name in aliases and not _is_below_a_key(node, keys):
            yield node
        return
    for child in children(node):
        yield from _ungrouped(child, keys, aliases)


def _is_below_a_key(path: Expression, keys: tuple[Expression, ...]) -> bool:
    while isinstance(path, nodes.Member | nodes.Index):
        if path in keys:
            return True
        path = path.of
    return path in keys


def is_aggregate(node: Any) -> bool:
    """Whether the node is the call of an aggregate function."""
    return isinstance(node, nodes.Call) and not node.udf and node.name.upper() in AGGREGATES
