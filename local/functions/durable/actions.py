"""What an orchestrator function answers: whether it is done, and all the actions that it has taken since its start.

Source: `OrchestratorState` and the actions of azure-functions-durable 1.7, in the schemas V2 and V3: one list, in which
`task_all` and `task_any` appear as compounds of what they wait for. An orchestrator that fails raises an exception
whose text carries that state behind a label.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

Action = Mapping[str, Any]
_LABEL = "\n\n$OutOfProcData$:"


class ActionType(IntEnum):
    """`actionType`."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB_ORCHESTRATOR = 2
    CALL_SUB_ORCHESTRATOR_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    WHEN_ANY = 11
    WHEN_ALL = 12


ACTIVITIES = frozenset({ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY})
SUB_ORCHESTRATORS = frozenset({ActionType.CALL_SUB_ORCHESTRATOR, ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY})
UNSUPPORTED = {
    ActionType.CALL_ENTITY: "call_entity",
    ActionType.SIGNAL_ENTITY: "signal_entity",
    ActionType.CALL_HTTP: "call_http",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """`actions` are in the order in which the SDK numbers them; `error` is set if the orchestrator function failed."""

    is_done: bool = False
    actions: tuple[Action, ...] = ()
    output: Any = None
    custom_status: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is attempted at most, the milliseconds between, and which attempt this is."""

    call: Action = field(hash=False)
    attempt: int = 1

    @property
    def is_last(self) -> bool:
        return self.attempt >= int(self.call["retryOptions"]["maxNumberOfAttempts"])

    @property
    def delay(self) -> float:
        """In seconds."""
        return float(self.call["retryOptions"]["firstRetryIntervalInMilliseconds"]) / 1000


def parse_answer(text: str) -> Answer:
    """The answer of an orchestrator function that returned; raises `ValueError` for what is no such answer."""
    state = json.loads(text)
    if not isinstance(state, dict) or "isDone" not in state:
        raise ValueError(f"an orchestrator function has to return its state, not {text[:100]!r}")
    return Answer(
        is_done=bool(state["isDone"]),
        actions=tuple(_flatten(action for batch in state.get("actions", []) for action in batch)),
        output=state.get("output"),
        custom_status=state.get("customStatus"),
        error=state.get("error"),
    )


def parse_failure(message: str) -> Answer:
    """The answer of an orchestrator function that raised an exception with this text."""
    text, label, state = message.rpartition(_LABEL)
    if not label:
        return Answer(error=message)
    answer = parse_answer(state)
    return Answer(custom_status=answer.custom_status, error=answer.error or text)


def _flatten(actions: Iterable[Action]) -> Iterator[Action]:
    for action in actions:
        if action["actionType"] in (ActionType.WHEN_ALL, ActionType.WHEN_ANY):
            yield from _flatten(action["compoundActions"])
        else:
            yield action
