"""From the text of a query to its syntax tree."""

import math
import re
from pathlib import Path
from typing import Any, Final

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from . import nodes
from .errors import QueryError, Span, syntax_error
from .values import UNDEFINED, number

_LARGEST_COUNT: Final = 2**32
_SUBQUERY_KINDS: Final = {"ARRAY", "EXISTS", "ALL", "FIRST", "LAST"}
_SIMPLE_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z_@][A-Za-z0-9_]*|[0-9.]+|\S|$")
_CONSTANTS: Final[dict[str, object]] = {
    "NULL": None,
    "TRUE": True,
    "FALSE": False,
    "UNDEFINED": UNDEFINED,
    "NAN": math.nan,
    "INFINITY": math.inf,
}
_COUNT_ERRORS: Final = {
    "top": ("SC2060", "The count value provided for a TOP clause must be an integer."),
    "limit": ("SC2061", "The LIMIT count value exceeds the maximum allowed value."),
    "offset": ("SC2062", "The OFFSET count value exceeds the maximum allowed value."),
}


def parse(text: str) -> nodes.Select:
    """The syntax tree of the query. Raises QueryError SC1001 where the text leaves the grammar."""
    try:
        tree = _PARSER.parse(text)
        query: nodes.Select = _Builder().transform(tree)
    except UnexpectedInput as error:
        raise _refusal(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, QueryError):
            raise error.orig_exc from None
        raise
    return query


def _refusal(text: str, error: UnexpectedInput) -> QueryError:
    position = error.pos_in_stream
    start = len(text) if position is None or _is_end(error) else position
    match = _WORD.match(text, start)
    end = match.end() if match else start
    return syntax_error(text[start:end], (start, end))


def _is_end(error: UnexpectedInput) -> bool:
    return getattr(getattr(error, "token", None), "type", "") == "$END"


def _span(first: Token, last: Token | None = None) -> Span:
    end = (last or first).end_pos
    return (first.start_pos or 0, end or 0)


def _unescape(token: Token) -> str:
    """The characters of a string literal, given with its quotes."""

    def character(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] == "u" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code in "\"'\\/":
            return code
        if code not in _SIMPLE_ESCAPES:
            raise syntax_error(match[0], _span(token))
        return _SIMPLE_ESCAPES[code]

    text = _ESCAPE.sub(character, token[1:-1])
    # Two escapes may be the halves of one character outside the basic plane.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _literal(token: Token) -> nodes.Literal:
    kind = token.type
    if kind in _CONSTANTS:
        return nodes.Literal(_CONSTANTS[kind])
    if kind == "STRING":
        return nodes.Literal(_unescape(token))
    if kind == "INTEGER":
        value: float = int(token)
    else:
        value = int(token, 16) if token[:2].lower() == "0x" else float(token)
    return nodes.Literal(number(value), token.start_pos or 0)


