"""From expressions of the syntax tree to closures over a frame."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, singledispatch
from operator import itemgetter
from typing import Final

from . import nodes, operators
from .aggregates import AGGREGATES
from .errors import QueryError, wrong_arguments
from .functions import compile_call
from .runtime import Evaluate, Frame, Rows
from .scope import AggregateCall, Scope
from .values import UNDEFINED, Value, integer

_MISSING: Final = object()
_RANKING_ONLY: Final = {"FULLTEXTSCORE", "RRF"}

SelectCompiler = Callable[[nodes.Select, Scope], Rows]


class ExpressionCompiler:
    """Compiles expressions; the compiler of subqueries is given, as the two need each other."""

    def __init__(self, compile_select: SelectCompiler) -> None:
        self.compile_select = compile_select
        self.compile = singledispatch(self._unknown)
        self._register()

    def _register(self) -> None:
        register = self.compile.register
        register(nodes.Literal, self._literal)
        register(nodes.Parameter, self._parameter)
        register(nodes.Placeholder, self._placeholder)
        register(nodes.Name, self._name)
        register(nodes.Member, self._member)
        register(nodes.Index, self._index)
        register(nodes.Unary, self._unary)
        register(nodes.Binary, self._binary)
        register(nodes.Logical, self._logical)
        register(nodes.Conditional, self._conditional)
        register(nodes.In, self._in)
        register(nodes.Between, self._between)
        register(nodes.Like, self._like)
        register(nodes.Call, self._call)
        register(nodes.ArrayLiteral, self._array)
        register(nodes.ObjectLiteral, self._object)
        register(nodes.Subquery, self._subquery)

    def _unknown(self, node: object, _: Scope) -> Evaluate:
        raise TypeError(f"no such expression: {node!r}")

    def _literal(self, node: nodes.Literal, _: Scope) -> Evaluate:
        value = node.value
        return lambda frame: value

    def _parameter(self, node: nodes.Parameter, scope: Scope) -> Evaluate:
        return itemgetter(scope.layout.parameter(node.name))

    def _placeholder(self, node: nodes.Placeholder, _: Scope) -> Evaluate:
        raise QueryError("SC1001", f"Syntax error, incorrect syntax near '{node.text}'.")

    def _name(self, node: nodes.Name, scope: Scope) -> Evaluate:
        return itemgetter(scope.resolve(node.name, node.span))

    def _member(self, node: nodes.Member, scope: Scope) -> Evaluate:
        name = node.name
        if isinstance(node.of, nodes.Name):
            return member_of_slot(scope.resolve(node.of.name, node.of.span), name)
        of = self.compile(node.of, scope)

        def evaluate(frame: Frame) -> Value:
            value = of(frame)
            return value.get(name, UNDEFINED) if type(value) is dict else UNDEFINED

        return evaluate

    def _index(self, node: nodes.Index, scope: Scope) -> Evaluate:
        of = self.compile(node.of, scope)
        at = self.compile(node.at, scope)
        return lambda frame: element(of(frame), at(frame))

    def _unary(self, node: nodes.Unary, scope: Scope) -> Evaluate:
        return operators.unary(node.operator, self.compile(node.operand, scope))

    def _binary(self, node: nodes.Binary, scope: Scope) -> Evaluate:
        return operators.binary(node.operator, self.compile(node.left, scope), self.compile(node.right, scope))

    def _logical(self, node: nodes.Logical, scope: Scope) -> Evaluate:
        operands = tuple(self.compile(operand, scope) for operand in node.operands)
        return operators.conjunction(operands) if node.operator == "AND" else operators.disjunction(operands)

    def _conditional(self, node: nodes.Conditional, scope: Scope) -> Evaluate:
        parts = (node.test, node.then, node.otherwise)
        return operators.conditional(*(self.compile(part, scope) for part in parts))

    def _in(self, node: nodes.In, scope: Scope) -> Evaluate:
        needle = self.compile(node.needle, scope)
        items = [self.compile(item, scope) for item in node.items]
        if all(isinstance(item, nodes.Literal | nodes.Parameter) for item in node.items):
            slot = scope.layout.allocate()
            return _negated(node.negated, operators.contained_in_constants(needle, items, slot))
        return _negated(node.negated, operators.contained(needle, items))

    def _between(self, node: nodes.Between, scope: Scope) -> Evaluate:
        parts = (node.value, node.low, node.high)
        return _negated(node.negated, operators.between(*(self.compile(part, scope) for part in parts)))

    def _like(self, node: nodes.Like, scope: Scope) -> Evaluate:
        value, pattern = self.compile(node.value, scope), self.compile(node.pattern, scope)
        return _negated(node.negated, operators.like(value, pattern, node.escape))

    def _array(self, node: nodes.ArrayLiteral, scope: Scope) -> Evaluate:
        items = [self.compile(item, scope) for item in node.items]
        return lambda frame: [value for item in items if (value := item(frame)) is not UNDEFINED]

    def _object(self, node: nodes.ObjectLiteral, scope: Scope) -> Evaluate:
        return build_object([(key, self.compile(value, scope)) for key, value in node.properties])

    def _call(self, node: nodes.Call, scope: Scope) -> Evaluate:
        if node.udf:
            return partial(_missing_udf, node.name)
        if node.name.upper() in AGGREGATES:
            return self._aggregate(node, scope)
        if node.name.upper() in _RANKING_ONLY:
            message = f"The {node.name} function is only allowed in the ORDER BY RANK clause."
            raise QueryError("SC2210", message, node.span)
        return compile_call(node.name, [self.compile(item, scope) for item in node.arguments], node.span)

    def _aggregate(self, node: nodes.Call, scope: Scope) -> Evaluate:
        name = node.name.upper()
        if scope.inside_aggregate:
            raise _NestedAggregateError
        if scope.aggregates is None:
            raise QueryError("SC2103", scope.refusal or "An aggregate function is not allowed here.", node.span)
        if len(node.arguments) != 1:
            raise wrong_arguments(name, 1, 1, node.span)
        try:
            argument = self.compile(node.arguments[0], scope.argument())
        except _NestedAggregateError:
            message = "Cannot perform an aggregate function on an expression containing an aggregate or a subquery."
            raise QueryError("SC2101", message, node.span) from None
        slot = scope.layout.allocate()
        scope.aggregates.append(AggregateCall(AGGREGATES[name], argument, slot))
        return itemgetter(slot)

    def _subquery(self, node: nodes.Subquery, scope: Scope) -> Evaluate:
        if scope.inside_aggregate:
            raise _NestedAggregateError
        if node.kind == "ALL":
            return self._all(node.query, scope)
        rows = self.compile_select(node.query, scope.inner())
        return _SUBQUERIES[node.kind](rows)

    def _all(self, query: nodes.Select, scope: Scope) -> Evaluate:
        """ALL(... WHERE filter) is NOT EXISTS(... WHERE NOT filter)."""
        filter_ = nodes.Literal(True) if query.where is None else query.where
        opposite = replace(query, where=nodes.Unary("NOT", filter_))
        return operators.negate(_exists(self.compile_select(opposite, scope.inner())))


class _NestedAggregateError(Exception):
    """An aggregate or a subquery stands inside an aggregate's argument; the outer one says where."""


