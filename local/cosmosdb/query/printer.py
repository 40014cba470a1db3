"""From a syntax tree back to text, in the style of Azure's rewritten queries: every operator in parentheses."""

import json
import math
from collections.abc import Iterable
from functools import singledispatch

from . import nodes
from .nodes import Expression, Select
from .values import UNDEFINED


def print_query(query: Select) -> str:
    """The query as text on one line. Parsing it gives an equal tree."""
    return " ".join(_clauses(query))


def _clauses(query: Select) -> Iterable[str]:
    yield "SELECT"
    if query.distinct:
        yield "DISTINCT"
    if query.top is not None:
        yield f"TOP {print_expression(query.top)}"
    if query.star:
        yield "*"
    elif query.value is not None:
        yield f"VALUE {print_expression(query.value)}"
    else:
        yield ", ".join(map(_select_item, query.items))
    if query.sources:
        yield "FROM " + " JOIN ".join(map(_source, query.sources))
    if query.where is not None:
        yield f"WHERE {print_expression(query.where)}"
    if query.group_by:
        yield f"GROUP BY {_list(query.group_by)}"
    if query.order_by:
        yield "ORDER BY" + (" RANK" if query.rank else "")
        yield ", ".join(" ".join(filter(None, (print_expression(i.value), i.direction))) for i in query.order_by)
    if query.offset is not None and query.limit is not None:
        yield f"OFFSET {print_expression(query.offset)} LIMIT {print_expression(query.limit)}"


def _select_item(item: nodes.SelectItem) -> str:
    text = print_expression(item.value)
    return text if item.alias is None else f"{text} AS {item.alias}"


def _source(source: nodes.Source) -> str:
    collection = print_expression(source.collection)
    if source.iterated:
        return f"{source.alias} IN {collection}"
    return collection if source.alias is None else f"{collection} AS {source.alias}"


def _list(expressions: Iterable[Expression]) -> str:
    return ", ".join(map(print_expression, expressions))


@singledispatch
def print_expression(expression: Expression) -> str:
    """The expression as text."""
    raise TypeError(f"no such expression: {expression!r}")


@print_expression.register
def _(node: nodes.Literal) -> str:
    if node.value is UNDEFINED:
        return "undefined"
    if isinstance(node.value, float):
        if math.isnan(node.value):
            return "NaN"
        return f"{node.value:.17g}".replace("inf", "Infinity")
    return json.dumps(node.value, ensure_ascii=False)


@print_expression.register
def _(node: nodes.Parameter) -> str:
    return node.name


@print_expression.register
def _(node: nodes.Placeholder) -> str:
    return f"({node.text})" if node.enclosed else node.text


@print_expression.register
def _(node: nodes.Name) -> str:
    return node.name


@print_expression.register
def _(node: nodes.Member) -> str:
    return f"{print_expression(node.of)}.{node.name}"


@print_expression.register
def _(node: nodes.Index) -> str:
    return f"{print_expression(node.of)}[{print_expression(node.at)}]"


@print_expression.register
def _(node: nodes.Unary) -> str:
    return f"({node.operator} {print_expression(node.operand)})"


@print_expression.register
def _(node: nodes.Binary) -> str:
    return f"({print_expression(node.left)} {node.operator} {print_expression(node.right)})"


@print_expression.register
def _(node: nodes.Logical) -> str:
    first, *rest = map(print_expression, node.operands)
    opened = "(" * len(rest)
    return opened + first + "".join(f" {node.operator} {operand})" for operand in rest)


@print_expression.register
def _(node: nodes.Conditional) -> str:
    branches = f"{print_expression(node.then)} : {print_expression(node.otherwise)}"
    return f"({print_expression(node.test)} ? {branches})"


@print_expression.register
def _(node: nodes.In) -> str:
    return f"({print_expression(node.needle)} {_not(node.negated)}IN ({_list(node.items)}))"


@print_expression.register
def _(node: nodes.Between) -> str:
    bounds = f"{print_expression(node.low)} AND {print_expression(node.high)}"
    return f"({print_expression(node.value)} {_not(node.negated)}BETWEEN {bounds})"


@print_expression.register
def _(node: nodes.Like) -> str:
    escape = "" if node.escape is None else f" ESCAPE {json.dumps(node.escape, ensure_ascii=False)}"
    return f"({print_expression(node.value)} {_not(node.negated)}LIKE {print_expression(node.pattern)}{escape})"


@print_expression.register
def _(node: nodes.Call) -> str:
    return f"{'udf.' if node.udf else ''}{node.name}({_list(node.arguments)})"


@print_expression.register
def _(node: nodes.ArrayLiteral) -> str:
    return f"[{_list(node.items)}]"


@print_expression.register
def _(node: nodes.ObjectLiteral) -> str:
    properties = (f"{json.dumps(key, ensure_ascii=False)}: {print_expression(value)}" for key, value in node.properties)
    return "{" + ", ".join(properties) + "}"


@print_expression.register
def _(node: nodes.Subquery) -> str:
    return f"{node.kind}({print_query(node.query)})"


def _not(negated: bool) -> str:
    return "NOT " if negated else ""
