"""Runs functions: coroutines on the event loop, the others in a pool of threads, one log line for each."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

import azure.functions as func

from local.functions.context import NO_TRACE, InvocationContext, RetryState, TraceContext, mark_thread
from local.functions.cosmos_bindings import CosmosBindings
from local.functions.indexing import IndexedFunction
from local.functions.settings import Settings

_MOST_THREADS = 1000
NO_DATA: Mapping[str, str] = {}

Convert = Callable[[IndexedFunction, Any, Mapping[str, Any]], Any]
"""Makes something of a function's return value and of the values of its `func.Out` parameters."""

Inputs = Callable[[IndexedFunction], Mapping[str, Any]]
"""Gives the values of some of a function's inputs."""


class OutValue(func.Out[Any]):
    """The value that a function sets through a `func.Out` parameter."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended: with `error`, or with what it returned (or what was made of that)."""

    value: Any = None
    error: Exception | None = None


class _WorkerEndedError(Exception):
    """A function called `sys.exit`, which ends the real host's worker: here it fails that invocation alone."""

    def __init__(self, exit_: SystemExit) -> None:
        super().__init__(f"python exited with code {exit_.code}")


class Invoker:
    """Runs functions and knows how many are running."""

    def __init__(self, settings: Settings, bindings: CosmosBindings, timeout: float | None = None) -> None:
        """`timeout` ends an invocation, in seconds; a function in a thread goes on, but nobody waits for it."""
        self._timeout = timeout
        self._bindings = bindings
        self.durable_inputs: Inputs = _no_inputs
        self._pool = ThreadPoolExecutor(_thread_count(settings), thread_name_prefix="function")
        self._in_threads: set[Future[Any]] = set()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def invoke(
        self,
        function: IndexedFunction,
        arguments: dict[str, Any],
        invocation_id: str | None = None,
        *,
        trace: TraceContext = NO_TRACE,
        retry: RetryState | None = None,
        data: Mapping[str, str] = NO_DATA,
        convert: Convert | None = None,
    ) -> Outcome:
        """Calls the function with the value of its trigger; those of its inputs and its `func.Out`s are added.

        `data` is what the names in the inputs' properties stand for. What the outputs hold is written.
        `convert` may make something of the result; where that fails, the invocation has failed. Never raises what
        the function raises: it is logged with its traceback, and is the outcome's `error`.
        """
        invocation_id = invocation_id or new_invocation_id()
        logger = _logger(function.name)
        if function.wants_context:
            arguments["context"] = InvocationContext(function.name, function.directory, invocation_id, trace, retry)
        outputs = {binding.name: OutValue() for binding in function.outputs}
        started = time.perf_counter()
        self._running += 1
        self._idle.clear()
        try:
            if function.inputs:
                arguments.update(await self._bindings.read(function, data), **self.durable_inputs(function))
            given = {**arguments, **outputs} if outputs else arguments
            if self._timeout is None:
                value = await self._call(function, given, invocation_id)
            else:
                async with asyncio.timeout(self._timeout):
                    value = await self._call(function, given, invocation_id)
            if value is not None and not function.may_return:
                raise RuntimeError(f"function '{function.name}' without a $return binding returned a non-None value")
            held = {name: out.get() for name, out in outputs.items()}
            if function.writes_data:
                await self._bindings.write(function, value, held)
            if convert is not None:
                value = convert(function, value, held)
        except (Exception, SystemExit) as raised:  # the boundary to the app's code: it may raise anything
            error = _WorkerEndedError(raised) if isinstance(raised, SystemExit) else raised
            _log(logger, function.name, "Failed", invocation_id, started, error)
            return Outcome(error=error)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()
        _log(logger, function.name, "Succeeded", invocation_id, started)
        return Outcome(value)

    async def _call(self, function: IndexedFunction, arguments: dict[str, Any], invocation_id: str) -> Any:
        if function.is_async:
            return await function.call(**arguments)
        future = self._pool.submit(_call_in_thread, function, arguments, invocation_id)
        self._in_threads.add(future)
        future.add_done_callback(self._in_threads.discard)
        return await asyncio.wrap_future(future)

    @property
    def has_busy_threads(self) -> bool:
        """Whether a function still runs in a thread; nothing can end it, whoever waited for it or not."""
        return bool(self._in_threads)

    async def wait_idle(self, seconds: float) -> bool:
        """Waits until nothing is running, for at most so long; returns whether that was reached."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Takes no further work; does not wait for threads that are still busy."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _no_inputs(function: IndexedFunction) -> Mapping[str, Any]:
    return {}


def _call_in_thread(function: IndexedFunction, arguments: dict[str, Any], invocation_id: str) -> Any:
    mark_thread(invocation_id)
    return function.call(**arguments)


def new_invocation_id() -> str:
    """A random UUID, made faster than by `uuid.uuid4`: it is in each request's way."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


@cache
def _logger(function_name: str) -> logging.Logger:
    return logging.getLogger(f"Function.{function_name}")


def _log(
    logger: logging.Logger,
    function_name: str,
    status: str,
    invocation_id: str,
    started: float,
    error: Exception | None = None,
) -> None:
    level = logging.INFO if error is None else logging.ERROR
    if logger.isEnabledFor(level):
        milliseconds = (time.perf_counter() - started) * 1000
        message = "Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)"
        raised = error and error.with_traceback(_below_this_module(error.__traceback__))
        logger.log(level, message, function_name, status, invocation_id, milliseconds, exc_info=raised)


def _below_this_module(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that belongs to the app."""
    below, frame = trace, trace
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == __file__:
            below = frame.tb_next
        frame = frame.tb_next
    return below


def _thread_count(settings: Settings) -> int:
    """`PYTHON_THREADPOOL_THREAD_COUNT`; if it is absent or not a sensible number, as many as the real host sets."""
    text = settings.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
    return int(text) if text.isdecimal() and 1 <= int(text) <= _MOST_THREADS else _MOST_THREADS
