"""From the text of a query to its syntax tree."""

import math
import re
from pathlib import Path
from typing import Any, Final, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from . import nodes
from .errors import QueryError, Span, syntax_error
from .values import UNDEFINED, number

_LARGEST_COUNT: Final = 2**32
_LARGEST_INTEGER: Final = 2**63
_MOST_DIGITS: Final = 19
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
        # With a transformer built in, what lark returns is what the transformer made of the start rule.
        return cast(nodes.Select, _PARSER.parse(text))
    except UnexpectedInput as error:
        raise _refusal(text, error) from None


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


def _from(start: Any, end: Token) -> Span:
    """The span from a node, if it knows where it stands, to a token."""
    span: Span = getattr(start, "span", nodes.NOWHERE)
    return (span[0], end.end_pos or 0) if span != nodes.NOWHERE else _span(end)


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
    return nodes.Literal(_number(token), token.start_pos or 0)


def _number(token: Token) -> int | float:
    """Integers of 64 bits are exact, as the functions on them need them; larger ones are doubles."""
    hexadecimal = token[:2].lower() == "0x"
    if not hexadecimal and (token.type != "INTEGER" or len(token) > _MOST_DIGITS):
        return number(float(token))
    value = int(token, 16 if hexadecimal else 10)
    return value if value < _LARGEST_INTEGER else number(value)


class _Builder(Transformer[Token, Any]):
    """Builds the nodes while the text is parsed. Each method is named for a rule or its alias and gets its children."""

    def start(self, children: list[Any]) -> nodes.Select:
        return children[0]  # type: ignore[no-any-return]

    def select(self, children: list[Any]) -> nodes.Select:
        clauses: dict[str, Any] = {}
        for child in children:
            clauses.update({"distinct": True} if isinstance(child, Token) else child)
        return nodes.Select(**clauses)

    def top(self, children: list[Any]) -> dict[str, Any]:
        return {"top": self._count("top", children[0])}

    def count(self, children: list[Token]) -> Token:
        return children[0]

    def select_star(self, children: list[Token]) -> dict[str, Any]:
        return {"star": True, "star_span": _span(children[0])}

    def select_value(self, children: list[Any]) -> dict[str, Any]:
        return {"value": children[0]}

    def select_list(self, children: list[Any]) -> dict[str, Any]:
        return {"items": tuple(children)}

    def select_item(self, children: list[Any]) -> nodes.SelectItem:
        return nodes.SelectItem(children[0], str(children[1]) if len(children) > 1 else None)

    def _count(self, clause: str, token: Token) -> nodes.Count:
        if token.type == "PARAMETER":
            return nodes.Parameter(str(token))
        if len(token) > _MOST_DIGITS or int(token) >= _LARGEST_COUNT:
            raise QueryError(*_COUNT_ERRORS[clause], _span(token))
        return nodes.Literal(int(token))

    # FROM

    def from_clause(self, children: list[Any]) -> dict[str, Any]:
        return {"sources": tuple(children)}

    def aliased_source(self, children: list[Any]) -> nodes.Source:
        return nodes.Source(children[0], str(children[1]) if len(children) > 1 else None)

    def iterated_source(self, children: list[Any]) -> nodes.Source:
        return nodes.Source(children[1], str(children[0]), iterated=True)

    def collection_subquery(self, children: list[Any]) -> nodes.Subquery:
        return nodes.Subquery("", children[0])

    # The other clauses

    def where(self, children: list[Any]) -> dict[str, Any]:
        return {"where": children[0]}

    def group_by(self, children: list[Any]) -> dict[str, Any]:
        return {"group_by": tuple(children)}

    def order_by(self, children: list[Any]) -> dict[str, Any]:
        ranked = isinstance(children[0], Token)
        return {"order_by": tuple(children[1:] if ranked else children), "rank": ranked}

    def order_item(self, children: list[Any]) -> nodes.OrderItem:
        return nodes.OrderItem(children[0], children[1].upper() if len(children) > 1 else "")

    def offset_limit(self, children: list[Any]) -> dict[str, Any]:
        return {"offset": self._count("offset", children[0]), "limit": self._count("limit", children[1])}

    # Expressions

    def conditional(self, children: list[Any]) -> nodes.Conditional:
        return nodes.Conditional(*children)

    def logical(self, children: list[Any]) -> nodes.Logical:
        left, operator, right = children
        return nodes.logical(operator.upper(), left, right)

    def binary(self, children: list[Any]) -> nodes.Binary:
        left, operator, right = children
        name = operator.upper()
        return nodes.Binary("!=" if name == "<>" else name, left, right)

    def unary(self, children: list[Any]) -> nodes.Unary | nodes.Literal:
        operator, operand = children
        # "-2" is a number, "- 2" is the negation of one.
        if operator == "-" and isinstance(operand, nodes.Literal) and operand.start == operator.end_pos:
            match operand.value:
                case int() | float() as value if not isinstance(value, bool):
                    return nodes.Literal(-value)
        return nodes.Unary(operator.upper(), operand)

    def in_list(self, children: list[Any]) -> nodes.In:
        negated, rest = _negation(children)
        return nodes.In(rest[0], tuple(rest[1:]), negated)

    def between(self, children: list[Any]) -> nodes.Between:
        negated, rest = _negation([child for child in children if getattr(child, "type", "") != "AND"])
        value, low, high = rest
        return nodes.Between(value, low, high, negated)

    def like(self, children: list[Any]) -> nodes.Like:
        negated, rest = _negation(children)
        escape = None
        if len(rest) > 2:
            escape = _unescape(rest[2])
            if len(escape) != 1:
                raise QueryError("SC2070", "The ESCAPE value must be a single character.", _span(rest[2]))
        return nodes.Like(rest[0], rest[1], escape, negated)

    def name(self, children: list[Token]) -> nodes.Name:
        return nodes.Name(str(children[0]), _span(children[0]))

    def member(self, children: list[Any]) -> nodes.Member:
        of, name = children
        return nodes.Member(of, str(name), _from(of, name))

    def index(self, children: list[Any]) -> nodes.Index:
        of, at, close = children
        return nodes.Index(of, at, _from(of, close))

    def parameter(self, children: list[Token]) -> nodes.Parameter:
        return nodes.Parameter(str(children[0]))

    def placeholder(self, children: list[Token]) -> nodes.Placeholder:
        return nodes.Placeholder(str(children[0]))

    def literal(self, children: list[Token]) -> nodes.Literal:
        return _literal(children[0])

    def array(self, children: list[Any]) -> nodes.ArrayLiteral:
        return nodes.ArrayLiteral(tuple(children))

    def object(self, children: list[Any]) -> nodes.ObjectLiteral:
        return nodes.ObjectLiteral(tuple(children))

    def property(self, children: list[Any]) -> tuple[str, nodes.Expression]:
        key, value = children
        return (_unescape(key) if key.type == "STRING" else str(key), value)

    def call(self, children: list[Any]) -> nodes.Call:
        name, *arguments, close = children
        return nodes.Call(str(name), tuple(arguments), False, _span(name, close))

    def udf_call(self, children: list[Any]) -> nodes.Call:
        name, *arguments, close = children
        return nodes.Call(str(name), tuple(arguments), True, _span(name, close))

    def scalar_subquery(self, children: list[Any]) -> nodes.Subquery:
        return nodes.Subquery("", children[0])

    def subquery(self, children: list[Any]) -> nodes.Subquery:
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
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Builder(), maybe_placeholders=False)


_PARSER: Final = _load_grammar()
