"""Questions about the syntax tree: paths, their place in a document, and what an expression contains."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from . import nodes
from .nodes import Expression


def root_of(expression: Expression) -> nodes.Name | None:
    """The alias that a path starts with; None if the expression is no path."""
    while isinstance(expression, nodes.Member | nodes.Index):
        expression = expression.of
    return expression if isinstance(expression, nodes.Name) else None


def document_path(expression: Expression, alias: str) -> str | None:
    """The path below the alias, as in an indexing policy: "/a/b" for `c.a.b` or `c["a"].b`.

    None for anything else, elements of arrays (`c.a[0]`) included.
    """
    steps: list[str] = []
    while not isinstance(expression, nodes.Name):
        match expression:
            case nodes.Member(of, name):
                steps.append(name)
            case nodes.Index(of, nodes.Literal(str() as name)):
                steps.append(name)
            case _:
                return None
        expression = of
    if expression.name != alias or not steps:
        return None
    return "/" + "/".join(reversed(steps))


def children(node: Any) -> Iterator[Any]:
    """The nodes directly below a node."""
    for field in fields(node):
        yield from _nodes_in(getattr(node, field.name))


def _nodes_in(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for item in value:
            yield from _nodes_in(item)
    elif is_dataclass(value):
        yield value


def walk(node: Any, *, into_subqueries: bool = False) -> Iterator[Any]:
    """The node and everything below it; what is inside subqueries only if that is wanted."""
    yield node
    if into_subqueries or not isinstance(node, nodes.Subquery):
        for child in children(node):
            yield from walk(child, into_subqueries=into_subqueries)


def default_name(expression: Expression) -> str | None:
    """What a select item or a source is called without an alias: its last property name, if it has one."""
    match expression:
        case nodes.Name(name) | nodes.Member(_, name) | nodes.Index(_, nodes.Literal(str() as name)):
            return name
    return None


def selected(query: nodes.Select) -> list[Expression]:
    """The expressions of the select list; empty for `*`."""
    return [item.value for item in query.items] if query.value is None else [query.value]


def item_names(items: tuple[nodes.SelectItem, ...]) -> list[str]:
    """The property names of a select list; those without a name are called $1, $2 and so on."""
    names: list[str] = []
    unnamed = 0
    for item in items:
        name = item.alias or default_name(item.value)
        if name is None:
            unnamed += 1
            name = f"${unnamed}"
        names.append(name)
    return names
