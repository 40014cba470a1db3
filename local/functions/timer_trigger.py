"""Runs timer functions when they are due, one run of a timer at a time.

As on the real host: times are UTC, a run that overruns its next due times is followed at once by one for all
of them, a missed run is made up for once at start (`past_due`), and `run_on_startup` runs at every start.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from azure.functions.timer import TimerRequest

from local.functions.delivery import InterruptedRetryError, deliver, wait_for_event
from local.functions.errors import FunctionLoadError
from local.functions.indexing import IndexedFunction
from local.functions.invocation import Invoker
from local.functions.retry import RetryPolicy
from local.functions.schedule import Schedule, parse_schedule
from local.functions.timer_state import NEVER, TimerStateFile, TimerStatus

logger = logging.getLogger("Host.Triggers.Timer")


def _now() -> datetime:
    return datetime.now(UTC)


class TimerListener:
    """Waits for one timer. `clock` gives the present time in UTC."""

    def __init__(
        self,
        function: IndexedFunction,
        invoker: Invoker,
        retry: RetryPolicy | None,
        data: Path | None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        properties = function.trigger.properties
        self.function = function
        self.schedule = _schedule(function)
        self._invoker = invoker
        self._retry = retry
        self._clock = clock
        self._run_on_startup = bool(properties.get("runOnStartup"))
        is_monitored = properties.get("useMonitor", True) and not self.schedule.is_frequent
        self._file = TimerStateFile(data, function.name) if data and is_monitored else None
        now = clock()
        self._status = TimerStatus(NEVER, self.schedule.next_after(now), now)
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"timer {self.function.name}")

    def begin_stop(self) -> None:
        self._stopping.set()

    async def finish_stop(self, *, abandon: bool) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def argument(self, input_text: str | None) -> TimerRequest | str:
        """A run by hand is on time, whatever its input."""
        return self._request(is_past_due=False)

    async def _run(self) -> None:
        is_past_due = self._restore()
        if is_past_due or self._run_on_startup:
            await self._fire(self._clock(), is_past_due=is_past_due)
        while not self._stopping.is_set():
            due = self._status.next
            remaining = (due - self._clock()).total_seconds()
            if remaining > 0:
                await wait_for_event(self._stopping, min(remaining, 3600.0))
                continue
            await self._fire(max(due, self._clock()), is_past_due=False)

    def _restore(self) -> bool:
        """Takes up the status that an earlier host left; returns whether a run was missed since."""
        if self._file is None:
            return False
        earlier = self._file.read()
        if earlier is None:
            self._file.write(self._status)
            return False
        counted_from = earlier.last if earlier.last != NEVER else earlier.last_updated
        if earlier.next != self.schedule.next_after(counted_from):  # the schedule has been changed
            return False
        self._status = earlier
        return self._clock() > earlier.next

    async def _fire(self, moment: datetime, *, is_past_due: bool) -> None:
        argument = partial(self._request, is_past_due=is_past_due)
        try:
            await deliver(self._invoker, self.function, argument, self._retry, self._stopping)
        except InterruptedRetryError:
            return
        self._status = TimerStatus(moment, self.schedule.next_after(moment), moment)
        if self._file is not None:
            self._file.write(self._status)

    def _request(self, *, is_past_due: bool) -> TimerRequest | str:
        status = self._status.as_json() if self._file is not None else None
        schedule = {"AdjustForDST": True}
        if self.function.wants_text:
            return json.dumps({"Schedule": schedule, "ScheduleStatus": status, "IsPastDue": is_past_due})
        return TimerRequest(past_due=is_past_due, schedule_status=status, schedule=schedule)


def _schedule(function: IndexedFunction) -> Schedule:
    try:
        return parse_schedule(str(function.trigger.properties.get("schedule", "")))
    except ValueError as error:
        raise FunctionLoadError(function.name, str(error)) from error
