"""The OpenAPI 3.1 description of the API, generated from its operations and their models."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterable
from http import HTTPStatus
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from functions.core.api import PREFIX
from functions.core.examples import BODIES
from functions.core.openapi_parts import ABOUT, PARAMETERS, RATE_LIMIT, RESPONSE_HEADERS, Json, security_schemes
from functions.core.openapi_schemas import REFERENCE, Schemas, query_parameters
from functions.core.operation import Operation
from functions.core.paging import Paged
from functions.core.problem_types import PROBLEM_TYPES, ProblemDetails
from functions.core.tokens import SCOPE
from models.core.kinds import Kind

_PATH_PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")


def describe(operations: Iterable[Operation], kinds: Collection[Kind[Any]], *, metadata_url: str) -> Json:
    """The OpenAPI document.

    Args:
        kinds: All kinds of documents: they name enumerations, and say what is in paths.
        metadata_url: OpenID metadata of the issuer of tokens.
    """
    operations = list(operations)
    schemas = Schemas(operations, kinds)
    paths: dict[str, Json] = {}
    for operation in operations:
        path = "/" + _PATH_PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Vimarsh",
            "version": "1.0.0",
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": f"/{PREFIX.rstrip('/')}", "description": "Where this document was read"}],
        "tags": _tags(operations),
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "parameters": PARAMETERS,
            "headers": RESPONSE_HEADERS,
            "examples": {slug: {"summary": kind.title, "value": kind.body()} for slug, kind in PROBLEM_TYPES.items()},
            "securitySchemes": security_schemes(metadata_url),
        },
    }


def _operation(operation: Operation, schemas: Schemas) -> Json:
    described: Json = {
        "operationId": operation_id(operation.name),
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [_tag(operation)],
        "parameters": _parameters(operation, schemas),
        "responses": _successes(operation, schemas) | _errors(operation),
        "security": _security(operation),
    }
    if operation.body:
        content: Json = {"schema": schemas.request(operation.body)}
        if operation.name in BODIES:
            content["examples"] = {name: {"value": value} for name, value in BODIES[operation.name].items()}
        described["requestBody"] = {
            "required": not _may_be_empty(operation.body),
            "content": {"application/json": content},
        }
    return described


def _may_be_empty(body: type[BaseModel]) -> bool:
    """Whether a request without a body is taken: it counts as one with an empty object."""
    try:
        body.model_validate({})
    except ValidationError:
        return False
    return True


def _description(operation: Operation) -> str:
    doc = inspect.getdoc(operation.handler) or operation.summary + "."
    doc = doc.partition("\n\nRaises:")[0].partition("\n\nReturns:")[0]
    if roles := operation.action.app_roles:
        doc += f"\n\nNeeds the app role {' or '.join(f'`{role}`' for role in sorted(roles))}."
    return doc


def _parameters(operation: Operation, schemas: Schemas) -> list[Json]:
    parameters: list[Json] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": schemas.in_path.get(name, {"type": "string", "format": "uuid"}),
        }
        for name in _PATH_PARAMETER.findall(operation.path)
    ]
    if operation.query:
        parameters += query_parameters(operation.query, schemas.names)
    parameters += [
        {
            "name": header.name,
            "in": "header",
            "required": header.required,
            "description": header.description,
            "schema": header.schema,
        }
        for header in operation.headers
    ]
    shared = ["IfMatch"] if operation.if_match else []
    if operation.takes_key:
        shared.append("IdempotencyKey")
    return parameters + [{"$ref": f"#/components/parameters/{name}"} for name in shared]


def _successes(operation: Operation, schemas: Schemas) -> Json:
    """By status: done; not done yet; and while it is made."""
    whole = _success(operation, schemas)
    found = {str(operation.status): whole}
    if operation.or_accepted:
        headers = whole["headers"] | _headers(["Location"])
        found["202"] = whole | {"description": HTTPStatus.ACCEPTED.phrase, "headers": headers}
    if operation.streams:
        streamed = found.setdefault("200", {key: value for key, value in whole.items() if key != "content"})
        events = {"text/event-stream": {"schema": {"type": "string"}}}
        found["200"] = streamed | {"description": HTTPStatus.OK.phrase, "content": streamed.get("content", {}) | events}
    return found


def _success(operation: Operation, schemas: Schemas) -> Json:
    headers = ["x-request-id", *(["ETag"] if operation.etag or operation.hashed else []), *operation.answer_headers]
    if operation.status == HTTPStatus.ACCEPTED:
        headers.append("Location")
    described: Json = {"description": HTTPStatus(operation.status).phrase, "headers": _headers(headers)}
    schema: Json = {"type": "string"}
    if operation.returns:
        schema = schemas.answer(operation.returns, operation.own)
        if operation.media_type != "application/json":  # the schema is of what the text holds, such as its lines
            schema = {"type": "string", "contentMediaType": operation.media_type, "contentSchema": schema}
    elif operation.media_type == "application/json":
        return described
    return described | {"content": {operation.media_type: {"schema": schema}}}


def _errors(operation: Operation) -> Json:
    by_status: dict[int, list[str]] = {}
    for slug in problems_of(operation):
        by_status.setdefault(PROBLEM_TYPES[slug].status, []).append(slug)
    return {str(status): _problem(status, slugs) for status, slugs in sorted(by_status.items())}


def _problem(status: int, slugs: list[str]) -> Json:
    headers = ["x-request-id"]
    headers += RATE_LIMIT if status == 429 else []
    headers += ["WWW-Authenticate"] if status == 401 else ["Retry-After"] if status in {429, 503} else []
    return {
        "description": "; ".join(PROBLEM_TYPES[slug].title for slug in slugs),
        "headers": _headers(headers),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": REFERENCE.format(model=_model_of(slugs).__name__)},
                "examples": {slug: {"$ref": f"#/components/examples/{slug}"} for slug in slugs},
            }
        },
    }


def _model_of(slugs: Iterable[str]) -> type[ProblemDetails]:
    """Of all problems with one status: at most one kind of them has further members, which are optional then."""
    models = {PROBLEM_TYPES[slug].model for slug in slugs}
    (model,) = models - {ProblemDetails} or {ProblemDetails}
    return model


def operation_id(name: str) -> str:
    """What a generated client calls an operation: `getMe` of `get_me`, which becomes `GetMe` or `get_me` where that is
    the custom."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def problems_of(operation: Operation) -> list[str]:
    """The slugs of all problems that an operation may answer with, by status."""
    slugs = {"internal", "unavailable", "misconfigured", *operation.problems, *_problems_of_callers(operation)}
    if operation.query or not operation.action.anyone:
        slugs |= {"invalid"}
    if operation.query and issubclass(operation.query, Paged):
        slugs |= {"bad-continuation"}
    if operation.body:
        slugs |= {"bad-request", "length-required", "too-large", "invalid"}
    if operation.takes_key:
        slugs |= {"bad-request", "key-reused"}
    if operation.if_match:
        slugs |= {"precondition-failed", "precondition-required"}
    if _PATH_PARAMETER.search(operation.path):
        slugs |= {"not-found"}
    return sorted(slugs, key=list(PROBLEM_TYPES).index)


