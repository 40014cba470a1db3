"""Nothing personal in logs, traces or metrics: every operation is driven with marked data, and fails with it, too.

User ids count as personal here, and so do the ids of sessions and turns. `x-request-id` does not: it is what a caller
asks to find its request in the log by.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from azure.core.exceptions import ServiceResponseError
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bench.simulation.clients import PEOPLE, Client, Json, Step
from bench.simulation.stack import Stack
from bench.simulation.steps import STEPS, fill
from bench.simulation.steps_of_organizations import a_ward
from cosmos.core.database import Database, connect
from functions.composition import services
from functions.core import redaction as faults
from functions.core.examples import BODIES
from functions.core.operation import Operation
from functions.core.otel.exporters import tracer_provider
from functions.core.otel.spans import OpenTelemetry
from functions.core.otel.transport import TellingTransport
from functions.core.telemetry import Transport
from local.entra.identity import TENANT_ID, oid_of
from local.functions.host import FunctionHost
from models.chat.interaction import IngestedTurn
from models.core.identity import user_id_of
from tests.functions import marked
from tests.functions.marked import ADDRESS, MARK
from tests.local.functions.host_helpers import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOREIGN = ("httpx", "httpcore", "asyncio")
"""Loggers of the tests themselves."""

OURS = ("functions", "cosmos", "models", "Function", "Host", "local")
"""Loggers whose every message counts; of the others' those that are shown by default."""


