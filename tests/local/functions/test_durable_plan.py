from __future__ import annotations

import json
from typing import Any

import pytest

from local.functions.durable.actions import Retry, parse_answer, parse_failure
from local.functions.durable.clock import as_moment, as_text
from local.functions.durable.events import Event, Kind, event
from local.functions.durable.plan import Plan, Scheduled, choose, parse_plan

CALL = {"actionType": 1, "functionName": "work", "retryOptions": {"maxNumberOfAttempts": 3}}


def completed(number: int) -> Event:
    return event(Kind.TASK_COMPLETED, 0.0, TaskScheduledId=number, Result="null")


def failed(number: int) -> Event:
    return event(Kind.TASK_FAILED, 0.0, TaskScheduledId=number, Reason="", Details="")


def raised(name: str) -> Event:
    return event(Kind.EVENT_RAISED, 0.0, Name=name, Input="null")


def fired(number: int) -> Event:
    return event(Kind.TIMER_FIRED, 0.0, TimerId=number)


@pytest.mark.parametrize(
    ("arrived", "deliver", "park"),
    [
        ([completed(1), completed(2), failed(3), fired(4)], (0, 1, 2, 3), ()),
        (
            [completed(1), failed(7), completed(2)],
            (0,),
            (),
        ),  # what takes a number comes alone, and not before the others
        ([failed(7), completed(1)], (0,), ()),
        ([fired(8), completed(1)], (0,), ()),
        ([completed(7), completed(1)], (0, 1), ()),
        ([raised("go"), raised("go"), raised("stop"), completed(1)], (0, 3), (1, 2)),
        ([raised("stop")], (), (0,)),
    ],
)
def test_turn_takes_what_it_can_tell_apart(
    arrived: list[Event], deliver: tuple[int, ...], park: tuple[int, ...]
) -> None:
    plan = Plan(next_number=9, waits={"go": 1}, retries={7: Retry(CALL), 8: Retry(CALL)})
    choice = choose(plan, arrived)
    assert (choice.deliver, choice.park) == (deliver, park)
    assert plan.waits == {"go": 1}


def test_plan_survives_being_stored() -> None:
    plan = Plan(3, [Scheduled(0, "work", 0), Scheduled(6, "go", None)], {"go": 1}, {2: Retry(CALL, 2)})
    assert parse_plan(plan.as_json()) == plan


def test_compounds_are_flattened_in_order() -> None:
    def call(name: str) -> dict[str, Any]:
        return {"actionType": 0, "functionName": name}

    inner = {"actionType": 12, "compoundActions": [call("b"), call("c")]}
    outer = {"actionType": 11, "compoundActions": [inner, call("d")]}
    answer = parse_answer(json.dumps({"isDone": False, "actions": [[call("a"), outer]]}))
    assert [action["functionName"] for action in answer.actions] == ["a", "b", "c", "d"]


def test_failure_is_read_from_the_exception() -> None:
    state = json.dumps({"isDone": False, "actions": [], "error": "no bread", "customStatus": "here"})
    answer = parse_failure(f"no bread\n\n$OutOfProcData$:{state}")
    assert (answer.error, answer.custom_status) == ("no bread", "here")
    assert parse_failure("something else").error == "something else"


def test_function_that_returns_no_state_is_an_error() -> None:
    with pytest.raises(ValueError, match="has to return its state"):
        parse_answer("42")


@pytest.mark.parametrize("text", ["2026-11-20T12:00:00.250000Z", "2026-11-20T12:00:00.250000"])
def test_moments_are_in_utc(text: str) -> None:
    assert as_text(as_moment(text)) == "2026-11-20T12:00:00.250000Z"
