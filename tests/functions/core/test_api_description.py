"""Clients are made by docs/openapi.json: the API may add to it, and take nothing away."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from docs.api_changes import breaks, contract
from docs.api_description import complaint, described

Json = dict[str, Any]
Change = Callable[[Json], object]


def test_the_api_has_only_what_is_stored(settings: dict[str, str]) -> None:
    wrong = complaint(described())
    assert wrong is None, wrong


def an_api() -> Json:
    thing = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "maxLength": 10, "description": "Its name"},
            "size": {"type": ["integer", "null"], "minimum": 0},
            "kind": {"$ref": "#/components/schemas/Kind"},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        },
        "required": ["name", "kind"],
    }
    reference = {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    return {
        "paths": {
            "/things": {
                "post": {
                    "operationId": "makeThing",
                    "security": [{"token": []}],
                    "parameters": [
                        {"$ref": "#/components/parameters/Key"},
                        {
                            "name": "limit",
                            "in": "query",
                            "required": False,
                            "schema": {"type": "integer", "maximum": 9},
                        },
                    ],
                    "requestBody": {"required": False, "content": reference},
                    "responses": {"201": {"headers": {"ETag": {}}, "content": {**reference}}, "404": {}},
                }
            }
        },
        "components": {
            "schemas": {"Thing": thing, "Kind": {"type": "string", "enum": ["a", "b"]}},
            "parameters": {"Key": {"name": "key", "in": "header", "schema": {"type": "string"}}},
        },
    }


def post(api: Json) -> Json:
    found: Json = api["paths"]["/things"]["post"]
    return found


def thing(api: Json) -> Json:
    found: Json = api["components"]["schemas"]["Thing"]
    return found


def fields(api: Json) -> Json:
    found: Json = thing(api)["properties"]
    return found


ADDITIONS: dict[str, Change] = {
    "an operation": lambda api: api["paths"].update({"/others": {"get": {}}}),
    "a method": lambda api: api["paths"]["/things"].update({"get": {}}),
    "an optional field": lambda api: fields(api).update({"color": {"type": "string"}}),
    "an optional parameter": lambda api: post(api)["parameters"].append({"name": "q", "in": "query", "schema": {}}),
    "a value": lambda api: api["components"]["schemas"]["Kind"]["enum"].append("c"),
    "an error": lambda api: post(api)["responses"].update({"409": {}}),
    "a header": lambda api: post(api)["responses"]["201"]["headers"].update({"Location": {}}),
    "more in a parameter": lambda api: post(api)["parameters"][1]["schema"].update({"maximum": 10}),
    "other words": lambda api: fields(api)["name"].update({"description": "What it is called"}),
    "one error less": lambda api: post(api)["responses"].pop("404"),
}

BREAKS: dict[str, tuple[Change, str]] = {
    "an operation less": (lambda api: api["paths"].pop("/things"), "POST /things: is gone"),
    "another name": (lambda api: post(api).update({"operationId": "addThing"}), "POST /things: is called addThing"),
    "another role": (lambda api: post(api).update({"security": [{"token": ["Admin"]}]}), "asks for other tokens"),
    "a parameter less": (lambda api: post(api)["parameters"].pop(), "takes no limit"),
    "a parameter that is needed": (lambda api: post(api)["parameters"][1].update({"required": True}), "needs limit"),
    "less in a parameter": (lambda api: post(api)["parameters"][1]["schema"].update({"maximum": 8}), "maximum is 8"),
    "a body that is needed": (lambda api: post(api)["requestBody"].update({"required": True}), "body: is needed"),
    "a field less": (lambda api: fields(api).pop("size"), "Thing.size: is gone"),
    "a field that is needed": (lambda api: thing(api)["required"].append("size"), "Thing.size: is needed"),
    "a field that may be missing": (lambda api: thing(api)["required"].remove("kind"), "Thing.kind: may be missing"),
    "a shorter field": (lambda api: fields(api)["name"].update({"maxLength": 9}), "Thing.name: maxLength is 9"),
    "a pattern": (lambda api: fields(api)["name"].update({"pattern": "a"}), "Thing.name: has another pattern"),
    "null no more": (lambda api: fields(api)["size"].update({"type": "integer"}), "Thing.size: is integer"),
    "null": (lambda api: fields(api)["name"].update({"type": ["string", "null"]}), "Thing.name: is null or string"),
    "another format": (lambda api: fields(api)["name"].update({"format": "date"}), "Thing.name: has the format date"),
    "fewer values": (lambda api: api["components"]["schemas"]["Kind"]["enum"].pop(), "Kind: takes fewer values"),
    "another status": (lambda api: post(api)["responses"].pop("201"), "is not answered with 201"),
    "a header less": (lambda api: post(api)["responses"]["201"]["headers"].pop("ETag"), "has no header ETag"),
    "another media type": (
        lambda api: post(api)["responses"]["201"].update({"content": {"text/plain": {"schema": {}}}}),
        "is not application/json",
    ),
    "another schema": (
        lambda api: fields(api).update({"kind": {"$ref": "#/components/schemas/Thing"}}),
        "is a Thing, and was a Kind",
    ),
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_what_is_added_breaks_nobody(name: str) -> None:
    api = copy.deepcopy(an_api())
    ADDITIONS[name](api)
    assert breaks(an_api(), api) == []


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_clients_is_named(name: str) -> None:
    change, expected = BREAKS[name]
    api = copy.deepcopy(an_api())
    change(api)
    found = breaks(an_api(), api)
    assert [said for said in found if expected in said], found


def test_words_are_no_part_of_the_contract() -> None:
    api = copy.deepcopy(an_api())
    fields(api)["name"]["description"] = "Another word"
    fields(api)["description"] = {"type": "string", "description": "A field of that name"}
    assert contract(api)["components"]["schemas"]["Thing"]["properties"]["description"] == {"type": "string"}
    fields(api).pop("description")
    assert contract(api) == contract(an_api())
