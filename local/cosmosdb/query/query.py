"""A compiled query: what the server runs, plans and asks about partition keys."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final

from . import nodes
from .errors import QueryError
from .hybrid import hybrid_search_info
from .narrowing import Indexed, served
from .nodes import Expression
from .ordering import check_order_by, is_ascending, is_non_streaming
from .parser import parse
from .paths import document_path, selected, walk
from .pinning import Pins, pinned_keys, pinned_paths
from .plan import aggregate_calls, has_aggregates, query_info, root_alias
from .ranking import components, weights_of
from .runtime import Context, Layout
from .scope import Scope
from .selects import EXPRESSIONS, compile_select, row_count
from .values import JSON, Parameters, Value, printable

_CACHED_QUERIES: Final = 512


class Query:
    """A query, compiled once. It holds nothing of its runs, so threads may share it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._select = parse(text)
        self._layout = Layout()
        self._rows = compile_select(self._select, Scope(self._layout))
        if not self._select.group_by and not has_aggregates(self._select):
            check_order_by(self._select, on_paths=self.order_by_paths is not None)
        self._needs_printing = _may_be_infinite(self._select)

    def run(self, documents: Iterable[JSON], parameters: Parameters, now: datetime) -> Iterator[JSON]:
        """The rows of the whole query over these documents, in their order, as one partition would give them.

        Documents are read as rows are asked for, and no further than needed. `parameters` maps "@name" to a value,
        `now` is the aware time that GETCURRENTDATETIME and its kin tell. Raises QueryError for a missing parameter
        at once, and for what only values can get wrong while rows are read.
        """
        frame: list[Any] = [None] * self._layout.size
        frame[0] = Context(documents, now)
        for name, slot in self._layout.parameters.items():
            frame[slot] = _parameter(parameters, name)
        rows = self._rows(frame)
        return map(printable, rows) if self._needs_printing else rows

    @cached_property
    def needs_plan(self) -> bool:
        """Whether the rows of several partitions are more than one after the other, so that the client must plan."""
        query = self._select
        counted = query.top is not None or query.limit is not None
        changed = counted or query.distinct or query.order_by or query.group_by or has_aggregates(query)
        return bool(query.sources and changed)

    @cached_property
    def features(self) -> frozenset[str]:
        """What a client must be able to do for this query across partitions, in the words of its request header."""
        query = self._select
        calls = aggregate_calls(query)
        found = {
            "Aggregate": bool(calls),
            "CountIf": any(call.name.upper() == "COUNTIF" for call in calls),
            "NonValueAggregate": bool(calls) and query.value is None,
            "MultipleAggregates": len(calls) > 1,
            "GroupBy": bool(query.group_by),
            "Distinct": query.distinct,
            "Top": query.top is not None,
            "OffsetAndLimit": query.limit is not None,
            "OrderBy": bool(query.order_by) and not query.rank,
            "HybridSearch": query.rank,
            "WeightedRankFusion": query.rank and weights_of(query) is not None,
            "MultipleOrderBy": len(query.order_by) > 1,
            "NonStreamingOrderBy": is_non_streaming(query),
        }
        return frozenset(name for name, needed in found.items() if needed)

    @property
    def reads_documents(self) -> bool:
        """Whether there is a FROM. Without one a query gives one row, however many partitions there are."""
        return bool(self._select.sources)

    def plan(self, parameters: Parameters, paths: Sequence[str] = ()) -> dict[str, Any]:
        """The `queryInfo` of the query plan. `paths` are those of the partition key, as in `partition_keys`.

        Raises QueryError for what Azure runs in one partition but can't plan. With ORDER BY RANK there is nothing in
        it, as `hybrid_plan` is the plan then.
        """
        query = self._select
        top, offset, limit = self._counts(parameters)
        if self._runs_as_it_is(parameters, paths):
            offset = limit = None
        return query_info(query, top, offset, limit)

    def execution_info(self, parameters: Parameters, paths: Sequence[str] = ()) -> dict[str, Any]:
        """What the gateway's query plan is made of, but for the ranges: `queryInfo` and, if any, the hybrid search."""
        hybrid = self.hybrid_plan(parameters)
        found = {"queryInfo": self.plan(parameters, paths)}
        return found if hybrid is None else {**found, "hybridSearchQueryInfo": hybrid}

    def hybrid_plan(self, parameters: Parameters) -> dict[str, Any] | None:
        """The `hybridSearchQueryInfo`, which a query with ORDER BY RANK has in place of a `queryInfo`; else None."""
        query = self._select
        if not query.rank:
            return None
        given = weights_of(query)
        weights = [1.0] * len(components(query)) if given is None else _constant(given, parameters)
        return hybrid_search_info(query, *self._counts(parameters), weights)

    def _runs_as_it_is(self, parameters: Parameters, paths: Sequence[str]) -> bool:
        """Whether one partition key holds everything, so that its partition can count off the rows itself."""
        query = self._select
        if query.distinct or query.order_by or query.group_by or has_aggregates(query) or not paths:
            return False
        keys = self.partition_keys(parameters, paths)
        return keys is not None and len(keys) == 1 and len(keys[0]) == len(paths)

    def partition_keys(self, parameters: Parameters, paths: Sequence[str]) -> list[list[JSON]] | None:
        """The partition key values, or prefixes of hierarchical ones, that WHERE pins the query to.

        `paths` are the partition key's, like "/partition_key". Empty if no document can match; None if every
        partition may hold matches.
        """
        alternatives = self._alternatives(parameters)
        return None if alternatives is None else pinned_keys(alternatives, paths)

    def equalities(self, parameters: Parameters) -> dict[str, list[JSON]]:
        """Values by path, like "/kind": each document that matches has one of them there. May be empty."""
        return pinned_paths(self._alternatives(parameters) or [])

    def _alternatives(self, parameters: Parameters) -> list[dict[str, JSON]] | None:
        alias = self._documents_alias
        if alias is None:
            return None
        return Pins(alias, parameters, _constant).alternatives(self._select.where)

    def leaves_out(self, parameters: Parameters, now: datetime, indexed: Indexed) -> Callable[[JSON], bool] | None:
        """Tells of a document whether an index alone can tell that it does not pass; None if no index helps.

        Args:
            indexed: Whether the values at a path like "/a/b" are.
        """
        alias, where = self._documents_alias, self._select.where
        if alias is None or where is None:
            return None
        part = served(where, alias, indexed)
        if part is None:
            return None
        layout = Layout()
        scope = Scope(layout)
        slot = scope.declare(alias, nodes.NOWHERE)
        passes = EXPRESSIONS.compile(part, scope)
        frame: list[Any] = [None] * layout.size
        frame[0] = Context((), now)
        for name, place in layout.parameters.items():
            frame[place] = _parameter(parameters, name)

        def left_out(document: JSON) -> bool:
            frame[slot] = document
            return passes(frame) is not True

        return left_out

    @cached_property
    def _documents_alias(self) -> str | None:
        """The alias of whole documents, if FROM starts with them."""
        if not self._select.sources:
            return None
        source = self._select.sources[0]
        return root_alias(self._select) if isinstance(source.collection, nodes.Name) and not source.iterated else None

    @cached_property
    def order_by_paths(self) -> list[tuple[str, bool]] | None:
        """The paths of ORDER BY, each with whether it is ascending; None without ORDER BY on plain paths."""
        if not self._select.order_by or self._documents_alias is None:
            return None
        found = [
            (document_path(item.value, self._documents_alias), is_ascending(item)) for item in self._select.order_by
        ]
        paths = [(path, ascending) for path, ascending in found if path is not None]
        return paths if len(paths) == len(found) else None

    @cached_property
    def filter_paths(self) -> frozenset[str]:
        """The paths of the documents that WHERE reads."""
        if self._select.where is None or self._documents_alias is None:
            return frozenset()
        found = (
            document_path(node, self._documents_alias)
            for node in walk(self._select.where)
            if isinstance(node, nodes.Member | nodes.Index)
        )
        return frozenset(path for path in found if path is not None)

    def _counts(self, parameters: Parameters) -> tuple[int | None, int | None, int | None]:
        """The values of TOP, OFFSET and LIMIT."""

        def value(clause: str, count: nodes.Count | None) -> int | None:
            return None if count is None else row_count(clause, _constant(count, parameters))

        query = self._select
        return value("TOP", query.top), value("OFFSET", query.offset), value("LIMIT", query.limit)


