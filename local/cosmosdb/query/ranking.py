"""ORDER BY RANK: the scores it combines, and how they are fused.

Source: the plans in azure-cosmos-dotnet-v3's baselines, and the hybrid search of azure-cosmos for Python, which fuses
by reciprocal rank: the sum over the components of weight / (60 + rank).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from . import nodes
from .errors import QueryError
from .functions.fulltext import full_text_contains, full_text_score, full_text_word_count
from .nodes import Expression, Select
from .ordering import is_ascending
from .runtime import Evaluate, Frame
from .scope import Scope
from .values import UNDEFINED

_FUSION: Final = 60
_WORST: Final = -1.0

Compile: TypeAlias = Callable[[Expression, Scope], Evaluate]
Scores: TypeAlias = Callable[[Sequence[Frame]], list[float]]
"""The score of one component for each of the rows; larger is better."""


@dataclass(frozen=True, slots=True)
class Component:
    """One score: FullTextScore of a text for phrases, or a vector distance if there are no phrases."""

    call: nodes.Call
    phrases: tuple[Expression, ...]

    @property
    def is_text(self) -> bool:
        """Whether it scores text, for which statistics of all documents are needed."""
        return self.call.name.upper() == "FULLTEXTSCORE"


def components(query: Select) -> tuple[Component, ...]:
    """The scores of ORDER BY RANK, those inside RRF or the one that stands alone."""
    if len(query.order_by) != 1:
        raise QueryError("SC2207", "ORDER BY RANK takes exactly one function.")
    call = _call(query.order_by[0].value)
    if call.name.upper() != "RRF":
        return (_component(call),)
    scores = [argument for argument in call.arguments if isinstance(argument, nodes.Call)]
    if len(scores) < 2 or len(call.arguments) - len(scores) > 1:
        raise QueryError("SC2208", "RRF takes two or more scores and, after them, an array of weights.", call.span)
    return tuple(_component(score) for score in scores)


def weights_of(query: Select) -> Expression | None:
    """The array of weights that RRF was given, if any."""
    call = _call(query.order_by[0].value)
    last = call.arguments[-1] if call.name.upper() == "RRF" else None
    return None if isinstance(last, nodes.Call) else last


def _call(expression: Expression) -> nodes.Call:
    assert isinstance(expression, nodes.Call)  # the grammar takes nothing else here
    return expression


def _component(call: nodes.Call) -> Component:
    name = call.name.upper()
    if name == "VECTORDISTANCE":
        return Component(call, ())
    if name != "FULLTEXTSCORE" or len(call.arguments) < 2:
        message = f"'{call.name}' is not a score that ORDER BY RANK can use."
        raise QueryError("SC2209", message, call.span)
    match call.arguments[1:]:
        case (nodes.ArrayLiteral(items),):
            return Component(call, items)
        case phrases:
            return Component(call, phrases)


def compile_ranking(query: Select, scope: Scope, compile_: Compile) -> Callable[[list[Frame]], list[Frame]]:
    """Puts rows into the order of their rank, best first. Statistics are those of the rows themselves."""
    scorers = [_scorer(component, scope, compile_) for component in components(query)]
    weights = weights_of(query)
    weight_list = compile_(weights, scope) if weights is not None else None

    def rank(rows: list[Frame]) -> list[Frame]:
        if not rows:
            return rows
        scores = [scorer(rows) for scorer in scorers]
        given = weight_list(rows[0]) if weight_list is not None else [1] * len(scorers)
        totals = scores[0] if len(scores) == 1 else _fused(scores, given)
        order = sorted(range(len(rows)), key=lambda row: -totals[row])
        return [rows[row] for row in order]

    return rank


def _scorer(component: Component, scope: Scope, compile_: Compile) -> Scores:
    if not component.is_text:
        sign = -1 if is_ascending(nodes.OrderItem(component.call)) else 1
        distance = compile_(component.call, scope)
        return lambda rows: [_defined(distance(row), sign) for row in rows]
    text = compile_(component.call.arguments[0], scope)
    phrases = [compile_(phrase, scope) for phrase in component.phrases]

    def scores(rows: Sequence[Frame]) -> list[float]:
        texts = [text(row) for row in rows]
        wanted = [phrase(rows[0]) for phrase in phrases]
        strings = [value for value in texts if type(value) is str]
        hits = [sum(full_text_contains(value, phrase) for value in strings) for phrase in wanted]
        total = sum(map(full_text_word_count, strings))
        return [
            full_text_score(value, wanted, len(rows), total, hits) if type(value) is str else _WORST for value in texts
        ]

    return scores


def _defined(value: object, sign: int) -> float:
    return float("-inf") if value is UNDEFINED else sign * float(value)  # type: ignore[arg-type]


def _fused(scores: list[list[float]], weights: Sequence[float]) -> list[float]:
    totals = [0.0] * len(scores[0])
    for component, weight in zip(scores, weights, strict=True):
        ordered = sorted(set(component), reverse=weight >= 0)
        ranks = {score: rank for rank, score in enumerate(ordered, start=1)}
        for row, score in enumerate(component):
            totals[row] += abs(weight) / (_FUSION + ranks[score])
    return totals
