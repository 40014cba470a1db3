"""What the app tells of itself to those who operate it: traces and metrics, where somebody takes them.

Nothing is told, and nothing imported for it, unless Application Insights or an OTLP collector is configured. What is
told names operations, containers and figures; never a user, a document, a text or a query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import azure.functions as func
from azure.core.pipeline.transport import AsyncHttpTransport

from cosmos.core.observer import Observer

Transport = AsyncHttpTransport[Any, Any]


class Answering:
    """An HTTP request that is being answered. Nobody is told of this one."""

    def answered(self, status: int, problem: str | None) -> None:
        """Says how it ended: with this status, and with this kind of problem, by its slug."""


_UNTOLD = Answering()


class Telemetry(Observer):
    """Is told of all that is worth telling; this one keeps it for itself.

    `parent` is where the host's trace stands, as a W3C `traceparent`, or None.
    """

    def transport(self) -> Transport | None:
        """What the database's client is to send by; None for its own."""
        return None

    @property
    def traceparent(self) -> str | None:
        """Where the trace stands, for a document to carry it to the fold; None where there is none that is kept."""
        return None

    def operation(self, name: str, method: str, route: str, parent: str | None) -> AbstractContextManager[Answering]:
        """Around the answering of an HTTP request."""
        return nullcontext(_UNTOLD)

    def feed(
        self, name: str, parent: str | None, documents: Sequence[Mapping[str, Any]]
    ) -> AbstractContextManager[None]:
        """Around the folding of a batch of the change feed, as it was delivered."""
        return nullcontext()

    def jobs_overdue(self, kind: str, count: int) -> None:
        """So many jobs of this kind are past the time by which they should have ended."""

    def feed_age(self, feed: str, seconds: float) -> None:
        """A change feed may be so far behind."""

    def erasures_unknown(self, count: int) -> None:
        """The log of erasures has so many that the database does not know: it was restored."""

    def answer(self, outcome: str, seconds: float) -> None:
        """A model was asked: how its answer ended, or which problem it was, and how long that took."""

    def admission(self, refused_by: tuple[str, str] | None) -> None:
        """An admission was decided: granted, or refused by the limit of this window and measure."""


def parent_of(context: func.Context) -> str | None:
    """Where the host's trace stands as it calls a function."""
    parent: str | None = context.trace_context.trace_parent
    return parent