def _may_be_infinite(query: nodes.Select) -> bool:
    """Whether rows can have numbers that JSON has not: only what is computed can, not what documents hold."""
    for part in (*selected(query), *query.sources):
        for node in walk(part, into_subqueries=True):
            if isinstance(node, nodes.Binary | nodes.Call) or isinstance(getattr(node, "value", None), float):
                return True
    return False


def _parameter(parameters: Parameters, name: str) -> JSON:
    if name not in parameters:
        raise QueryError("SC2003", f"The parameter '{name}' has no value.")
    return parameters[name]


def _constant(expression: Expression, parameters: Parameters) -> Value:
    """The value of an expression that reads nothing but parameters."""
    if isinstance(expression, nodes.Literal):
        return expression.value
    if isinstance(expression, nodes.Parameter):
        return _parameter(parameters, expression.name)
    layout = Layout()
    evaluate = EXPRESSIONS.compile(expression, Scope(layout))
    frame: list[Any] = [None] * layout.size
    for name, slot in layout.parameters.items():
        frame[slot] = _parameter(parameters, name)
    return evaluate(frame)


@lru_cache(maxsize=_CACHED_QUERIES)
def compile_query(text: str) -> Query:
    """The compiled query; the same object for the same text. Raises QueryError where Azure answers 400."""
    try:
        return Query(text)
    except RecursionError:
        raise QueryError("SC3001", "The query is nested too deeply.") from None


def parameter_values(parameters: Iterable[Mapping[str, JSON]]) -> dict[str, JSON]:
    """The parameters of a request, [{"name": "@x", "value": 1}], as a mapping from "@name" to value."""
    return {item["name"]: item["value"] for item in parameters}
