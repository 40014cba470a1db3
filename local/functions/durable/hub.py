"""Runs the orchestrations and activities of an app: turns of instances, results of activities, timers.

An instance has one turn at a time; activities run next to each other up to a limit, through the host's ordinary
invocation. Whoever changes the state wakes the loop that looks for work.
"""

import asyncio
import json
import logging
import os
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from local.functions.durable.actions import Answer, parse_answer, parse_failure
from local.functions.durable.clock import Clock, wall_clock
from local.functions.durable.events import Event, Kind, event
from local.functions.durable.instances import Instance
from local.functions.durable.plan import choose, parse_plan
from local.functions.durable.store import Activity, Message, StateInUseError, Store
from local.functions.durable.turn import close_turn, context_json, open_turn
from local.functions.errors import AppLoadError
from local.functions.indexing import IndexedFunction
from local.functions.invocation import Invoker

logger = logging.getLogger("Host.Triggers.DurableTask")
_MOST_ACTIVITIES = 10 * (os.cpu_count() or 1)
"""At a time; the extension's own default."""


class TaskHub:
    """The orchestrations of one app. Its methods are called on the event loop.

    `data` is the folder for the state, which is in memory without it. Raises `AppLoadError` if it cannot be used.
    """

    def __init__(
        self,
        functions: Iterable[IndexedFunction],
        invoker: Invoker,
        data: Path | None,
        clock: Clock = wall_clock,
    ) -> None:
        kinds: dict[str, dict[str, IndexedFunction]] = {"orchestrationTrigger": {}, "activityTrigger": {}}
        for function in functions:
            if function.trigger.type in kinds:
                kind = function.trigger.type
                given = function.trigger.properties.get("orchestration" if kind.startswith("orch") else "activity")
                kinds[kind][str(given or function.name)] = function
        self.orchestrators = kinds["orchestrationTrigger"]
        self.activities = kinds["activityTrigger"]
        self.clock = clock
        self._store = _open(data / "durable.sqlite") if data else None
        self._invoker = invoker
        self._work = asyncio.Event()
        self._running: dict[tuple[Any, ...], asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None

    @property
    def store(self) -> Store:
        """The state; raises `RuntimeError` for one in memory before the start."""
        if self._store is None:
            raise RuntimeError("Durable functions are available once the host has been started.")
        return self._store

    def start(self) -> None:
        if self._store is None:
            self._store = Store(None)
        self._loop = asyncio.create_task(self._look_for_work(), name="durable task hub")

    def begin_stop(self) -> None:
        """Starts no further turn or activity."""
        if self._loop is not None:
            self._loop.cancel()

    async def finish_stop(self) -> None:
        """Abandons what still runs: the next host runs it again."""
        tasks = [*self._running.values(), *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._store is not None:
            self._store.close()

    def wake(self) -> None:
        """To be called after the state has been changed from outside."""
        self._work.set()

    async def _look_for_work(self) -> None:
        while True:
            self._work.clear()
            moment = self.clock()  # one for both questions: what falls due between two would be seen by neither
            for instance_id in self.store.ready(moment):
                self._run(("turn", instance_id), self._take_turn(instance_id))
            for activity in self.store.activities(_MOST_ACTIVITIES):
                self._run(("activity", activity.instance_id, activity.execution, activity.number), self._act(activity))
            due = self.store.next_due(moment)
            seconds = None if due is None else max(due - self.clock(), 0.001)
            try:
                async with asyncio.timeout(seconds):
                    await self._work.wait()
            except TimeoutError:
                continue

    def _run(self, key: tuple[Any, ...], work: Any) -> None:
        if key in self._running:
            work.close()
            return
        task = asyncio.create_task(work)
        self._running[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: tuple[Any, ...], task: asyncio.Task[None]) -> None:
        del self._running[key]
        if task.cancelled():
            return
        if error := task.exception():  # tried again when there is other work, not at once and for ever
            logger.error("The state of the orchestrations could not be changed.", exc_info=error)
        else:
            self._work.set()

    async def _take_turn(self, instance_id: str) -> None:
        instance = self.store.read(instance_id)
        moment = self.clock()
        messages = self.store.messages(instance_id, moment)
        if instance is None or not messages:
            return
        plan = parse_plan(instance.plan)
        choice = choose(plan, [message.event for message in messages])
        self.store.park([messages[position] for position in choice.park])
        taken: list[Message] = [messages[position] for position in choice.deliver]
        if not taken:
            return
        opened = open_turn([message.event for message in taken], moment)
        answer = await self._ask(instance, opened)
        now = self.clock()
        turn = close_turn(instance.name, plan, opened, answer, self, now)
        if self.store.commit(instance, taken, turn, plan, now):
            logger.info("Instance '%s' of '%s': %s.", instance.id, instance.name, turn.status)

    async def _ask(self, instance: Instance, opened: list[Event]) -> Answer:
        """Runs the orchestrator function."""
        function = self.orchestrators.get(instance.name)
        if function is None:
            return Answer(error=f"The function '{instance.name}' doesn't exist, or is not an orchestrator function.")
        history = self.store.history(instance.id)
        context = context_json(
            instance.id,
            instance.parent.instance_id if instance.parent else None,
            instance.input_text,
            [*history, *map(json.dumps, opened)],
            is_replaying=bool(history),
        )
        argument = func.OrchestrationContext(context)
        outcome = await self._invoker.invoke(function, {function.trigger.name: argument})
        if outcome.error is not None:
            return parse_failure(str(outcome.error) or type(outcome.error).__name__)
        try:
            return parse_answer(str(outcome.value))
        except ValueError as error:
            return Answer(error=str(error))

    async def _act(self, activity: Activity) -> None:
        """Runs an activity and stores how it ended."""
        completion = await self._complete(activity)
        self.store.finish(activity, completion, self.clock())

    async def _complete(self, activity: Activity) -> Event:
        function = self.activities.get(activity.function)
        if function is None:
            return self._failure(activity, RuntimeError("the function does not exist any more"))
        argument = _decode(activity.input_text)
        outcome = await self._invoker.invoke(function, {function.trigger.name: argument}, convert=_encode)
        if outcome.error is not None:
            return self._failure(activity, outcome.error)
        return event(Kind.TASK_COMPLETED, self.clock(), TaskScheduledId=activity.number, Result=outcome.value)

    def _failure(self, activity: Activity, error: Exception) -> Event:
        return event(
            Kind.TASK_FAILED,
            self.clock(),
            TaskScheduledId=activity.number,
            Reason=f"Activity function '{activity.function}' failed: {type(error).__name__}: {error}",
            Details="".join(traceback.format_exception(error)),
        )


def _open(path: Path) -> Store:
    try:
        return Store(path)
    except StateInUseError as error:
        raise AppLoadError(str(error)) from error


def _converter() -> Any:
    """The SDK's own, as the Python worker has it."""
    registry = func.get_binding_registry()  # type: ignore[no-untyped-call]
    return registry.get("activityTrigger")


def _decode(text: str | None) -> Any:
    return _converter().decode(Datum(type="json", value=text or "null"), trigger_metadata=None)


def _encode(function: IndexedFunction, value: Any, held: Any) -> str:
    return str(_converter().encode(value, expected_type=None).value)
