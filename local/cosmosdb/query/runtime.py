"""What a compiled query works on: the frame of one run, and its context."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from .values import JSON, Value

Frame: TypeAlias = list[Any]
"""The variables of one run by slot: the context in slot 0, then parameters, aliases and aggregates.

Rows are not objects of their own: the sources of FROM write into the frame, and expressions read from it.
"""

Evaluate: TypeAlias = Callable[[Frame], Value]
"""A compiled expression."""

Rows: TypeAlias = Callable[[Frame], Iterator[Value]]
"""A compiled query or subquery: its result rows, none of them UNDEFINED."""


@dataclass(slots=True)
class Context:
    """The surroundings of one run. `now` is aware and in UTC; the documents can be read once."""

    documents: Iterable[JSON]
    now: datetime
    rng: random.Random = field(default_factory=random.Random)


class Layout:
    """Hands out the slots of a query's frame while it is compiled."""

    def __init__(self) -> None:
        self.size = 1
        self.parameters: dict[str, int] = {}

    def allocate(self) -> int:
        """A slot that nothing else uses."""
        self.size += 1
        return self.size - 1

    def parameter(self, name: str) -> int:
        """The slot that holds the parameter during a run."""
        if name not in self.parameters:
            self.parameters[name] = self.allocate()
        return self.parameters[name]
