"""Orchestrations outlive the process that runs them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from tests.local.functions.durable_helpers import Durable
from tests.local.functions.host_helpers import host_process, until

APP = """
import datetime
import time
from pathlib import Path

import azure.durable_functions as df

app = df.DFApp()

@app.activity_trigger(input_name="number")
def work(number: int) -> int:
    with Path("ran").open("a") as ran:
        ran.write(f"{number}\\n")
    while not Path(f"go-{number}").exists():
        time.sleep(0.01)
    return number * number

@app.orchestration_trigger(context_name="context")
def child(context: df.DurableOrchestrationContext):
    found = yield context.task_all([context.call_activity("work", n) for n in context.get_input()])
    return sum(found)

@app.orchestration_trigger(context_name="context")
def parent(context: df.DurableOrchestrationContext):
    first = yield context.call_activity("work", 1)
    context.set_custom_status("first")
    second = yield context.call_sub_orchestrator("child", [2, 3])
    yield context.create_timer(context.current_utc_datetime + datetime.timedelta(milliseconds=20))
    third = yield context.call_activity("work", 4)
    return [first, second, third]
"""


async def test_killed_host_completes_its_orchestrations_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(APP, "utf-8")
    arguments = ("--data", str(tmp_path / "data"))

    def ran() -> list[str]:
        return (tmp_path / "ran").read_text("utf-8").split() if (tmp_path / "ran").exists() else []

    def allow(number: int) -> None:
        (tmp_path / f"go-{number}").touch()

    async def kill_when(expected: list[str]) -> None:
        """Runs a host until these activities have begun (once more), and kills it."""
        with host_process(tmp_path, *arguments) as host:
            await until(lambda: sorted(ran()) == expected)
            await asyncio.to_thread(host.kill)

    with host_process(tmp_path, *arguments) as host:
        async with httpx.AsyncClient(base_url=host.url) as http:
            instance = await Durable(http).start("parent")
        await until(lambda: ran() == ["1"])
        await asyncio.to_thread(host.kill)
    allow(1)
    await kill_when(["1", "1", "2", "3"])
    allow(2)
    await kill_when(["1", "1", "2", "2", "3", "3"])
    allow(3)
    allow(4)
    with host_process(tmp_path, *arguments) as host:
        async with httpx.AsyncClient(base_url=host.url) as http:
            status = await Durable(http).end(instance)
            history = (await Durable(http).status(instance, showHistory="true"))["historyEvents"]
    assert status["output"] == [1, 4 + 9, 16]
    assert ran().count("4") == 1
    completions = [event["TaskScheduledId"] for event in history if event["EventType"] == 5]
    assert len(completions) == len(set(completions)) == 2
