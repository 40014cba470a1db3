"""HTTP streams: apps whose HTTP functions take the types of a web extension, such as the one for FastAPI.

With them the worker serves HTTP itself, and the host passes requests on: a function's response is an ASGI application,
which is run after the function has returned. Source: `http_v2.py` of the worker's library (1.3.0), which knows the
types by `azurefunctions.extensions.base`. That is asked here only where the app has imported it.
"""

import sys
import typing
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

from starlette.responses import JSONResponse, Response

from local.functions.asgi import Receive, Scope

_BASE = "azurefunctions.extensions.base"


def takes_streams(calls: Iterable[Callable[..., Any]]) -> bool:
    """Whether an app has HTTP streams switched on: one of its functions takes an extension's request.

    The real worker has them on as soon as the app imports an extension. Here many apps may share a process.
    """
    return _BASE in sys.modules and any(is_request(kind) for call in calls for kind in _taken(call))


def _taken(call: Callable[..., Any]) -> list[Any]:
    try:
        hints = typing.get_type_hints(call)
    except (NameError, TypeError):  # told of where the function is looked at
        return []
    return [kind for name, kind in hints.items() if name != "return"]


def is_request(kind: Any) -> bool:
    return bool(sys.modules[_BASE].RequestTrackerMeta.check_type(kind))


def is_response(kind: Any) -> bool:
    return bool(sys.modules[_BASE].ResponseTrackerMeta.check_type(kind))


def request_of(scope: Scope, receive: Receive, path: str, route_parameters: Mapping[str, str], body: bytes) -> Any:
    """The extension's request, whose body has been read."""
    passed_on = {**scope, "raw_path": path.encode("ascii"), "path_params": dict(route_parameters)}
    return sys.modules[_BASE].RequestTrackerMeta.get_request_type()(passed_on, _again(body, receive))


def response_of(value: Any) -> Response:
    """What a function returned, as the extension answers it: a response as it is, all else as JSON.

    Raises `TypeError` for what JSON has no words for.
    """
    return value if isinstance(value, Response) else JSONResponse(value)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body first, then what comes after it: that the client has gone."""
    messages: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> MutableMapping[str, Any]:
        return messages.pop() if messages else await receive()

    return give