class Log(logging.Handler):
    """Keeps what is logged, formatted with its exception."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        top = record.name.partition(".")[0]
        if top not in FOREIGN and (top in OURS or record.levelno >= logging.INFO):
            self.lines.append(self.format(record))


class FailingTransport(TellingTransport):
    """Breaks off requests about some containers, with an error that quotes what is personal."""

    broken: frozenset[str] = frozenset()

    async def send(self, request: Any, **options: Any) -> Any:
        if any(f"/colls/{container}/docs" in request.url for container in self.broken):
            raise ServiceResponseError(f"cannot read what {MARK} wrote in {request.url}")
        return await super().send(request, **options)


class Watched(OpenTelemetry):
    """Telemetry that is kept, over a database that may fail."""

    def __init__(self) -> None:
        self.exporter, self.reader, tracers = InMemorySpanExporter(), InMemoryMetricReader(), tracer_provider()
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        super().__init__(tracers, MeterProvider(metric_readers=[self.reader]))

    def transport(self) -> Transport:
        return FailingTransport(self._tracer, self._measures)

    def told(self) -> list[str]:
        spans = [span.to_json(indent=None) for span in self.exporter.get_finished_spans()]
        data = self.reader.get_metrics_data()
        return [*spans, data.to_json(indent=None) if data else ""]


@dataclass
class MarkedClient(Client):
    """The clients of the benchmark, who send marked data and remember what must not be found."""

    operations: Mapping[str, Operation] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    succeeded: set[str] = field(default_factory=set)

    def sign_in(self) -> None:
        for who, choice in PEOPLE.items():
            if choice.get("app"):
                self._keep(who, choice)
                continue
            email = f"{MARK}{who}@contoso.example"
            named = {"email": email, "name": f"{MARK} {who}", "given_name": MARK, "family_name": f"{MARK}son"}
            self._keep(who, choice | named)
            self.secrets |= {oid_of(email), user_id_of(TENANT_ID, oid_of(email))}

    def _keep(self, who: str, choice: Json) -> None:
        answer = self.http.post(f"{self.stack.entra_url}/_local/token", json=choice).raise_for_status()
        self.tokens[who] = answer.json()["access_token"]
        self.secrets |= set(self.tokens[who].split("."))

    def call(
        self, method: str, path: str, who: str = "user", body: Json | None = None, headers: Mapping[str, str] = {}
    ) -> httpx.Response:
        operation = operation_of(self.operations, method, path)
        answer = super().call(method, path, who, marked_body(operation, body), marked.headers() | dict(headers))
        self.succeeded.add(operation.name)
        if not (operation.durable or operation.name == "get_erasure"):  # durable work is logged by its id
            self._remember(answer)
        return answer

    def _remember(self, answer: httpx.Response) -> None:
        named = {part for operation in self.operations.values() for part in operation.path.split("/")}
        with suppress(json.JSONDecodeError):
            told = answer.json()
            for document in [told, *told.get("items", [])] if isinstance(told, dict) else []:
                held = {document.get(name) for name in ("id", "user_id", "session_id", "request_hash", "ip_address")}
                ids = {value for value in held if isinstance(value, str) and len(value) > 8}
                self.secrets |= ids - named  # what everybody's is called names nobody

    def refused(self, operation: Operation, path: str, who: str, **sent: Any) -> int:
        """A request as it should not be; its status."""
        signed = marked.headers() | {"Authorization": f"Bearer {self.tokens[who]}"} | sent.pop("headers", {})
        url = f"{self.stack.functions_url}/api/{path}"
        return self.http.request(operation.method, url, headers=signed, **sent).status_code


def operation_of(operations: Mapping[str, Operation], method: str, path: str) -> Operation:
    """The operation that a path means; its parameters may be filled, or named otherwise."""
    parts = path.partition("?")[0].split("/")

    def literals(operation: Operation) -> int:
        """How many parts of its path are those, -1 if it is another path."""
        own = operation.path.split("/")
        if operation.method != method or len(own) != len(parts):
            return -1
        fits = [one == other or one.startswith("{") for one, other in zip(own, parts, strict=True)]
        return sum(not one.startswith("{") for one in own) if all(fits) else -1

    found = max(operations.values(), key=literals)
    assert literals(found) >= 0, (method, path)
    return found


def marked_body(operation: Operation, body: Json | None) -> Json | None:
    if body is None or operation.body is None:
        return body
    if operation.name == "ingest_turns":
        return body | {"turns": [marked.filled(IngestedTurn, turn) | {"ip_address": ADDRESS} for turn in body["turns"]]}
    return marked.filled(operation.body, body)


@pytest.fixture
def log() -> Iterator[Log]:
    """All that is logged meanwhile."""
    handler, root = Log(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


@pytest_asyncio.fixture(loop_scope="session")
async def watched(host: FunctionHost, drained: Any) -> AsyncIterator[Watched]:
    """The running app, told of by telemetry."""
    await drained()
    watched, shared = Watched(), services()
    before, shared.telemetry = shared.telemetry, watched
    await shared.close()
    yield watched
    FailingTransport.broken = frozenset()
    await drained()
    shared.telemetry = before
    await shared.close()


@pytest.fixture
def operations(settings: dict[str, str]) -> dict[str, Operation]:
    from function_app import DESCRIBED  # reads the settings, which must be there first

    return {operation.name: operation for routes in DESCRIBED for operation in routes.operations}


@pytest_asyncio.fixture(loop_scope="session")
async def client(
    host: FunctionHost, watched: Watched, entra_url: str, cosmos_url: str, operations: dict[str, Operation]
) -> AsyncIterator[MarkedClient]:
    """Calls the app over a port of its own."""
    config = uvicorn.Config(host, host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="off")
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    await server.listening.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    stack = Stack(None, f"http://127.0.0.1:{port}", entra_url.rstrip("/"), cosmos_url.rstrip("/"))  # type: ignore[arg-type]
    with httpx.Client(timeout=60) as http:
        yield MarkedClient(stack, http, operations=operations)
    server.should_exit = True
    await serving


class _Server(uvicorn.Server):
    """Leaves signals to the tests, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def drive(client: MarkedClient) -> None:
    """Every operation, as it should be called."""
    fill(client)
    for step in STEPS:
        take(client, step)
    client.call("GET", "openapi.json")
    client.call("GET", "docs")
    take_durable(client)


def take(client: MarkedClient, step: Step) -> None:
    body = (step.prepare(client) if step.prepare else None) or step.body
    headers = dict(step.headers)
    if step.edits:
        headers["If-Match"] = client.call("GET", step.edits, step.who).headers["ETag"]
    client.call(step.method, step.path, step.who, body, headers)


