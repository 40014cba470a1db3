"""The host: an app's functions, its HTTP endpoint as an ASGI application, and the listeners of its other triggers."""

import asyncio
import logging
import os
import uuid
from collections.abc import Coroutine, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from azure.functions.decorators.function_app import FunctionRegister
from starlette.middleware.cors import CORSMiddleware

from local.functions.admin import AdminEndpoints
from local.functions.asgi import Receive, Scope, Send, respond
from local.functions.cosmos_bindings import CosmosBindings
from local.functions.cosmos_trigger import CosmosListener
from local.functions.durable.api import PREFIX as DURABLE_PREFIX
from local.functions.durable.api import client_payload
from local.functions.durable.service import DurableService, close_client_session, inputs_of
from local.functions.host_json import HostJson, read_host_json
from local.functions.http_trigger import DEFAULT_BODY_LIMIT, HttpTrigger
from local.functions.indexing import CLIENT, DURABLE_TRIGGERS, IndexedFunction, index_app
from local.functions.invocation import Invoker, Outcome
from local.functions.listener import Listener
from local.functions.listeners import build_listeners
from local.functions.loader import import_app
from local.functions.request_target import normal_path
from local.functions.settings import LocalSettings, Settings, read_local_settings
from local.functions.workers import Elsewhere

logger = logging.getLogger("Host.Startup")


