"""What generators make of the description: one type a thing, one method an operation, no argument that nobody needs.

What is known to come out badly is looked for in the description itself. It was seen with Kiota and NSwag (C#),
openapi-typescript and @hey-api/openapi-ts (TypeScript), and openapi-python-client.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from functions.core.openapi_schemas import united
from functions.core.problem_types import PROBLEM_TYPES, TYPE_PREFIX

pytestmark = pytest.mark.asyncio(loop_scope="session")

Json = dict[str, Any]

KEYWORDS = {
    *("$ref", "type", "enum", "const", "oneOf", "allOf", "discriminator", "description", "examples", "format"),
    *(
        "properties",
        "required",
        "additionalProperties",
        "propertyNames",
        "minProperties",
        "items",
        "minItems",
        "maxItems",
    ),
    *("minLength", "maxLength", "pattern", "minimum", "maximum", "default", "contentMediaType", "contentSchema"),
}
"""All that schemas may be made of: what JSON Schema defines, and generators know."""

LARGEST = 2**53 - 1


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def document(api: httpx.AsyncClient) -> Json:
    described: Json = (await api.get("/openapi.json")).json()
    return described


def subschemas(schema: Json, where: str) -> Iterator[tuple[str, Json]]:
    """A schema and all within it, each with its place."""
    yield where, schema
    for name, part in schema.get("properties", {}).items():
        yield from subschemas(part, f"{where}.{name}")
    for key in ("items", "additionalProperties", "contentSchema"):
        if isinstance(schema.get(key), dict):
            yield from subschemas(schema[key], f"{where}.{key}")
    for key in ("oneOf", "allOf", "anyOf"):
        for number, part in enumerate(schema.get(key, [])):
            yield from subschemas(part, f"{where}.{key}.{number}")


def operations(document: Json) -> list[Json]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def schemas(document: Json) -> list[tuple[str, Json]]:
    """Every schema of the description with its place."""
    found = list(document["components"]["schemas"].items())
    for operation in operations(document):
        own = operation["operationId"]
        found += [(f"{own}.{part['name']}", part["schema"]) for part in operation["parameters"] if "schema" in part]
        for answer in [*operation["responses"].values(), operation.get("requestBody", {})]:
            found += [(f"{own} {kind}", body["schema"]) for kind, body in answer.get("content", {}).items()]
    return [each for where, schema in found for each in subschemas(schema, where)]


async def test_schemas_are_made_of_what_generators_know(document: Json) -> None:
    strange = {(where, key) for where, schema in schemas(document) for key in schema.keys() - KEYWORDS}
    assert strange == set()  # neither anyOf, which becomes classes or loses fields, nor `ge`, which is nothing


async def test_a_union_is_a_reference_that_may_be_null_or_tells_its_options_apart(document: Json) -> None:
    for where, schema in schemas(document):
        if "oneOf" in schema and "discriminator" not in schema:
            assert ["$ref" in option for option in schema["oneOf"]] == [True, False], where
            assert schema["oneOf"][1] == {"type": "null"}, where


async def test_what_may_be_absent_need_not_be_sent_as_null(document: Json) -> None:
    for where, schema in document["components"]["schemas"].items():
        for place, part in subschemas(schema, where):
            assert "default" not in part, place


async def test_names_are_plain_ones(document: Json) -> None:
    assert [name for name in document["components"]["schemas"] if not re.fullmatch("([A-Z][a-z]+)+", name)] == []
    ids = [operation["operationId"] for operation in operations(document)]
    assert [name for name in ids if not re.fullmatch("[a-z]+([A-Z][a-z]+)*", name)] == []
    assert len(set(ids)) == len(ids)


async def test_no_operation_takes_an_argument_that_nobody_needs(document: Json) -> None:
    needed = {"#/components/parameters/IfMatch", "#/components/parameters/IdempotencyKey"}
    assert {part["$ref"] for each in operations(document) for part in each["parameters"] if "$ref" in part} == needed
    headers = {
        part["name"] for each in operations(document) for part in each["parameters"] if part.get("in") == "header"
    }
    assert headers == {"X-Audit-Reason"}


async def test_an_enumeration_is_written_once(document: Json) -> None:
    places = Counter(tuple(schema["enum"]) for _, schema in schemas(document) if "enum" in schema)
    assert [values for values, count in places.items() if count > 1] == [], "name them in `enumerations` of their kind"


async def test_bounds_are_numbers_that_every_language_has(document: Json) -> None:
    for where, schema in schemas(document):
        for key in ("minimum", "maximum"):
            assert abs(schema.get(key, 0)) <= LARGEST, where
        types = schema.get("type", [])
        if "integer" in (types if isinstance(types, list) else [types]) and schema.get("maximum", LARGEST) >= 2**31:
            assert schema.get("format") == "int64" or "string" in types, where


async def test_each_type_of_problem_is_named_and_its_further_fields_have_a_schema(document: Json) -> None:
    described = document["components"]["schemas"]
    assert described["ProblemType"]["enum"] == [TYPE_PREFIX + slug for slug in PROBLEM_TYPES]
    common = described["ProblemDetails"]["properties"].keys()
    for slug, kind in PROBLEM_TYPES.items():
        own = described[kind.model.__name__]
        fields = own["allOf"][1]["properties"].keys() if "allOf" in own else set()
        assert kind.body().keys() <= common | fields, slug
    answers = [answer for each in operations(document) for answer in each["responses"].items()]
    models = {
        (status, body["schema"]["$ref"].rpartition("/")[2])
        for status, answer in answers
        for kind, body in answer.get("content", {}).items()
        if kind == "application/problem+json"
    }
    assert {("422", "InvalidProblem"), ("429", "LimitReachedProblem"), ("503", "NotReadyProblem")} < models


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            [{"type": "string", "maxLength": 5}, {"type": "null"}],
            {"type": ["string", "null"], "maxLength": 5},
        ),
        ([{"type": "integer"}, {"type": "number"}], {"type": "number"}),
        ([{"type": "integer"}, {"type": "number"}, {"type": "null"}], {"type": ["number", "null"]}),
        (
            [{"type": "integer", "minimum": 0, "format": "int64"}, {"type": "string", "const": "un.limited"}],
            {"type": ["integer", "string"], "minimum": 0, "pattern": r"^un\.limited$"},
        ),
        ([{"$ref": "#/x"}, {"type": "null"}], {"oneOf": [{"$ref": "#/x"}, {"type": "null"}]}),
        (
            [{"type": "string", "pattern": "a"}, {"type": "string", "pattern": "b"}],
            {"anyOf": [{"type": "string", "pattern": "a"}, {"type": "string", "pattern": "b"}]},
        ),
    ],
)
async def test_a_union_is_written_as_one_schema_where_it_says_the_same(options: list[Json], expected: Json) -> None:
    assert united(options) == expected
