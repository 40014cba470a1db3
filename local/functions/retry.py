"""Retry policies: how often a failed invocation is run again, and after how long.

As on Azure, they act on triggers that have no retry of their own (Cosmos DB, timers), not on HTTP. What still fails
after the last retry is given up: the caller goes on as if it had been handled.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.functions.errors import AppLoadError

FOREVER = -1
_TIME = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2}):(?P<seconds>\d{1,2})(?P<fraction>\.\d+)?"
)
_WHOLE_SECONDS = re.compile(r"\d{1,2}:\d{1,2}:\d{1,2}")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `max_retry_count` retries (-1: no limit), waiting from `minimum` towards `maximum` seconds between them.

    A fixed delay is a policy whose two bounds are equal.
    """

    max_retry_count: int
    minimum: float
    maximum: float

    def allows(self, retry_count: int) -> bool:
        """Whether there is a further retry after `retry_count` of them."""
        return self.max_retry_count == FOREVER or retry_count < self.max_retry_count

    def delay(self, retry_count: int, uniform: Callable[[float, float], float] = random.uniform) -> float:
        """Seconds to wait before the retry that follows `retry_count` retries: doubling, with 20 % of jitter."""
        if self.minimum >= self.maximum:
            return self.maximum
        increment = (2.0 ** min(retry_count, 60) - 1) * max(self.minimum, 1.0)
        return min(self.maximum, self.minimum + increment * uniform(0.8, 1.2))


def parse_time_span(text: str) -> float:
    """Seconds in a .NET time span, `hh:mm:ss` with optional days before and a fraction after; raises `ValueError`."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a time span; it is written hh:mm:ss.")
    hours = int(match["days"] or 0) * 24 + int(match["hours"])
    return hours * 3600 + int(match["minutes"]) * 60 + int(match["seconds"]) + float(match["fraction"] or 0)


def function_retry_policy(properties: dict[str, Any]) -> RetryPolicy:
    """The policy of a `retry` decorator, given its properties; raises `ValueError`."""
    strategy = str(properties.get("strategy"))
    for name in ("delay_interval", "minimum_interval", "maximum_interval"):
        if properties.get(name) is not None and not _WHOLE_SECONDS.fullmatch(str(properties[name])):
            raise ValueError(f"{name} is a time span hh:mm:ss; with a day or a fraction the real host loads nothing.")
    count = _count(properties.get("max_retry_count"))
    if strategy == "fixed_delay":
        delay = _required_time(properties, "delay_interval")
        return RetryPolicy(count, delay, delay)
    if strategy == "exponential_backoff":
        return RetryPolicy(
            count, _required_time(properties, "minimum_interval"), _required_time(properties, "maximum_interval")
        )
    raise ValueError(f"the retry strategy is 'fixed_delay' or 'exponential_backoff', not '{strategy}'.")


def host_retry_policy(section: object) -> RetryPolicy:
    """The policy in the `retry` section of `host.json`; raises `AppLoadError`."""
    if not isinstance(section, dict):
        raise AppLoadError("host.json: 'retry' has to be an object.")
    strategies = {"fixeddelay": "fixed_delay", "exponentialbackoff": "exponential_backoff"}
    try:
        return function_retry_policy(
            {
                "strategy": strategies.get(str(section.get("strategy")).lower(), section.get("strategy")),
                "max_retry_count": section.get("maxRetryCount"),
                "delay_interval": section.get("delayInterval"),
                "minimum_interval": section.get("minimumInterval"),
                "maximum_interval": section.get("maximumInterval"),
            }
        )
    except ValueError as error:
        raise AppLoadError(f"host.json: retry: {error}") from error


def _count(value: object) -> int:
    try:
        count = int(str(value))
    except ValueError:
        raise ValueError(f"max_retry_count is a whole number, not '{value}'.") from None
    if count < FOREVER:
        raise ValueError("max_retry_count is -1 (no limit) or more.")
    return count


def _required_time(properties: dict[str, Any], name: str) -> float:
    value = properties.get(name)
    if value is None:
        raise ValueError(f"{name} is required by the strategy '{properties['strategy']}'.")
    return parse_time_span(str(value))
