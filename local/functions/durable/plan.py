"""What the host remembers of an instance besides its history: the numbers of its tasks, and what it waits for.

The SDK numbers an orchestrator's tasks while it replays, and completions name them by these numbers, so the host has to
count alike: each call and timer takes the next number when it is first waited for, and so does `continue_as_new`; an
external event takes none, it goes by its name. A call with retries takes further ones without an action: when it has
failed (for the timer, after the last attempt too) and when that timer has fired (for the next attempt).
Source: `_add_to_open_tasks` and `RetryAbleTask` of azure-functions-durable 1.7.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from local.functions.durable.actions import Retry
from local.functions.durable.events import FAILURES, Event, Kind, completed_task


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An action that has been carried out: its type, what it names, and its number if it has one."""

    type: int
    name: str
    number: int | None


@dataclass(slots=True)
class Plan:
    """The tasks of an instance so far.

    `waits` counts by name the external events that are waited for; `retries` are the open calls that may be repeated,
    by the number of the attempt, or of the timer after it.
    """

    next_number: int = 0
    scheduled: list[Scheduled] = field(default_factory=list)
    waits: dict[str, int] = field(default_factory=dict)
    retries: dict[int, Retry] = field(default_factory=dict)

    def take_number(self) -> int:
        self.next_number += 1
        return self.next_number - 1

    def as_json(self) -> str:
        return json.dumps(
            {
                "next": self.next_number,
                "scheduled": [[entry.type, entry.name, entry.number] for entry in self.scheduled],
                "waits": self.waits,
                "retries": {number: asdict(retry) for number, retry in self.retries.items()},
            }
        )


def parse_plan(text: str) -> Plan:
    """What `as_json` wrote."""
    content: dict[str, Any] = json.loads(text)
    return Plan(
        next_number=content["next"],
        scheduled=[Scheduled(*entry) for entry in content["scheduled"]],
        waits=content["waits"],
        retries={int(number): Retry(**retry) for number, retry in content["retries"].items()},
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the messages (by position) an instance gets in its next turn, and which nobody waits for yet."""

    deliver: tuple[int, ...]
    park: tuple[int, ...]


def choose(plan: Plan, events: Iterable[Event]) -> Choice:
    """Of the events that have arrived, in their order, those that can be delivered in one turn.

    An event that makes the SDK take a number by itself comes alone: numbers that it takes and those of the
    orchestrator's next actions could not be told apart otherwise. An external event stays until it is waited for; the
    SDK would keep only the last of several that come early.
    """
    deliver: list[int] = []
    park: list[int] = []
    waits = dict(plan.waits)
    for position, arrived in enumerate(events):
        if arrived["EventType"] == Kind.EVENT_RAISED:
            if waits.get(arrived["Name"], 0):
                waits[arrived["Name"]] -= 1
                deliver.append(position)
            else:
                park.append(position)
        elif is_retried(plan, arrived):
            if not deliver:
                deliver.append(position)
            break
        else:
            deliver.append(position)
    return Choice(tuple(deliver), tuple(park))


def is_retried(plan: Plan, arrived: Event) -> bool:
    """Whether an event is the failure of a call with retries, or the end of the pause after one."""
    takes_number = arrived["EventType"] in FAILURES or arrived["EventType"] == Kind.TIMER_FIRED
    return takes_number and completed_task(arrived) in plan.retries
