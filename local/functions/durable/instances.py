"""An orchestration instance, as the state holds it."""

import json
from dataclasses import dataclass
from typing import Any

from local.functions.durable.clock import as_text

ACTIVE = ("Pending", "Running", "Suspended")
STATUSES = frozenset({*ACTIVE, "Completed", "Failed", "Terminated"})


@dataclass(frozen=True, slots=True)
class Parent:
    """Which task of which instance a sub-orchestration is."""

    instance_id: str
    execution: str
    number: int


@dataclass(frozen=True, slots=True)
class Instance:
    """`execution` is new at each start, restart and continue-as-new; `input_text` is what the orchestrator gets.

    `output` and `custom_status` are JSON, `created` and `updated` seconds since 1970, `plan` what `Plan.as_json` wrote.
    """

    id: str
    execution: str
    name: str
    version: str | None
    status: str
    input_text: str | None
    output: str
    custom_status: str
    created: float
    updated: float
    plan: str
    parent: Parent | None

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    def describe(self, *, shows_input: bool = True) -> dict[str, Any]:
        """The status object of the HTTP API."""
        return {
            "name": self.name,
            "instanceId": self.id,
            "runtimeStatus": self.status,
            "input": self.input_text if shows_input else None,
            "customStatus": json.loads(self.custom_status),
            "output": json.loads(self.output),
            "createdTime": as_text(self.created),
            "lastUpdatedTime": as_text(self.updated),
        }
