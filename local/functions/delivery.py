"""Runs a function under its retry policy."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from local.functions.context import NO_TRACE, RetryState, TraceContext
from local.functions.indexing import IndexedFunction
from local.functions.invocation import NO_DATA, Convert, Invoker, Outcome, new_invocation_id
from local.functions.retry import RetryPolicy

logger = logging.getLogger("Host.Retry")


class InterruptedRetryError(Exception):
    """The host stops while a failed invocation waits for its retry."""


async def deliver(
    invoker: Invoker,
    function: IndexedFunction,
    argument: Callable[[], Any],
    policy: RetryPolicy | None,
    stopping: asyncio.Event | None,
    *,
    trace: TraceContext = NO_TRACE,
    data: Mapping[str, str] = NO_DATA,
    convert: Convert | None = None,
) -> Outcome:
    """Invokes the function until it succeeds or `policy` allows no further retry; returns the last outcome.

    `argument` makes the trigger's value, anew for each attempt, because a function may change what it is given.
    All attempts have one invocation id. Raises `InterruptedRetryError` when `stopping` is set while waiting.
    """
    retry_count, error, invocation_id = 0, None, new_invocation_id()
    while True:
        state = RetryState(retry_count, policy.max_retry_count, error) if policy else None
        arguments = {function.trigger.name: argument()}
        outcome = await invoker.invoke(
            function, arguments, invocation_id, trace=trace, retry=state, data=data, convert=convert
        )
        error = outcome.error
        if error is None or policy is None or not policy.allows(retry_count):
            return outcome
        delay = policy.delay(retry_count)
        retry_count += 1
        logger.warning("Function '%s' is retried in %.1f s (retry %d).", function.name, delay, retry_count)
        if await wait_for_event(stopping or asyncio.Event(), delay):
            raise InterruptedRetryError


async def wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    """Waits for `event`, for at most so long; returns whether it is set."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
