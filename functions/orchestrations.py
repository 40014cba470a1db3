"""Starting orchestrations once."""

from __future__ import annotations

from typing import Any

import azure.durable_functions as df

from functions.call import Call


def client_of(call: Call[Any]) -> df.DurableOrchestrationClient:
    """The client of the orchestrations, of a call whose operation has asked for it."""
    if call.durable is None:
        raise RuntimeError("the operation has not asked for a client of the orchestrations")
    return call.durable


async def start_once(client: df.DurableOrchestrationClient, orchestrator: str, instance_id: str, content: Any) -> None:
    """Starts an orchestration under an id, unless it is running: also if it has ended, whether well or not."""
    if await _is_active(client, instance_id):
        return
    try:
        await client.start_new(orchestrator, instance_id, content)
    except Exception:  # the SDK has no other type for an id that is taken: by this very request, sent twice
        if not await _is_active(client, instance_id):
            raise


async def _is_active(client: df.DurableOrchestrationClient, instance_id: str) -> bool:
    status = await client.get_status(instance_id)
    ended = ("Completed", "Failed", "Terminated", "Canceled")
    return bool(status) and status.runtime_status.value not in ended
