"""Fields that are told, compared with what they have to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

QUANTILES = ("response_time_p50_ms", "response_time_p95_ms")
WITHIN = 0.01
"""What is promised of quantiles; they are rounded to a tenth of a millisecond besides."""

UNORDERED = ("sums",)
"""Maps of counts whose order says nothing. That of all others does: most first."""

SHOWN = 5


@dataclass
class Report:
    """Values compared by what they are of, and the first that differ."""

    compared: Counter[str] = field(default_factory=Counter)
    differing: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(
        self,
        what: str,
        which: str,
        wanted: Mapping[str, Any],
        found: Mapping[str, Any] | None,
        besides: Mapping[str, str] | None = None,
    ) -> None:
        """Every field that either has; a field with fields of its own, by them.

        Args:
            besides: Fields that are no figures, with the reason. Any other that is told and not wanted differs.
        """
        if found is None:
            self.note(what, f"{which} is missing")
            return
        for name in found.keys() - wanted.keys() - (besides or {}).keys():
            if name[0] != "_":
                self.note(what, f"{which}.{name} is told, and no definition covers it")
        for name, value in wanted.items():
            self._add_value(what, f"{which}.{name}", name, value, found.get(name))

    def _add_value(self, what: str, path: str, name: str, wanted: Any, found: Any) -> None:
        if isinstance(wanted, dict) and isinstance(found, dict):
            counts = name not in UNORDERED and all(isinstance(value, int) for value in wanted.values())
            if counts and list(wanted) != list(found) and wanted.keys() == found.keys():
                self.note(what, f"{path}: {list(wanted)} is the order, {list(found)} is told")
            self.add(what, path, wanted, found)
        elif isinstance(wanted, list) and wanted and isinstance(wanted[0], dict) and isinstance(found, list):
            self.add_rows(what, path, wanted, found)
        else:
            self.compared[what] += 1
            if not _equal(name, wanted, found):
                self.note(what, f"{path}: {wanted!r} is defined, {found!r} is told")

    def add_rows(
        self,
        what: str,
        which: str,
        wanted: Sequence[Mapping[str, Any]],
        found: Sequence[Mapping[str, Any]],
        besides: Mapping[str, str] | None = None,
    ) -> None:
        """A list, row by row."""
        self.compared[what] += 1
        if len(wanted) != len(found):
            self.note(what, f"{which}: {len(wanted)} rows are defined, {len(found)} are told")
        for place, row in enumerate(wanted):
            self.add(what, f"{which}[{place}]", row, found[place] if place < len(found) else None, besides)

    def add_all(
        self,
        what: str,
        wanted: Mapping[str, Json],
        found: Mapping[str, Json],
        besides: Mapping[str, str],
    ) -> None:
        """Documents by id. One that is told and not defined differs, too."""
        for which in sorted(wanted.keys() | found.keys()):
            if which in wanted:
                self.add(what, which, wanted[which], found.get(which), besides)
            else:
                self.note(what, f"{which} is told and not defined")

    def note(self, what: str, text: str) -> None:
        self.differing[what] += 1
        if self.differing[what] <= SHOWN:
            self.examples.append(f"{what}: {text}")

    @property
    def is_exact(self) -> bool:
        return not self.differing


def _equal(name: str, wanted: Any, found: Any) -> bool:
    if name in QUANTILES and wanted is not None and found is not None:
        return bool(abs(found - wanted) <= WITHIN * wanted + 0.05)
    return bool(wanted == found)


def table(title: str, report: Report) -> None:
    """Prints what was compared."""
    print(f"\n{title}\n\n| what | values compared | differing |\n|---|---:|---:|")
    for what in sorted(report.compared.keys() | report.differing.keys()):
        print(f"| {what} | {report.compared[what]} | {report.differing[what]} |")
    print(f"| in all | {report.compared.total()} | {report.differing.total()} |", flush=True)
    for example in report.examples:
        print(example, flush=True)
