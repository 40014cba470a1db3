"""Sends requests to Cosmos DB, and tells of each: a span where it belongs to one, and what it took and charged.

The SDK's own spans are not used: they carry URLs, and in these are the ids of documents.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline.transport import AioHttpTransport
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode, Tracer, get_current_span

from cosmos.core.database import names_proxies
from cosmos.core.request_kind import Asked
from functions.core.otel.measures import Measures

FAULTS = {401, 403, 408, 410, 429, 449}
"""Statuses below 500 that are faults. Others, such as 404 and 412, are answers that the app counts on."""


class TellingTransport(AioHttpTransport):  # type: ignore[misc]  # exported lazily: Any to mypy
    """The SDK's transport, with telemetry of each request on the wire, also of those that the SDK sends again."""

    def __init__(self, tracer: Tracer, measures: Measures) -> None:
        super().__init__(use_env_settings=names_proxies())
        self._tracer = tracer
        self._measures = measures

    async def send(self, request: Any, **options: Any) -> Any:
        asked = Asked.by(request.method, request.url, request.headers)
        attributes = {"db.operation.name": asked.operation, "db.collection.name": asked.container}
        started = time.perf_counter()
        with _client_span(self._tracer, asked, request.url) as span:
            try:
                response = await super().send(request, **options)
            except BaseException as error:
                attributes["error.type"] = type(error).__name__
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                self._measures.database(attributes, time.perf_counter() - started, None)
                raise
            charge = float(response.headers.get("x-ms-request-charge", 0))
            attributes["db.response.status_code"] = str(response.status_code)
            _tell(span, response.status_code, response.headers.get("x-ms-substatus"), charge)
        self._measures.database(attributes, time.perf_counter() - started, charge)
        return response


def _client_span(tracer: Tracer, asked: Asked, url: str) -> AbstractContextManager[Span]:
    """The span of a request, or one that tells nothing: of what the SDK does in the background nobody wants a trace."""
    if not get_current_span().is_recording():
        return nullcontext(INVALID_SPAN)
    return tracer.start_as_current_span(
        f"{asked.operation} {asked.container}".strip(),
        kind=SpanKind.CLIENT,
        attributes={
            "db.system.name": "azure.cosmosdb",
            "db.namespace": asked.database,
            "db.collection.name": asked.container,
            "db.operation.name": asked.operation,
            "server.address": urlsplit(url).hostname or "",
        },
        record_exception=False,
        set_status_on_exception=False,
    )


def _tell(span: Span, status: int, sub_status: str | None, charge: float) -> None:
    span.set_attribute("db.response.status_code", str(status))
    span.set_attribute("azure.cosmosdb.operation.request_charge", charge)
    if sub_status and sub_status.isdecimal():
        span.set_attribute("azure.cosmosdb.response.sub_status_code", int(sub_status))
    if status >= 500 or status in FAULTS:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))
