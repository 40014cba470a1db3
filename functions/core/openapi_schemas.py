"""The JSON schemas of the description, written as generators of clients read them best.

pydantic's own are as exact, but make a class of each `anyOf`, and of each place that an enumeration is used in; and a
default makes what may be left out an argument that must be given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions.core.openapi_parts import Json
from functions.core.operation import Operation
from functions.core.problem_types import PROBLEM_TYPES, TYPE_PREFIX, ProblemDetails
from models.core.fields import own_fields
from models.core.kinds import Kind

REFERENCE = "#/components/schemas/{model}"

Names = Mapping[tuple[str, ...], str]
Enumerations = Mapping[str, tuple[str, ...]]
"""Literal types that several schemas use, by name: each is one schema, and one type of a generated client."""

_ANYTHING = REFERENCE.format(model="JsonValue")
_NULL = {"type": "null"}
_BOTH_WAYS = re.compile(r"-(?:Input|Output)\b")
INT32_MAX = 2**31 - 1


def enumerations_of(kinds: Iterable[Kind[Any]]) -> Enumerations:
    """Those of all problems, and those that the kinds declare."""
    problems = {"ProblemType": tuple(TYPE_PREFIX + slug for slug in PROBLEM_TYPES)}
    return problems | {name: get_args(values) for kind in kinds for name, values in kind.enumerations.items()}


class Schemas:
    """The schemas of all models: as they are validated in a request, as they are written in an answer.

    A model that is part of both is described once, as it may be sent.

    Attributes:
        names: Of enumerations, by their values.
        in_path: Those of path parameters that are no UUIDs, by name.
    """

    def __init__(self, operations: Iterable[Operation], kinds: Collection[Kind[Any]]) -> None:
        enumerations = enumerations_of(kinds)
        self.in_path = _in_path(kinds)
        self.names = {values: name for name, values in enumerations.items()}
        wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
        for operation in operations:
            wanted |= {(part, "validation"): None for part in operation.parts}
            if operation.body:
                wanted[operation.body, "validation"] = None
            if operation.returns:
                wanted[operation.returns, "serialization"] = None
        for kind in PROBLEM_TYPES.values():
            wanted[kind.model, "serialization"] = None
        self._references, described = models_json_schema(list(wanted), ref_template=REFERENCE)
        sent = self._sent(described["$defs"])
        names = {_name_in(self._references[key]): key[0].__name__ for key in wanted}
        self._components: dict[str, Json] = {}
        for name, schema in described["$defs"].items():
            if name != "JsonValue" and not name.endswith("-Output"):
                self._components[names.get(name) or _BOTH_WAYS.sub("", name)] = plain(
                    schema, self.names, of_request=name in sent
                )
        for name, values in enumerations.items():
            self._components[name] = {"type": "string", "enum": list(values)}
        for model in {kind.model for kind in PROBLEM_TYPES.values()} - {ProblemDetails}:
            self._components[model.__name__] = _inherited(self._components, model)

    def components(self) -> dict[str, Json]:
        return dict(sorted(self._components.items()))

    def request(self, model: type[BaseModel]) -> Json:
        return {"$ref": REFERENCE.format(model=model.__name__)}

    def answer(self, model: type[BaseModel], own: bool = False) -> Json:
        """The schema of an answer; that to whose the document is has a schema of its own, named `Own…`."""
        if not own:
            return {"$ref": REFERENCE.format(model=model.__name__)}
        name, full, shown = f"Own{model.__name__}", self._components[model.__name__], own_fields(model)
        self._components[name] = full | {
            "properties": {key: value for key, value in full["properties"].items() if key in shown},
            "required": [key for key in full["required"] if key in shown],
        }
        return {"$ref": REFERENCE.format(model=name)}

    def _sent(self, described: Mapping[str, Json]) -> set[str]:
        """The names of all that requests are made of."""
        found: set[str] = set()
        new = {_name_in(schema) for (_, mode), schema in self._references.items() if mode == "validation"}
        while new:
            found |= new
            new = {name for each in new for name in _names_within(described[each])} - found
        return found


def _in_path(kinds: Iterable[Kind[Any]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for kind in kinds:
        found |= {name: TypeAdapter(value).json_schema() for name, value in kind.in_path.items()}
        if kind.plain:
            for name, schema in kind.shown.model_json_schema()["properties"].items():
                if name in kind.plain.key:
                    found[name] = {key: part for key, part in schema.items() if key not in {"title", "description"}}
    return found


def plain(value: Any, names: Names, of_request: bool = False) -> Any:
    """A schema as generators read it, without the titles that pydantic makes of names, and without `readOnly`, which it
    says of what it computes and not of the rest that nobody sends.

    Args:
        names: Of enumerations, by their values.
        of_request: Says in words what is taken where a field is absent: as a `default` it would have to be sent.
    """
    if isinstance(value, list):
        return [plain(part, names, of_request) for part in value]
    if not isinstance(value, Mapping):
        return value
    schema: Json = {}
    for key, part in value.items():
        if key in {"properties", "$defs"}:
            schema[key] = {name: plain(member, names, of_request) for name, member in part.items()}
        elif key in {"examples", "default", "enum", "const", "required"}:
            schema[key] = part
        elif key != "readOnly" and (key != "title" or not isinstance(part, str)):
            schema[key] = plain(part, names, of_request)
    return _rewritten(schema, names, of_request)


def _rewritten(schema: Json, names: Names, of_request: bool) -> Json:
    if schema.get("$ref") == _ANYTHING:
        return {name: part for name, part in schema.items() if name != "$ref"}
    if schema.get("additionalProperties") == {}:
        schema["additionalProperties"] = True
    if "$ref" in schema:
        schema["$ref"] = _BOTH_WAYS.sub("", schema["$ref"])
    default = schema.pop("default", None)
    if of_request and default is not None:
        absent = f"`{json.dumps(default)}` if absent"
        schema["description"] = f"{schema['description']}; {absent}" if "description" in schema else absent
    if not any(option.keys() & {"type", "$ref", "const", "enum"} for option in schema.get("anyOf", [])):
        schema.pop("anyOf", None)  # conditions, one of which must be met: words say so, generators lose the fields
    if "anyOf" in schema:
        return united(schema.pop("anyOf")) | schema
    if schema.get("type") == "integer" and schema.get("maximum", INT32_MAX + 1) > INT32_MAX:
        schema["format"] = "int64"
    name = names.get(tuple(schema.get("enum", ())))
    if name:
        schema = {"$ref": REFERENCE.format(model=name)} | {k: v for k, v in schema.items() if k not in {"enum", "type"}}
    return schema


def united(options: list[Json]) -> Json:
    """The options of a union as one schema, for what a bound of one type says of values of another is nothing.

    What refers to another schema may be null as well. Other unions stay what they are.
    """
    if len(options) == 1:
        return options[0]
    rest = [option for option in options if option != _NULL]
    if len(rest) == 1 and "$ref" in rest[0]:
        return {"oneOf": options}
    types = [option.get("type") for option in rest]
    if set(types) == {"integer", "number"}:
        rest, types = rest[types.index("number") :][:1], ["number"]
    merged: Json = {}
    for option in rest:
        keywords = _keywords(option, is_alone=len(rest) == 1)
        if "type" not in option or "enum" in option or merged.keys() & keywords.keys():
            return {"anyOf": options}
        merged |= keywords
    types += ["null"] if _NULL in options else []
    return {"type": types if len(types) > 1 else types[0]} | merged


def _keywords(option: Json, is_alone: bool) -> Json:
    """What an option says besides its type; as keywords that say nothing of values of another type."""
    keywords = {key: part for key, part in option.items() if key != "type"}
    if "const" in keywords:
        keywords["pattern"] = f"^{re.escape(keywords.pop('const'))}$"
    if not is_alone and keywords.get("format") == "int64":
        del keywords["format"]
    return keywords


def query_parameters(query: type[BaseModel], names: Names) -> list[Json]:
    """One parameter for each field. In a query string there is no null: what is absent is absent."""
    schema = query.model_json_schema(ref_template=REFERENCE)
    parameters = []
    for name, field in schema["properties"].items():
        described = {key: part for key, part in field.items() if key not in {"description", "default"}}
        if "anyOf" in field:
            described["anyOf"] = [option for option in field["anyOf"] if option != _NULL]
        described = plain(described, names)
        if field.get("default") is not None:
            described["default"] = field["default"]
        parameter = {"name": name, "in": "query", "required": name in schema.get("required", []), "schema": described}
        parameters.append(parameter | ({"description": field["description"]} if "description" in field else {}))
    return parameters


def _inherited(components: Mapping[str, Json], model: type[BaseModel]) -> Json:
    """The schema of a kind of problem: all that every problem has, and its own fields."""
    full, common = components[model.__name__], components[ProblemDetails.__name__]["properties"]
    own = {name: field for name, field in full["properties"].items() if name not in common}
    required = [name for name in full["required"] if name in own]
    extension: Json = {"type": "object", "properties": own} | ({"required": required} if required else {})
    base = {"$ref": REFERENCE.format(model=ProblemDetails.__name__)}
    return {"description": full["description"], "allOf": [base, extension]}


def _name_in(reference: Json) -> str:
    return str(reference["$ref"].rpartition("/")[2])


def _names_within(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        inner = {name for part in value.values() for name in _names_within(part)}
        return inner | ({_name_in({"$ref": value["$ref"]})} if isinstance(value.get("$ref"), str) else set())
    return {name for part in value for name in _names_within(part)} if isinstance(value, list) else set()
