"""One turn of an instance, without any I/O: what the orchestrator is told, and what follows from its answer.

The orchestrator function runs from its beginning in each turn. It gets the whole history, the events that have just
arrived last, and takes up its work where the history ends. Source of the context: `DurableOrchestrationContext` of
azure-functions-durable 1.7, which fails if `upperSchemaVersion` is above 2.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from local.functions.durable.actions import (
    ACTIVITIES,
    SUB_ORCHESTRATORS,
    UNSUPPORTED,
    Action,
    ActionType,
    Answer,
    Retry,
)
from local.functions.durable.clock import as_moment, as_text
from local.functions.durable.events import Event, Kind, completed_task, event
from local.functions.durable.plan import Plan, Scheduled, is_retried

_SCHEMA_V3 = 2


class UnknownFunctionError(Exception):
    """The orchestrator calls something that the app does not have, or that this host cannot do."""


class OrchestratorChangedError(Exception):
    """The orchestrator's actions are not those it took before: its code is not deterministic, or was changed."""


@dataclass(frozen=True, slots=True)
class Call:
    """An activity or sub-orchestration to run; `input_text` is JSON. `instance_id` is what the orchestrator chose."""

    number: int
    function: str
    input_text: str | None
    instance_id: str | None = None
    version: str | None = None


@dataclass(slots=True)
class Turn:
    """What a turn leaves to be stored at once: `events` go on the history, `status` is the instance's from now on.

    `timers` are numbers and moments, `cancelled` the numbers of timers that are not needed any more. `restart_input` is
    set if the orchestrator continues as new.
    """

    events: list[Event]
    status: str = "Running"
    output: Any = None
    custom_status: Any = None
    activities: list[Call] = field(default_factory=list)
    children: list[Call] = field(default_factory=list)
    timers: list[tuple[int, float]] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    restarts: bool = False
    restart_input: str | None = None


class Functions(Protocol):
    """The names of the functions that an orchestrator may call."""

    @property
    def activities(self) -> Collection[str]: ...

    @property
    def orchestrators(self) -> Collection[str]: ...


def open_turn(arrived: Iterable[Event], moment: float) -> list[Event]:
    """The events that a turn adds to the history before the orchestrator runs."""
    return [event(Kind.ORCHESTRATOR_STARTED, moment), *arrived]


def context_json(
    instance_id: str, parent_id: str | None, input_text: str | None, history: Iterable[str], is_replaying: bool
) -> str:
    """The `context` of the orchestrator function; `history` are events that are JSON already."""
    head = json.dumps(
        {
            "instanceId": instance_id,
            "parentInstanceId": parent_id,
            "isReplaying": is_replaying,
            "input": input_text,
            "upperSchemaVersion": _SCHEMA_V3,
        }
    )
    return f'{head[:-1]}, "history": [{",".join(history)}]}}'


def close_turn(name: str, plan: Plan, opened: list[Event], answer: Answer, functions: Functions, moment: float) -> Turn:
    """What follows from the answer of the orchestrator `name`. Brings `plan` up to date."""
    turn = Turn(list(opened), custom_status=answer.custom_status)
    try:
        if answer.error is None:
            for arrived in opened:
                _settle(turn, plan, arrived, moment)
            _carry_out(turn, plan, answer, functions, moment)
    except (UnknownFunctionError, OrchestratorChangedError) as error:
        answer = replace(answer, error=str(error))
    if answer.error is not None:
        turn = Turn(
            list(opened), "Failed", f"Orchestrator function '{name}' failed: {answer.error}", turn.custom_status
        )
    elif answer.is_done and not turn.restarts:
        turn.status, turn.output = "Completed", answer.output
    if turn.status != "Running":
        details = {"OrchestrationStatus": turn.status, "Result": json.dumps(turn.output)}
        turn.events.append(event(Kind.EXECUTION_COMPLETED, moment, plan.next_number, **details))
    turn.events.append(event(Kind.ORCHESTRATOR_COMPLETED, moment))
    return turn


