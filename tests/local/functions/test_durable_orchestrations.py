from __future__ import annotations

import datetime
import threading
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import pytest

from tests.local.functions.durable_helpers import activity, durable_host, orchestrator

Steps = Generator[Any, Any, Any]


def app_with_activities() -> df.DFApp:
    """An app with the activities `double` (of a number) and `fail`."""
    app = df.DFApp()

    @activity(app, "number")
    async def double(number: int) -> int:
        return number * 2

    @activity(app, "what")
    def fail(what: str) -> None:
        raise ValueError(f"no {what}")

    return app


async def test_sequence_passes_results_on() -> None:
    app = app_with_activities()

    @orchestrator(app)
    def sequence(context: df.DurableOrchestrationContext) -> Steps:
        number = context.get_input()["number"]
        for _ in range(3):
            number = yield context.call_activity("double", number)
        return {"number": number, "instance": context.instance_id}

    async with durable_host(app) as durable:
        status = await durable.run("sequence", {"number": 5})
    assert status["runtimeStatus"] == "Completed"
    assert status["output"] == {"number": 40, "instance": status["instanceId"]}
    assert status["name"] == "sequence"


async def test_fan_out_runs_activities_next_to_each_other_and_keeps_their_order() -> None:
    app = df.DFApp()
    all_there = threading.Barrier(4, timeout=30)

    @activity(app, "number")
    def meet(number: int) -> int:
        all_there.wait()
        return number

    @orchestrator(app)
    def fan_out(context: df.DurableOrchestrationContext) -> Steps:
        found = yield context.task_all([context.call_activity("meet", number) for number in range(4)])
        return found

    async with durable_host(app) as durable:
        status = await durable.run("fan_out")
    assert status["output"] == [0, 1, 2, 3]


async def test_wide_fan_out_completes() -> None:
    app = app_with_activities()

    @orchestrator(app)
    def wide(context: df.DurableOrchestrationContext) -> Steps:
        found = yield context.task_all([context.call_activity("double", number) for number in range(200)])
        return sum(found)

    async with durable_host(app) as durable:
        status = await durable.run("wide")
    assert status["output"] == 199 * 200


async def test_failing_activity_fails_the_orchestration_with_its_error() -> None:
    app = app_with_activities()

    @orchestrator(app)
    def failing(context: df.DurableOrchestrationContext) -> Steps:
        context.set_custom_status("before")
        yield context.call_activity("fail", "bread")

    async with durable_host(app) as durable:
        status = await durable.run("failing")
    assert status["runtimeStatus"] == "Failed"
    assert "Orchestrator function 'failing' failed: Activity function 'fail' failed: ValueError" in status["output"]
    assert "no bread" in status["output"]
    assert status["customStatus"] == "before"


async def test_orchestrator_catches_the_error_of_an_activity() -> None:
    app = app_with_activities()

    @orchestrator(app)
    def catching(context: df.DurableOrchestrationContext) -> Steps:
        try:
            yield context.call_activity("fail", "bread")
        except Exception as error:  # the SDK raises this type and no other
            doubled = yield context.call_activity("double", 21)
            return [doubled, "no bread" in str(error)]

    async with durable_host(app) as durable:
        status = await durable.run("catching")
    assert status["output"] == [42, True]


@pytest.mark.parametrize(("failures", "output"), [(0, "done"), (2, "done"), (3, "gave up")])
async def test_failing_activity_is_retried_up_to_its_number_of_attempts(failures: int, output: str) -> None:
    app = app_with_activities()
    attempts: list[int] = []

    @activity(app, "nothing")
    def unsure(nothing: Any) -> str:
        attempts.append(1)
        if len(attempts) <= failures:
            raise ConnectionError("not yet")
        return "done"

    @orchestrator(app)
    def stubborn(context: df.DurableOrchestrationContext) -> Steps:
        try:
            result = yield context.call_activity_with_retry("unsure", df.RetryOptions(1, 3))
        except Exception:  # the SDK raises this type and no other
            result = "gave up"
        doubled = yield context.call_activity("double", 4)  # has the right number after the retries
        return [result, doubled]

    async with durable_host(app) as durable:
        status = await durable.run("stubborn")
    assert status["output"] == [output, 8]
    assert len(attempts) == min(failures + 1, 3)


async def test_retries_next_to_each_other_and_to_other_calls_get_their_own_results() -> None:
    app = app_with_activities()
    seen: list[str] = []

    @activity(app, "name")
    def third_time(name: str) -> str:
        seen.append(name)
        if seen.count(name) < 3:
            raise ConnectionError(name)
        return f"{name}!"

    @orchestrator(app)
    def many(context: df.DurableOrchestrationContext) -> Steps:
        retry = df.RetryOptions(1, 5)
        retried = [context.call_activity_with_retry("third_time", retry, name) for name in "abcdef"]
        plain = [context.call_activity("double", number) for number in range(6)]
        found = yield context.task_all([task for pair in zip(retried, plain, strict=True) for task in pair])
        last = yield context.call_activity("double", 50)
        return [*found, last]

    async with durable_host(app) as durable:
        status = await durable.run("many")
    assert status["output"] == ["a!", 0, "b!", 2, "c!", 4, "d!", 6, "e!", 8, "f!", 10, 100]


async def test_timer_fires_when_it_is_due() -> None:
    app = app_with_activities()

    @orchestrator(app)
    def waiting(context: df.DurableOrchestrationContext) -> Steps:
        due = context.current_utc_datetime + datetime.timedelta(milliseconds=50)
        yield context.create_timer(due)
        return context.current_utc_datetime >= due

    async with durable_host(app) as durable:
        status = await durable.run("waiting")
    assert status["output"] is True


