"""From queries and subqueries of the syntax tree to generators of rows."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Final, TypeAlias

from . import nodes
from .errors import QueryError
from .expressions import ExpressionCompiler, build_object
from .ordering import is_ascending
from .paths import default_name, item_names, root_of
from .ranking import compile_ranking
from .runtime import Evaluate, Frame, Rows
from .scope import AggregateCall, Scope
from .validation import check_grouping, check_select
from .values import JSON, UNDEFINED, Value, freeze, integer, sort_key

Frames: TypeAlias = Callable[[Frame], Iterator[Frame]]
"""A stage before the projection: the frames in which the select list is to be evaluated, one for each row."""

Values: TypeAlias = Callable[[Frame], Iterable[Value]]
"""The values that a source of FROM takes for the row in the frame."""

_LARGEST_COUNT: Final = 2**31 - 1


def compile_select(query: nodes.Select, scope: Scope) -> Rows:
    """The rows of a query. Raises QueryError for what the grammar lets through and Azure does not."""
    check_select(query, subquery=scope.outer is not None)
    frames, slots = _sources(query, scope)
    if query.where is not None:
        where = EXPRESSIONS.compile(query.where, scope.clause("Aggregate functions are not allowed in WHERE."))
        frames = _filter(frames, where)
    aggregates: list[AggregateCall] = []
    projection = itemgetter(slots[0]) if query.star else _projection(query, scope.projection(aggregates))
    if query.group_by or aggregates:
        check_grouping(query, scope.aliases)
        frames = _group(frames, _group_keys(query, scope), aggregates)
    elif query.rank:
        frames = _rank(frames, query, scope)
    elif query.order_by:
        frames = _order(frames, query, scope)
    rows = _project(frames, projection)
    if query.distinct:
        rows = _distinct(rows)
    return _slice(rows, query, scope)


def _sources(query: nodes.Select, scope: Scope) -> tuple[Frames, list[int]]:
    """The rows of FROM, and the slots that its sources are bound to."""
    frames: Frames = _once
    slots: list[int] = []
    for position, source in enumerate(query.sources):
        values = _source_values(source, scope, may_be_root=position == 0)
        root = root_of(source.collection)
        alias = source.alias or default_name(source.collection)
        slot = scope.declare(alias, root.span if root else nodes.NOWHERE)
        frames = _bind(frames, values, slot)
        slots.append(slot)
    return frames, slots


def _once(frame: Frame) -> Iterator[Frame]:
    yield frame


def _bind(outer: Frames, values: Values, slot: int) -> Frames:
    def frames(frame: Frame) -> Iterator[Frame]:
        for row in outer(frame):
            for value in values(row):
                row[slot] = value
                yield row

    return frames


def _source_values(source: nodes.Source, scope: Scope, *, may_be_root: bool) -> Values:
    collection = source.collection
    if isinstance(collection, nodes.Subquery):
        rows = EXPRESSIONS.compile_select(collection.query, scope.inner())
        return _elements(rows) if source.iterated else rows
    root = root_of(collection)
    if root is not None and may_be_root and scope.find(root.name) is None:
        return _root_values(source, root, scope)
    value = EXPRESSIONS.compile(collection, scope.clause(""))
    return _elements_of(value) if source.iterated else _existing(value)


def _root_values(source: nodes.Source, root: nodes.Name, scope: Scope) -> Values:
    """The documents of the container, or what is at a path in each of them."""
    if source.collection == root and not source.iterated:
        return _documents
    below = Scope(scope.layout, scope.outer)
    slot = below.declare(root.name, root.span)
    path = EXPRESSIONS.compile(source.collection, below)
    inner = _elements_of(path) if source.iterated else _existing(path)

    def values(frame: Frame) -> Iterator[Value]:
        for document in _documents(frame):
            frame[slot] = document
            yield from inner(frame)

    return values


def _documents(frame: Frame) -> Iterable[JSON]:
    documents: Iterable[JSON] = frame[0].documents
    return documents


def _existing(value: Evaluate) -> Values:
    def values(frame: Frame) -> Iterable[Value]:
        found = value(frame)
        return () if found is UNDEFINED else (found,)

    return values


def _elements_of(value: Evaluate) -> Values:
    def values(frame: Frame) -> Iterable[Value]:
        found = value(frame)
        return found if type(found) is list else ()

    return values


def _elements(rows: Rows) -> Values:
    def values(frame: Frame) -> Iterator[Value]:
        for row in rows(frame):
            if type(row) is list:
                yield from row

    return values


def _filter(frames: Frames, where: Evaluate) -> Frames:
    def filtered(frame: Frame) -> Iterator[Frame]:
        for row in frames(frame):
            if where(row) is True:
                yield row

    return filtered


def _projection(query: nodes.Select, scope: Scope) -> Evaluate:
    if query.value is not None:
        return EXPRESSIONS.compile(query.value, scope)
    values = [EXPRESSIONS.compile(item.value, scope) for item in query.items]
    return build_object(list(zip(item_names(query.items), values, strict=True)))


def _project(frames: Frames, projection: Evaluate) -> Rows:
    def rows(frame: Frame) -> Iterator[Value]:
        for row in frames(frame):
            value = projection(row)
            if value is not UNDEFINED:
                yield value

    return rows


def _group_keys(query: nodes.Select, scope: Scope) -> list[Evaluate]:
    clause = scope.clause("Aggregate functions are not allowed in GROUP BY.")
    return [EXPRESSIONS.compile(expression, clause) for expression in query.group_by]


def _group(frames: Frames, keys: list[Evaluate], aggregates: list[AggregateCall]) -> Frames:
    """One frame for each group: that of its first row, with the aggregates' results in their slots."""

    def groups(frame: Frame) -> Iterator[Frame]:
        found = {} if keys else {(): (frame, [call.make() for call in aggregates])}
        for row in frames(frame):
            key = tuple(freeze(evaluate(row)) for evaluate in keys)
            if key not in found:
                found[key] = (row[:], [call.make() for call in aggregates])
            for call, aggregate in zip(aggregates, found[key][1], strict=True):
                aggregate.add(call.argument(row))
        for first, results in found.values():
            for call, aggregate in zip(aggregates, results, strict=True):
                first[call.slot] = aggregate.result()
            yield first

    return groups


