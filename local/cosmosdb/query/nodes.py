"""The abstract syntax of a query: frozen dataclasses that compare by content, not by place in the text."""

from dataclasses import dataclass, field
from typing import TypeAlias

from .errors import Span

NOWHERE: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: null, a boolean, a number, a string or UNDEFINED. `start` is where a number stands in the text."""

    value: object
    start: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """`@name`; the name includes the @."""

    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """An alias, or in FROM the container itself."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name`."""

    of: "Expression"
    name: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """`of[at]`, of an array by number or of an object by string."""

    of: "Expression"
    at: "Expression"
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`operator operand`, where the operator is one of NOT - + ~."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`. Words are in capitals, and `<>` is `!=`."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Logical:
    """`a AND b AND c`, or the same with OR. Flat, because clients send a thousand alternatives."""

    operator: str
    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """`test ? then : otherwise`."""

    test: "Expression"
    then: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True, slots=True)
class In:
    """`needle [NOT] IN (items)`."""

    needle: "Expression"
    items: tuple["Expression", ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """`value [NOT] BETWEEN low AND high`."""

    value: "Expression"
    low: "Expression"
    high: "Expression"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """`value [NOT] LIKE pattern [ESCAPE escape]`."""

    value: "Expression"
    pattern: "Expression"
    escape: str | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`; the name as it was written."""

    name: str
    arguments: tuple["Expression", ...]
    udf: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ArrayLiteral:
    """`[items]`."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class ObjectLiteral:
    """`{name: value}`."""

    properties: tuple[tuple[str, "Expression"], ...]


@dataclass(frozen=True, slots=True)
class Subquery:
    """A subquery in an expression. `kind` is "" (scalar), ARRAY, EXISTS, ALL, FIRST or LAST."""

    kind: str
    query: "Select"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{documentdb-...}` in a rewritten query, where the client puts its filter or statistics before it sends it."""

    text: str
    enclosed: bool = field(default=False, compare=False)


Expression: TypeAlias = (
    Literal
    | Parameter
    | Name
    | Member
    | Index
    | Unary
    | Binary
    | Logical
    | Conditional
    | In
    | Between
    | Like
    | Call
    | ArrayLiteral
    | ObjectLiteral
    | Subquery
    | Placeholder
)


@dataclass(frozen=True, slots=True)
class SelectItem:
    """One item of a select list, with the alias that was written, if any."""

    value: Expression
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One source of FROM: a path or a subquery, iterated (`alias IN path`) or taken as it is."""

    collection: "Expression"
    alias: str | None = None
    iterated: bool = False


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One item of ORDER BY; `direction` is "", ASC or DESC as it was written."""

    value: Expression
    direction: str = ""


Count: TypeAlias = Literal | Parameter
"""The number of TOP, OFFSET or LIMIT: an integer, or a parameter that holds one."""


@dataclass(frozen=True, slots=True)
class Select:
    """A query or subquery. Exactly one of `star`, `value` and `items` is set; sources are in the order of FROM."""

    star: bool = False
    value: Expression | None = None
    items: tuple[SelectItem, ...] = ()
    distinct: bool = False
    top: Count | None = None
    sources: tuple[Source, ...] = ()
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    order_by: tuple[OrderItem, ...] = ()
    rank: bool = False
    offset: Count | None = None
    limit: Count | None = None
    star_span: Span = field(default=NOWHERE, compare=False)


def logical(operator: str, left: Expression, right: Expression) -> Logical:
    """`left AND right` or `left OR right`, flat if the left side is the same kind."""
    if isinstance(left, Logical) and left.operator == operator:
        return Logical(operator, (*left.operands, right))
    return Logical(operator, (left, right))
