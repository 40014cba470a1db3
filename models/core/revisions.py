"""Which revisions of a document an editor goes by: the ones they have read, or whichever is there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Revisions:
    """Some revisions, to be asked with `in`.

    Attributes:
        numbers: None stands for any.
    """

    numbers: frozenset[int] | None

    @classmethod
    def of(cls, *numbers: int) -> Revisions:
        return cls(frozenset(numbers))

    def __contains__(self, revision: int) -> bool:
        return self.numbers is None or revision in self.numbers


ANY_REVISION = Revisions(None)
