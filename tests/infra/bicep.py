"""Reads Bicep files into their declarations, with the tree-sitter grammar of the language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_ASSIGNED_PARAMETER = re.compile(rb"^param(?= +\w+ *=)", re.MULTILINE)
"""The grammar takes the value of `param name = value` in a `.bicepparam` for a type. As a variable it is read right."""


@dataclass(frozen=True)
class Declaration:
    """A declaration of a file: of a parameter, variable, type, output, resource or module."""

    kind: str
    name: str
    node: Node
    decorators: frozenset[str] = frozenset()
    target: str = ""
    """Of a resource its `type@version`, of a module its path as written."""

    existing: bool = False
    """A resource that is declared elsewhere."""

    @property
    def value(self) -> Node | None:
        """The expression that is assigned, or of a parameter its default."""
        last = self.node.named_children[-1]
        return None if last.type in {"type", "identifier"} else last

    @property
    def body(self) -> Node | None:
        """The object of a resource or module, without the condition or loop around it."""
        node = self.value
        while node is not None and node.type in {"if_statement", "for_statement"}:
            node = node.named_children[-1]
        return node if node is not None and node.type == "object" else None


@dataclass
class File:
    path: Path
    root: Node
    declarations: list[Declaration] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)
    """What is imported, and the path as written from where."""

    using: str | None = None
    """The file that a parameters file is for."""

    def of(self, *kinds: str) -> dict[str, Declaration]:
        return {each.name: each for each in self.declarations if each.kind in kinds}


def text(node: Node) -> str:
    return (node.text or b"").decode()


def string(node: Node | None) -> str | None:
    """A string as it is written, without quotes; None for anything else."""
    return text(node)[1:-1] if node is not None and node.type == "string" else None


def properties(node: Node) -> dict[str, Node]:
    """An object's properties by name. A name that is an expression is kept as it is written."""
    pairs = [child.named_children for child in node.named_children if child.type == "object_property"]
    return {string(pair[0]) or text(pair[0]): pair[-1] for pair in pairs}


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.named_children:
        yield from walk(child)


def syntax_errors(file: File) -> list[str]:
    """Where the grammar does not understand the file: `name:line`."""
    if not file.root.has_error:
        return []
    nodes = [node for node in _all(file.root) if node.is_error or node.is_missing]
    return [f"{file.path.name}:{node.start_point.row + 1}: syntax" for node in nodes]


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)


def read(path: Path) -> File:
    """A `.bicep` or `.bicepparam` file. Syntax errors are left for `syntax_errors`."""
    source = path.read_bytes()
    if path.suffix == ".bicepparam":
        source = _ASSIGNED_PARAMETER.sub(b"var", source)
    file = File(path, _PARSER.parse(source).root_node)
    decorators: frozenset[str] = frozenset()
    for node in file.root.named_children:
        if node.type == "decorators":
            decorators = frozenset(text(each) for each in walk(node) if each.type == "identifier")
            continue
        _take(file, node, decorators)
        decorators = frozenset()
    return file


def expression(value: object) -> Node:
    """A value of JSON as the expression that it would be in Bicep."""
    return _PARSER.parse(f"var value = {_written(value)}\n".encode()).root_node.named_children[0].named_children[-1]


def _written(value: object) -> str:
    match value:
        case dict():
            return "{\n" + "".join(f"{_written(name)}: {_written(each)}\n" for name, each in value.items()) + "}"
        case list():
            return "[\n" + "".join(f"{_written(each)}\n" for each in value) + "]"
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${") + "'"
        case _:
            return json.dumps(value)


def read_all(folder: Path) -> dict[Path, File]:
    """Every Bicep file below the folder, by its resolved path."""
    paths = sorted([*folder.rglob("*.bicep"), *folder.rglob("*.bicepparam")])
    return {path.resolve(): read(path.resolve()) for path in paths}


def _take(file: File, node: Node, decorators: frozenset[str]) -> None:
    children = node.named_children
    if node.type == "import_functionality":
        source = string(children[-1]) or ""
        file.imports |= {text(child): source for child in children if child.type == "identifier"}
    elif node.type == "using_statement":
        file.using = string(children[0])
    elif node.type.endswith("_declaration") and node.type != "metadata_declaration":
        kind = node.type.removesuffix("_declaration")
        target = string(children[1]) or "" if kind in {"resource", "module"} else ""
        existing = any(child.type == "existing" for child in node.children)
        file.declarations.append(Declaration(kind, text(children[0]), node, decorators, target, existing))
