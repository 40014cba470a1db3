"""The host's own endpoints, under `/admin` as on the real host, and under `/_local` what only this one has.

`GET /`, `GET /admin/host/status`, `/admin/host/ping` and `/admin/warmup` say that it runs, `GET /admin/functions` lists
the functions, `GET /admin/functions/{name}` tells of one, `POST` runs it if it is not triggered by HTTP (202, with
`{"input": text}` as an optional body), `GET /_local/feeds` says how far behind the change feed triggers are. No key is
asked for, and `/admin/host/keys` lists none.
"""

import asyncio
import time
from enum import Enum
from typing import TYPE_CHECKING, Any

import orjson

from local.functions.asgi import (
    BodyTooLargeError,
    ClientGoneError,
    Receive,
    Scope,
    Send,
    read_body,
    respond,
    respond_json,
)
from local.functions.indexing import DURABLE_TRIGGERS, Binding, IndexedFunction

if TYPE_CHECKING:
    from local.functions.host import FunctionHost

_BODY_LIMIT = 1 << 20


class AdminEndpoints:
    """An ASGI application of these endpoints."""

    def __init__(self, host: "FunctionHost") -> None:
        self._host = host
        self._started = time.monotonic()
        self._runs: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/").lower()
        match scope["method"], path:
            case "GET" | "HEAD", "":
                await respond(send, 200, [(b"content-type", b"text/plain")], b"The function app is up and running.\n")
            case "GET", "/admin/host/status":
                await respond_json(send, 200, self._status())
            case "GET" | "POST", "/admin/host/ping" | "/admin/warmup":
                await respond(send, 200, [])
            case "GET", "/admin/host/keys":
                await respond_json(send, 200, {"keys": [], "links": []})
            case "GET", "/admin/functions":
                await respond_json(send, 200, self._functions(scope))
            case "GET", _ if path.startswith("/admin/functions/"):
                await self._describe_one(path.removeprefix("/admin/functions/").removesuffix("/status"), scope, send)
            case "GET", "/_local/feeds":
                await respond_json(send, 200, {"feeds": await self._host.feeds()})
            case "POST", _ if path.startswith("/admin/functions/"):
                await self._run(path.removeprefix("/admin/functions/"), scope, receive, send)
            case _:
                await respond(send, 404, [])

    def _status(self) -> dict[str, Any]:
        return {
            "id": self._host.instance,
            "state": self._host.state,
            "version": "4.0.0.0",
            "processUptime": int((time.monotonic() - self._started) * 1000),
        }

    def _functions(self, scope: Scope) -> list[dict[str, Any]]:
        """All functions; those that are triggered by HTTP with their URL, as the client reached the host."""
        address = dict(scope["headers"]).get(b"host", b"localhost").decode("latin-1")
        templates = {route.function.name: route.template.text for route in self._host.http.router.routes}
        return [
            {
                **_describe(function, is_disabled=function.name in self._host.disabled),
                "invoke_url_template": f"{scope['scheme']}://{address}/{templates[function.name]}"
                if function.name in templates
                else None,
            }
            for function in self._host.indexed
        ]

    async def _describe_one(self, name: str, scope: Scope, send: Send) -> None:
        found = next((each for each in self._functions(scope) if each["name"].lower() == name), None)
        await (respond(send, 404, []) if found is None else respond_json(send, 200, found))

    async def _run(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        function = next((function for function in self._host.functions if function.name.lower() == name), None)
        if function is None:
            await respond(send, 404, [])
            return
        elsewhere = self._host.elsewhere
        if elsewhere is not None and (url := elsewhere.url_of(function.name)) is not None:
            await elsewhere.pass_on(url, scope, receive, send)
            return
        if function.trigger.type == "httpTrigger":
            await respond_json(send, 400, {"error": f"'{function.name}' is triggered by HTTP: send it a request."})
            return
        if function.trigger.type in DURABLE_TRIGGERS:
            await respond_json(send, 400, {"error": f"'{function.name}' runs in an orchestration: start one."})
            return
        try:
            run = self._host.run(function.name, _input(await read_body(scope, receive, _BODY_LIMIT)))
        except (ClientGoneError, BodyTooLargeError):
            await respond(send, 413, [])
            return
        except ValueError as error:
            await respond_json(send, 400, {"error": str(error)})
            return
        task = asyncio.create_task(run)
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)
        await respond(send, 202, [])


def _input(body: bytes) -> str | None:
    """The `input` of a request's body; raises `ValueError` if the body is neither empty nor such an object."""
    if not body.strip():
        return None
    content = orjson.loads(body)
    if not isinstance(content, dict):
        raise ValueError('The body has to be an object, {"input": "…"}.')
    value = content.get("input")
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _describe(function: IndexedFunction, *, is_disabled: bool) -> dict[str, Any]:
    return {
        "name": function.name,
        "language": "python",
        "isDisabled": is_disabled,
        "config": {"bindings": [_describe_binding(binding) for binding in function.bindings]},
    }


def _describe_binding(binding: Binding) -> dict[str, Any]:
    return {key: _plain(value) for key, value in binding.properties.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
