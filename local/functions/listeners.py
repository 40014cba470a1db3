"""Makes the listener of each function that is not triggered by HTTP."""

from collections.abc import Iterable
from pathlib import Path

from local.functions.host_json import HostJson
from local.functions.indexing import IndexedFunction
from local.functions.invocation import Invoker
from local.functions.listener import Listener
from local.functions.settings import Settings
from local.functions.timer_trigger import TimerListener


def build_listeners(
    functions: Iterable[IndexedFunction],
    invoker: Invoker,
    settings: Settings,
    host_json: HostJson,
    *,
    instance: str,
    data: Path | None,
) -> dict[str, Listener]:
    """Listeners by function name, in the order of the functions; raises `FunctionLoadError` for a wrong property."""
    listeners: dict[str, Listener] = {}
    for function in functions:
        retry = function.retry or host_json.retry
        if function.trigger.type == "timerTrigger":
            listeners[function.name] = TimerListener(function, invoker, retry, data)
    return listeners
