"""The description of the API: it is valid, complete, and says what the API does."""

from __future__ import annotations

import ast
import json
import re
from inspect import unwrap
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from functions.core.examples import BODIES
from functions.core.openapi import operation_id
from functions.core.operation import Operation
from functions.core.problem_types import PROBLEM_TYPES
from local.functions.host import FunctionHost
from models.accounts.profile import UserProfile
from models.chat.interaction import IngestedTurn
from models.core.fields import own_fields
from tests.conftest import ROOT
from tests.functions.calls import Headers

pytestmark = pytest.mark.asyncio(loop_scope="session")

Json = dict[str, Any]

REPEATABLE = (
    "/ingest/turns",
    "/ingest/documents",
    "/admin/dead-letters",
    "/admin/jobs/{job_id}/attempts",
    "/organizations/{organization_id}/takeover",
    "/organizations/{organization_id}/hand-over",
    "/organizations/{organization_id}/join",
    "/me/invitations/accept",
    "/me/invitations/decline",
    "/organizations/{organization_id}/roles",  # by the role's name
    "/me/guardians",
    "/me/wards",
    "/wards/{child_id}/erasure",
)
"""What is posted again as it is."""


@pytest.fixture(scope="session")
def operations(host: FunctionHost) -> dict[str, Operation]:
    """All operations by name, as the app registers them."""
    from function_app import DESCRIBED  # needs the settings that `host` has read

    return {operation.name: operation for routes in DESCRIBED for operation in routes.operations}


async def described(api: httpx.AsyncClient) -> Json:
    answer = await api.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    document: Json = answer.json()
    return document


def each(document: Json) -> list[tuple[str, str, Json]]:
    return [(path, method, what) for path, of in document["paths"].items() for method, what in of.items()]


async def test_it_is_valid_openapi_3_1(api: httpx.AsyncClient) -> None:
    document = await described(api)
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1.")


async def test_every_http_function_is_described_and_nothing_else(api: httpx.AsyncClient, host: FunctionHost) -> None:
    document = await described(api)
    prefix = document["servers"][0]["url"]
    served = {
        (
            operation_id(route.function.name),
            method,
            re.sub(r":\w+}", "}", f"/{route.template.text}").removeprefix(prefix),
        )
        for route in host.http.router.routes
        if route.function.name != "zz_unmatched"
        for method in route.methods - {"HEAD"}  # is wherever GET is, and a method of no client
    }
    assert {(what["operationId"], method.upper(), path) for path, method, what in each(document)} == served


async def test_no_route_is_taken_by_another_where_azure_goes_by_names(host: FunctionHost) -> None:
    assert host.http.router.surprises == []


async def test_every_operation_says_what_a_client_needs(api: httpx.AsyncClient) -> None:
    document = await described(api)
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    for path, method, what in each(document):
        assert what["summary"], path
        assert what["description"], path
        assert tags[what["tags"][0]], path
        assert {"500", "503"} <= set(what["responses"]), path
        parameters = {part.get("$ref", part.get("name")) for part in what["parameters"]}
        takes_key = method == "post" and path not in REPEATABLE and not path.endswith("/restore")
        assert ("#/components/parameters/IdempotencyKey" in parameters) == takes_key, path
        if what["security"]:
            assert {"401", "403"} <= set(what["responses"]), path
        if "requestBody" in what:
            assert {"400", "411", "413", "422"} <= set(what["responses"]), path
            assert what["requestBody"]["content"]["application/json"]["examples"], path
        for status, answer in what["responses"].items():
            wanted = "application/problem+json" if int(status) >= 400 else None
            assert wanted is None or list(answer["content"]) == [wanted], path
            assert "x-request-id" in answer["headers"], path
            assert ("Location" in answer["headers"]) == (status == "202"), path
            for name, header in answer["headers"].items():
                assert header == {"$ref": f"#/components/headers/{name}"}, path
                assert name in document["components"]["headers"], path


async def test_what_is_edited_asks_for_its_etag(operations: dict[str, Operation]) -> None:
    for operation in operations.values():
        names = unwrap(operation.handler).__code__.co_names
        assert operation.if_match == ("expected_revisions" in names), operation.name


async def test_examples_are_valid_bodies(operations: dict[str, Operation]) -> None:
    bodies = {name: operation.body for name, operation in operations.items() if operation.body}
    assert set(BODIES) == set(bodies)
    for name, examples in BODIES.items():
        read = operations[name].read
        for example in examples.values():
            read(example) if read else bodies[name].model_validate_json(json.dumps(example))
    for example in BODIES["ingest_turns"].values():
        for turn in example["turns"]:
            IngestedTurn.model_validate_json(json.dumps(turn))


async def test_schemas_refuse_what_the_models_refuse(api: httpx.AsyncClient, operations: dict[str, Operation]) -> None:
    schemas = (await described(api))["components"]["schemas"]
    models: list[type[BaseModel]] = [operation.body for operation in operations.values() if operation.body]
    for model in models:
        strict = model.model_config.get("extra") == "forbid"
        assert (schemas[model.__name__].get("additionalProperties") is False) == strict, model


async def test_what_is_hidden_is_neither_described_nor_sent(api: httpx.AsyncClient, alice: Headers) -> None:
    schema = (await described(api))["components"]["schemas"]["OwnUserProfile"]
    profile = (await api.get("/me", headers=alice)).json()
    assert set(schema["required"]) == set(profile)
    assert set(profile) == own_fields(UserProfile)
    everything = UserProfile.model_fields.keys() | UserProfile.model_computed_fields.keys()
    assert everything - set(profile) == {
        "abuse_evidence",
        "admin_notes",
        "limit_override",
        "moderation_actions",
        "risk_decision",
        "risk_judged_until",
        "risk_revision",
        "totals_revision",
    }


def problems_made(path: Path) -> list[tuple[Any, ...]]:
    """The status, slug and title of every `Problem(…)` that a module makes of constants."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    made = [call.args[:3] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Problem"]
    values = [tuple(part.value for part in parts if isinstance(part, ast.Constant)) for parts in made]
    return [constants for constants in values if len(constants) == 3]


async def test_every_problem_is_in_the_catalogue() -> None:
    made = [problem for path in (ROOT / "functions").rglob("*.py") for problem in problems_made(path)]
    assert len(made) > 10
    for status, slug, title in made:
        kind = PROBLEM_TYPES[slug]
        assert (kind.status, kind.title) == (status, title), slug
