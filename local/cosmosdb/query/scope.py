"""Which names mean what while a query is compiled."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .aggregates import Aggregate
from .errors import QueryError, Span, unresolved_identifier
from .runtime import Evaluate, Layout


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """One aggregate of a select: how to make it, its argument, and the slot its result goes to."""

    make: Callable[[], Aggregate]
    argument: Evaluate
    slot: int


@dataclass(slots=True)
class Scope:
    """The aliases of one query and, through `outer`, of those around it.

    `aggregates` collects the aggregate calls where they are allowed; `refusal` is why they are not elsewhere.
    """

    layout: Layout
    outer: "Scope | None" = None
    aliases: dict[str, int] = field(default_factory=dict)
    aggregates: list[AggregateCall] | None = None
    refusal: str = ""
    inside_aggregate: bool = False

    def inner(self) -> "Scope":
        """The scope of a subquery."""
        return Scope(self.layout, outer=self)

    def clause(self, refusal: str) -> "Scope":
        """The same names in a clause without aggregates."""
        return Scope(self.layout, self.outer, self.aliases, None, refusal)

    def projection(self, aggregates: list[AggregateCall]) -> "Scope":
        """The same names in the select list, whose aggregate calls are collected."""
        return Scope(self.layout, self.outer, self.aliases, aggregates)

    def argument(self) -> "Scope":
        """The same names in the argument of an aggregate."""
        return Scope(self.layout, self.outer, self.aliases, None, inside_aggregate=True)

    def declare(self, alias: str | None, span: Span) -> int:
        """The slot of a new alias; an anonymous one if the source has none."""
        slot = self.layout.allocate()
        if alias is not None:
            if alias in self.aliases:
                message = f"The input alias '{alias}' is specified more than once in the FROM clause."
                raise QueryError("SC2002", message, span)
            self.aliases[alias] = slot
        return slot

    def find(self, name: str) -> int | None:
        """The slot of the innermost alias of that name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.aliases:
                return scope.aliases[name]
            scope = scope.outer
        return None

    def resolve(self, name: str, span: Span) -> int:
        """The slot of the innermost alias of that name; QueryError SC2001 if there is none."""
        slot = self.find(name)
        if slot is None:
            raise unresolved_identifier(name, span)
        return slot
