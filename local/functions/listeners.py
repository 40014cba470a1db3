"""Makes the listener of each function that is not triggered by HTTP."""

import logging
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from local.functions.cosmos_trigger import CosmosListener
from local.functions.errors import for_each
from local.functions.feed_options import feed_options
from local.functions.host_json import HostJson
from local.functions.indexing import IndexedFunction
from local.functions.invocation import Invoker
from local.functions.listener import Listener
from local.functions.settings import Settings
from local.functions.timer_trigger import TimerListener

logger = logging.getLogger("Host.Startup")


def build_listeners(
    functions: Iterable[IndexedFunction],
    invoker: Invoker,
    settings: Settings,
    host_json: HostJson,
    *,
    instance: str,
    data: Path | None,
) -> dict[str, Listener]:
    """Listeners by function name, in the order of the functions; raises `AppLoadError` for wrong properties."""

    def build(function: IndexedFunction) -> Listener | None:
        retry = function.retry or host_json.retry
        if function.trigger.type == "timerTrigger":
            return TimerListener(function, invoker, retry, data)
        if function.trigger.type == "cosmosDBTrigger":
            return CosmosListener(function, feed_options(function, settings), invoker, retry, instance)
        return None

    listeners = {listener.function.name: listener for listener in for_each(build, functions) if listener}
    _warn_of_shared_leases([listener for listener in listeners.values() if isinstance(listener, CosmosListener)])
    return listeners


def _warn_of_shared_leases(listeners: Sequence[CosmosListener]) -> None:
    """Triggers with the same leases share the changes: each change reaches one of them only, here as on Azure."""
    for one, other in combinations(listeners, 2):
        if one.options.leases == other.options.leases and one.options.monitored == other.options.monitored:
            logger.warning(
                "Functions '%s' and '%s' listen to the same container with the same lease_container_prefix: "
                "each change will reach only one of them.",
                one.function.name,
                other.function.name,
            )
