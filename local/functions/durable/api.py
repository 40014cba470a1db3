"""The HTTP API of the durable extension: what `DurableOrchestrationClient` calls, and the URLs of its status responses.

Source of paths, queries and status codes: `DurableOrchestrationClient` of azure-functions-durable 1.7 and the
extension's documented HTTP API. Needs no key, since the host listens on this machine only.
"""

import json
import re
import uuid
from typing import Any
from urllib.parse import parse_qs

from local.functions.asgi import BodyTooLargeError, ClientGoneError, Receive, Scope, Send, read_body, respond
from local.functions.durable.clock import as_moment
from local.functions.durable.hub import TaskHub
from local.functions.durable.instances import STATUSES, Instance

PREFIX = "/runtime/webhooks/durabletask/"
HUB_NAME = "LocalTaskHub"
_BODY_LIMIT = 16 << 20
_PLACEHOLDER = "INSTANCEID"
_BAD_ID = re.compile(r"@|.*[/\\#?\x00-\x1f\x7f-\x9f]", re.DOTALL)
_LONGEST_ID = 100

Reply = tuple[int, Any]


def client_payload(base_url: str) -> str:
    """What a `durable_client_input` parameter gets; `base_url` is where this API is, with a slash at its end."""
    creation = f"{base_url}orchestrators/{{functionName}}[/{{instanceId}}]?taskHub={HUB_NAME}"
    return json.dumps(
        {
            "taskHubName": HUB_NAME,
            "creationUrls": {"createNewInstancePostUri": creation, "createAndWaitOnNewInstancePostUri": creation},
            "managementUrls": management_urls(base_url, _PLACEHOLDER),
            "rpcBaseUrl": base_url,
        }
    )


def management_urls(base_url: str, instance_id: str) -> dict[str, str]:
    """The URLs to look at an instance and to act on it."""
    url, hub = f"{base_url}instances/{instance_id}", f"taskHub={HUB_NAME}"
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{url}?{hub}",
        "sendEventPostUri": f"{url}/raiseEvent/{{eventName}}?{hub}",
        "terminatePostUri": f"{url}/terminate?reason={{text}}&{hub}",
        "rewindPostUri": f"{url}/rewind?reason={{text}}&{hub}",
        "purgeHistoryDeleteUri": f"{url}?{hub}",
        "restartPostUri": f"{url}/restart?{hub}",
        "suspendPostUri": f"{url}/suspend?reason={{text}}&{hub}",
        "resumePostUri": f"{url}/resume?reason={{text}}&{hub}",
    }


