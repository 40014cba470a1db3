from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from local.functions.errors import FunctionLoadError
from local.functions.host import FunctionHost
from local.functions.schedule import parse_schedule
from local.functions.timer_state import TimerStateFile, TimerStatus
from tests.local.functions.host_helpers import client_of, until


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("0 */5 * * * *", "2026-01-31 10:02:30", "2026-01-31 10:05:00"),
        ("*/5 * * * *", "2026-01-31 10:02:30", "2026-01-31 10:05:00"),
        ("30 0 0 * * *", "2026-01-31 10:00:00", "2026-02-01 00:00:30"),
        ("0 30 9 * * 1-5", "2026-01-30 10:00:00", "2026-02-02 09:30:00"),
        ("0 0 0 13 * 5", "2026-01-31 10:00:00", "2026-02-13 00:00:00"),
        ("0 0 0 29 2 *", "2026-01-31 10:00:00", "2028-02-29 00:00:00"),
        ("0 0 0 * Jan Mon", "2026-01-31 10:00:00", "2027-01-04 00:00:00"),
        ("00:10:00", "2026-01-31 10:00:01", "2026-01-31 10:10:01"),
        ("24:00:00", "2026-01-01 10:00:00", "2026-01-25 10:00:00"),
        ("30", "2026-01-01 10:00:00", "2026-01-31 10:00:00"),
        ("00:01", "2026-01-31 10:00:00", "2026-01-31 10:01:00"),
        ("0 0 0 * JANUARY Sunday", "2026-01-31 10:00:00", "2027-01-03 00:00:00"),
        ("0 */0 * * * *", "2026-01-31 10:02:30", "2026-01-31 10:03:00"),
        ("0 0 22-2 * * *", "2026-01-31 10:02:30", "2026-01-31 11:00:00"),
        ("0 0 0 30 2 *", "2026-01-31 10:02:30", "9999-12-31 23:59:59.999999"),
        ("1.00:00:00", "2026-01-31 10:00:00", "2026-02-01 10:00:00"),
    ],
)
def test_schedule_says_when_it_is_due_next(expression: str, after: str, due: str) -> None:
    assert parse_schedule(expression).next_after(at(after)) == at(due)


@pytest.mark.parametrize(
    "expression",
    [
        *("", "x", "* * *", "61 * * * * *", "0 0 0 0 0 0 0", "00:00:00", "00:60:00", "0 0 0 * * 7", "0 0 0 L * *"),
        *("0 0 0 ? * *", "0 0 0 15W * *", "0 0 0 * * 1#2", "0 0 0\t* * *", "0 0 0 * * Someday"),
    ],
)
def test_malformed_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_schedule(expression)


@pytest.mark.parametrize(
    ("expression", "is_frequent"),
    [("*/10 * * * * *", True), ("0 * * * * *", False), ("00:00:30", True), ("00:01:00", False)],
)
def test_only_schedules_below_a_minute_are_frequent(expression: str, is_frequent: bool) -> None:
    assert parse_schedule(expression).is_frequent is is_frequent


def timer_app(handler: Callable[..., Any], schedule: str = "0 0 0 1 1 *", **options: Any) -> func.FunctionApp:
    app = func.FunctionApp()
    app.timer_trigger("timer", schedule=schedule, **options)(handler)
    return app


class Runs(list[func.TimerRequest]):
    """A timer function that notes what it was given."""

    def note(self, timer: func.TimerRequest) -> None:
        self.append(timer)


def noting(runs: Runs) -> Callable[[func.TimerRequest], None]:
    def tick(timer: func.TimerRequest) -> None:
        runs.note(timer)

    return tick


async def test_timer_runs_each_time_it_is_due() -> None:
    runs = Runs()
    async with FunctionHost(timer_app(noting(runs), "* * * * * *")):
        await until(lambda: len(runs) >= 2)
    assert [run.past_due for run in runs[:2]] == [False, False]


