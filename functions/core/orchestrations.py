"""What the orchestrations have in common: how they are begun and looked at, go on, and work on many users.

A request names its orchestration: the same caller's same key names the same one, so that it can be sent again. An
orchestration begins anew after each page of users, with its progress as its input, so that its history stays short.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal

import azure.durable_functions as df

from functions.core.call import Call
from models.core.errors import KeyReused, NotFound
from models.core.identity import Person

USERS_PER_PAGE = 40
AT_ONCE = 4
ATTEMPTS = df.RetryOptions(first_retry_interval_in_milliseconds=2000, max_number_of_attempts=5)

PAUSE_SECONDS = 60
"""After all attempts of an activity have failed: Cosmos DB is out of order for longer."""

State = Literal["running", "completed", "failed"]
_STATES: dict[str, State] = {
    "Completed": "completed",
    "Failed": "failed",
    "Terminated": "failed",
    "Canceled": "failed",
}

Share = Callable[[df.DurableOrchestrationContext, dict[str, Any]], Generator[Any, Any, bool]]
"""What one history does of the work, bringing its state up to date as it goes; whether all is done."""

log = logging.getLogger(__name__)


def client_of(call: Call[Any]) -> df.DurableOrchestrationClient:
    """The client of the orchestrations, of an operation that asks for it."""
    if call.durable is None:
        raise RuntimeError("the operation has not asked for a client of the orchestrations")
    return call.durable


def named(person: Person, orchestrator: str, key: str | None) -> str:
    """The id of what a request begins: the same for the same person and key, a new one without a key."""
    return str(uuid.uuid5(uuid.UUID(person.user_id), f"{orchestrator}:{key}") if key else uuid.uuid4())


async def begun(
    client: df.DurableOrchestrationClient, orchestrator: str, instance_id: str, wanted: Any
) -> df.DurableOrchestrationStatus:
    """The orchestration of this id, begun with this input unless it is there already, be it running or over."""
    if not (status := await client.get_status(instance_id, show_input=True)):
        await _start(client, orchestrator, instance_id, wanted)
        status = await client.get_status(instance_id, show_input=True)
    return status


async def of_request(call: Call[Any], orchestrator: str) -> df.DurableOrchestrationStatus:
    """The orchestration that an admin's request names, begun with its body unless it is there already.

    Raises:
        AccountClosed: the admin's own account may not write.
        NotFound: there is no such user as the body names.
        KeyReused: the same key came with another body before.
    """
    await call.writer()
    if call.body.user_id is not None:
        await call.store.accounts.read(call.body.user_id)
    request = call.body.model_dump(mode="json", by_alias=True)
    wanted = {"request": request, "progress": None, "continuation": None}
    instance_id = named(call.person, orchestrator, call.idempotency_key)
    status = await begun(client_of(call), orchestrator, instance_id, wanted)
    if input_of(status)["request"] != request:
        raise KeyReused
    return status


async def kept_running(client: df.DurableOrchestrationClient, orchestrator: str, instance_id: str, wanted: Any) -> None:
    """Begins the orchestration of this id unless it is running: also if it has ended, whether well or not."""
    status = await client.get_status(instance_id)
    if not status or state_of(status) != "running":
        await _start(client, orchestrator, instance_id, wanted)


async def _start(client: df.DurableOrchestrationClient, orchestrator: str, instance_id: str, wanted: Any) -> None:
    try:
        await client.start_new(orchestrator, instance_id, wanted)
    except Exception:  # the SDK has no other type for an id that is taken: by this very request, sent twice
        status = await client.get_status(instance_id)
        if not status or state_of(status) == "failed":
            raise


async def found(
    client: df.DurableOrchestrationClient, orchestrator: str, instance_id: str
) -> df.DurableOrchestrationStatus:
    """The orchestration of this id.

    Raises:
        NotFound: there is none, or it is another orchestrator's.
    """
    status = await client.get_status(instance_id, show_input=True)
    if not status or status.name != orchestrator:
        raise NotFound("orchestration")
    return status


def state_of(status: df.DurableOrchestrationStatus) -> State:
    return _STATES.get(status.runtime_status.value, "running")


def input_of(status: df.DurableOrchestrationStatus) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(status.input_) if isinstance(status.input_, str) else status.input_
    return given


def state_and_times_of(status: df.DurableOrchestrationStatus) -> dict[str, str]:
    """What each description of an orchestration has: `status`, `created_at` and `updated_at`."""
    return {
        "status": state_of(status),
        "created_at": status.created_time.isoformat(),
        "updated_at": status.last_updated_time.isoformat(),
    }


def progress_of(status: df.DurableOrchestrationStatus) -> dict[str, Any]:
    """What it has done so far: its output once it has ended, what it said of itself or began with before."""
    if isinstance(status.output, dict):
        return status.output
    return status.custom_status or input_of(status)["progress"] or {}


def lasting(context: df.DurableOrchestrationContext, state: dict[str, Any], share: Share) -> Generator[Any, Any, bool]:
    """Work that is not given up: what an error holds up goes on after a pause. Whether all is done.

    An orchestration that failed would also be logged by the host with the inputs of its activities, which name users.

    Args:
        state: The orchestration's input, and that of the next history.
    """
    try:
        is_done = yield from share(context, state)
    except Exception:  # the SDK has no other type for an activity that failed at every attempt
        if not context.is_replaying:
            log.error("an orchestration is held up: it goes on in %d seconds", PAUSE_SECONDS)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=PAUSE_SECONDS))
        is_done = False
    if not is_done:
        context.continue_as_new(state)
    return is_done


def results(
    context: df.DurableOrchestrationContext, activity: str, inputs: Sequence[Any]
) -> Generator[Any, Any, list[Any]]:
    """What an activity returns for each input, worked on at once; None for those that failed at every attempt."""
    tasks = [context.call_activity_with_retry(activity, ATTEMPTS, one) for one in inputs]
    with suppress(Exception):  # the SDK has no other type for an activity that failed; each is looked at below
        yield context.task_all(tasks)
    returned: list[Any] = []
    for task in tasks:
        try:
            returned.append((yield task))
        except Exception:  # as above
            returned.append(None)
            if not context.is_replaying:
                log.warning("%s failed for a user", activity)
    return returned
