"""Where telemetry goes: local stand-ins for an OTLP collector and for Application Insights; and nowhere by default."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from functions.core.otel import exporters
from functions.core.services import telemetry_of
from functions.core.settings import Settings, read_settings
from functions.core.telemetry import Telemetry

ROOT = Path(__file__).parents[3]


class Collector(ThreadingHTTPServer):
    """Takes what is posted, by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: dict[str, list[Any]] = defaultdict(list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.taken[self.path].append(json.loads(body))
        count = len(json.loads(body)) if self.path == "/v2.1/track" else 0
        answer = json.dumps({"itemsReceived": count, "itemsAccepted": count, "errors": []} if count else {}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is http.server's
        return


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def configured(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of the app, to which settings of telemetry can be added."""
    for part in ("STATSBEAT_DISABLED_ALL", "SDKSTATS_DISABLED", "CONTROLPLANE_DISABLED"):  # what it tells its makers
        monkeypatch.setenv(f"APPLICATIONINSIGHTS_{part}", "true")
    monkeypatch.setenv("WEBSITE_SITE_NAME", "func-vimarsh")
    return monkeypatch


def tell_something() -> None:
    telemetry = exporters.opened(read_settings())
    with telemetry.operation("list_things", "GET", "/api/things", None) as answering:
        answering.answered(404, "not-found")
    telemetry.turns_recorded(3)
    for provider in telemetry.providers:
        provider.shutdown()


def test_collector_gets_spans_and_metrics(configured: pytest.MonkeyPatch, collector: Collector) -> None:
    configured.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    tell_something()
    [traces], [metrics] = collector.taken["/v1/traces"], collector.taken["/v1/metrics"]
    [told] = traces["resourceSpans"]
    named = {entry["key"]: entry["value"] for entry in told["resource"]["attributes"]}
    assert named["service.name"] == {"stringValue": "func-vimarsh"}
    [span] = told["scopeSpans"][0]["spans"]
    assert span["name"] == "GET /api/things"
    found = {metric["name"] for metric in metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
    assert found == {"vimarsh.operation.duration", "vimarsh.turns"}


def test_application_insights_gets_dependencies_and_metrics(
    configured: pytest.MonkeyPatch, collector: Collector
) -> None:
    """A span of the app is no request there: the host tells of those, and they would count twice."""
    key = "00000000-0000-0000-0000-000000000001"
    connection = f"InstrumentationKey={key};IngestionEndpoint={collector.url}/"
    configured.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", connection)
    tell_something()
    items = [item for posted in collector.taken["/v2.1/track"] for item in posted]
    [dependency] = [item["data"] for item in items if item["data"]["baseType"] == "RemoteDependencyData"]
    assert dependency["baseData"]["name"] == "GET /api/things"
    assert not [item for item in items if item["data"]["baseType"] == "RequestData"]
    metrics = {
        metric["name"]: metric
        for item in items
        if item["data"]["baseType"] == "MetricData"
        for metric in item["data"]["baseData"]["metrics"]
    }
    assert metrics["vimarsh.turns"]["value"] == 3
    assert {item["tags"]["ai.cloud.role"] for item in items} == {"func-vimarsh"}


def test_service_may_be_named_by_opentelemetrys_own_variable(configured: pytest.MonkeyPatch) -> None:
    configured.setenv("OTEL_SERVICE_NAME", "something-else")
    assert exporters.tracer_provider().resource.attributes["service.name"] == "something-else"


def test_sampler_is_what_opentelemetrys_own_variable_says(configured: pytest.MonkeyPatch) -> None:
    assert "AlwaysOn" in exporters.tracer_provider().sampler.get_description()
    configured.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    configured.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    assert exporters.tracer_provider().sampler.get_description() == "TraceIdRatioBased{0.25}"


def test_empty_settings_ask_for_nothing(configured: pytest.MonkeyPatch) -> None:
    configured.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    configured.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", "")
    telemetry = telemetry_of(Settings())
    assert type(telemetry) is Telemetry
    assert telemetry.transport() is None
    assert telemetry.traceparent is None


def test_nothing_is_imported_where_nothing_is_configured(settings: dict[str, str]) -> None:
    """Durable Functions' own library and FastAPI import a part of OpenTelemetry's API, whatever is configured."""
    told = _modules_after("import azure.durable_functions, aiohttp, azurefunctions.extensions.http.fastapi", settings)
    assert _modules_after("import function_app", settings) - told == set()
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    assert "opentelemetry.sdk.trace" in _modules_after("import function_app", settings | endpoint)


def _modules_after(statement: str, settings: dict[str, str]) -> set[str]:
    """The modules of OpenTelemetry and of its exporters that a process has imported by then."""
    program = f"{statement}\nimport sys\nprint(*(name for name in sys.modules if 'opentelemetry' in name))"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split()) - {"starlette.middleware.opentelemetry"}
