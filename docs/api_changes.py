"""What a change of the description means to clients that were made by the one before: additions, or a break.

Requests and answers are looked at from their own sides. What was taken must still be taken; what is sent must still be
understood, by a client that passes over fields and values of enumerations that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Mapping[str, Any]
Side = Literal["request", "answer"]

WORDS = {"description", "summary", "examples", "example", "tags", "title", "info"}
"""What is only said to people."""

AT_LEAST = ("minimum", "minLength", "minItems", "minProperties")
AT_MOST = ("maximum", "maxLength", "maxItems", "maxProperties")
_NAMED = {"properties", "schemas", "headers", "parameters", "responses", "paths", "content", "securitySchemes"}


def contract(value: Any, is_named: bool = False) -> Any:
    """A description without its words. The keys of some objects are names, also where one is `description`."""
    if isinstance(value, list):
        return [contract(part) for part in value]
    if not isinstance(value, Mapping):
        return value
    kept = {key: part for key, part in value.items() if is_named or key not in WORDS}
    return {key: contract(part, is_named=key in _NAMED and not is_named) for key, part in kept.items()}


def breaks(before: Json, after: Json) -> list[str]:
    """What of a description breaks clients that were made by the one before; each as where it is and what it is."""
    return list(dict.fromkeys(_Comparison(before, after).all()))


@dataclass
class _Comparison:
    before: Json
    after: Json
    seen: set[tuple[str, str, Side]] = field(default_factory=set)

    def all(self) -> Iterator[str]:
        for path, methods in self.before["paths"].items():
            for method, old in methods.items():
                where, new = f"{method.upper()} {path}", self.after["paths"].get(path, {}).get(method)
                if new is None:
                    yield f"{where}: is gone"
                else:
                    yield from self._operation(where, old, new)

    def _operation(self, where: str, old: Json, new: Json) -> Iterator[str]:
        if old["operationId"] != new["operationId"]:
            yield f"{where}: is called {new['operationId']}, and was {old['operationId']}"
        if any(choice not in new["security"] for choice in old["security"]):
            yield f"{where}: asks for other tokens"
        yield from self._parameters(where, old, new)
        yield from self._body(f"{where} body", old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            now = new["responses"].get(status)
            if now is not None:
                yield from self._answer(f"{where} {status}", answer, now)
            elif int(status) < 400:
                yield f"{where}: is not answered with {status} any more"

    def _parameters(self, where: str, old: Json, new: Json) -> Iterator[str]:
        known = {(part["in"], part["name"]): part for part in self._resolved(self.before, old["parameters"])}
        now = {(part["in"], part["name"]): part for part in self._resolved(self.after, new["parameters"])}
        for key, part in known.items():
            if key not in now:
                yield f"{where}: takes no {key[1]} any more"
            else:
                yield from self._schema(f"{where} {key[1]}", part["schema"], now[key]["schema"], "request")
        for key, part in now.items():
            if part.get("required") and not known.get(key, {}).get("required"):
                yield f"{where}: needs {key[1]}"

    def _body(self, where: str, old: Json | None, new: Json | None) -> Iterator[str]:
        if new is not None and new.get("required") and not (old or {}).get("required"):
            yield f"{where}: is needed"
        if old is not None and new is None:
            yield f"{where}: is not taken any more"
        if old is not None and new is not None:
            yield from self._content(where, old["content"], new["content"], "request")

    def _answer(self, where: str, old: Json, new: Json) -> Iterator[str]:
        yield from self._content(where, old.get("content", {}), new.get("content", {}), "answer")
        for name in old.get("headers", {}).keys() - new.get("headers", {}).keys():
            yield f"{where}: has no header {name} any more"

    def _content(self, where: str, old: Json, new: Json, side: Side) -> Iterator[str]:
        for kind, body in old.items():
            if kind not in new:
                yield f"{where}: is not {kind} any more"
            else:
                yield from self._schema(where, body["schema"], new[kind]["schema"], side)

    def _schema(self, where: str, old: Json, new: Json, side: Side) -> Iterator[str]:
        if "$ref" in old or "$ref" in new:
            names = old.get("$ref", ""), new.get("$ref", "")
            if all(names) and names[0] != names[1]:
                yield f"{where}: is a {_last(names[1])}, and was a {_last(names[0])}"
            if (*names, side) in self.seen:
                return
            self.seen.add((*names, side))
            where = _last(names[0]) if names[0] else where
            old, new = self._deref(self.before, old), self._deref(self.after, new)
        yield from _values(where, old, new, side)
        yield from self._members(where, old, new, side)
        for key in ("items", "additionalProperties", "contentSchema"):
            if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping):
                yield from self._schema(f"{where}[]", old[key], new[key], side)
        for key in ("oneOf", "anyOf", "allOf"):
            for number, (one, other) in enumerate(zip(old.get(key, []), new.get(key, []), strict=False)):
                yield from self._schema(f"{where}.{key}.{number}", one, other, side)
            known, now = len(old.get(key, [])), len(new.get(key, []))
            if known and now and (now < known if side == "request" else known < now):
                yield f"{where}: has other forms"

    def _members(self, where: str, old: Json, new: Json, side: Side) -> Iterator[str]:
        known, now = old.get("properties", {}), new.get("properties", {})
        needed, were_needed = set(new.get("required", [])), set(old.get("required", []))
        for name, part in known.items():
            if name not in now:
                yield f"{where}.{name}: is gone"
            else:
                yield from self._schema(f"{where}.{name}", part, now[name], side)
        changed = needed - were_needed if side == "request" else (were_needed - needed) & now.keys()
        for name in sorted(changed):
            yield f"{where}.{name}: " + ("is needed" if side == "request" else "may be missing")
        if (
            side == "request"
            and new.get("additionalProperties") is False
            and old.get("additionalProperties") is not False
        ):
            yield f"{where}: takes no further fields any more"

    def _resolved(self, document: Json, parts: list[Json]) -> list[Json]:
        return [self._deref(document, part) for part in parts]

    def _deref(self, document: Json, part: Json) -> Json:
        while "$ref" in part:
            found: Any = document
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part


def _values(where: str, old: Json, new: Json, side: Side) -> Iterator[str]:
    """What the values of two schemas are like, without what is within them."""
    types = _types(old), _types(new)
    taken, given = types if side == "request" else types[::-1]
    if (given and not taken <= given | ({"integer"} if "number" in given else set())) or (given and not taken):
        yield f"{where}: is {_told(types[1])}, and was {_told(types[0])}"
    if old.get("format") != new.get("format"):
        yield f"{where}: has the format {new.get('format')}, and had {old.get('format')}"
    if old.get("const", new.get("const")) != new.get("const", old.get("const")):
        yield f"{where}: is {new.get('const')!r}, and was {old.get('const')!r}"
    if side == "request":
        yield from _bounds(where, old, new)
    elif "enum" in old and "enum" not in new:
        yield f"{where}: is any value"


def _bounds(where: str, old: Json, new: Json) -> Iterator[str]:
    """Where a request may say less than before."""
    if "enum" in new and not set(map(str, old.get("enum", [object()]))) <= set(map(str, new["enum"])):
        yield f"{where}: takes fewer values"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{where}: has another pattern"
    for key in AT_LEAST:
        if key in new and new[key] > old.get(key, 0 if key != "minimum" else float("-inf")):
            yield f"{where}: {key} is {new[key]}, and was {old.get(key)}"
    for key in AT_MOST:
        if key in new and new[key] < old.get(key, float("inf")):
            yield f"{where}: {key} is {new[key]}, and was {old.get(key)}"


def _types(schema: Json) -> set[str]:
    types = schema.get("type", [])
    return set(types) if isinstance(types, list) else {types}


def _told(types: set[str]) -> str:
    return " or ".join(sorted(types)) or "anything"


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]
