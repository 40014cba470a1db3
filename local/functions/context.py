"""What an invocation is told about itself: `func.Context` and its parts."""

import threading
from dataclasses import dataclass

import azure.functions as func
from azure.functions import _abc

_local = threading.local()


class TraceContext(_abc.TraceContext):
    """The caller's W3C trace context, empty if it sent none."""

    __slots__ = ("_parent", "_state")

    def __init__(self, parent: str = "", state: str = "") -> None:
        self._parent = parent
        self._state = state

    @property
    def trace_parent(self) -> str:
        return self._parent

    @property
    def trace_state(self) -> str:
        return self._state

    @property
    def attributes(self) -> dict[str, str]:
        return {}

    Traceparent = trace_parent
    """This and the next two are what the real worker calls them."""
    Tracestate = trace_state
    Attributes = attributes


NO_TRACE = TraceContext()


@dataclass(frozen=True, slots=True)
class RetryState:
    """Where an invocation stands in its retry policy; `exception` is what the attempt before it raised."""

    retry_count: int
    max_retry_count: int
    exception: BaseException | None


class RetryContext(_abc.RetryContext):
    """`RetryState` in the SDK's shape."""

    def __init__(self, state: RetryState | None) -> None:
        self._state = state or RetryState(0, 0, None)

    @property
    def retry_count(self) -> int:
        return self._state.retry_count

    @property
    def max_retry_count(self) -> int:
        return self._state.max_retry_count

    @property
    def exception(self) -> _abc.RpcException:
        return _RaisedBefore(self._state.exception)

    @property
    def rpc_exception(self) -> _abc.RpcException:
        """What the real worker calls it."""
        return self.exception


class _RaisedBefore(_abc.RpcException):
    def __init__(self, error: BaseException | None) -> None:
        self._error = error

    @property
    def source(self) -> str:
        return type(self._error).__name__ if self._error else ""

    @property
    def stack_trace(self) -> str:
        return ""

    @property
    def message(self) -> str:
        return str(self._error) if self._error else ""


class InvocationContext(func.Context):
    """The `context` parameter of a function."""

    def __init__(
        self, function_name: str, directory: str, invocation_id: str, trace: TraceContext, retry: RetryState | None
    ) -> None:
        self._function_name = function_name
        self._directory = directory
        self._invocation_id = invocation_id
        self._trace = trace
        self._retry = retry

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> threading.local:  # type: ignore[override]  # the SDK says Type[local], gives local
        return _local

    @property
    def function_name(self) -> str:
        return self._function_name

    @property
    def function_directory(self) -> str:
        return self._directory

    @property
    def trace_context(self) -> TraceContext:
        return self._trace

    @property
    def retry_context(self) -> RetryContext:
        return RetryContext(self._retry)


def mark_thread(invocation_id: str) -> None:
    """Notes in this thread's storage which invocation runs in it."""
    _local.invocation_id = invocation_id
