"""What no operation takes: 405 where the path is known with another method, else 404, both as problems.

The host tries functions in the order of their names (Azure/azure-functions-host#9876), and would answer by itself with
an empty 404 only. So this function takes every path, and its name comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

import azure.functions as func

from functions.core.answers import refused
from functions.core.api import PREFIX, Routes, correlation_id
from functions.core.http import Request, Response, for_worker
from functions.core.operation import Operation
from functions.core.problems import Problem, misconfigured
from functions.core.services import wrong_settings

NAME = "zz_unmatched"


def blueprint(described: Iterable[Routes]) -> func.Blueprint:
    """The function for all that `described` does not take."""
    operations = [operation for routes in described for operation in routes.operations]
    blueprint = func.Blueprint()  # type: ignore[no-untyped-call]

    async def answer(request: Request, context: func.Context, client: object) -> Response:
        if wrong := wrong_settings():
            return await refused(request, misconfigured(wrong), correlation_id(request))
        path = urlsplit(request.url).path  # and not the parameter, of which hosts take slashes away
        problem = _problem(operations, unquote(path)[len(f"/{PREFIX}") :])
        return await refused(request, problem, correlation_id(request))

    route = blueprint.route(PREFIX + "{*path}", auth_level=func.AuthLevel.ANONYMOUS, trigger_arg_name="req")
    blueprint.function_name(NAME)(route(for_worker(answer)))
    return blueprint


def _problem(operations: Iterable[Operation], path: str) -> Problem:
    taking = [operation for operation in operations if _takes(operation, path)]
    if not taking:
        return Problem(404, "not-found", "Not found", "There is no such path.")
    meant = max(map(_literals, taking))  # `…/bulk` is not the id of something
    methods = sorted({method for operation in taking if _literals(operation) == meant for method in operation.methods})
    allowed = ", ".join(methods)
    detail = f"This path takes {allowed}."
    return Problem(405, "method-not-allowed", "Not with this method", detail, {"Allow": allowed})


def _takes(operation: Operation, path: str) -> bool:
    """Whether the host would: one slash at the end makes no difference, and an empty segment fits nothing."""
    pattern = "/".join(_pattern(part) for part in operation.path.split("/"))
    return re.fullmatch(pattern + "/?", path, re.IGNORECASE) is not None


def _literals(operation: Operation) -> int:
    """How many parts of its path are those, and no parameters."""
    return sum(not part.startswith("{") for part in operation.path.split("/"))


def _pattern(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return r"[0-9a-f-]{36}" if part.endswith(":guid}") else "[^/]+"
