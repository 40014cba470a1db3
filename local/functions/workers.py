"""Worker processes by group, as Flex Consumption scales an app: HTTP functions, durable functions, each other function.

A supervisor loads the app once and forks a process for each group, with sockets that it has bound before. It runs
nothing itself, and forks a process that has ended anew. The HTTP process answers for all: it passes on what the durable
functions' API is asked, and what its `/admin` and `/_local` are asked of functions that run elsewhere.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import FrameType

import httpx

from local.functions.asgi import BodyTooLargeError, ClientGoneError, Receive, Scope, Send, read_body, respond
from local.functions.indexing import DURABLE_TRIGGERS, IndexedFunction

logger = logging.getLogger("Host.Workers")
HTTP, DURABLE = "http", "durable"
_LARGEST_PASSED_ON = 16 << 20
_PASSED_ON = frozenset({b"content-type", b"location", b"retry-after"})
_RESTART_SECONDS = 1.0


@dataclass(frozen=True)
class Group:
    """Functions that run in one process, and the socket at which it answers."""

    name: str
    functions: frozenset[str]
    listening: socket.socket
    has_feed: bool = False

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.listening.getsockname()[:2])


def group_functions(functions: Sequence[IndexedFunction], listening: socket.socket) -> list[Group]:
    """The groups, that of HTTP first, at `listening`; the others are at free ports of this machine."""
    names: dict[str, set[str]] = {HTTP: set()}
    feeds = {function.name for function in functions if function.trigger.type == "cosmosDBTrigger"}
    for function in functions:
        if function.trigger.type == "httpTrigger":
            names[HTTP].add(function.name)
        elif function.trigger.type in DURABLE_TRIGGERS:
            names.setdefault(DURABLE, set()).add(function.name)
        else:
            names[function.name] = {function.name}
    return [
        Group(
            name,
            frozenset(members),
            listening if name == HTTP else socket.create_server(("127.0.0.1", 0)),
            has_feed=name in feeds,
        )
        for name, members in names.items()
    ]


class Elsewhere:
    """What other processes serve, for the process of one group."""

    def __init__(self, groups: Iterable[Group], own: Group) -> None:
        self.own = own
        self._others = [group for group in groups if group is not own]
        self._client: httpx.AsyncClient | None = None

    @property
    def durable_url(self) -> str | None:
        """Where the durable functions' API is, if another process has it."""
        return next((group.url for group in self._others if group.name == DURABLE), None)

    def url_of(self, function_name: str) -> str | None:
        """Where a function runs, if not here; in any case of its name."""
        wanted = function_name.lower()
        return next((group.url for group in self._others if wanted in {name.lower() for name in group.functions}), None)

    async def feeds(self) -> list[dict[str, object]]:
        """What the change feed triggers of the other processes are behind; asked by the HTTP process alone."""
        if self.own.name != HTTP:
            return []
        feeding = [group for group in self._others if group.has_feed]
        answers = [await self._http.get(f"{group.url}/_local/feeds") for group in feeding]
        return [feed for answer in answers for feed in answer.json()["feeds"]]

    async def pass_on(self, url: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Has another process answer a request, under the address that the client used."""
        try:
            body = await read_body(scope, receive, _LARGEST_PASSED_ON)
            query = scope["query_string"].decode("latin-1")
            answer = await self._http.request(
                scope["method"],
                f"{url}{scope['path']}{'?' if query else ''}{query}",
                content=body,
                headers=[pair for pair in scope["headers"] if pair[0] in (b"host", b"content-type")],
            )
        except (BodyTooLargeError, ClientGoneError):
            await respond(send, 413, [])
        except httpx.TransportError as error:
            logger.warning("%s does not answer: %s", url, error)
            await respond(send, 503, [])
        else:
            headers = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() in _PASSED_ON]
            await respond(send, answer.status_code, headers, answer.content)

    async def close(self) -> None:
        """Closes the connections to the other processes."""
        if self._client is not None:
            await self._client.aclose()

    @property
    def _http(self) -> httpx.AsyncClient:
        self._client = self._client or httpx.AsyncClient(timeout=230, trust_env=False)
        return self._client


class Supervisor:
    """Keeps a process alive for each group until SIGTERM or SIGINT. `work` is what the process of a group does."""

    def __init__(self, groups: Iterable[Group], work: Callable[[Group], int], grace: float) -> None:
        self._groups = list(groups)
        self._work = work
        self._grace = grace
        self._running: dict[int, Group] = {}
        self._tether = os.pipe()
        self._is_stopping = False

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for group in self._groups:
            self._fork(group)
        while self._running:
            ended, status = os.wait()
            if ended not in self._running:  # what the app started when it was loaded
                continue
            group = self._running.pop(ended)
            if not self._is_stopping:
                logger.warning("The process of '%s' has ended (%s); another is started.", group.name, status)
                time.sleep(_RESTART_SECONDS)
                self._fork(group)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        is_again, self._is_stopping = self._is_stopping, True
        for process in self._running:
            os.kill(process, signal.SIGKILL if is_again else signal.SIGTERM)
        if not is_again:
            signal.signal(signal.SIGALRM, self._stop)
            signal.alarm(int(self._grace) + 5)

    def _fork(self, group: Group) -> None:
        if self._is_stopping:
            return
        process = os.fork()
        if process:
            self._running[process] = group
            return
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.close(self._tether[1])
            threading.Thread(target=_end_with_supervisor, args=(self._tether[0],), daemon=True).start()
            code = self._work(group)
        except BaseException:
            logger.exception("The process of '%s' fails.", group.name)
        finally:
            logging.shutdown()
            os._exit(code)


def _end_with_supervisor(tether: int) -> None:
    """The supervisor holds the other end of the pipe and never writes to it; it closes when the supervisor is gone."""
    os.read(tether, 1)
    os.kill(os.getpid(), signal.SIGTERM)