def member_of_slot(slot: int, name: str) -> Evaluate:
    """The closure of `alias.name`."""

    def evaluate(frame: Frame) -> Value:
        value = frame[slot]
        return value.get(name, UNDEFINED) if type(value) is dict else UNDEFINED

    return evaluate


def element(of: Value, at: Value) -> Value:
    """`of[at]`: a property by string or an array's element by its number from 0."""
    if type(of) is dict:
        return of.get(at, UNDEFINED) if type(at) is str else UNDEFINED
    position = integer(at)
    if type(of) is list and position is not None and 0 <= position < len(of):
        return of[position]
    return UNDEFINED


def build_object(properties: list[tuple[str, Evaluate]]) -> Evaluate:
    """The closure of an object; properties whose value is undefined are left out."""

    def evaluate(frame: Frame) -> Value:
        return {key: value for key, item in properties if (value := item(frame)) is not UNDEFINED}

    return evaluate


def _negated(negated: bool, truth: Evaluate) -> Evaluate:
    return operators.negate(truth) if negated else truth


def _missing_udf(name: str, _: Frame) -> Value:
    raise QueryError("SC2006", f"'udf.{name}' is not a recognized user defined function name.")


def _scalar(rows: Rows) -> Evaluate:
    def evaluate(frame: Frame) -> Value:
        found = rows(frame)
        value = next(found, UNDEFINED)
        if next(found, _MISSING) is not _MISSING:
            raise QueryError("SC3020", "The cardinality of a scalar subquery result set cannot be greater than one.")
        return value

    return evaluate


def _exists(rows: Rows) -> Evaluate:
    return lambda frame: next(rows(frame), _MISSING) is not _MISSING


def _array_of(rows: Rows) -> Evaluate:
    return lambda frame: list(rows(frame))


def _first(rows: Rows) -> Evaluate:
    return lambda frame: next(rows(frame), UNDEFINED)


def _last(rows: Rows) -> Evaluate:
    def evaluate(frame: Frame) -> Value:
        value: Value = UNDEFINED
        for value in rows(frame):  # noqa: B007 - the last one is what is wanted
            pass
        return value

    return evaluate


_SUBQUERIES: Final[dict[str, Callable[[Rows], Evaluate]]] = {
    "": _scalar,
    "ARRAY": _array_of,
    "EXISTS": _exists,
    "FIRST": _first,
    "LAST": _last,
}
