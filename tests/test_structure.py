"""How the rooms stand to each other: imports go one way, and never in a circle."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("models", "cosmos", "functions")
"""From below: a room imports from itself and from those before it."""

CAPABILITIES = (
    "core",
    "jobs",
    "counting",
    "accounts",
    "organizations",
    "usage",
    "risk",
    "chat",
    "answers",
    "library",
    "analytics",
    "privacy",
    "people",
)
"""From below, in each room: a capability imports from itself and from those before it."""

ROOTS = {"models.kinds", "models.counted", "functions.capabilities", "functions.composition", "functions.rewrapping"}
"""What knows all capabilities, because it puts them together. No capability imports it."""

SETTINGS = "functions.core.settings"
"""The one exception: the settings are one model, of values that capabilities have, read and refused together."""

LOADED = re.compile(r"import_module\(\s*\"([\w.]+)\"")


def modules() -> dict[str, str]:
    """The sources of all modules of the app, by name."""
    found = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = path.read_text(encoding="utf-8")
    return found


def imports(source: str, known: set[str]) -> set[str]:
    """The modules of the app that a module imports, at once or when they are needed."""
    found = set(LOADED.findall(source))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= members & known or {node.module}
    return found & known


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    sources = modules()
    return {name: imports(source, set(sources)) for name, source in sources.items()}


def test_rooms_import_only_from_those_below(graph: dict[str, set[str]]) -> None:
    order = {room: number for number, room in enumerate(ROOMS)}
    wrong = [
        (name, other)
        for name, others in graph.items()
        for other in others
        if order[other.partition(".")[0]] > order[name.partition(".")[0]]
    ]
    assert wrong == []


def capability(module: str) -> str | None:
    """The folder that a module is in; None of what is beside the folders."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in CAPABILITIES else None


def test_every_folder_has_its_place_in_the_order_of_capabilities() -> None:
    folders = {path.parent.name for room in ROOMS for path in (ROOT / room).glob("*/__init__.py")}
    assert folders == set(CAPABILITIES)
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert " < ".join(f"`{name}`" for name in CAPABILITIES) in page.replace("\n", " ")


def test_capabilities_import_only_from_those_below(graph: dict[str, set[str]]) -> None:
    wrong = [
        (name, other)
        for name, others in graph.items()
        for other in others
        if (own := capability(name))
        and (its := capability(other))
        and CAPABILITIES.index(its) > CAPABILITIES.index(own)
        and name != SETTINGS
    ]
    assert wrong == []


def test_capabilities_know_nothing_of_what_puts_them_together(graph: dict[str, set[str]]) -> None:
    assert {name for name, others in graph.items() if others & ROOTS} <= ROOTS


def test_no_module_imports_itself_by_others(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_app_and_the_local_stack_know_nothing_of_each_other() -> None:
    for folder, others in {"local": ROOMS, **dict.fromkeys(ROOMS, ("local", "tests", "bench"))}.items():
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                named = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                assert not {name.partition(".")[0] for name in named} & set(others), path


def test_a_capability_has_the_same_name_in_each_room() -> None:
    folders = {
        room: {path.parent.name for path in (ROOT / room).glob("*/__init__.py")} - {"__pycache__"} for room in ROOMS
    }
    assert folders["cosmos"] <= folders["models"] | folders["functions"]
    assert folders["functions"] <= folders["models"]


BENCH = ("simulation", "recount", "measurements")
"""From below: what plays use of the app, what must come of it, and what compares."""


def test_measurements_stand_on_the_simulation_and_the_recount_and_not_on_each_other() -> None:
    paths = [path for folder in BENCH for path in (ROOT / "bench" / folder).rglob("*.py")]
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths}
    for path, name in names.items():
        own = BENCH.index(name.split(".")[1])
        for other in imports(path.read_text(encoding="utf-8"), set(names.values())):
            its = BENCH.index(other.split(".")[1])
            is_measurement = "def main()" in (ROOT / f"{other.replace('.', '/')}.py").read_text(encoding="utf-8")
            assert its < own or (its == own and not (BENCH[its] == "measurements" and is_measurement)), (name, other)


def test_measurements_are_named_as_they_are_called() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "bench").rglob("*.py"), ROOT / "Makefile"]
    named = {name for page in pages for name in re.findall(r"python -m bench ([a-z_]+)", page.read_text("utf-8"))}
    measurements = {
        path.stem for path in (ROOT / "bench" / "measurements").glob("*.py") if "def main()" in path.read_text()
    }
    assert named == measurements
