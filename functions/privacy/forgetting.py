"""The timer that removes the histories of what has driven jobs: what they were given names users.

An orchestration can't do that to itself.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions.core.redaction import private
from functions.privacy import erasure

ENDED = [
    df.OrchestrationRuntimeStatus.Completed,
    df.OrchestrationRuntimeStatus.Failed,
    df.OrchestrationRuntimeStatus.Terminated,
]

KEPT = timedelta(days=7)
"""As long as the documents of the jobs, from when it began. That of erasures goes with the next run."""

LISTS_PER_RUN = 100
"""A list that Azure answers ends after some hundred, and the SDK does not ask for the rest."""

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

log = logging.getLogger(__name__)

blueprint = df.Blueprint()


@blueprint.timer_trigger(schedule="0 20 * * * *", arg_name="timer")  # type: ignore[untyped-decorator]
@blueprint.durable_client_input(client_name="client")  # type: ignore[untyped-decorator]
@private
async def forget_ended_work(timer: func.TimerRequest, client: Any) -> None:
    erased = await _forget_erasures(client)
    others = await client.purge_instance_history_by(BEGINNING, datetime.now(UTC) - KEPT, ENDED)
    log.info("histories removed: %d of erasures, %d of other work", erased, others.instances_deleted)


async def _forget_erasures(client: df.DurableOrchestrationClient) -> int:
    """Removes those of erasures that are done; how many."""
    removed = 0
    for _ in range(LISTS_PER_RUN):
        done = await client.get_status_by(runtime_status=ENDED[:1], instance_id_prefix=f"{erasure.JOB.name}-")
        for status in done:
            await client.purge_instance_history(status.instance_id)
        removed += len(done)
        if not done:
            break
    return removed