def _settle(turn: Turn, plan: Plan, arrived: Event, moment: float) -> None:
    """Notes what an event has ended, and goes on with a call that is to be repeated."""
    if arrived["EventType"] == Kind.EVENT_RAISED:
        plan.waits[arrived["Name"]] -= 1
        return
    number = completed_task(arrived)
    repeats = is_retried(plan, arrived)
    retry = plan.retries.pop(number, None) if number is not None else None
    if retry is None or not repeats:
        return
    if arrived["EventType"] != Kind.TIMER_FIRED:
        pause = plan.take_number()
        plan.retries[pause] = retry
        _add_timer(turn, pause, moment + retry.delay, moment)
    elif not retry.is_last:
        _add_call(turn, plan, replace(retry, attempt=retry.attempt + 1), moment)


def _carry_out(turn: Turn, plan: Plan, answer: Answer, functions: Functions, moment: float) -> None:
    """Schedules the actions that are new, after comparing the others with what was scheduled before."""
    known = len(plan.scheduled)
    if len(answer.actions) < known:
        raise OrchestratorChangedError("Non-deterministic orchestrator: it took fewer actions than before.")
    for position, action in enumerate(answer.actions):
        if position < known:
            _compare(turn, plan.scheduled[position], action)
        else:
            number = _schedule(turn, plan, action, functions, moment)
            plan.scheduled.append(Scheduled(action["actionType"], _name(action), number))


def _compare(turn: Turn, before: Scheduled, action: Action) -> None:
    if (before.type, before.name) != (action["actionType"], _name(action)):
        raise OrchestratorChangedError(
            f"Non-deterministic orchestrator: where it took {ActionType(before.type).name} {before.name!r} before, "
            f"it takes {ActionType(action['actionType']).name} {_name(action)!r} now."
        )
    if action.get("isCanceled") and before.number is not None:
        turn.cancelled.append(before.number)


def _schedule(turn: Turn, plan: Plan, action: Action, functions: Functions, moment: float) -> int | None:
    """Carries out one action; returns its number."""
    kind = action["actionType"]
    if kind in UNSUPPORTED:
        raise UnknownFunctionError(f"{UNSUPPORTED[kind]} is not supported by this host.")
    if kind == ActionType.WAIT_FOR_EXTERNAL_EVENT:
        plan.waits[_name(action)] = plan.waits.get(_name(action), 0) + 1
        return None
    if kind == ActionType.CREATE_TIMER:
        number = plan.take_number()
        if not action.get("isCanceled"):
            _add_timer(turn, number, as_moment(action["fireAt"]), moment)
        return number
    if kind == ActionType.CONTINUE_AS_NEW:
        turn.restarts, turn.restart_input = True, action["input"]
        return plan.take_number()
    _check_function(action, functions)
    return _add_call(turn, plan, Retry(action), moment)


def _check_function(action: Action, functions: Functions) -> None:
    name, is_activity = _name(action), action["actionType"] in ACTIVITIES
    known = functions.activities if is_activity else functions.orchestrators
    if name not in known:
        kind = "activity" if is_activity else "orchestrator"
        raise UnknownFunctionError(
            f"The function '{name}' doesn't exist, is disabled, or is not an {kind} function. "
            f"The following are known {kind} functions: {', '.join(sorted(known)) or 'none'}."
        )


def _add_call(turn: Turn, plan: Plan, retry: Retry, moment: float) -> int:
    """Schedules an attempt of a call; returns its number."""
    action, number = retry.call, plan.take_number()
    call = Call(number, _name(action), action.get("input"), action.get("instanceId"), action.get("version"))
    if "retryOptions" in action:
        plan.retries[number] = retry
    if action["actionType"] in SUB_ORCHESTRATORS:
        turn.children.append(call)
        kind = Kind.SUB_ORCHESTRATION_CREATED
    else:
        turn.activities.append(call)
        kind = Kind.TASK_SCHEDULED
    turn.events.append(event(kind, moment, number, Name=call.function, Input=call.input_text))
    return number


def _add_timer(turn: Turn, number: int, due: float, moment: float) -> None:
    turn.timers.append((number, due))
    turn.events.append(event(Kind.TIMER_CREATED, moment, number, FireAt=as_text(due)))


def _name(action: Action) -> str:
    return str(action.get("functionName") or action.get("externalEventName") or "")
