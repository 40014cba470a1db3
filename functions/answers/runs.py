"""The answers that this process makes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from functions.answers.run import Asking, Result, Run
from functions.core.parts import Parts
from functions.core.redaction import named, told
from functions.core.services import Services
from models.answers.answer import Answer
from models.usage.allowance import Allowance

log = logging.getLogger(__name__)

R = TypeVar("R")


class Runs:
    """The answers that this process makes. One in a process."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._starting: set[asyncio.Task[Any]] = set()

    async def through(self, starting: Coroutine[Any, Any, R]) -> R:
        """Does something to its end, also if whoever waits for it is cancelled."""
        task = asyncio.create_task(starting)
        self._starting.add(task)
        task.add_done_callback(self._started)
        return await asyncio.shield(task)

    def _started(self, task: asyncio.Task[Any]) -> None:
        self._starting.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.debug("an answer was not begun: %s", named(error))

    def start(self, shared: Services, store: Parts, answer: Answer, asking: Asking, allowance: Allowance | None) -> Run:
        run = Run(shared, store, answer, asking, allowance)
        self._runs[answer.answer_id] = run
        run.task.add_done_callback(lambda task: self._done(answer.answer_id, task))
        return run

    def find(self, answer_id: str) -> Run | None:
        return self._runs.get(answer_id)

    def _done(self, answer_id: str, task: asyncio.Task[Result]) -> None:
        self._runs.pop(answer_id, None)
        if not task.cancelled() and (error := task.exception()):
            log.error("an answer was not recorded, and will be: %s", told(error))

    async def close(self) -> None:
        """Ends all: whoever finds their leases expired records them."""
        tasks = [*self._starting, *(run.task for run in self._runs.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
