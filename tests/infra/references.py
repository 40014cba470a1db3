"""Whether what Bicep files name is there: symbols, members, modules, their parameters and outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from tree_sitter import Node

from tests.infra.bicep import Declaration, File, properties, string, text, walk

FUNCTIONS = {
    "any", "array", "concat", "contains", "empty", "environment", "fail", "filter", "first", "flatten", "guid", "int",
    "items", "join", "json", "last", "length", "loadJsonContent", "loadTextContent", "map", "max", "min",
    "newGuid", "objectKeys", "range", "readEnvironmentVariable", "replace", "resourceGroup", "resourceId",
    "split", "string", "subscription", "subscriptionResourceId", "substring", "tenant", "toLower", "toObject",
    "toUpper", "union", "uniqueString", "utcNow",
}  # fmt: skip
"""The functions of Bicep that may be used here; another one is added once it is known to exist."""

OF_RESOURCES = frozenset(
    {"id", "name", "type", "apiVersion", "location", "tags", "properties", "identity", "sku", "kind"}
)


class Resolver:
    """Finds what does not resolve in files that belong together.

    Args:
        files: By resolved path.
    """

    def __init__(self, files: Mapping[Path, File]) -> None:
        self._files = files

    def problems(self) -> list[str]:
        """Each as `file:line: what`."""
        return [
            f"{file.path.name}:{line}: {what}" for file in self._files.values() for line, what in self._problems(file)
        ]

    def _problems(self, file: File) -> Iterator[tuple[int, str]]:
        if file.using is not None:
            yield from self._assigned(file)
        for name, source in file.imports.items():
            imported = self._at(file, source)
            if imported is None or name not in imported.of("variable", "type"):
                yield 1, f"imports {name}, which is not in {source}"
        for module in file.of("module").values():
            yield from self._called(file, module)
        for node in walk(file.root):
            if node.type == "identifier" and _is_reference(node):
                yield from self._symbol(file, node)
            elif node.type == "member_expression":
                yield from self._member(file, node)
            elif node.type == "call_expression":
                yield from _content(file, node)
        yield from self._unused(file)

    def _at(self, file: File, relative: str) -> File | None:
        return self._files.get((file.path.parent / relative).resolve())

    def _assigned(self, file: File) -> Iterator[tuple[int, str]]:
        target = self._at(file, file.using or "")
        if target is None:
            yield 1, f"there is no {file.using}"
            return
        yield from _compared(file.root, set(file.of("variable")), target)

    def _called(self, file: File, module: Declaration) -> Iterator[tuple[int, str]]:
        target, line = self._at(file, module.target), _line(module.node)
        if target is None:
            yield line, f"there is no module {module.target}"
        elif module.body is not None:
            given = properties(module.body).get("params")
            yield from _compared(module.node, set(properties(given)) if given else set(), target)

    def _symbol(self, file: File, node: Node) -> Iterator[tuple[int, str]]:
        name = text(node)
        parent = node.parent
        if parent is not None and parent.type == "call_expression" and parent.named_children[0] == node:
            if name not in FUNCTIONS:
                yield _line(node), f"{name}() is not a known function"
        elif name not in {each.name for each in file.declarations} | set(file.imports) | set(_locals(node)):
            yield _line(node), f"{name} is not declared"

    def _member(self, file: File, node: Node) -> Iterator[tuple[int, str]]:
        base, member = node.named_children[0], text(node.named_children[-1])
        if base.type == "member_expression" and text(base.named_children[-1]) == "outputs":
            module = file.of("module").get(text(base.named_children[0]))
            target = self._at(file, module.target) if module else None
            if target is not None and member not in target.of("output"):
                yield _line(node), f"{target.path.name} has no output {member}"
            return
        known = self._members(file, base)
        if known is not None and member not in known:
            yield _line(node), f"{text(base)} has no {member}"

    def _members(self, file: File, node: Node) -> set[str] | None:
        """What an expression has for members, or None if that can't be told."""
        if node.type == "identifier":
            declared = file.of("resource", "module").get(text(node))
            if declared and declared.kind == "module":
                return {"name", "outputs"}
            if declared:
                return None if declared.body != declared.value else set(OF_RESOURCES)
        return self._fields(file, node)

    def _fields(self, file: File, node: Node) -> set[str] | None:
        found = self._object(file, node)
        return None if found is None else set(found[1])

    def _object(self, file: File, node: Node) -> tuple[File, Mapping[str, Node | None]] | None:
        """The object that an expression stands for: its file and its properties."""
        match node.type:
            case "object":
                return file, properties(node)
            case "identifier":
                return self._of_symbol(file, node)
            case "member_expression":
                return self._of_member(file, node)
            case "subscript_expression":
                return self._of_subscript(file, node)
            case "call_expression":
                return self._of_call(file, node)
        return None

    def _of_symbol(self, file: File, node: Node) -> tuple[File, Mapping[str, Node | None]] | None:
        name = text(node)
        if name in (local := _locals(node)):
            return self._of_element(file, local[name])
        if name in file.imports:
            file = self._at(file, file.imports[name]) or file
        declared = file.of("variable").get(name)
        return self._object(file, declared.value) if declared and declared.value else None

    def _of_element(self, file: File, looped: Node | None) -> tuple[File, Mapping[str, Node | None]] | None:
        if looped is None:
            return None
        if looped.type == "call_expression" and text(looped).startswith("items("):
            return file, {"key": None, "value": None}
        if looped.type == "identifier" and (declared := file.of("variable").get(text(looped))) and declared.value:
            looped = declared.value
        if looped.type == "array":
            return _common(file, [properties(each) for each in looped.named_children if each.type == "object"])
        if "loadJsonContent" in text(looped):
            return _common(file, [dict.fromkeys(each) for each in _loaded(file, looped)])
        return None

    def _of_member(self, file: File, node: Node) -> tuple[File, Mapping[str, Node | None]] | None:
        base = self._object(file, node.named_children[0])
        inner = base[1].get(text(node.named_children[-1])) if base else None
        return self._object(base[0], inner) if base and inner else None

    def _of_subscript(self, file: File, node: Node) -> tuple[File, Mapping[str, Node | None]] | None:
        base = self._object(file, node.named_children[0])
        if base is None or any(each is None or each.type != "object" for each in base[1].values()):
            return None
        return _common(base[0], [properties(each) for each in base[1].values() if each is not None])

    def _of_call(self, file: File, node: Node) -> tuple[File, Mapping[str, Node | None]] | None:
        if text(node.named_children[0]) != "union":
            return None
        parts = [self._object(file, each) for each in node.named_children[1].named_children]
        known = [part for part in parts if part is not None]
        return (known[0][0], {name: value for part in known for name, value in part[1].items()}) if known else None

    def _unused(self, file: File) -> Iterator[tuple[int, str]]:
        if file.using is not None:
            return
        used = {text(node) for node in walk(file.root) if node.type == "identifier" and _is_reference(node)}
        for declared in file.of("parameter", "variable").values():
            if declared.name not in used and "export" not in declared.decorators:
                yield _line(declared.node), f"{declared.name} is not used"


