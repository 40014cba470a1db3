"""Answers are as the description of the API says, whatever a test is about."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable

import httpx

from functions.core.openapi import problems_of
from functions.core.operation import Operation
from functions.core.problem_types import TYPE_PREFIX

Check = Callable[[httpx.Response], Awaitable[None]]


def as_described(operations: Iterable[Operation]) -> Check:
    """A hook for the responses of an httpx client, whose base is the app's: each has a status that its operation
    declares, or is a problem of a type that it declares."""
    ordered = sorted(operations, key=lambda operation: operation.path.count("{"))  # `sessions/search` before `{id}`
    known = [(_pattern(operation), operation) for operation in ordered]

    async def check(response: httpx.Response) -> None:
        path = response.request.url.path.removeprefix("/api")
        method = {"HEAD": "GET"}.get(response.request.method, response.request.method)
        operation = next((o for pattern, o in known if o.method == method and pattern.fullmatch(path)), None)
        if operation is None:
            return
        if response.status_code < 400:
            declared = {operation.status}
            declared |= {304} if operation.etag or operation.hashed else set()
            declared |= {202} if operation.or_accepted else set()
            declared |= {200} if operation.streams else set()
            assert response.status_code in declared, f"{operation.name} answers {response.status_code}"
        elif response.request.method != "HEAD":
            await response.aread()
            slug = response.json()["type"].removeprefix(TYPE_PREFIX)
            assert slug in problems_of(operation), f"{operation.name} answers with {slug}, and does not say so"

    return check


def _pattern(operation: Operation) -> re.Pattern[str]:
    literal, *rest = re.split(r"\{[^}]+\}", f"/{operation.path}")
    return re.compile("[^/]+".join(map(re.escape, (literal, *rest))))