class FunctionHost:
    """Serves one function app.

    As an ASGI application it answers HTTP triggers and the host's own `/admin` and `/_local` endpoints, before
    `start()` too; the other triggers listen between `start()` and `stop()`. In a test:

        async with FunctionHost(app, settings={"COSMOS": connection}) as host:
            transport = httpx.ASGITransport(host)

    `app` is a built `func.FunctionApp`, or a folder. A folder's `host.json` and `local.settings.json` are read, its
    settings are put into this process's environment where that has none of the name, and it comes first on `sys.path`;
    the working directory stays. `settings` come on top of the environment, for the host's own use of them.

    `instance` names this host among those that share its leases: a host that is started again under its name takes
    back the leases of its previous life at once. `data` is a folder for the state of timers and orchestrations; without
    it a timer that was missed while no host ran is not noticed, and orchestrations end with the host. `grace` is how
    many seconds running invocations get in `stop()`. `elsewhere` says which functions run in other processes.

    Raises `AppLoadError` if the app cannot be served.
    """

    def __init__(
        self,
        app: Path | FunctionRegister,
        *,
        settings: Mapping[str, str] | None = None,
        data: Path | None = None,
        instance: str | None = None,
        grace: float = 10.0,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        local, self.host_json = _configuration(app)
        self.settings = Settings({**os.environ, **(settings or {})})
        self.instance = instance or str(uuid.uuid4())
        self.grace = grace
        registered = import_app(app, self.settings) if isinstance(app, Path) else app
        self.indexed = index_app(registered, self.settings)
        self.functions: list[IndexedFunction] = [
            function
            for function in self.indexed
            if not _is_disabled(function, self.settings)
            and (self.host_json.functions is None or function.name.lower() in self.host_json.functions)
        ]
        self.disabled = [function.name for function in self.indexed if function not in self.functions]
        self.elsewhere = elsewhere
        own = [f for f in self.functions if elsewhere is None or f.name in elsewhere.own.functions]
        self._bindings = CosmosBindings(self.functions, self.settings)
        self.invoker = Invoker(self.settings, self._bindings, self.host_json.function_timeout)
        self.http = HttpTrigger(
            own, self.host_json.route_prefix, self.invoker, _body_limit(self.settings), self.host_json.headers
        )
        self.listeners: dict[str, Listener] = build_listeners(
            own, self.invoker, self.settings, self.host_json, instance=self.instance, data=data
        )
        durable_url = elsewhere and elsewhere.durable_url
        self.durable = DurableService(own, self.invoker, data) if not durable_url and _is_durable(own) else None
        if self.durable is not None:
            self.invoker.durable_inputs = self.durable.inputs
        elif durable_url:
            self.invoker.durable_inputs = partial(inputs_of, client_payload(f"{durable_url}{DURABLE_PREFIX}"))
        self.state = "Initialized"
        self._admin = AdminEndpoints(self)
        self._app = _with_cors(self.http, local)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            try:
                scope["path"] = normal_path((scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0])
            except ValueError:
                await respond(send, 400, [(b"connection", b"close")])
                return
            if scope["path"].startswith(DURABLE_PREFIX) and (self.durable or self.elsewhere):
                await self._durable(scope, receive, send)
            elif self._is_own(scope):
                await self._admin(scope, receive, send)
            else:
                await self._app(scope, receive, send)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Starts listening for the triggers that are not HTTP; returns without waiting for what they listen to."""
        if self.durable is not None:
            await self.durable.start()
        for listener in self.listeners.values():
            listener.start()
        self.state = "Running"

    async def stop(self) -> None:
        """Starts nothing further, waits for what is running, lets listeners store where they are.

        What is still running after `grace` seconds is abandoned; its changes are delivered again to the next host.
        """
        self.state = "Stopping"
        for listener in self.listeners.values():
            listener.begin_stop()
        if self.durable is not None:
            self.durable.begin_stop()
        is_idle = await self.invoker.wait_idle(self.grace)
        if not is_idle:
            logger.warning("Invocations still run after %g s; they are abandoned.", self.grace)
        await asyncio.gather(*(listener.finish_stop(abandon=not is_idle) for listener in self.listeners.values()))
        if self.durable is not None:
            await self.durable.finish_stop()
        elif self.elsewhere is not None:
            await close_client_session()
            await self.elsewhere.close()
        self.invoker.close()
        await self._bindings.close()
        self.state = "Stopped"

    def run(self, function_name: str, input_text: str | None = None) -> Coroutine[Any, Any, Outcome]:
        """One run by hand of a function that is not triggered by HTTP, without its retry policy; await it.

        `input_text` is what the trigger delivers: JSON documents for a change feed, nothing for a timer. Raises
        `KeyError` for an unknown function and `ValueError` for a bad input, before anything is run.
        """
        listener = self.listeners[function_name]
        argument = listener.argument(input_text)
        return self.invoker.invoke(listener.function, {listener.function.trigger.name: argument})

    async def feeds(self) -> list[dict[str, Any]]:
        """How far each change feed trigger is behind: changes not checkpointed yet, and the age of the oldest."""
        listeners = [listener for listener in self.listeners.values() if isinstance(listener, CosmosListener)]
        lags = await asyncio.gather(*(listener.lag() for listener in listeners))
        others = [] if self.elsewhere is None else await self.elsewhere.feeds()
        return [
            *others,
            *(
                {
                    "function": listener.function.name,
                    "database": listener.options.database,
                    "container": listener.options.container,
                    "lag": lag.changes,
                    "lag_seconds": round(lag.seconds, 3),
                }
                for listener, lag in zip(listeners, lags, strict=True)
            ),
        ]

    async def _durable(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The API of durable functions, wherever they run."""
        if self.durable is not None:
            await self.durable.api(scope, receive, send)
        elif self.elsewhere is not None and self.elsewhere.durable_url is not None:
            await self.elsewhere.pass_on(self.elsewhere.durable_url, scope, receive, send)
        else:
            await respond(send, 404, [])

    def _is_own(self, scope: Scope) -> bool:
        """Whether the host, and not the app, answers: on its own paths, and at the root if no function is there."""
        path = scope["path"]
        if path == "/":
            return self.http.router.find(scope["method"], path) is None
        return bool(path.startswith(("/admin/", "/_local/")))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _configuration(app: Path | FunctionRegister) -> tuple[LocalSettings, HostJson]:
    if not isinstance(app, Path):
        return LocalSettings(), HostJson()
    local = read_local_settings(app)
    for name, value in local.values.items():
        os.environ.setdefault(name, value)
    return local, read_host_json(app)


def _is_durable(functions: list[IndexedFunction]) -> bool:
    return any(binding.type in DURABLE_TRIGGERS | {CLIENT} for function in functions for binding in function.bindings)


def _is_disabled(function: IndexedFunction, settings: Settings) -> bool:
    return settings.flag(f"AzureWebJobs.{function.name}.Disabled")


def _body_limit(settings: Settings) -> int:
    text = settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "")
    return int(text) if text.isdecimal() else DEFAULT_BODY_LIMIT


def _with_cors(app: HttpTrigger, local: LocalSettings) -> HttpTrigger | CORSMiddleware:
    if not local.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(local.cors_origins),
        allow_methods=["*"],
        allow_headers=["*"],
        allow_credentials=local.cors_credentials,
    )