def take_durable(client: MarkedClient) -> None:
    """The operations that start durable work, and those that look at it."""
    withdrawn = client.call("DELETE", "me/analytics").json()
    finished(client, "me/withdrawals/{withdrawal_id}", "user", withdrawal_id=withdrawn["withdrawal_id"])
    one_user = {"user_id": client.ids["user_id"]}
    wanted = BODIES["start_rebuild"]["one user, repaired"] | one_user
    rebuild = client.call("POST", "admin/rebuilds", "staff", wanted).json()
    finished(client, "admin/rebuilds/{rebuild_id}", "staff", rebuild_id=rebuild["rebuild_id"])
    client.call("POST", "admin/jobs/{rebuild_id}/attempts", "staff")
    wanted = next(iter(BODIES["start_repricing"].values())) | one_user
    repricing = client.call("POST", "admin/repricings", "staff", wanted).json()
    finished(client, "admin/repricings/{repricing_id}", "staff", repricing_id=repricing["repricing_id"])
    a_ward(client)
    client.call("POST", "wards/{child_id}/erasure", "other")
    client.call("DELETE", "admin/users/{user_id}", "staff")


def finished(client: MarkedClient, path: str, who: str, **ids: str) -> None:
    client.ids |= ids
    while client.call("GET", path, who).json()["status"] == "running":
        time.sleep(0.1)


def misuse(client: MarkedClient) -> dict[int, int]:
    """Every operation as it should not be called; how often which status was answered."""
    statuses: dict[int, int] = {}
    for operation in client.operations.values():
        servers = dict.fromkeys(("ingest_turns", "import_documents"), "server")
        who = (servers | {"delete_me": "leaver"}).get(operation.name, "staff")
        template = operation.path.replace(":guid", "")
        path = template.format_map(Marks(client.ids))
        for sent in misuses(operation):
            status = client.refused(operation, path, who, **sent)
            statuses[status] = statuses.get(status, 0) + 1
        elsewhere = template.format_map(Marks()) if "{" in template else f"{MARK}/{operation.path}"
        status = client.refused(operation, elsewhere, who, json={MARK: MARK})
        statuses[status] = statuses.get(status, 0) + 1
    return statuses


class Marks(dict[str, str]):
    """Ids by the name of the parameter, and the marker for those that are unknown."""

    def __missing__(self, name: str) -> str:
        return f"{MARK}{name}"


