"""Telemetry over the real engine and the real host: traces from the request to the fold, and what is measured."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from functions.composition import services
from functions.core.otel.exporters import tracer_provider
from functions.core.otel.spans import OpenTelemetry
from tests.functions.calls import Drain, Headers, SignIn, a_session, a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-00"
"""What a host sends that does not keep its own spans."""

DATA = {"users", "user_sessions", "user_interactions", "user_analytics", "user_bookmarks"}
ON_DATA = {
    "create_item",
    "upsert_item",
    "read_item",
    "replace_item",
    "patch_item",
    "delete_item",
    "execute_batch",
    "query_items",
}


@dataclass
class Told:
    """What telemetry has told since it was last asked."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(
        default_factory=lambda: InMemoryMetricReader(
            preferred_temporality={Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
        )
    )

    def telemetry(self) -> OpenTelemetry:
        tracers = tracer_provider()
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        return OpenTelemetry(tracers, MeterProvider(metric_readers=[self.reader]))

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans() if span.name == name]

    def points(self, metric: str) -> list[tuple[dict[str, Any], Any]]:
        """Attributes and data points of a metric; what is read is gone."""
        data = self.reader.get_metrics_data()
        return [
            (dict(point.attributes or {}), point)
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for told in scope.metrics
            if told.name == metric
            for point in told.data.data_points
        ]


@pytest_asyncio.fixture(loop_scope="session")
async def told(api: httpx.AsyncClient, drained: Drain) -> AsyncIterator[Told]:
    """The running app with telemetry."""
    told, shared = Told(), services()
    await drained()
    before, shared.telemetry = shared.telemetry, told.telemetry()
    await shared.close()
    yield told
    await drained()
    shared.telemetry = before
    await shared.close()


async def record(api: httpx.AsyncClient, headers: Headers, session: str, **sent: str) -> dict[str, Any]:
    answer = await api.post(f"/sessions/{session}/interactions", json=a_turn(), headers=headers | sent)
    assert answer.status_code == 201, answer.text
    turn: dict[str, Any] = answer.json()
    return turn


def trace_of(span: ReadableSpan) -> str:
    return format_trace_id(span.context.trace_id)


async def test_trace_goes_from_the_request_through_the_database_to_the_fold(
    api: httpx.AsyncClient, alice: Headers, told: Told, drained: Drain
) -> None:
    session = await a_session(api, alice)
    turn = await record(api, alice, session, traceparent=CALLER)
    await drained()

    [operation] = told.named("POST /api/sessions/{session_id}/interactions")
    assert trace_of(operation) == TRACE
    assert operation.parent and format_span_id(operation.parent.span_id) == "00f067aa0ba902b7"
    assert operation.kind is SpanKind.INTERNAL
    assert dict(operation.attributes or {}) == {
        "faas.name": "record_interaction",
        "faas.trigger": "http",
        "http.request.method": "POST",
        "http.route": "/api/sessions/{session_id}/interactions",
        "http.response.status_code": 201,
    }
    asked = [span for span in told.spans() if span.parent and span.parent.span_id == operation.context.span_id]
    requests = {span.name for span in asked if span.kind is SpanKind.CLIENT}
    assert {"execute_batch user_sessions", "create_item user_interactions"} <= requests
    [create] = [span for span in asked if span.name == "create_item user_interactions"]
    assert create.attributes is not None
    assert create.attributes["db.response.status_code"] == "201"
    assert float(str(create.attributes["azure.cosmosdb.operation.request_charge"])) > 1
    assert create.attributes["db.system.name"] == "azure.cosmosdb"

    [counted] = [span for span in told.named("fold_interactions change") if trace_of(span) == TRACE]
    assert counted.parent and counted.parent.span_id == operation.context.span_id
    [link] = counted.links
    [fold] = [span for span in told.named("fold_interactions") if span.context.span_id == link.context.span_id]
    assert operation.context.span_id in {linked.context.span_id for linked in fold.links}
    assert "execute_batch user_analytics" in {
        span.name for span in told.spans() if span.parent and span.parent.span_id == fold.context.span_id
    }
    assert turn["traceparent"] == f"00-{TRACE}-{format_span_id(operation.context.span_id)}-01"


async def test_fold_of_many_turns_links_to_the_trace_of_each(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, told: Told, drained: Drain
) -> None:
    session = await a_session(api, alice)
    await asyncio.gather(*(record(api, alice, session) for _ in range(6)))
    await drained()
    requests = {span.context.span_id for span in told.named("POST /api/sessions/{session_id}/interactions")}
    linked = {link.context.span_id for span in told.named("fold_interactions") for link in span.links}
    folded = {span.parent.span_id for span in told.named("fold_interactions change") if span.parent}
    assert len(requests) == 6
    assert requests <= linked
    assert requests == folded


async def test_turn_that_is_edited_later_is_not_said_to_be_recorded_again(
    api: httpx.AsyncClient, alice: Headers, told: Told, drained: Drain
) -> None:
    turn = await record(api, alice, await a_session(api, alice))
    await drained()
    told.exporter.clear()
    url = f"/interactions/{turn['id']}"
    etag = (await api.get(url, headers=alice)).headers["etag"]
    answer = await api.patch(url, json={"user_rating": 4}, headers=alice | {"If-Match": etag})
    assert answer.status_code == 200
    await drained()
    assert told.named("fold_interactions")
    assert not told.named("fold_interactions change")


