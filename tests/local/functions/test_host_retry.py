from __future__ import annotations

import asyncio
from typing import Any

import azure.functions as func
import pytest

from local.functions.delivery import InterruptedRetryError, deliver
from local.functions.host import FunctionHost
from local.functions.retry import FOREVER, RetryPolicy, parse_time_span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:05", 5), ("01:02:03", 3723), ("2.00:00:01", 172801), ("00:00:00.25", 0.25), ("1:2:3", 3723)],
)
def test_time_span_is_read(text: str, seconds: float) -> None:
    assert parse_time_span(text) == seconds


def test_policy_allows_so_many_retries() -> None:
    assert [RetryPolicy(2, 0, 0).allows(count) for count in range(4)] == [True, True, False, False]
    assert RetryPolicy(FOREVER, 0, 0).allows(10**9)
    assert not RetryPolicy(0, 0, 0).allows(0)


def test_fixed_delay_is_always_the_same() -> None:
    assert [RetryPolicy(9, 4.0, 4.0).delay(count) for count in (0, 1, 50)] == [4.0, 4.0, 4.0]


def test_exponential_delay_doubles_up_to_its_maximum() -> None:
    policy = RetryPolicy(9, 2.0, 60.0)
    assert [policy.delay(count, lambda low, high: 1.0) for count in (0, 1, 2, 3, 5, 5000)] == [2, 4, 8, 16, 60, 60]


def test_exponential_delay_has_jitter_within_a_fifth() -> None:
    bounds: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return high

    assert RetryPolicy(9, 2.0, 60.0).delay(1, uniform) == pytest.approx(2 + 2 * 1.2)
    assert bounds == [(0.8, 1.2)]


def host_of(handler: Any) -> FunctionHost:
    app = func.FunctionApp()
    app.timer_trigger("timer", schedule="0 0 0 1 1 *")(handler)
    return FunctionHost(app)


async def test_retry_context_counts_and_says_what_was_raised_before() -> None:
    seen: list[tuple[int, int, str]] = []

    def tick(timer: str, context: func.Context) -> None:
        retry = context.retry_context
        seen.append((retry.retry_count, retry.max_retry_count, retry.exception.message))
        raise ValueError(f"attempt {retry.retry_count}")

    host = host_of(tick)
    outcome = await deliver(host.invoker, host.functions[0], str, RetryPolicy(2, 0, 0), asyncio.Event())
    assert str(outcome.error) == "attempt 2"
    assert seen == [(0, 2, ""), (1, 2, "attempt 0"), (2, 2, "attempt 1")]


async def test_each_attempt_gets_an_argument_of_its_own() -> None:
    sizes: list[int] = []

    def tick(timer):  # type: ignore[no-untyped-def]
        timer.append("changed")
        sizes.append(len(timer))
        if len(sizes) < 3:
            raise ValueError

    host = host_of(tick)
    outcome = await deliver(host.invoker, host.functions[0], list, RetryPolicy(FOREVER, 0, 0), asyncio.Event())
    assert outcome.error is None
    assert sizes == [1, 1, 1]


async def test_end_of_the_host_interrupts_the_wait_for_a_retry() -> None:
    def tick(timer: str) -> None:
        raise ValueError

    host, stopping = host_of(tick), asyncio.Event()
    waiting = asyncio.create_task(deliver(host.invoker, host.functions[0], str, RetryPolicy(1, 900, 900), stopping))
    await asyncio.sleep(0)
    stopping.set()
    with pytest.raises(InterruptedRetryError):
        await waiting
