"""Who is told of what an operator counts."""

from __future__ import annotations


class Observer:
    """Is told what happens. This one keeps nothing of it."""

    def turns_recorded(self, count: int) -> None:
        """So many turns were stored that were not there before."""

    def dead_letter(self, container: str) -> None:
        """A change of this container was put aside, because it can't be counted."""


NOBODY = Observer()