async def test_timer_that_fails_runs_again() -> None:
    calls = []

    def tick(timer: func.TimerRequest) -> None:
        calls.append(1)
        raise ValueError("every time")

    async with FunctionHost(timer_app(tick, "* * * * * *")):
        await until(lambda: len(calls) >= 2)


async def test_timer_may_run_at_start() -> None:
    runs = Runs()
    async with FunctionHost(timer_app(noting(runs), run_on_startup=True)):
        await until(lambda: runs)
    assert not runs[0].past_due


async def test_schedule_may_be_a_setting() -> None:
    runs = Runs()
    app = timer_app(noting(runs), "%TICK%")
    async with FunctionHost(app, settings={"TICK": "* * * * * *"}):
        await until(lambda: runs)
    with pytest.raises(FunctionLoadError, match=r"'tick'.*not recognized"):
        FunctionHost(app, settings={"TICK": "often"})


async def test_missed_run_is_made_up_for_once(tmp_path: Path) -> None:
    app = timer_app(noting(runs := Runs()), "0 0 * * * *")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    missed = TimerStatus(hour - timedelta(hours=5), hour - timedelta(hours=4), hour - timedelta(hours=5))
    TimerStateFile(tmp_path, "tick").write(missed)
    async with FunctionHost(app, data=tmp_path):
        await until(lambda: runs)
    assert runs[0].past_due
    assert runs[0].schedule_status["Next"] == missed.next.isoformat()  # type: ignore[attr-defined]
    async with FunctionHost(app, data=tmp_path):
        await asyncio.sleep(0.05)
    assert len(runs) == 1


async def test_changed_schedule_makes_up_for_nothing(tmp_path: Path) -> None:
    missed = TimerStatus(at("2026-01-01 00:00:00"), at("2026-01-02 00:00:00"), at("2026-01-01 00:00:00"))
    TimerStateFile(tmp_path, "tick").write(missed)
    app = timer_app(noting(runs := Runs()), "0 30 12 * * *")
    async with FunctionHost(app, data=tmp_path):
        await asyncio.sleep(0.05)
    assert runs == []


async def test_new_timer_is_noted_so_that_its_first_run_can_be_missed(tmp_path: Path) -> None:
    app = timer_app(noting(Runs()), "0 30 12 * * *")
    async with FunctionHost(app, data=tmp_path):
        await until(lambda: TimerStateFile(tmp_path, "tick").read())


async def test_timer_that_is_not_monitored_is_not_noted(tmp_path: Path) -> None:
    app = timer_app(noting(runs := Runs()), "0 30 12 * * *", use_monitor=False, run_on_startup=True)
    async with FunctionHost(app, data=tmp_path):
        await until(lambda: runs)
    assert TimerStateFile(tmp_path, "tick").read() is None


def test_unreadable_state_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "timers").mkdir()
    (tmp_path / "timers" / "tick.json").write_text("{", "utf-8")
    assert TimerStateFile(tmp_path, "tick").read() is None


async def test_timer_is_run_by_hand() -> None:
    runs = Runs()
    async with FunctionHost(timer_app(noting(runs))) as host, client_of(host) as client:
        assert (await client.post("/admin/functions/Tick")).status_code == 202
        assert (await client.post("/admin/functions/tick", json={"input": ""})).status_code == 202
        assert (await client.post("/admin/functions/tick", content="[]")).status_code == 400
        assert (await client.post("/admin/functions/tick", content="{")).status_code == 400
        await until(lambda: len(runs) == 2)
        assert (await host.run("tick")).error is None
    assert len(runs) == 3


async def test_timer_parameter_may_be_text() -> None:
    texts: list[str] = []

    def tick(timer: str) -> None:
        texts.append(timer)

    host = FunctionHost(timer_app(tick))
    await host.run("tick")
    assert json.loads(texts[0])["IsPastDue"] is False


async def test_function_that_returns_something_without_a_binding_fails() -> None:
    def tick(timer: func.TimerRequest) -> str:
        return "for whom?"

    outcome = await FunctionHost(timer_app(tick)).run("tick")
    assert "without a $return binding" in str(outcome.error)
