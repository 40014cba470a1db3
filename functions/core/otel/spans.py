"""The app's own spans, and how a trace goes from a request through the database to the fold.

The host has the span of each invocation. The app's are within these, and so are of the kind INTERNAL: Application
Insights would count those of a server or a consumer as requests of their own.

A turn carries the trace that recorded it. The function that folds it takes many at once, of many traces: its span links
to each, and each gets a span that tells when it was folded and links back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from azure.core.settings import settings as azure_settings
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)

from functions.core.otel.measures import Measures
from functions.core.otel.transport import TellingTransport
from functions.core.telemetry import Answering, Telemetry, Transport

SCOPE = "vimarsh"
MOST_LINKS = 128
"""Links that a span keeps by OpenTelemetry's default; a batch has up to 200 changes."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
"""W3C Trace Context, level 1. The `tracestate` beside it is not taken: it is whatever a client puts into it."""


class OpenTelemetry(Telemetry):
    """Tells spans and metrics to these providers, which send what is left when the process ends."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider) -> None:
        azure_settings.tracing_enabled = False  # its spans tell URLs with ids in them
        self.providers = (tracers, meters)
        self._tracer = tracers.get_tracer(SCOPE)
        self._measures = Measures(meters.get_meter(SCOPE))

    def transport(self) -> Transport:
        return TellingTransport(self._tracer, self._measures)

    @property
    def traceparent(self) -> str | None:
        standing = get_current_span().get_span_context()
        if not (standing.is_valid and standing.trace_flags.sampled):
            return None
        return f"00-{format_trace_id(standing.trace_id)}-{format_span_id(standing.span_id)}-01"

    @contextmanager
    def operation(self, name: str, method: str, route: str, parent: str | None) -> Iterator[Answering]:
        started = time.perf_counter()
        attributes = {"faas.name": name, "faas.trigger": "http", "http.request.method": method, "http.route": route}
        with self._span(f"{method} {route}", parent, attributes) as span:
            answering = _Answering()
            yield answering
            answering.tell(span)
        self._measures.operation(name, answering.status, answering.problem, time.perf_counter() - started)

    @contextmanager
    def feed(self, name: str, parent: str | None, documents: Sequence[Mapping[str, Any]]) -> Iterator[None]:
        began = time.time_ns()
        carried = {held for document in documents if isinstance(held := document.get("traceparent"), str)}
        contexts = [context for traceparent in carried if (context := _context_of(traceparent))]
        links = [Link(context) for context in contexts[:MOST_LINKS]]
        attributes = {"faas.name": name, "faas.trigger": "datasource", "vimarsh.feed.changes": len(documents)}
        try:
            with self._span(name, parent, attributes, links) as span:
                yield
        finally:
            self._measures.lag(name, _age_of_oldest(documents, time.time()))
        for document in documents:
            if document.get("revision") == 1 and (context := _context_of(document.get("traceparent"))):
                self._folded(name, context, span, began)

    def turns_recorded(self, count: int) -> None:
        self._measures.turns(count)

    def dead_letter(self, container: str) -> None:
        self._measures.dead_letter(container)

    def jobs_overdue(self, kind: str, count: int) -> None:
        self._measures.jobs_overdue(kind, count)

    def feed_age(self, feed: str, seconds: float) -> None:
        self._measures.feed_age(feed, seconds)

    def erasures_unknown(self, count: int) -> None:
        self._measures.erasures_unknown(count)

    def answer(self, outcome: str, seconds: float) -> None:
        self._measures.answer(outcome, seconds)

    def admission(self, refused_by: tuple[str, str] | None) -> None:
        self._measures.admission(refused_by)

    @contextmanager
    def _span(
        self, name: str, parent: str | None, attributes: Mapping[str, Any], links: Sequence[Link] = ()
    ) -> Iterator[Span]:
        """A span of the app. What is raised in it is told by its type alone: messages may quote what is personal."""
        with self._tracer.start_as_current_span(
            name,
            context=_within(_context_of(parent)),
            kind=SpanKind.INTERNAL,
            attributes=attributes,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def _folded(self, name: str, context: SpanContext, fold: Span, began: int) -> None:
        """Tells the trace that recorded a turn when it was folded."""
        self._tracer.start_span(
            f"{name} change",
            context=_within(context),
            attributes={"faas.name": name},
            links=[Link(fold.get_span_context())],
            start_time=began,
        ).end()


class _Answering(Answering):
    """Keeps how a request was answered; until it was, that it was given up."""

    status = 499
    problem: str | None = None

    def answered(self, status: int, problem: str | None) -> None:
        self.status, self.problem = status, problem

    def tell(self, span: Span) -> None:
        span.set_attribute("http.response.status_code", self.status)
        if self.problem:
            span.set_attribute("error.type", self.problem)
        if self.status >= 500:
            span.set_status(Status(StatusCode.ERROR))


def _context_of(traceparent: Any) -> SpanContext | None:
    """Where a trace stands elsewhere, None for what is no `traceparent`."""
    found = _TRACEPARENT.fullmatch(traceparent) if isinstance(traceparent, str) else None
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups()[:3])
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return context if context.is_valid else None


def _within(context: SpanContext | None) -> Context:
    return set_span_in_context(NonRecordingSpan(context), Context()) if context else Context()


def _age_of_oldest(documents: Sequence[Mapping[str, Any]], now: float) -> float:
    """Seconds since the oldest of them was written; clocks may differ a little."""
    return max(0.0, now - min((document.get("_ts", now) for document in documents), default=now))