@pytest.mark.parametrize("early", [True, False])
async def test_external_event_reaches_the_orchestrator_before_or_while_it_waits(early: bool) -> None:
    app = app_with_activities()
    gate = threading.Event()

    @activity(app, "nothing")
    def hold(nothing: Any) -> None:
        gate.wait(60)

    @orchestrator(app)
    def approval(context: df.DurableOrchestrationContext) -> Steps:
        yield context.call_activity("hold")
        context.set_custom_status("waiting")
        first = yield context.wait_for_external_event("Approval")
        second = yield context.wait_for_external_event("Approval")
        return [first, second]

    async with durable_host(app) as durable:
        instance = await durable.start("approval")
        if not early:
            gate.set()
            await durable.until_custom_status(instance, "waiting")
        assert await durable.act(instance, "raiseEvent/Approval", {"by": "one"}) == 202
        assert await durable.act(instance, "raiseEvent/Approval", {"by": "two"}) == 202
        gate.set()
        status = await durable.end(instance)
        assert await durable.act(instance, "raiseEvent/Approval", {}) == 410
        assert await durable.act("nobody", "raiseEvent/Approval", {}) == 404
    assert status["output"] == [{"by": "one"}, {"by": "two"}]


async def test_first_of_several_tasks_wins_and_a_cancelled_timer_is_forgotten() -> None:
    app = app_with_activities()

    @orchestrator(app)
    def race(context: df.DurableOrchestrationContext) -> Steps:
        deadline = context.create_timer(context.current_utc_datetime + datetime.timedelta(days=300))
        answer = context.call_activity("double", 7)
        winner = yield context.task_any([deadline, answer])
        if winner == answer:
            deadline.cancel()
        after = yield context.call_activity("double", winner.result)
        return after

    async with durable_host(app) as durable:
        status = await durable.run("race")
    assert status["output"] == 28


async def test_continue_as_new_begins_again_with_a_new_input() -> None:
    app = app_with_activities()

    @orchestrator(app)
    def counting(context: df.DurableOrchestrationContext) -> Steps:
        rounds, total = context.get_input()
        if not rounds:
            return total
        doubled = yield context.call_activity("double", rounds)
        context.continue_as_new([rounds - 1, total + doubled])
        return None

    async with durable_host(app) as durable:
        status = await durable.run("counting", [4, 0])
        history = (await durable.status(status["instanceId"], showHistory="true"))["historyEvents"]
    assert status["output"] == 20
    assert len(history) < 6  # the last round's only


async def test_sub_orchestrations_return_fail_and_are_retried() -> None:
    app = app_with_activities()
    attempts: list[int] = []

    @activity(app, "nothing")
    def second_time(nothing: Any) -> str:
        attempts.append(1)
        if len(attempts) < 2:
            raise ConnectionError("not yet")
        return "ok"

    @orchestrator(app)
    def child(context: df.DurableOrchestrationContext) -> Steps:
        doubled = yield context.call_activity("double", context.get_input()["number"])
        return {"doubled": doubled, "has_parent": context.parent_instance_id is not None}

    @orchestrator(app)
    def flaky_child(context: df.DurableOrchestrationContext) -> Steps:
        result = yield context.call_activity("second_time")
        return result

    @orchestrator(app)
    def parent(context: df.DurableOrchestrationContext) -> Steps:
        found = yield context.task_all([context.call_sub_orchestrator("child", {"number": n}) for n in range(3)])
        retried = yield context.call_sub_orchestrator_with_retry("flaky_child", df.RetryOptions(1, 3))
        attempts.clear()
        try:
            yield context.call_sub_orchestrator("flaky_child")
        except Exception as error:  # the SDK raises this type and no other
            return [found, retried, "not yet" in str(error)]

    async with durable_host(app) as durable:
        status = await durable.run("parent")
    found, retried, failed = status["output"]
    assert found == [{"doubled": 2 * n, "has_parent": True} for n in range(3)]
    assert retried == "ok"
    assert failed is True


@pytest.mark.parametrize("step", ["activity", "entity", "http"])
async def test_call_of_what_is_not_there_fails_with_a_clear_error(step: str) -> None:
    app = app_with_activities()

    @orchestrator(app)
    def lost(context: df.DurableOrchestrationContext) -> Steps:
        if step == "activity":
            yield context.call_activity("nowhere")
        elif step == "entity":
            yield context.call_entity(df.EntityId("counter", "one"), "add")
        else:
            yield context.call_http("GET", "http://127.0.0.1/")

    async with durable_host(app) as durable:
        status = await durable.run("lost")
    assert status["runtimeStatus"] == "Failed"
    expected = {
        "activity": "'nowhere' doesn't exist, is disabled, or is not an activity function",
        "entity": "call_entity is not supported",
        "http": "call_http is not supported",
    }
    assert expected[step] in status["output"]


async def test_orchestrator_that_changes_its_mind_fails() -> None:
    app = app_with_activities()
    runs: list[int] = []

    @orchestrator(app)
    def moody(context: df.DurableOrchestrationContext) -> Steps:
        runs.append(1)
        if len(runs) == 1:
            yield context.call_activity("double", 1)
        else:
            yield context.create_timer(context.current_utc_datetime)

    async with durable_host(app) as durable:
        status = await durable.run("moody")
    assert status["runtimeStatus"] == "Failed"
    assert "Non-deterministic orchestrator" in status["output"]
