"""The fields of a model in words: name, type and meaning, with the models that they are made of."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter

Field = tuple[str, str, str]
"""Name, type, meaning."""

_FORMATS = {"uuid": "UUID", "date-time": "time", "date": "day", "iana-time-zone": "IANA time zone"}
_NAMES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
_LARGEST = 2**53 - 1


@dataclass(frozen=True)
class Described:
    """A model: what it is, its fields, and by name the models that it holds."""

    told: str
    fields: list[Field]
    parts: dict[str, Described]


def fields_of(model: type[BaseModel]) -> Described:
    """The fields of a model as they are stored. A field without a description has its base's, or an empty one."""
    schema = model.model_json_schema(mode="serialization")
    parts = {name: _part(model, name, part) for name, part in schema.get("$defs", {}).items()}
    return Described(_told(schema.get("description", "")), _fields(schema, model), parts)


def _fields(schema: dict[str, Any], model: type[BaseModel] | None) -> list[Field]:
    return [
        (name, type_of(field), field.get("description") or _inherited(model, name))
        for name, field in schema.get("properties", {}).items()
    ]


def _inherited(model: type[BaseModel] | None, name: str) -> str:
    bases = [base for base in (model.__mro__[1:] if model else ()) if issubclass(base, BaseModel)]
    known = (base.model_fields[name].description for base in bases if name in base.model_fields)
    return next((description for description in known if description), "")


def _part(model: type[BaseModel], name: str, schema: dict[str, Any]) -> Described:
    """A model within a model; of a tuple, whose schema knows no names' meanings, by the strings in its source."""
    if "prefixItems" not in schema:
        return Described(_told(schema.get("description", "")), _fields(schema, None), {})
    named = inspect.getmodule(model)
    source = getattr(named, name)
    meanings = _attribute_docstrings(source)
    types = [type_of(TypeAdapter(kind).json_schema()) for kind in _annotations(source).values()]
    fields = [(field, kind, meanings[field]) for field, kind in zip(meanings, types, strict=True)]
    return Described(_told(inspect.getdoc(source) or ""), fields, {})


def _annotations(source: type) -> dict[str, Any]:
    return inspect.get_annotations(source, eval_str=True)


def _attribute_docstrings(source: type) -> dict[str, str]:
    (body,) = ast.parse(inspect.getsource(source)).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            found[statement.target.id] = str(following.value.value) if is_text else ""  # type: ignore[attr-defined]
    return found


def _told(text: str) -> str:
    return inspect.cleandoc(text)


def type_of(schema: dict[str, Any]) -> str:
    """A JSON schema in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(type_of(option) for option in schema["anyOf"])
    if "const" in schema:
        return f"`{_literal(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{_literal(value)}`" for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"map to {type_of(values)}" if isinstance(values, dict) else "map"
    if kind in ("integer", "number"):
        return _NAMES[kind] + _bounds(schema)
    return _FORMATS.get(schema.get("format", ""), _NAMES.get(kind or "", "anything"))


def _bounds(schema: dict[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is None or most >= _LARGEST:
        return "" if least is None else f", {least:g} or more"
    return f", {least or 0:g} to {most:g}"


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