def _order(frames: Frames, query: nodes.Select, scope: Scope) -> Frames:
    clause = scope.clause("Aggregate functions are not allowed in ORDER BY.")
    keys = [(EXPRESSIONS.compile(item.value, clause), is_ascending(item)) for item in query.order_by]

    def ordered(frame: Frame) -> Iterator[Frame]:
        rows = [([sort_key(evaluate(row)) for evaluate, _ in keys], row[:]) for row in frames(frame)]
        # Sorting is stable, so the least significant key comes first.
        for position, (_, ascending) in reversed(list(enumerate(keys))):
            rows.sort(key=lambda row, position=position: row[0][position], reverse=not ascending)  # type: ignore[misc]
        for _, row in rows:
            yield row

    return ordered


def _rank(frames: Frames, query: nodes.Select, scope: Scope) -> Frames:
    clause = scope.clause("Aggregate functions are not allowed in ORDER BY.")
    rank = compile_ranking(query, clause, EXPRESSIONS.compile)
    return lambda frame: iter(rank([row[:] for row in frames(frame)]))


def _distinct(rows: Rows) -> Rows:
    def distinct(frame: Frame) -> Iterator[Value]:
        seen: set[object] = set()
        for value in rows(frame):
            key = freeze(value)
            if key not in seen:
                seen.add(key)
                yield value

    return distinct


def _slice(rows: Rows, query: nodes.Select, scope: Scope) -> Rows:
    """TOP, or OFFSET and LIMIT. Rows that are not wanted are not computed."""
    if query.top is None and query.limit is None:
        return rows
    start = _count("OFFSET", query.offset, scope)
    length = _count("TOP" if query.limit is None else "LIMIT", query.top if query.limit is None else query.limit, scope)

    def sliced(frame: Frame) -> Iterator[Value]:
        first = start(frame)
        return islice(rows(frame), first, first + length(frame))

    return sliced


def _count(clause: str, count: nodes.Count | None, scope: Scope) -> Callable[[Frame], int]:
    if count is None:
        return lambda frame: 0
    evaluate = EXPRESSIONS.compile(count, scope)
    return lambda frame: row_count(clause, evaluate(frame))


def row_count(clause: str, value: Value) -> int:
    """The value of TOP, OFFSET or LIMIT as an int. QueryError SC2060 if it isn't a number of rows."""
    count = integer(value)
    if count is None or not 0 <= count <= 2 * _LARGEST_COUNT:
        raise QueryError("SC2060", f"The count value provided for a {clause} clause must be an integer.")
    return count


EXPRESSIONS: Final = ExpressionCompiler(compile_select)
"""The one compiler of expressions, which knows how to compile subqueries."""
