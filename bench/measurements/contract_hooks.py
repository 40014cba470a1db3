"""How schemathesis calls this API: with the token that an operation asks for, and with ids and ETags that exist."""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

import httpx
import schemathesis
from hypothesis import strategies as st

TOKENS: dict[str, str] = json.loads(os.environ["CONTRACT_TOKENS"])
"""By who they are for: user, staff, server; and leaver, who erases their account."""

LEAVING = {"deleteMe", "getErasure"}
"""What the leaver asks for. Whoever else did were gone for all that comes after."""

IDS: dict[str, str] = json.loads(os.environ["CONTRACT_IDS"])
"""Of things that exist, by path parameter."""

_LONGEST_IN_QUERY = 600
"""Characters; escaped they are at most twelve times as many bytes."""

A_RANGE = {"from": "2026-01-01", "to": "2026-03-01"}

schemathesis.openapi.format("iana-time-zone", st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Paris"]))


def token_for(operation: Any) -> str:
    """The token of who may call an operation."""
    if operation.definition.raw["operationId"] in LEAVING:
        return TOKENS["leaver"]
    roles = {role for choice in operation.definition.raw.get("security", []) for role in choice.get("token", [])}
    if roles & {"Vimarsh.Ingest", "Vimarsh.Import"}:
        return TOKENS["server"]
    return TOKENS["staff" if roles else "user"]


@schemathesis.auth(refresh_interval=None)
class Bearer:
    """Adds the token, unless a check wants to see what happens without."""

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        return token_for(context.operation)

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """Three of four well-formed ids become ones that exist, three of four ETags the newest."""
    _without_what_the_host_refuses(case)
    meta = case.meta
    if meta is None or meta.generation.mode is not schemathesis.GenerationMode.POSITIVE:
        return
    _without_what_no_schema_can_say(case)
    leaves = case.operation.definition.raw["operationId"] == "deleteUser"
    for name, value in (case.path_parameters or {}).items():
        if name in IDS and _chosen(value):
            case.path_parameters[name] = IDS["leaver_id" if leaves else name]
    if case.headers and "If-Match" in case.headers and _chosen(case.headers["If-Match"]):
        url = case.operation.base_url.rstrip("/") + case.formatted_path.removeprefix("/api")
        answer = httpx.get(url, headers={"Authorization": f"Bearer {token_for(case.operation)}"})
        if "ETag" in answer.headers:
            case.headers["If-Match"] = answer.headers["ETag"]


def _without_what_the_host_refuses(case: schemathesis.Case[Any]) -> None:
    """Headers that are not UTF-8, and request lines of more than 8 KiB, never reach the app."""
    for name, value in (case.headers or {}).items():
        case.headers[name] = str(value).encode("utf-8", "replace").decode("latin-1")
    for name, value in (case.query or {}).items():
        if isinstance(value, str):
            case.query[name] = value[:_LONGEST_IN_QUERY]


def _without_what_no_schema_can_say(case: schemathesis.Case[Any]) -> None:
    """A continuation is only valid for its list and a key for its body; some parameters exclude others, or each other.

    JSON has one kind of number, of any size: 1.0 is an integer to a schema, but not to this API, nor is 1e300.
    """
    query = case.query or {}
    for name in ("continuation", "user_id"):
        query.pop(name, None)
    if query.get("period") == "all_time":
        for name in set(query) - {"period"}:
            del query[name]
    if "text" in query:
        query["text"] = "duty"
    if case.path.endswith("/analytics"):
        query.update({name: day for name, day in A_RANGE.items() if name in query})
    body: Any = case.body
    if isinstance(body, dict):
        users = {"user"} if "/admissions" in case.path else set()
        case.body = {name: _storable(_counting(name, value)) for name, value in body.items() if name not in users}
        case.body = _counted(case.path) | case.body | _together(case.path, case.body)
        if case.path.endswith("/repricings"):
            case.body.update({name: f"{day}T00:00:00Z" for name, day in A_RANGE.items() if name in body})
        if "interaction_id" in body and _chosen(body["interaction_id"]):
            case.body["interaction_id"] = IDS["interaction_id"]
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"key-{zlib.crc32(repr(case.body).encode())}"


def _together(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What is needed with something else, or excludes it, and the tenants that there are."""
    if path.endswith(("/accept", "/decline")):
        return {"token": "a token", "organization_id": None, "invitation_id": None}
    if "/guardianships/" in path and body.get("action") == "confirm":
        return {"method": "Seen."}
    return {"bound_tenant_id": None} if "bound_tenant_id" in body else {}


def _counted(path: str) -> dict[str, Any]:
    """Token counts of a turn, which may be left out where there is a usage object."""
    return {"input_tokens": 10, "output_tokens": 2} if path.endswith("/interactions") else {}


def _counting(name: str, value: Any) -> Any:
    """A usage object that has counts: without any, a turn can't be counted. Counts have a bound together."""
    if name.endswith("_tokens") and isinstance(value, int | float) and value > 100_000:
        return 100_000
    return {"prompt_tokens": 10, "completion_tokens": 2} if name == "usage" and isinstance(value, dict) else value


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:100] or "name": _storable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_storable(member) for member in value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value % 2**53 if isinstance(value, int) and abs(value) > 2**53 else value


def _chosen(value: Any) -> bool:
    """True for three of four values, for the same ones each time."""
    return zlib.crc32(str(value).encode()) % 4 != 0