async def test_charges_add_up_to_what_the_engine_has_counted(
    api: httpx.AsyncClient, alice: Headers, told: Told, drained: Drain, cosmos_url: str
) -> None:
    await api.get("/me", headers=alice)
    await drained()
    told.points("azure.cosmosdb.client.operation.request_charge")
    async with httpx.AsyncClient(base_url=cosmos_url) as engine:
        await engine.delete("/_local/requests")
        session = await a_session(api, alice)
        for _ in range(3):
            await record(api, alice, session)
        assert (await api.get(f"/sessions/{uuid.uuid4()}", headers=alice)).status_code == 404
        await api.get("/interactions", headers=alice)
        await drained()
        rows = (await engine.get("/_local/requests")).json()["requests"]
    points = told.points("azure.cosmosdb.client.operation.request_charge")

    by_engine, counts = dict.fromkeys(DATA, 0.0), 0
    for row in rows:
        if row["container"] in DATA and row["operation"] not in ("change_feed", "read_container", "read_ranges"):
            by_engine[row["container"]] += row["request_charge"]
            counts += row["count"]
    told_of = dict.fromkeys(DATA, 0.0)
    for attributes, point in points:
        if attributes["db.operation.name"] in ON_DATA:
            told_of[attributes["db.collection.name"]] += point.sum
    assert told_of == pytest.approx(by_engine, abs=0.05)
    assert sum(point.count for attributes, point in points if attributes["db.operation.name"] in ON_DATA) == counts
    assert by_engine["user_interactions"] > 10


async def test_lag_is_measured_by_feed_and_only_where_something_changed(
    api: httpx.AsyncClient, alice: Headers, told: Told, drained: Drain
) -> None:
    await drained()
    told.points("vimarsh.feed.lag")
    await drained()
    assert not told.points("vimarsh.feed.lag")
    await record(api, alice, await a_session(api, alice))
    await drained()
    points = {attributes["feed"]: point for attributes, point in told.points("vimarsh.feed.lag")}
    assert {"fold_interactions", "fold_sessions", "fold_analytics"} <= set(points)
    assert all(0 <= point.min <= point.max < 300 for point in points.values())


async def test_lag_is_that_of_the_oldest_change_also_when_the_fold_fails() -> None:
    told = Told()
    telemetry = told.telemetry()
    changes = [{"_ts": 4_000_000_000}, {"_ts": 1_000_000_000}]
    with pytest.raises(ValueError, match="private"), telemetry.feed("fold_things", None, changes):
        raise ValueError("something private")
    [(attributes, point)] = told.points("vimarsh.feed.lag")
    assert attributes == {"feed": "fold_things"}
    assert point.max > 500_000_000
    [span] = told.spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert not span.events


async def test_turns_and_admissions_are_counted(
    api: httpx.AsyncClient, alice: Headers, chat_server: Headers, told: Told, sign_in: SignIn
) -> None:
    session = await a_session(api, alice)
    sent = alice | {"Idempotency-Key": "once"}
    for _ in range(2):
        await record(api, sent, session)
    estimate = {"model": "gpt-4o-mini", "input_tokens": 10, "max_output_tokens": 10}
    assert (await api.post("/admissions", json=estimate, headers=alice)).status_code == 201
    too_much = estimate | {"max_output_tokens": 9_000_000}
    refused = await api.post("/admissions", json=too_much, headers=alice)
    assert refused.status_code == 429

    assert (await api.post(f"/sessions/{session}/answers", json={"question": "Why?"}, headers=alice)).status_code == 201

    data = told.reader.get_metrics_data()
    assert data is not None
    told_of = data.resource_metrics[0].scope_metrics[0].metrics
    metrics: dict[str, list[Any]] = {metric.name: list(metric.data.data_points) for metric in told_of}
    assert [point.value for point in metrics["vimarsh.turns"]] == [2]
    assert [dict(point.attributes or {}) for point in metrics["vimarsh.answer.duration"]] == [{"outcome": "complete"}]
    by_outcome = {str((point.attributes or {})["outcome"]): point for point in metrics["vimarsh.admissions"]}
    assert by_outcome["granted"].value == 2
    why = {"outcome": "refused", "window": refused.json()["window"], "measure": refused.json()["measure"]}
    assert (dict(by_outcome["refused"].attributes or {}), by_outcome["refused"].value) == (why, 1)
    ended = {
        (dict(point.attributes or {})["faas.name"], dict(point.attributes or {}).get("error.type"))
        for point in metrics["vimarsh.operation.duration"]
    }
    assert {("admit", None), ("admit", "limit-reached"), ("record_interaction", None)} <= ended


@pytest.mark.parametrize("sent", ["", "no-trace", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{TRACE}-00f067aa0ba902b7"])
async def test_what_is_no_trace_context_begins_a_trace(api: httpx.AsyncClient, told: Told, sent: str) -> None:
    await api.get("/health", headers={"traceparent": sent})
    [span] = told.named("GET /api/health")
    assert span.parent is None
    assert trace_of(span) not in ("0" * 32, TRACE)


async def test_answers_of_the_database_are_told_from_its_faults(
    api: httpx.AsyncClient, alice: Headers, told: Told
) -> None:
    assert (await api.get(f"/sessions/{uuid.uuid4()}", headers=alice)).status_code == 404
    [missing] = told.named("read_item user_sessions")
    assert (missing.attributes or {})["db.response.status_code"] == "404"
    assert missing.status.status_code is StatusCode.UNSET
    [operation] = told.named("GET /api/sessions/{session_id}")
    assert operation.status.status_code is StatusCode.UNSET
    assert (operation.attributes or {})["error.type"] == "not-found"