class DurableApi:
    """An ASGI application of the API, for paths that start with `PREFIX`."""

    def __init__(self, hub: TaskHub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(scope, receive, _BODY_LIMIT)
        except (BodyTooLargeError, ClientGoneError):
            await respond(send, 413, [])
            return
        query = {name: values[-1] for name, values in parse_qs(scope.get("query_string", b"").decode()).items()}
        steps = scope["path"].removeprefix(PREFIX).rstrip("/").split("/")
        try:
            status, content = self._answer(scope, steps, query, body)
        except ValueError as error:
            status, content = 400, {"ExceptionMessage": str(error)}
        headers = [(b"content-type", b"application/json; charset=utf-8")]
        if status == 202:
            headers.append((b"retry-after", b"10"))
        await respond(send, status, headers, b"" if content is None else json.dumps(content).encode())

    def _answer(self, scope: Scope, steps: list[str], query: dict[str, str], body: bytes) -> Reply:
        if steps[0] == "entities":
            return 501, "Durable entities are not supported by this host."
        if scope["method"] == "POST" and steps[0] == "orchestrators" and len(steps) in (2, 3):
            instance_id = steps[2] if len(steps) == 3 else uuid.uuid4().hex
            return self._start(_base_url(scope), steps[1], instance_id, query, body)
        if scope["method"] == "POST" and steps[0] == "instances" and len(steps) > 2:
            return self._change(steps[1], steps[2:], query, body)
        return self._look(scope["method"], steps, query)

    def _look(self, method: str, steps: list[str], query: dict[str, str]) -> Reply:
        match method, steps:
            case "GET", ["instances"]:
                shows_input = _flag(query, "showInput", default=True)
                return 200, [each.describe(shows_input=shows_input) for each in self._select(query)]
            case "GET", ["instances", instance_id]:
                return self._status(instance_id, query)
            case "DELETE", ["instances"]:
                if "createdTimeFrom" not in query:
                    raise ValueError("Please provide value for 'createdTimeFrom' parameter.")
                return self._purge(self._select(query))
            case "DELETE", ["instances", instance_id]:
                instance = self._hub.store.read(instance_id)
                if instance is not None and instance.is_active:
                    return 412, None
                return self._purge([instance] if instance else [])
        return 404, None

    def _start(self, base_url: str, name: str, instance_id: str, query: dict[str, str], body: bytes) -> Reply:
        if name not in self._hub.orchestrators:
            known = ", ".join(sorted(self._hub.orchestrators)) or "none"
            raise ValueError(
                f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
                f"The following are the known orchestrator functions: {known}."
            )
        if not instance_id or len(instance_id) > _LONGEST_ID or _BAD_ID.match(instance_id):
            raise ValueError(
                f"Instance ids have at most {_LONGEST_ID} characters, do not start with '@' and hold no control "
                "characters and none of / \\ # ?"
            )
        if not self._begin(name, instance_id, _input_text(body), query.get("version")):
            return 409, f"An instance with ID '{instance_id}' is active already."
        return 202, management_urls(base_url, instance_id)

    def _begin(self, name: str, instance_id: str, input_text: str | None, version: str | None) -> bool:
        started = self._hub.store.start(instance_id, name, input_text, version, self._hub.clock())
        self._hub.wake()
        return started

    def _status(self, instance_id: str, query: dict[str, str]) -> Reply:
        instance = self._hub.store.read(instance_id)
        if instance is None:
            return 404, None
        content = instance.describe(shows_input=_flag(query, "showInput", default=True))
        if _flag(query, "showHistory"):
            shows_output = _flag(query, "showHistoryOutput")
            events = [json.loads(text) for text in self._hub.store.history(instance_id)]
            hidden = () if shows_output else ("Result", "Input")
            content["historyEvents"] = [
                {name: value for name, value in each.items() if name not in hidden} for each in events
            ]
        return (202 if instance.is_active else 200), content

    def _select(self, query: dict[str, str]) -> list[Instance]:
        """The instances that fit the filters of a query; raises `ValueError` for a filter that cannot be read."""
        first = as_moment(query["createdTimeFrom"]) if "createdTimeFrom" in query else float("-inf")
        last = as_moment(query["createdTimeTo"]) if "createdTimeTo" in query else float("inf")
        statuses = set(query["runtimeStatus"].split(",")) if "runtimeStatus" in query else STATUSES
        prefix = query.get("instanceIdPrefix", "")
        return [
            instance
            for instance in self._hub.store.read_all()
            if first <= instance.created <= last and instance.status in statuses and instance.id.startswith(prefix)
        ]

    def _purge(self, instances: list[Instance]) -> Reply:
        """Only what has ended can be purged."""
        ended = [instance.id for instance in instances if not instance.is_active]
        self._hub.store.purge(ended)
        return (200, {"instancesDeleted": len(ended)}) if ended else (404, None)

    def _change(self, instance_id: str, verb: list[str], query: dict[str, str], body: bytes) -> Reply:
        instance = self._hub.store.read(instance_id)
        if verb == ["rewind"]:
            return 501, "Rewinding is not supported by this host."
        if instance is None:
            return 404, None
        if verb == ["restart"]:
            return self._restart(instance, query)
        if not instance.is_active:
            return 410, None
        store, now = self._hub.store, self._hub.clock()
        match verb:
            case ["raiseEvent", name]:
                store.raise_event(instance_id, name, json.dumps(json.loads(body)), now)
            case ["terminate"]:
                store.end(instance, "Terminated", query.get("reason", ""), now)
            case ["suspend"]:
                store.switch(instance_id, "Suspended", now)
            case ["resume"] if instance.status == "Suspended":
                store.switch(instance_id, "Running", now)
            case ["resume"]:
                pass
            case _:
                return 404, None
        self._hub.wake()
        return 202, None

    def _restart(self, instance: Instance, query: dict[str, str]) -> Reply:
        new_id = uuid.uuid4().hex if _flag(query, "restartWithNewInstanceId", default=True) else instance.id
        if not self._begin(instance.name, new_id, instance.input_text, instance.version):
            return 409, f"An instance with ID '{new_id}' is active already."
        return 202, new_id


def _base_url(scope: Scope) -> str:
    host = next((value.decode() for name, value in scope["headers"] if name == b"host"), "127.0.0.1")
    return f"{scope.get('scheme', 'http')}://{host}{PREFIX}"


def _input_text(body: bytes) -> str | None:
    """The text that the SDK reads as the orchestrator's input: its client sends JSON in a JSON string, others JSON."""
    if not body.strip():
        return None
    content = json.loads(body)
    return content if isinstance(content, str) else json.dumps(content)


def _flag(query: dict[str, str], name: str, *, default: bool = False) -> bool:
    return query[name].lower() == "true" if name in query else default
