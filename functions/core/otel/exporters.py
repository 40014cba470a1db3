"""Where telemetry goes: to Application Insights, to an OTLP collector, or to both."""

from __future__ import annotations

import os

from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter, AzureMonitorTraceExporter
from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from functions.core.otel.spans import OpenTelemetry
from functions.core.settings import Settings


def opened(settings: Settings) -> OpenTelemetry:
    """Telemetry to all that is configured."""
    tracers, readers = tracer_provider(), []
    for spans, metrics in _exporters(settings):
        tracers.add_span_processor(BatchSpanProcessor(spans))
        readers.append(PeriodicExportingMetricReader(metrics))
    return OpenTelemetry(tracers, MeterProvider(metric_readers=readers, resource=tracers.resource))


def tracer_provider() -> TracerProvider:
    """What makes spans, and has no exporter yet.

    Every trace is kept, unless `OTEL_TRACES_SAMPLER` says otherwise: also one whose parent is not, because the host of
    Azure Functions marks its own spans as not kept, whatever it does with them.
    """
    sampler = None if os.environ.get(OTEL_TRACES_SAMPLER) else ALWAYS_ON
    return TracerProvider(sampler=sampler, resource=_resource())


def _exporters(settings: Settings) -> list[tuple[SpanExporter, MetricExporter]]:
    found: list[tuple[SpanExporter, MetricExporter]] = []
    if settings.insights_connection_string:
        connection = settings.insights_connection_string.get_secret_value()
        options = {"connection_string": connection, "disable_offline_storage": True}
        found.append((AzureMonitorTraceExporter(**options), AzureMonitorMetricExporter(**options)))
    if settings.otlp_endpoint:
        found.append((OTLPSpanExporter(), OTLPMetricExporter()))
    return found


def _resource() -> Resource:
    """Who tells: by its name in Azure, as the host calls itself in Application Insights."""
    named = (
        {} if os.environ.get(OTEL_SERVICE_NAME) else {"service.name": os.environ.get("WEBSITE_SITE_NAME", "vimarsh")}
    )
    return Resource.create(named)