@v_args(meta=True)
class _Builder(Transformer[Token, Any]):
    """Builds the nodes from lark's tree, bottom up. Each method is named for the rule or the rule's alias."""

    def start(self, _: Any, children: list[Any]) -> nodes.Select:
        return children[0]  # type: ignore[no-any-return]

    def select(self, _: Any, children: list[Any]) -> nodes.Select:
        clauses: dict[str, Any] = {}
        for child in children:
            clauses.update({"distinct": True} if isinstance(child, Token) else child)
        return nodes.Select(**clauses)

    def top(self, _: Any, children: list[Any]) -> dict[str, Any]:
        return {"top": self._count("top", children[0])}

    def count(self, _: Any, children: list[Token]) -> Token:
        return children[0]

    def select_star(self, _: Any, children: list[Token]) -> dict[str, Any]:
        return {"star": True, "star_span": _span(children[0])}

    def select_value(self, _: Any, children: list[Any]) -> dict[str, Any]:
        return {"value": children[0]}

    def select_list(self, _: Any, children: list[Any]) -> dict[str, Any]:
        return {"items": tuple(children)}

    def select_item(self, _: Any, children: list[Any]) -> nodes.SelectItem:
        return nodes.SelectItem(children[0], str(children[1]) if len(children) > 1 else None)

    def __default__(self, data: Any, children: list[Any], meta: Any) -> Any:
        raise AssertionError(f"no node for the rule {data}")

    def _count(self, clause: str, token: Token) -> nodes.Count:
        if token.type == "PARAMETER":
            return nodes.Parameter(str(token))
        if int(token) >= _LARGEST_COUNT:
            raise QueryError(*_COUNT_ERRORS[clause], _span(token))
        return nodes.Literal(int(token))

    # FROM

    def from_clause(self, _: Any, children: list[Any]) -> dict[str, Any]:
        return {"sources": tuple(children)}

    def aliased_source(self, _: Any, children: list[Any]) -> nodes.Source:
        return nodes.Source(children[0], str(children[1]) if len(children) > 1 else None)

    def iterated_source(self, _: Any, children: list[Any]) -> nodes.Source:
        return nodes.Source(children[1], str(children[0]), iterated=True)

    def collection_subquery(self, _: Any, children: list[Any]) -> nodes.Subquery:
        return nodes.Subquery("", children[0])

    # The other clauses

    def where(self, _: Any, children: list[Any]) -> dict[str, Any]:
        return {"where": children[0]}

    def group_by(self, _: Any, children: list[Any]) -> dict[str, Any]:
        return {"group_by": tuple(children)}

    def order_by(self, _: Any, children: list[Any]) -> dict[str, Any]:
        ranked = isinstance(children[0], Token)
        return {"order_by": tuple(children[1:] if ranked else children), "rank": ranked}

    def order_item(self, _: Any, children: list[Any]) -> nodes.OrderItem:
        return nodes.OrderItem(children[0], children[1].upper() if len(children) > 1 else "")

    def offset_limit(self, _: Any, children: list[Any]) -> dict[str, Any]:
        return {"offset": self._count("offset", children[0]), "limit": self._count("limit", children[1])}

    # Expressions

    def conditional(self, _: Any, children: list[Any]) -> nodes.Conditional:
        return nodes.Conditional(*children)

    def binary(self, _: Any, children: list[Any]) -> nodes.Binary:
        left, operator, right = children
        name = operator.upper()
        return nodes.Binary("!=" if name == "<>" else name, left, right)

    def unary(self, _: Any, children: list[Any]) -> nodes.Unary | nodes.Literal:
        operator, operand = children
        # "-2" is a number, "- 2" is the negation of one.
        if operator == "-" and isinstance(operand, nodes.Literal) and operand.start == operator.end_pos:
            match operand.value:
                case int() | float() as value if not isinstance(value, bool):
                    return nodes.Literal(-value)
        return nodes.Unary(operator.upper(), operand)

    def in_list(self, _: Any, children: list[Any]) -> nodes.In:
        negated, rest = _negation(children)
        return nodes.In(rest[0], tuple(rest[1:]), negated)

    def between(self, _: Any, children: list[Any]) -> nodes.Between:
        negated, rest = _negation([child for child in children if getattr(child, "type", "") != "AND"])
        value, low, high = rest
        return nodes.Between(value, low, high, negated)

    def like(self, _: Any, children: list[Any]) -> nodes.Like:
        negated, rest = _negation(children)
        escape = None
        if len(rest) > 2:
            escape = _unescape(rest[2])
            if len(escape) != 1:
                raise QueryError("SC2070", "The ESCAPE value must be a single character.", _span(rest[2]))
        return nodes.Like(rest[0], rest[1], escape, negated)

    def name(self, _: Any, children: list[Token]) -> nodes.Name:
        return nodes.Name(str(children[0]), _span(children[0]))

    def member(self, meta: Any, children: list[Any]) -> nodes.Member:
        return nodes.Member(children[0], str(children[1]), (meta.start_pos, meta.end_pos))

    def index(self, meta: Any, children: list[Any]) -> nodes.Index:
        return nodes.Index(children[0], children[1], (meta.start_pos, meta.end_pos))

    def parameter(self, _: Any, children: list[Token]) -> nodes.Parameter:
        return nodes.Parameter(str(children[0]))

    def placeholder(self, _: Any, children: list[Token]) -> nodes.Placeholder:
        return nodes.Placeholder(str(children[0]))

    def literal(self, _: Any, children: list[Token]) -> nodes.Literal:
        return _literal(children[0])

    def array(self, _: Any, children: list[Any]) -> nodes.ArrayLiteral:
        return nodes.ArrayLiteral(tuple(children))

    def object(self, _: Any, children: list[Any]) -> nodes.ObjectLiteral:
        return nodes.ObjectLiteral(tuple(children))

    def property(self, _: Any, children: list[Any]) -> tuple[str, nodes.Expression]:
        key, value = children
        return (_unescape(key) if key.type == "STRING" else str(key), value)

    def call(self, meta: Any, children: list[Any]) -> nodes.Call:
        return nodes.Call(str(children[0]), tuple(children[1:]), False, (meta.start_pos, meta.end_pos))

    def udf_call(self, meta: Any, children: list[Any]) -> nodes.Call:
        return nodes.Call(str(children[0]), tuple(children[1:]), True, (meta.start_pos, meta.end_pos))

    def scalar_subquery(self, _: Any, children: list[Any]) -> nodes.Subquery:
        return nodes.Subquery("", children[0])

    def subquery(self, _: Any, children: list[Any]) -> nodes.Subquery:
        kind = children[0].upper()
        if kind not in _SUBQUERY_KINDS:
            raise syntax_error("SELECT", _span(children[0]))
        return nodes.Subquery(kind, children[1])


def _negation(children: list[Any]) -> tuple[bool, list[Any]]:
    """Whether there is a NOT among the children, and the other children."""
    rest = [child for child in children if getattr(child, "type", "") != "NOT"]
    return len(rest) < len(children), rest


def _load_grammar() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=False)


_PARSER: Final = _load_grammar()
