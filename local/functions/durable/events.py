"""The events of an instance's history, in the shape of the Durable Task Framework.

Source: `HistoryEventType` and `HistoryEvent` of azure-functions-durable 1.7, which reads `EventType`, `EventId`,
`Timestamp`, `IsPlayed`, and of a completion `TaskScheduledId` or `TimerId`, `Name`, `Result`, `Input`, `Reason` and
`Details`.
"""

from enum import IntEnum
from typing import Any

from local.functions.durable.clock import as_text

Event = dict[str, Any]


class Kind(IntEnum):
    """`EventType`."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_RAISED = 15


FAILURES = frozenset({Kind.TASK_FAILED, Kind.SUB_ORCHESTRATION_FAILED})


def event(kind: Kind, moment: float, event_id: int = -1, **details: Any) -> Event:
    """One event; only what schedules something has an `event_id`, the number by which its completion names it."""
    return {
        "EventType": int(kind),
        "EventId": event_id,
        "IsPlayed": False,
        "Timestamp": as_text(moment),
        **details,
    }


def completed_task(event_: Event) -> int | None:
    """The number of the task that an event completes, None if it completes none (or an awaited external event)."""
    number = event_.get("TimerId", event_.get("TaskScheduledId"))
    return None if number is None else int(number)
