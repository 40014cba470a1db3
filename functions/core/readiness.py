"""Whether the app can do its work now."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from azure.core.exceptions import AzureError

from functions.core.problems import Problem

REMEMBERED_SECONDS = 5.0
"""Probes come often, and from anybody: what was found out counts for this long."""

LIMIT_SECONDS = 3.0
"""What a check may take. A dependency that is slower than this is of no use to a request, either."""

Check = Callable[[], Awaitable[bool]]

log = logging.getLogger(__name__)


class Readiness:
    """Runs checks, at most once at a time, and remembers what they found.

    Args:
        checks: By name, each telling whether all is well. One that can't tell, or takes too long, has failed.
        clock: Seconds that only grow.
    """

    def __init__(self, checks: Mapping[str, Check], clock: Callable[[], float] = time.monotonic) -> None:
        self._checks = checks
        self._clock = clock
        self._failing: list[str] = []
        self._checked = float("-inf")
        self._checking = asyncio.Lock()

    async def failing(self) -> list[str]:
        """The names of the checks that fail."""
        async with self._checking:
            if self._clock() - self._checked >= REMEMBERED_SECONDS:
                results = await asyncio.gather(*(self._passes(name) for name in self._checks))
                self._failing = [name for name, passed in zip(self._checks, results, strict=True) if not passed]
                self._checked = self._clock()
            return self._failing

    async def _passes(self, name: str) -> bool:
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                passed = await self._checks[name]()
        except (AzureError, Problem, TimeoutError) as error:
            log.warning("not ready: %s (%s)", name, type(error).__name__)
            return False
        if not passed:
            log.warning("not ready: %s", name)
        return passed
