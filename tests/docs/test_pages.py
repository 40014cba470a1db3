"""The pages: what they link to exists, and so do the commands that they tell to run."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = {"", "sh", "bash", "console", "shell"}
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def _pages() -> list[Path]:
    """Every page of the project; what is in hidden folders is not its own."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    pages = [*ROOT.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))]
    return sorted(page for page in pages if "node_modules" not in page.parts)


PAGES = _pages()
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
TARGETS = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub names them."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    found: set[str] = set()
    for title in titles:
        slug = re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
        number = next(n for n in range(len(titles)) if (f"{slug}-{n}" if n else slug) not in found)
        found.add(f"{slug}-{number}" if number else slug)
    return found


def broken_links(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    text = page.read_text(encoding="utf-8")
    broken = []
    for link in LINK.findall(BLOCK.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        known = target.suffix != ".md" or not anchor or anchor in anchors(target.read_text(encoding="utf-8"))
        if not target.exists() or not known:
            broken.append(link)
    return broken


def commands(text: str) -> list[str]:
    """The lines of a page's shell blocks that are commands: after a prompt, or all where there is no prompt."""
    found = []
    for language, block in BLOCK.findall(text):
        if language in SHELL:
            lines = [line for line in block.splitlines() if line.strip()]
            prompted = [line[2:] for line in lines if line.startswith("$ ")]
            found += prompted or [line for line in lines if not line[0].isspace()]
    return found


def missing(command: str) -> str | None:
    """The target or module that a command names and that does not exist."""
    made = re.match(r"make ([a-z]+)", command)
    if made and made[1] not in TARGETS:
        return made[1]
    run = re.search(r"(?:^|[\s(])(?:\S*/)?python3? -m ([\w.]+)", command)
    if run and not _is_module(run[1]):
        return run[1]
    return None


def _is_module(name: str) -> bool:
    own = name.partition(".")[0]
    if (ROOT / own).is_dir():
        path = ROOT.joinpath(*name.split("."))
        return path.with_suffix(".py").exists() or (path / "__main__.py").exists()
    return importlib.util.find_spec(own) is not None


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_names_a_target_or_module_that_exists(page: Path) -> None:
    wrong = {command: name for command in commands(page.read_text(encoding="utf-8")) if (name := missing(command))}
    assert wrong == {}


def test_every_command_of_our_own_takes_the_options_that_pages_give_it() -> None:
    """`python -m local <command>` is asked for its help: the options that a page uses are in it."""
    help_of: dict[str, str] = {}
    wrong = []
    for page in PAGES:
        for command in commands(page.read_text(encoding="utf-8")):
            called = re.search(r"python -m local ([a-z]+)((?: [^|#)&]*)?)", command)
            if called is None:
                continue
            if called[1] not in help_of:
                help_of[called[1]] = _help(called[1])
            options = re.findall(r"(?<=\s)--[a-z-]+", called[2])
            wrong += [f"{page.name}: {called[0]}: {option}" for option in options if option not in help_of[called[1]]]
    assert help_of
    assert wrong == []


def _help(command: str) -> str:
    asked = [sys.executable, "-m", "local", command, "--help"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# One thing\n\n## One thing\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](there.md) [b](there.md#one-thing-1) [c](#here) [d](https://example.com/x)\n"
        "[e](gone.md) [f](there.md#two) [g](#there)\n",
        encoding="utf-8",
    )
    assert broken_links(page) == ["gone.md", "there.md#two", "#there"]


def test_a_command_that_names_nothing_is_found() -> None:
    page = "```sh\nmake run\nmake coffee\n```\n```\n$ x=$(.venv/bin/python -m local.nobody)\nprinted\n```\n"
    assert [missing(command) for command in commands(page)] == [None, "coffee", "local.nobody"]
