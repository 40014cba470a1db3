"""Built-in functions by name, with the types that each of their arguments must have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ..errors import Span, unknown_function, wrong_arguments
from ..runtime import Evaluate, Frame
from ..values import UNDEFINED, Undefined, Value

Types = frozenset[type]

_NULL: Final = type(None)
_DEFINED: Final = Types({_NULL, bool, int, float, str, list, dict})
_TYPES: Final[dict[str, Types]] = {
    "b": Types({bool}),
    "n": Types({int, float}),
    "s": Types({str}),
    "a": Types({list}),
    "o": Types({dict}),
    "d": _DEFINED,
    "u": _DEFINED | {Undefined},
}

Implementation = TypeVar("Implementation", bound=Callable[..., Value])


@dataclass(frozen=True, slots=True)
class Function:
    """A built-in function. An argument of another type than `types` allows makes the result UNDEFINED."""

    name: str
    types: tuple[Types, ...]
    least: int
    variadic: bool
    contextual: bool
    call: Callable[..., Value]

    def types_of(self, count: int) -> tuple[Types, ...]:
        """The types of the first `count` arguments; the last type of a variadic function repeats."""
        extra = count - len(self.types)
        return self.types[:count] + self.types[-1:] * extra if extra > 0 else self.types[:count]


FUNCTIONS: Final[dict[str, Function]] = {}
"""Every built-in function that is not an aggregate, by its name in capitals."""


def builtin(name: str, signature: str = "", *, contextual: bool = False) -> Callable[[Implementation], Implementation]:
    """Registers an implementation.

    The signature has a letter for each argument: b(oolean), n(umber), s(tring), a(rray), o(bject), d(efined) or
    u (anything, undefined too). Those behind a `?` are optional, and `*` lets the last one repeat. A contextual
    function gets the Context of the run as its first argument.
    """
    variadic = signature.endswith("*")
    required, _, optional = signature.rstrip("*").partition("?")
    types = tuple(_TYPES[letter] for letter in required + optional)

    def register(implementation: Implementation) -> Implementation:
        FUNCTIONS[name] = Function(name, types, len(required), variadic, contextual, implementation)
        return implementation

    return register


def compile_call(name: str, arguments: Sequence[Evaluate], span: Span) -> Evaluate:
    """The call of a built-in function. Raises QueryError for an unknown name or a wrong number of arguments."""
    function = FUNCTIONS.get(name.upper())
    if function is None:
        raise unknown_function(name, (span[0], span[0] + len(name)))
    most = None if function.variadic else len(function.types)
    if len(arguments) < function.least or (most is not None and len(arguments) > most):
        raise wrong_arguments(function.name, function.least, most, span)
    types = function.types_of(len(arguments))
    if function.contextual:
        return _contextual(function.call, arguments, types)
    match len(arguments):
        case 1:
            return _unary(function.call, arguments[0], types[0])
        case 2:
            return _binary(function.call, (arguments[0], arguments[1]), (types[0], types[1]))
    return _general(function.call, arguments, types)


def _unary(call: Callable[..., Value], argument: Evaluate, types: Types) -> Evaluate:
    def evaluate(frame: Frame) -> Value:
        value = argument(frame)
        return call(value) if type(value) in types else UNDEFINED

    return evaluate


def _binary(call: Callable[..., Value], arguments: tuple[Evaluate, Evaluate], types: tuple[Types, Types]) -> Evaluate:
    first, second = arguments
    first_types, second_types = types

    def evaluate(frame: Frame) -> Value:
        one = first(frame)
        if type(one) not in first_types:
            return UNDEFINED
        two = second(frame)
        return call(one, two) if type(two) in second_types else UNDEFINED

    return evaluate


def _general(call: Callable[..., Value], arguments: Sequence[Evaluate], types: Sequence[Types]) -> Evaluate:
    checked = tuple(zip(arguments, types, strict=True))

    def evaluate(frame: Frame) -> Value:
        values: list[Any] = []
        for argument, allowed in checked:
            value = argument(frame)
            if type(value) not in allowed:
                return UNDEFINED
            values.append(value)
        return call(*values)

    return evaluate


def _contextual(call: Callable[..., Value], arguments: Sequence[Evaluate], types: Sequence[Types]) -> Evaluate:
    def evaluate(frame: Frame) -> Value:
        values = [argument(frame) for argument in arguments]
        if all(type(value) in allowed for value, allowed in zip(values, types, strict=True)):
            return call(frame[0], *values)
        return UNDEFINED

    return evaluate
