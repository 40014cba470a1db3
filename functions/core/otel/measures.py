"""The metrics. Their names and dimensions are what alerts and the workbook in `infra/` ask for."""

from __future__ import annotations

from opentelemetry.metrics import Meter

CHARGES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
JOBS = [0, 1, 2, 5, 10, 100, 1000]
LAGS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]
"""Bounds of the histograms' buckets."""


class Measures:
    """What is measured."""

    def __init__(self, meter: Meter) -> None:
        self._charge = meter.create_histogram(
            "azure.cosmosdb.client.operation.request_charge",
            unit="{request_unit}",
            description="Request units of each request to Cosmos DB, those that are tried again included",
            explicit_bucket_boundaries_advisory=CHARGES,
        )
        self._database = meter.create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="Time until Cosmos DB has answered a request",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._operation = meter.create_histogram(
            "vimarsh.operation.duration",
            unit="s",
            description="Time to answer an HTTP request, by operation, status and kind of problem",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._lag = meter.create_histogram(
            "vimarsh.feed.lag",
            unit="s",
            description="Age of the oldest change of a batch when its function ended, whether it succeeded or failed; "
            "nothing where there was no change",
            explicit_bucket_boundaries_advisory=LAGS,
        )
        self._age = meter.create_histogram(
            "vimarsh.feed.age",
            unit="s",
            description="Time since the last heartbeat that a change feed is known to have passed, measured from "
            "outside each minute; up to two minutes where all is well",
            explicit_bucket_boundaries_advisory=LAGS,
        )
        self._turns = meter.create_counter("vimarsh.turns", unit="{turn}", description="Turns that were recorded")
        self._letters = meter.create_counter(
            "vimarsh.dead_letters", unit="{letter}", description="Changes that could not be counted"
        )
        self._admissions = meter.create_counter(
            "vimarsh.admissions", unit="{admission}", description="Admissions that were granted, and that were refused"
        )
        self._answers = meter.create_histogram(
            "vimarsh.answer.duration",
            unit="s",
            description="How long models took to answer, by how the answer ended, or which problem it was",
            explicit_bucket_boundaries_advisory=LAGS,
        )
        self._overdue = meter.create_histogram(
            "vimarsh.jobs.overdue",
            unit="{job}",
            description="Jobs past the time by which they should have ended, by kind, each minute; 0 where all is well",
            explicit_bucket_boundaries_advisory=JOBS,
        )
        self._unknown = meter.create_histogram(
            "vimarsh.erasures.unknown",
            unit="{erasure}",
            description="Erasures that the log has and the database does not, each minute; above 0 after a restore",
            explicit_bucket_boundaries_advisory=JOBS,
        )

    def database(self, attributes: dict[str, str], seconds: float, charge: float | None) -> None:
        """A request to Cosmos DB; without a charge if there was no answer."""
        self._database.record(seconds, attributes)
        if charge is not None:
            self._charge.record(charge, attributes)

    def operation(self, name: str, status: int, problem: str | None, seconds: float) -> None:
        attributes: dict[str, str | int] = {"faas.name": name, "http.response.status_code": status}
        if problem:
            attributes["error.type"] = problem
        self._operation.record(seconds, attributes)

    def lag(self, feed: str, seconds: float) -> None:
        self._lag.record(seconds, {"feed": feed})

    def feed_age(self, feed: str, seconds: float) -> None:
        self._age.record(seconds, {"feed": feed})

    def turns(self, count: int) -> None:
        self._turns.add(count)

    def dead_letter(self, container: str) -> None:
        self._letters.add(1, {"db.collection.name": container})

    def jobs_overdue(self, kind: str, count: int) -> None:
        self._overdue.record(count, {"job": kind})

    def erasures_unknown(self, count: int) -> None:
        self._unknown.record(count)

    def answer(self, outcome: str, seconds: float) -> None:
        """Counts an answer of a model by its end or its problem."""
        self._answers.record(seconds, {"outcome": outcome})

    def admission(self, refused_by: tuple[str, str] | None) -> None:
        """Counts an admission, or a refusal by the limit of a window and a measure."""
        if refused_by is None:
            self._admissions.add(1, {"outcome": "granted"})
        else:
            window, measure = refused_by
            self._admissions.add(1, {"outcome": "refused", "window": window, "measure": measure})