def misuses(operation: Operation) -> Iterator[dict[str, Any]]:
    """Requests with the wrong token, query, conditions or body."""
    yield {"headers": {"Authorization": f"Bearer {MARK}.{MARK}.{MARK}"}}
    yield {"headers": {"Authorization": f"{MARK} {MARK}"}}
    yield {"params": {MARK: MARK, "limit": MARK, "continuation": MARK, "from": MARK, "user_id": MARK}}
    if operation.query:
        yield {"params": marked.filled(operation.query, {})}
    yield {"headers": {"If-Match": f'"{MARK}"', "Idempotency-Key": f"{MARK}\u00fc".encode()}}
    if operation.body:
        yield {"content": f'{{"{MARK}": "'.encode()}
        yield {"json": {name: {MARK: MARK} for name in (MARK, *operation.body.model_fields)}}
        yield {"content": json.dumps(f"{MARK}" * (operation.max_bytes // len(MARK) + 1)).encode()}


def assert_nothing_personal(client: MarkedClient, log: Log, watched: Watched) -> None:
    told = [*log.lines, *watched.told()]
    searched = {MARK, ADDRESS} | client.secrets
    found = [(secret, line) for line in told for secret in searched if secret.lower() in line.lower()]
    assert not found, "\n".join(f"{secret!r} in {line[:500]!r}" for secret, line in found[:10])


async def test_operations_with_marked_data_leave_no_trace_of_it(
    client: MarkedClient,
    log: Log,
    watched: Watched,
    operations: dict[str, Operation],
    drained: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services().settings, "erasure_settle_seconds", 0.2)
    await asyncio.to_thread(drive, client)
    await drained()
    assert client.succeeded == set(operations), "each operation has to be driven: add a step for a new one"
    assert len([line for line in log.lines if line.startswith("INFO functions.core.api")]) > len(operations)
    assert len(client.secrets) > 30
    assert_nothing_personal(client, log, watched)


async def test_requests_that_are_refused_leave_no_trace_of_what_they_said(
    client: MarkedClient, log: Log, watched: Watched, drained: Any
) -> None:
    await asyncio.to_thread(client.sign_in)
    statuses = await asyncio.to_thread(misuse, client)
    await drained()
    assert {400, 401, 404, 413, 422} <= set(statuses)
    assert not {410, 500, 503} & set(statuses)
    assert_nothing_personal(client, log, watched)


async def test_what_cannot_be_counted_or_read_is_logged_without_what_it_is(
    client: MarkedClient, log: Log, watched: Watched, settings: dict[str, str], drained: Any
) -> None:
    await asyncio.to_thread(client.sign_in)
    session = (await asyncio.to_thread(client.call, "POST", "sessions", "user", {})).json()["id"]
    client.ids["session_id"] = session
    example = BODIES["record_interaction"]["a turn"]
    turn = (await asyncio.to_thread(client.call, "POST", "sessions/{session_id}/interactions", "user", example)).json()
    kept = {name: value for name, value in turn.items() if name != "ttl"}
    broken = kept | {"id": f"{MARK}-turn", "user_rating": f"{MARK} rates", f"{MARK}_field": MARK}
    async with connect(settings["COSMOS"]) as cosmos:
        container = Database.of(cosmos, settings["COSMOS_DATABASE"]).user_interactions
        await container.create_item(broken)
        await drained()
        operation = client.operations["get_interaction"]
        status = await asyncio.to_thread(client.refused, operation, f"interactions/{broken['id']}", "user")
        await container.delete_item(broken["id"], turn["user_id"])
    assert status == 500
    assert [line for line in log.lines if "dead letter: dead-letter-" in line]
    [unexpected] = [line for line in log.lines if "unexpected: " in line]
    assert "ValidationError" in unexpected
    assert_nothing_personal(client, log, watched)


async def test_faults_of_the_database_are_logged_without_what_was_asked(
    client: MarkedClient, log: Log, watched: Watched, drained: Any
) -> None:
    await asyncio.to_thread(client.sign_in)
    client.ids["session_id"] = (await asyncio.to_thread(client.call, "POST", "sessions", "user", {})).json()["id"]
    await drained()
    FailingTransport.broken = frozenset({"user_analytics"})
    example = BODIES["record_interaction"]["a turn"]
    await asyncio.to_thread(client.call, "POST", "sessions/{session_id}/interactions", "user", example)
    status = await asyncio.to_thread(client.refused, client.operations["get_my_dashboard"], "me/dashboard", "user")

    async def has_failed() -> bool:
        return any("Functions.fold_interactions' (Failed" in line for line in log.lines)

    await until(has_failed)
    FailingTransport.broken = frozenset()
    await drained()
    assert status == 503
    assert [line for line in log.lines if "the database did not answer: azure.core.exceptions.ServiceResp" in line]
    assert_nothing_personal(client, log, watched)


async def test_what_functions_raise_is_told_without_messages(host: FunctionHost) -> None:
    """All that the host calls, but for HTTP, where failures become answers, and orchestrators, which do no work."""
    told_elsewhere = ("httpTrigger", "orchestrationTrigger")
    called = [function for function in host.functions if function.trigger.type not in told_elsewhere]
    assert len(called) > 7
    assert [one.name for one in called if not is_private(one.call)] == []


def is_private(call: Any) -> bool:
    """Whether `private` is what is called, be it by way of a library's own wrapper."""
    while call is not None:
        if call.__code__.co_filename == faults.__file__:
            return True
        call = getattr(call, "__wrapped__", None)
    return False


@pytest.mark.parametrize("message", [f"{MARK} asked", f"no {MARK}"])
async def test_exceptions_are_told_by_type_and_place(message: str) -> None:
    try:
        try:
            raise KeyError(message)
        except KeyError as error:
            raise ValueError(message) from error
    except ValueError as error:
        told = faults.told(error)
    assert told.startswith("builtins.ValueError\n")
    assert "because of builtins.KeyError" in told
    assert "test_exceptions_are_told_by_type_and_place" in told
    assert "asked" not in told