def _problems_of_callers(operation: Operation) -> set[str]:
    """Those that follow from who may call: a person's account may be closed, and is made when they first write."""
    if operation.action.anyone:
        return set()
    if operation.action.is_for_servers:
        return {"unauthenticated", "forbidden", "tenant-not-allowed"}
    needs_active = operation.method != "GET" or operation.action.is_for_staff
    closed = {"account-suspended", "account-blocked"} if needs_active else set()
    deleted = set() if operation.after_deletion else {"account-deleted"}
    return {"unauthenticated", "forbidden", "tenant-not-allowed"} | deleted | closed


def _headers(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _security(operation: Operation) -> list[Json]:
    if operation.action.anyone:
        return []
    scopes = [] if operation.action.is_for_servers else [SCOPE]
    return [{"entra": scopes}, {"token": sorted(operation.action.app_roles)}]


def _tag(operation: Operation) -> str:
    return _module(operation).__name__.rpartition(".")[2]


def _tags(operations: Iterable[Operation]) -> list[Json]:
    modules = {_tag(operation): _module(operation) for operation in operations}
    return [{"name": tag, "description": (module.__doc__ or "").partition("\n")[0]} for tag, module in modules.items()]


def _module(operation: Operation) -> ModuleType:
    module = inspect.getmodule(operation.handler)
    if module is None:
        raise ValueError(f"{operation.name} is in no module")
    return module