def _content(file: File, node: Node) -> Iterator[tuple[int, str]]:
    """Whether a file that is loaded is there."""
    path = string(next(iter(node.named_children[1].named_children), None))
    if text(node.named_children[0]).startswith("load") and not (file.path.parent / (path or "")).is_file():
        yield _line(node), f"there is no {path}"


def _line(node: Node) -> int:
    return node.start_point.row + 1


def _compared(where: Node, given: set[str], target: File) -> Iterator[tuple[int, str]]:
    parameters = target.of("parameter")
    required = {name for name, each in parameters.items() if each.value is None and "?" not in text(each.node)}
    for name in sorted(given - set(parameters)):
        yield _line(where), f"{target.path.name} has no parameter {name}"
    for name in sorted(required - given):
        yield _line(where), f"{target.path.name} needs the parameter {name}"


def _is_reference(node: Node) -> bool:
    """Whether an identifier stands for something that is declared elsewhere, and not for itself."""
    parent = node.parent
    if parent is None or parent.type in {"import_functionality", "decorator", "metadata_declaration", "type"}:
        return parent is not None and parent.type == "type" and bool(text(node))
    if _inside(node, "decorators"):
        return False
    names_itself = parent.type.endswith("_declaration") or parent.type in {"object_property", "for_statement"}
    if parent.type == "for_statement":
        return node != parent.named_children[0]
    return not (names_itself and node == parent.named_children[0]) and not _is_lambda_parameter(node)


def _is_lambda_parameter(node: Node) -> bool:
    parent = node.parent
    if parent is not None and parent.type == "parenthesized_expression":
        node, parent = parent, parent.parent
    return parent is not None and parent.type == "lambda_expression" and node == parent.named_children[0]


def _inside(node: Node, kind: str) -> bool:
    while node.parent is not None:
        node = node.parent
        if node.type == kind:
            return True
    return False


def _locals(node: Node) -> dict[str, Node | None]:
    """The variables of the loops and lambdas around a node, each with what it loops over."""
    found: dict[str, Node | None] = {}
    while node.parent is not None:
        node = node.parent
        if node.type == "for_statement":
            variable, looped = node.named_children[0], node.named_children[1]
            names = [text(each) for each in walk(variable) if not each.named_children]
            found = {names[0]: looped, **dict.fromkeys(names[1:]), **found}
        elif node.type == "lambda_expression":
            names = [text(each) for each in walk(node.named_children[0]) if each.type == "identifier"]
            found = {**dict.fromkeys(names), **found}
    return found


def _loaded(file: File, node: Node) -> list[Mapping[str, object]]:
    """The objects of `loadJsonContent('path').member`."""
    [path] = [string(each) for each in walk(node) if each.type == "string"]
    source = file.path.parent / (path or "")
    if not source.exists():  # which is a problem of its own
        return []
    content = json.loads(source.read_text(encoding="utf-8"))
    if node.type == "member_expression":
        content = content[text(node.named_children[-1])]
    return list(content)


def _common(file: File, objects: list[dict[str, Node]] | list[dict[str, None]]) -> tuple[File, dict[str, Node | None]]:
    names = set(objects[0]).intersection(*objects) if objects else set()
    return file, {name: objects[0][name] for name in names}
